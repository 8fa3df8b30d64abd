import ArgumentParser
import Gateway

/// `kommutator check`: every file of adapters.d, and the server's own.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the settings, and say what to mend.",
        discussion: """
            Each problem names file, line and column. Exit code 78 where there is one.

            Examples:
              kommutator check
              kommutator check --adapters /etc/kommutator/adapters.d
            """)

    @OptionGroup var server: ServerOptions

    func run() throws {
        let (entries, loose) = House.directory(try server.load()).read()
        for entry in entries {
            let state = !entry.problems.isEmpty ? "wrong" : entry.settings.isEnabled ? "ok" : "disabled"
            Console.say("\(entry.id)  \(entry.kind?.descriptor.name ?? "?")  \(state)")
        }
        let problems = loose + entries.flatMap(\.problems)
        for problem in problems { Console.complain(problem.description) }
        if !problems.isEmpty { throw SystemExit.configuration }
    }
}
