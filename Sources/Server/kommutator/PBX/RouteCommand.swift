import AdapterKit
import ArgumentParser
import Connector
import Gateway
import Numbering
import PBXPlan

/// `kommutator route`: which way a call would take, by the file alone.
struct RouteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Tell which trunks a call would take, or whom it would ring, and why.",
        discussion: """
            Reads the plan of the PBX in adapters.d; no gateway need run, and no call is made. How trunks stand is not known here: one counts as usable where its connection is enabled, and any does where the PBX itself is not. `GET /api/v1/routes/preview` asks the gateway that runs. Exit code 69 where the call would be refused, 78 where the file has problems.

            Examples:
              kommutator route +79000000001
              kommutator route 89000000001 --from 101 --at 2026-12-01T22:30
              kommutator route 200 --from 101              a number of the house
              kommutator route +79000000010 --incoming     whom a call to it rings
              kommutator route +79000000001 --output json | jq .trunks
            """)

    @Argument(help: "What is dialled; with --incoming, our number that is called.") var number: String
    @Option(help: "The extension that calls; the house itself where absent.") var from: String?
    @Option(help: "The moment: 2026-12-01T10:00 by the plan's clock, or with a zone; now where absent.") var at: String?
    @Flag(help: "A call from outside to that line.") var incoming = false
    @Option(help: "With --incoming: the trunk on which the call comes.") var trunk: String?
    @Option(help: "The PBX's name in adapters.d, where there are several.") var connection: String?
    @Option(help: "text or json.") var output = OutputStyle.text
    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard incoming || trunk == nil else { throw ValidationError("--trunk goes with --incoming") }
        guard !incoming || from == nil else { throw ValidationError("--from means nothing with --incoming") }
        guard number.utf8.count <= 64 else { throw ValidationError("that is too long for a number") }
    }

    func run() throws {
        let settings = try server.load()
        let (entries, _) = House.directory(settings).read()
        let entry = try choose(from: entries)
        let plan = try plan(of: entry)
        let standings = entry.settings.isEnabled ? standings(of: plan, entries) : [:]
        let question = RoutePreviewQuestion(
            incoming ? .inbound : .outbound, number, from: from, trunk: trunk, at: try moment(plan.zone))
        let preview = PlanPreview(
            plan, of: entry.id, home: entry.settings.profile.defaultCountry, numbering: WorldNumberingPlan(),
            standings: standings
        ).answer(question)
        switch output {
        case .text: for line in RouteTable(preview, zone: plan.zone).lines { Console.say(line) }
        case .json: Console.say(String(decoding: preview.json.encoded, as: UTF8.self))
        }
        if preview.outcome == .refused { throw SystemExit.unavailable }
    }

    private func choose(from entries: [ConnectionDirectory.Entry]) throws -> ConnectionDirectory.Entry {
        let all = entries.filter { PlanFile.isOne($0.kind?.descriptor) }
        let named = all.filter { connection == nil || $0.id.name == connection }
        let enabled = named.filter(\.settings.isEnabled)
        // One that is only being written may be tried, too.
        let chosen = enabled.isEmpty ? named : enabled
        if chosen.count == 1, let entry = chosen.first { return entry }
        if chosen.isEmpty {
            Console.complain("kommutator: no file of adapters.d has \(connection.map { "the PBX `\($0)`" } ?? "a PBX")")
            Console.complain("  adapters.d/sample-pbx.yaml shows how one is described")
        } else {
            let names = chosen.map(\.id.name).joined(separator: ", ")
            Console.complain("kommutator: which PBX? Name one with --connection: \(names)")
        }
        throw SystemExit.configuration
    }

    private func plan(of entry: ConnectionDirectory.Entry) throws -> DialPlan {
        // Where the file as a whole cannot be read, that is what to tell.
        guard entry.settings.section != nil || entry.problems.isEmpty else {
            for problem in entry.problems { Console.complain(problem.description) }
            throw SystemExit.configuration
        }
        do {
            return try PlanFile.plan(of: entry.settings)
        } catch let error as SettingTreeError {
            for found in error.problems {
                Console.complain(
                    ConfigurationProblem(
                        file: entry.file, line: found.place.line, column: found.place.column, problem: found.problem,
                        hint: found.hint
                    ).description)
            }
        } catch {
            Console.complain("\(entry.file): \(error)")
        }
        throw SystemExit.configuration
    }

    /// Of a plan that is only being written, trunks need not be there yet.
    private func standings(of plan: DialPlan, _ entries: [ConnectionDirectory.Entry]) -> [String: TrunkStanding] {
        TrunkStandings(plan) { id in
            TrunkStandings.State(entries.first { $0.id == id }.map { ($0.settings.isEnabled, $0.problems.isEmpty) })
        }.byName
    }

    /// A moment with its zone, or a local time with or without seconds.
    private func moment(_ zone: LocalZone) throws -> Instant {
        guard let at else { return SystemClock().now() }
        let local = at.utf8.count == 16 ? at + ":00" : at
        if let moment = Instant(rfc3339: at) ?? LocalTimestamp.parse(local, in: zone) { return moment }
        throw ValidationError("--at takes a moment like 2026-12-01T10:00 or 2026-12-01T10:00:00+03:00")
    }
}
