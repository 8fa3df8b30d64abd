import AdapterKit
import Connector
import TestSupport
import Testing
import VendorSimulators
import ZadarmaAdapter

/// Zadarma's client against Zadarma's double.
struct ZadarmaDoubleTests {
    private let bench: DoubleBench
    private let adapter: ZadarmaAdapter
    private let client: any ProviderClient

    init() throws { try self.init(faults: .none) }

    private init(faults: DoubleFaults, secret: String = "s") throws {
        let settings = AdapterSettings(
            connection: ConnectionID("zadarma"), values: ["key": "k", "secret": "s", "base_url": "https://double.example"])
        var doubles = settings
        doubles.values["secret"] = secret
        bench = DoubleBench(try ZadarmaDouble(settings: doubles, faults: faults, seed: 5))
        adapter = try ZadarmaAdapter(settings: settings)
        client = try #require(adapter.makeClient(bench))
    }

    @Test(arguments: [
        ("79000000102", ["call.ringing", "call.answered", "call.ended", "recording.ready"], EndReason.normal),
        ("79000000117", ["call.ringing", "call.ended"], .busy), ("79000000119", ["call.ringing", "call.ended"], .noAnswer),
    ])
    func `a callback is told as a call out`(number: String, types: [String], reason: EndReason) async throws {
        #expect(try await originate(number) == ProviderAnswer(code: "success"))
        let events = try #require(adapter.read(bench.records(ConnectionID("zadarma")))).compactMap { decoded -> CallEvent? in
            if case .call(let event) = decoded { event } else { nil }
        }
        #expect(events.map(\.type.rawValue) == types)
        #expect(events.first?.leg?.from == .user(extension: "101", endpoint: nil))
        #expect(events.first?.leg?.to == .external(number: number))
        #expect(events.compactMap(\.ending).map(\.reason) == [reason])
        #expect(Set(events.map { $0.keys[0] }).count == 1)
    }

    @Test func `another secret is told`() async throws {
        let other = try Self(faults: .none, secret: "another")
        #expect(await failure { try await other.originate() }?.kind == .unauthorized)
    }

    @Test func `the hundred-and-first request in a minute is too much, and the fourth look at the log`() async throws {
        for _ in 0..<97 { try await originate() }
        let window = HistoryWindow(from: bench.clock.now(), to: bench.clock.now().advanced(by: .seconds(60)))
        for _ in 0..<3 { _ = try await client.history(window, page: 0) }
        #expect(await failure { try await originate() }?.kind == .limited)
        bench.clock.advance(by: .seconds(60))
        for _ in 0..<3 { _ = try await client.history(window, page: 0) }
        #expect(await failure { try await client.history(window, page: 0) }?.kind == .limited)
        try await originate()
    }

    @Test(arguments: [(500, ProviderFailure.Kind.unknown), (503, .unavailable), (429, .limited), (400, .rejected)])
    func `what is to go wrong does`(code: Int, kind: ProviderFailure.Kind) async throws {
        let faulty = try Self(faults: DoubleFaults(code: code))
        #expect(await failure { try await faulty.originate() }?.kind == kind)
    }

    @Test func `the log lists the calls that are over, and their recordings can be fetched`() async throws {
        let begin = bench.clock.now()
        try await originate()
        try await originate("79000000117")
        let window = HistoryWindow(from: begin, to: begin.advanced(by: .seconds(60)))
        #expect(try await client.history(window, page: 0).bodies.isEmpty)
        bench.clock.advance(by: .seconds(120))
        let page = try await client.history(window, page: 0)
        let rows = try JSONValue(parsing: page.bodies.first ?? [])["stats"]?.elements ?? []
        #expect(rows.map { $0["disposition"]?.string } == ["answered", "busy"])
        #expect(!page.hasMore)
        let download = try await client.recording(try #require(rows[0]["call_id"]?.string))
        #expect(try await bench.send(download).body.starts(with: Array("RIFF".utf8)))
        #expect(await failure { try await client.recording("0") }?.kind == .rejected)
    }

    @discardableResult
    private func originate(_ number: String = "79000000102") async throws -> ProviderAnswer {
        try await client.perform(
            ProviderOrder(
                id: CommandID(bits: 7), action: .originate(Command.Origination(from: "101", to: number)), deadline: .seconds(5)))
    }
}
