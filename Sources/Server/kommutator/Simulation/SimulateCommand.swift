import ArgumentParser
import Connector
import HTTPClient
import VendorSimulators

/// `kommutator simulate`: sends what a vendor would send, and checks the answers.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Send what a vendor would send, signed and in order, and check the answers.",
        discussion: """
            Without --connection the settings of the demonstration sign (serve --demo), each overridden by an environment variable:
            KOMMUTATOR_SIMULATE_API_SALT for api_salt. Identifiers and times are new in each run.
            Beeline signs nothing: its demonstration listens on demo-beeline/demo-beeline-token.

            EXAMPLES (with HOOKS=http://127.0.0.1:8080/hooks)
              One missed call, at the vendor's pace:
                kommutator simulate mango --scenario inbound-missed --to $HOOKS/demo-mango
              Everything Zadarma may send, ten times as fast:
                kommutator simulate zadarma --speed 10 --to $HOOKS/demo-zadarma
              With adapters.d/sales.yaml; /hooks/sales and its url_token are added:
                kommutator simulate mango --connection sales --to http://127.0.0.1:8080
              Load, 500 calls a second for two minutes:
                kommutator simulate mango --rate 500 --calls 60000 --to $HOOKS/demo-mango
              Some 10,000 requests for a load driver:
                kommutator simulate mango --calls 1700 --dump FILE --to $HOOKS/demo-mango

            With --serve the vendor's API is made up as well: give the connection `base_url: http://127.0.0.1:PORT`. Calls that are
            ordered there send their webhooks to --to (Beeline's to those who subscribed). Numbers that end in 17 are busy, in 19
            nobody answers. With --calls, --rate or --scenario it plays calls that nobody ordered besides: its log and its
            recordings know them, and it asks how they are to be routed where the vendor does.
              kommutator simulate mango --serve 8090 --lose 5% --to $HOOKS/demo-mango
              kommutator simulate zadarma --serve 8091 --calls 400 --rate 2 --mixed --truth FILE --to $HOOKS/demo-zadarma
            MultiFon's routing API knows the numbers of the connection's file: those that end in 17 stand at the phone, in 18 are
            blocked, in 19 have no MultiFon.
              kommutator simulate multifon --connection megafon --serve 8092
            Asterisk has no API but its manager interface: --serve plays that, on plain TCP, and nothing is sent to --to. Its user is
            the connection's, else gateway with demo-secret; telephones are 100 to 199. --hang is the share of connections never
            greeted, --lose that of events never told.
              kommutator simulate asterisk --serve 5038 --rate 2 --mixed --restart 600 --truth FILE

            EXIT STATUS
              0 all answers as the vendor expects, 64 wrong usage, 69 requests without answer, 76 unexpected answers, 78 settings.

            \(vendorTable)
            """)

    @Argument(help: "Who sends: \(vendorNames).")
    var vendor: String

    @Option(help: "A scenario, or all; may be given several times, then they are played in turn.")
    var scenario: [String] = ["all"]

    @Option(name: .customLong("to"), help: "The address of the connection's entrance. Only with --serve it may be left away.")
    var target: String?

    @Option(help: "Play the vendor's API on this port of the loopback (0 takes a free one) instead of sending scenarios.")
    var serve: UInt16?

    @OptionGroup(title: "With --serve")
    var faults: FaultOptions

    @OptionGroup(title: "With --serve")
    var asterisk: AsteriskPlayOptions

    @Option(
        help: "Calls that begin in a second; their requests then follow each other without waiting. Default: all begin at once.")
    var rate: Double?

    @Option(help: "How many calls. Default: one of each scenario.")
    var calls: Int?

    @Option(help: "Times as fast as the vendor. Default: 1, or no waiting where --rate or --dump is given.")
    var speed: Double?

    @Option(help: "Calls at the same time; further ones wait.")
    var concurrency = 256

    @Option(help: "Sign with the settings of this connection.")
    var connection: String?

    @Option(help: "The folder of connections.")
    var adapters = "adapters.d"

    @Option(help: "Tells runs apart: the same seed has the same identifiers. Default: a new one.")
    var seed: UInt64?

    @Option(help: "text or json.")
    var output = SimulationOutput.text

    @Option(help: "Write the requests to this file (- is the standard output), one JSON object a line, and send nothing.")
    var dump: String?

    func validate() throws {
        if serve != nil { return try validateServing() }
        try require(
            target != nil && !faults.isGiven && !asterisk.isGiven,
            "give --to, and --truth, --mixed and what is to go wrong with --serve only")
        guard let vendor = VendorSimulators.simulator(for: vendor) else {
            throw ValidationError("there is no vendor `\(vendor)`; there are \(Self.vendorNames)")
        }
        try checkScenarios(vendor.scenarios)
        try require(rate.map { $0 > 0 && $0.isFinite }, "--rate is a number of calls a second, above 0")
        try require(speed.map { $0 > 0 && $0.isFinite }, "--speed is how many times as fast, above 0")
        try require(calls.map { $0 > 0 }, "--calls is at least 1")
        try require((1...10_000).contains(concurrency), "--concurrency is 1 to 10000")
    }

    func run() async throws {
        if let serve { return try await playDouble(on: serve) }
        guard let vendor = VendorSimulators.simulator(for: vendor) else { return }
        let settings = try SimulationSettings.read(
            vendor: vendor.adapter, connection: connection, folder: adapters, target: target)
        let scenarios = chosenScenarios(vendor.scenarios)
        let isPaced = speed != nil || (rate == nil && dump == nil)
        let plan = SimulationPlan(
            try settings.simulator(vendor), scenarios: scenarios, calls: calls ?? scenarios.count, rate: rate,
            speed: isPaced ? speed ?? 1 : nil, seed: seed ?? .random(in: 0 ... .max))
        if let dump { return try SimulationDump(plan, path: settings.path).write(to: dump) }
        guard let address = settings.address else { return }
        try await play(plan, at: address)
    }

    private func play(_ plan: SimulationPlan, at address: String) async throws {
        var limits = OutgoingHTTPConfiguration()
        limits.connectionsPerHost = concurrency
        limits.keptConnections = concurrency
        let client = try OutgoingHTTP(limits, name: "simulate")
        let runner = SimulationRunner(
            plan, target: address, over: client, concurrency: concurrency, clock: ContinuousClock(), timekeeper: SystemClock())
        let report = await SimulationProgressLine.show { progress in
            await withTaskExecutorPreference(client.loop) { await runner.run(progress) }
        }
        await client.shutdown()
        Console.say(output == .json ? String(decoding: report.json, as: UTF8.self) : report.text)
        guard report.isGood else { throw report.tally.unexpected > 0 ? SystemExit.protocolBroken : SystemExit.unavailable }
    }

    private func checkScenarios(_ scenarios: [Scenario]) throws {
        for name in scenario where name != "all" && !scenarios.contains(where: { $0.rawValue == name }) {
            let names = scenarios.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\(self.vendor) has no scenario `\(name)`; it has \(names), and all")
        }
    }

    private func chosenScenarios(_ scenarios: [Scenario]) -> [Scenario] {
        scenario.contains("all") ? scenarios : scenario.compactMap(Scenario.init(rawValue:))
    }

    private var isAsterisk: Bool { vendor == AsteriskDouble.adapter }

    private func validateServing() throws {
        let names = (VendorDoubles.doubles.map { $0.adapter } + [AsteriskDouble.adapter]).joined(separator: ", ")
        let isPlayed = isAsterisk || VendorDoubles.double(for: vendor) != nil
        try require(isPlayed, "nobody plays the API of `\(vendor)`; there are \(names)")
        try require(isAsterisk || !asterisk.isGiven, "--restart, --crash, --away, --read, --write and --trace are Asterisk's")
        try require(speed.map { $0 > 0 && $0.isFinite }, "--speed is how many times as fast, above 0")
        try require(rate.map { $0 > 0 && $0.isFinite }, "--rate is a number of calls a second, above 0")
        try require(calls.map { $0 > 0 }, "--calls is at least 1")
        try require(dump == nil, "--dump does not go with --serve")
        try checkScenarios(playable)
    }

    private func playDouble(on port: UInt16) async throws {
        if isAsterisk { return try await playAsterisk(on: port) }
        guard let vendor = VendorDoubles.double(for: vendor) else { return }
        let settings = try SimulationSettings.read(
            vendor: vendor.adapter, connection: connection, folder: adapters, target: target)
        let seed = seed ?? .random(in: 0 ... .max)
        try await DoubleService(
            settings: settings, faults: faults.faults, speed: speed ?? 1, seed: seed, plan: plan(seed), truth: faults.truth
        )
        .run(vendor, on: port)
    }

    private func playAsterisk(on port: UInt16) async throws {
        let settings = try SimulationSettings.read(vendor: vendor, connection: connection, folder: adapters, target: nil)
        let seed = seed ?? .random(in: 0 ... .max)
        try await AsteriskService(
            options: asterisk.options(settings.adapter, faults.faults, speed: speed ?? 1), seed: seed, plan: plan(seed),
            truth: faults.truth, trace: asterisk.trace
        )
        .run(on: port)
    }

    /// What the vendor can be made to play.
    private var playable: [Scenario] {
        isAsterisk ? AsteriskDouble.scenarios : VendorSimulators.simulator(for: vendor)?.scenarios ?? []
    }

    /// Calls are played where any were asked for.
    private func plan(_ seed: UInt64) -> DoublePlan? {
        guard calls != nil || rate != nil || !scenario.contains("all") else { return nil }
        // The vendor's test of our address is no call.
        let scenarios = chosenScenarios(playable).filter { $0 != .connectionCheck }
        return DoublePlan(
            scenarios, calls: calls ?? (rate == nil ? scenarios.count : .max), rate: rate, isMixed: faults.mixed, seed: seed)
    }

    private func require(_ holds: Bool?, _ message: String) throws {
        if holds == false { throw ValidationError(message) }
    }

    private static var vendorNames: String { VendorSimulators.simulators.map { $0.adapter }.joined(separator: ", ") }

    private static var vendorTable: String {
        let lines = VendorSimulators.simulators.map { simulator in
            "  \(simulator.adapter): \(simulator.scenarios.map(\.rawValue).joined(separator: ", "))"
        }
        return (["SCENARIOS"] + lines).joined(separator: "\n")
    }
}

/// How the outcome is written.
enum SimulationOutput: String, ExpressibleByArgument, CaseIterable {
    case text, json
}
