import ArgumentParser
import Connector
import Gateway
import SQLiteJournal

/// `kommutator calls`: the call log at the terminal.
struct CallsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calls", abstract: "Show or export the call log.", subcommands: [Tail.self, Export.self],
        defaultSubcommand: Tail.self)

    struct Tail: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The latest calls, newest first.",
            discussion: """
                Examples:
                  kommutator calls
                  kommutator calls tail --limit 100 --output json
                """)

        @Option(help: "How many.") var limit = 20
        @Option(help: "Whose calls.") var tenant = "default"
        @Option(help: "text or json (one call a line).") var output = OutputStyle.text
        @OptionGroup var server: ServerOptions

        func validate() throws {
            guard (1...1000).contains(limit) else { throw ValidationError("--limit takes 1 to 1000") }
        }

        func run() throws {
            let reader = try CallLog.reader(try server.load())
            for call in try reader.calls(CallQuery(tenant: TenantID(tenant), limit: limit)) {
                CallLog.print(call, output)
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Every call as one JSON object a line, newest first.",
            discussion: """
                Example:
                  kommutator calls export --from 2026-11-01T00:00:00Z > calls.ndjson
                """)

        @Option(help: "Only calls that started at this moment or later (RFC 3339).") var from: String?
        @Option(help: "Only calls that started before (RFC 3339).") var to: String?
        @Option(help: "Whose calls.") var tenant = "default"
        @OptionGroup var server: ServerOptions

        func run() throws {
            let reader = try CallLog.reader(try server.load())
            var query = CallQuery(tenant: TenantID(tenant), limit: 500)
            query.startedFrom = try moment(from, "--from")
            query.startedTo = try moment(to, "--to")
            while true {
                let page = try reader.calls(query)
                for call in page { CallLog.print(call, .json) }
                guard page.count == query.limit, let last = page.last else { return }
                query.after = (last.startedAt, last.id)
            }
        }

        private func moment(_ text: String?, _ flag: String) throws -> Instant? {
            guard let text else { return nil }
            guard let moment = Instant(rfc3339: text) else {
                throw ValidationError("\(flag) takes a moment like 2026-11-02T10:15:20Z")
            }
            return moment
        }
    }
}

/// Reading the log beside a running gateway: a reader needs no lock.
private enum CallLog {
    static func reader(_ settings: ServerSettings) throws -> SQLiteReader {
        do {
            return try SQLiteJournal.reader(directory: settings.data)
        } catch {
            Console.complain("kommutator: \(error)")
            throw SystemExit.unavailable
        }
    }

    static func print(_ call: StoredCall, _ output: OutputStyle) {
        switch output {
        case .json: Console.write(call.body + [UInt8(ascii: "\n")])
        case .text: Console.say(line(call))
        }
    }

    private static func line(_ call: StoredCall) -> String {
        guard let record = try? JSONValue(parsing: call.body) else { return "\(call.id)  (unreadable)" }
        let number = record["external_party"]?["number"]?["e164"]?.string
        let fields = [
            record["started_at"]?.string, record["connection_id"]?.string, record["direction"]?.string, number,
            record["owner_user_id"]?.string, record["disposition"]?.string ?? record["state"]?.string,
            record["talk_ms"]?.int.map { "\($0 / 1000) s" }, call.id.description,
        ]
        return fields.map { $0 ?? "-" }.joined(separator: "  ")
    }
}
