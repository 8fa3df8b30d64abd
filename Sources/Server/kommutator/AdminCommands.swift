import ArgumentParser
import Connector
import Gateway
import Threading

/// Puts a request to the running gateway, or carries it out here where none runs.
enum Admin {
    /// - Parameter patience: how long a gateway that runs may take.
    static func ask(
        _ request: JSONValue, settings: ServerSettings, patience: Duration = .seconds(30)
    ) async throws -> JSONValue {
        let answer: JSONValue
        do {
            if let running = try AdminSocket.ask(request, data: settings.data, patience: patience) {
                answer = running
            } else {
                answer = try await perform(request, settings)
            }
        } catch {
            Console.complain("kommutator: \(error)")
            throw SystemExit.unavailable
        }
        guard answer["ok"]?.bool == true else {
            Console.complain("kommutator: \(answer["error"]?.string ?? "the gateway gave no answer")")
            throw SystemExit.data
        }
        return answer
    }

    /// Builds the house on this process's own lock, without listening.
    private static func perform(_ request: JSONValue, _ settings: ServerSettings) async throws -> JSONValue {
        let house = try House(settings, log: SilentLog())
        house.registry.reload()
        let ledger = house.ledger
        _ = try SystemThread(named: "ledger") { ledger.run() }
        let answer = await AdminService(house: house).answer(request.encoded)
        await house.close(deadline: .seconds(1))
        return try JSONValue(parsing: answer)
    }
}

/// `kommutator key`: who may use the CRM's API.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make, list and revoke keys of the CRM's API.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key; it is the last line of standard output, and shown only once.",
            discussion: """
                Examples:
                  kommutator key create --name crm --scope read,command
                  KEY=$(kommutator key create --name crm | tail -n 1)
                """)

        @Option(help: "What the key is for.")
        var name: String

        @Option(help: "What it may do: read, command, admin, with commas between.")
        var scope = "read"

        @Option(help: "Whose calls it may see.")
        var tenant = "default"

        @OptionGroup var server: ServerOptions

        func run() async throws {
            let answer = try await Admin.ask(
                ["do": "key.create", "name": .string(name), "scopes": .string(scope), "tenant": .string(tenant)],
                settings: try server.load())
            Console.complain("key \(answer["id"]?.string ?? "") for \(name); keep it, it is not shown again")
            Console.say(answer["secret"]?.string ?? "")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keys; their secrets are kept nowhere.")

        @OptionGroup var server: ServerOptions
        @Option(help: "text or json.") var output = OutputStyle.text

        func run() async throws {
            let answer = try await Admin.ask(["do": "key.list"], settings: try server.load())
            let keys = answer["keys"]?.elements ?? []
            if output == .json { return Console.say(String(decoding: JSONValue.array(keys).encoded, as: UTF8.self)) }
            for key in keys {
                let fields = ["id", "name", "tenant", "scopes", "created_at", "revoked_at"].map { key[$0]?.string ?? "-" }
                Console.say(fields.joined(separator: "  "))
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a key; it stops working within seconds.")

        @Argument(help: "The key's id, as `key list` shows it.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            _ = try await Admin.ask(["do": "key.revoke", "id": .string(id)], settings: try server.load())
            Console.complain("revoked \(id)")
        }
    }
}

/// How results are printed.
enum OutputStyle: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// `kommutator replay`: read raw requests again after a fix.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Decode raw requests of the inbox again, after a fix.",
        discussion: """
            Examples:
              kommutator replay --state undecoded --dry-run
              kommutator replay --connection sales-mango
              kommutator replay --record raw_01932f0a-7d3c-7abc-9def-0123456789ab
            """)

    @Option(help: "Only this connection's.") var connection: String?
    @Option(help: "Only records in this state: decoded, ignored, undecoded.") var state: String?
    @Option(help: "Only this record.") var record: String?
    @Flag(help: "Say what would change, and change nothing.") var dryRun = false
    @Option(help: "text or json.") var output = OutputStyle.text
    @OptionGroup var server: ServerOptions

    func run() async throws {
        var request: [JSONValue.Member] = [.init("do", "replay"), .init("dry_run", .bool(dryRun))]
        for (name, value) in [("connection", connection), ("state", state), ("record", record)] {
            if let value { request.append(.init(name, .string(value))) }
        }
        // A whole inbox takes its time. The gateway goes on with what was begun, whoever waits.
        let answer = try await Admin.ask(.object(request), settings: try server.load(), patience: .seconds(3600))
        if output == .json { return Console.say(String(decoding: answer.encoded, as: UTF8.self)) }
        let counts = ["records", "decoded", "ignored", "undecoded"].map { "\($0) \(answer[$0]?.int ?? 0)" }
        Console.say(counts.joined(separator: ", "))
        let calls = answer["changed_calls"]?.elements.compactMap(\.string) ?? []
        Console.say("\(calls.count) calls \(dryRun ? "would change" : "changed")")
        for call in calls { Console.say("  \(call)") }
    }
}
