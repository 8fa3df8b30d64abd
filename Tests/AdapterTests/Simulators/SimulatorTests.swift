import AdapterCatalog
import AdapterConformance
import Connector
import Testing
import VendorSimulators

@Suite struct SimulatorTests {
    static let plays: [(adapter: String, scenario: Scenario)] = VendorSimulators.simulators.flatMap { simulator in
        simulator.scenarios.map { (simulator.adapter, $0) }
    }

    static let start = Instant(unixSeconds: 1_795_000_000)

    private static let settings = [
        "beeline": ["token": "some-token"],
        "mango": ["api_key": "some-key", "api_salt": "some-salt"],
        "megafon-vats": ["crm_token": "some-token", "base_url": "https://demo.megapbx.ru"],
        "zadarma": ["key": "some-key", "secret": "some-secret", "time_zone": "Asia/Yekaterinburg"],
    ]

    private func settings(of adapter: String) -> AdapterSettings {
        AdapterSettings(connection: ConnectionID(adapter), values: Self.settings[adapter] ?? [:])
    }

    private func call(_ adapter: String, _ scenario: Scenario, seed: UInt64 = 1) throws -> SimulatedCall {
        let simulator = try #require(VendorSimulators.simulator(for: adapter))
        return try #require(
            try simulator.init(settings: settings(of: adapter)).call(scenario, startingAt: Self.start, seed: seed))
    }

    @Test(arguments: plays)
    func `the adapter lets every step in, is content with the answer, and reads it`(adapter: String, scenario: Scenario) throws {
        let type = try #require(AdapterCatalog.adapter(named: adapter))
        let instance = try type.init(settings: settings(of: adapter))
        var events: [CallEvent] = []
        for step in try call(adapter, scenario).steps {
            let raw = record(step)
            switch raw.withRequest({ instance.makeAuthenticator().authenticate($0) }) {
            case .refuse(let status, let reason): Issue.record("refused with \(status): \(reason)")
            case .handshake(let answer), .accept(let answer): #expect(step.accepts(status: answer.status, body: answer.body))
            }
            for case .call(let event) in instance.makeDecoder().decode(raw) { events.append(event) }
        }
        guard scenario != .connectionCheck else { return }
        #expect(Self.areOneCall(events))
        #expect(Set(events.map(\.id)).count == events.count)
        #expect(events.contains { $0.ending != nil || $0.leg?.phase == .ended })
        let beginnings = events.compactMap(\.facts.startedAt)
        #expect((beginnings.min() ?? Self.start) == Self.start)
    }

    /// Whether the names of the events join them, whatever their order.
    private static func areOneCall(_ events: [CallEvent]) -> Bool {
        var known = Set(events.first?.keys ?? [])
        for _ in events {
            for event in events where !known.isDisjoint(with: event.keys) { known.formUnion(event.keys) }
        }
        return events.allSatisfy { !known.isDisjoint(with: $0.keys) }
    }

    @Test(arguments: plays)
    func `another seed is another call, the same seed the same`(adapter: String, scenario: Scenario) throws {
        #expect(try call(adapter, scenario) == call(adapter, scenario))
        guard !(adapter == "mango" && scenario == .connectionCheck) else { return }
        #expect(try call(adapter, scenario, seed: 1) != call(adapter, scenario, seed: 2))
    }

    @Test func `a call can be played faster`() throws {
        let call = try call("mango", .inboundAnswered)
        #expect(call.duration == .seconds(75))
        #expect(call.compressed(by: 10).duration == .milliseconds(7500))
        #expect(call.compressed(by: 0) == call)
        #expect(call.compressed(by: 10).steps.map(\.body) == call.steps.map(\.body))
    }

    @Test func `a wrong answer is noticed`() throws {
        let step = try #require(try call("zadarma", .connectionCheck).steps.first)
        #expect(!step.accepts(status: 200, body: []))
        #expect(!step.accepts(status: 403, body: step.expectedBody ?? []))
    }

    /// How many calls the events are of: those that have a name in common are of one.
    private static func callCount(of events: [CallEvent]) -> Int {
        var calls: [Set<ExternalKey>] = []
        for event in events {
            let names = Set(event.keys.filter(\.kind.namesOneCall))
            let same = calls.filter { !$0.isDisjoint(with: names) }
            calls.removeAll { !$0.isDisjoint(with: names) }
            calls.append(same.reduce(names) { $0.union($1) })
        }
        return calls.count
    }

    private func record(_ step: SimulatedStep) -> RawRecord {
        let target = step.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("demo"), receivedAt: Self.start, method: step.method, path: target[0],
            query: target.count > 1 ? target[1] : "", headers: step.headers, body: step.body)
    }
}
