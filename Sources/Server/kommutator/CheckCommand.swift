import ArgumentParser
import Connector
import Gateway
import Numbering

/// `kommutator check`: every file of adapters.d, and the server's own.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the settings, and say what to mend.",
        discussion: """
            The examples that a described vendor's file holds are run. Each problem names file, line and column. Exit code 78 where there is one; a note is none.

            Examples:
              kommutator check
              kommutator check --config /etc/kommutator/kommutator.yaml
              kommutator check --output json | jq .problems
            """)

    @Option(help: "text, or json: one object with `ok`, `connections`, `problems` and `notes`.") var output = OutputStyle.text
    @OptionGroup var server: ServerOptions

    func run() throws {
        let report = CheckReport(server.read())
        switch output {
        case .text:
            for connection in report.connections { Console.say(connection.line) }
            for problem in report.problems { Console.complain(problem.description) }
            for note in report.notes { Console.complain("note: \(note.description)") }
        case .json: Console.say(String(decoding: report.json.encoded, as: UTF8.self))
        }
        if !report.isGood { throw SystemExit.configuration }
    }
}

/// What was found in the settings.
private struct CheckReport {
    /// One file of adapters.d.
    struct Connection {
        var id: String
        var file: String
        var adapter: String?
        var state: String

        init(_ entry: ConnectionDirectory.Entry) {
            id = entry.id.name
            file = entry.file
            adapter = entry.kind?.descriptor.name
            state = !entry.problems.isEmpty ? "wrong" : entry.settings.isEnabled ? "ok" : "disabled"
        }

        var line: String { "\(id)  \(adapter ?? "?")  \(state)" }

        var json: JSONValue {
            [
                "id": .string(id), "file": .string(file), "adapter": adapter.map { .string($0) } ?? .null,
                "state": .string(state),
            ]
        }
    }

    let connections: [Connection]
    let problems: [ConfigurationProblem]
    let notes: [ConfigurationProblem]

    var isGood: Bool { problems.isEmpty }

    init(_ server: ServerSettings.Loaded) {
        let context = AdapterContext(plans: PlanFile.desk(server.settings.adapters))
        let (read, loose) = House.directory(server.settings, context).read()
        let numbering = WorldNumberingPlan()
        let entries = read.map { $0.withExamplesRun(numbering).withTrunksSought(among: read) }
        connections = entries.map(Connection.init)
        problems = server.problems + loose + entries.flatMap(\.problems)
        notes = server.notes
    }

    var json: JSONValue {
        [
            "ok": .bool(isGood), "connections": .array(connections.map(\.json)), "problems": .array(problems.map(\.json)),
            "notes": .array(notes.map(\.json)),
        ]
    }
}

extension ConnectionDirectory.Entry {
    /// The entry with what its examples, run, did not come out as.
    fileprivate func withExamplesRun(_ numbering: any NumberingPlan) -> Self {
        guard let adapter, !adapter.examples.isEmpty else { return self }
        var entry = self
        entry.problems += ExampleRun(adapter, profile: settings.profile, numbering: numbering).problems().map { found in
            ConfigurationProblem(
                file: file, line: found.place.line, column: found.place.column, problem: found.problem, hint: found.hint)
        }
        return entry
    }
}

extension ConnectionDirectory.Entry {
    /// The entry with the trunks that its plan names and nobody has.
    fileprivate func withTrunksSought(among all: [Self]) -> Self {
        var entry = self
        entry.problems += PlanFile.problems(self, among: all)
        return entry
    }
}

extension ConfigurationProblem {
    /// `line` and `column` from 1; both null where the file as a whole is meant.
    fileprivate var json: JSONValue {
        [
            "file": .string(file), "line": line > 0 ? .number("\(line)") : .null,
            "column": line > 0 ? .number("\(column)") : .null, "problem": .string(problem), "hint": .string(hint),
        ]
    }
}
