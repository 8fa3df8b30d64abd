import BeelineAdapter
import Connector
import TestSupport
import Testing
import VendorSimulators

/// Beeline's client against Beeline's double: who subscribed is told, what is asked for happens.
struct BeelineDoubleTests {
    private static let hook = "http://127.0.0.1:1/hooks/beeline/s3cr3t-made-up"

    private let bench: DoubleBench
    private let adapter: BeelineAdapter
    private let client: BeelineClient

    init() throws { try self.init(faults: .none) }

    private init(faults: DoubleFaults, token: String = "t") throws {
        bench = DoubleBench(
            try BeelineDouble(settings: Self.settings(token), faults: faults, seed: 5))
        adapter = try BeelineAdapter(settings: Self.settings("t"))
        client = try #require(adapter.makeClient(bench) as? BeelineClient)
    }

    private static func settings(_ token: String) -> AdapterSettings {
        AdapterSettings(
            connection: ConnectionID("beeline"), values: ["token": token, "base_url": "\(DoubleBench.origin)/apis/portal/"])
    }

    // MARK: Subscriptions

    @Test func `nobody is told who has not subscribed`() async throws {
        try await originate()
        #expect(bench.steps.isEmpty)
    }

    @Test func `who subscribed is told of everybody's calls, at the address that he gave`() async throws {
        let grant = try await client.subscribe(address: Self.hook)
        #expect(grant.duration == .seconds(86_400))
        try await originate(from: "101")
        try await originate(from: "9000000102", to: "79000000117")
        #expect(Set(bench.steps.map(\.target)) == [Self.hook])
        let decoded = try #require(adapter.read(bench.records(ConnectionID("beeline"))))
        #expect(decoded.first == .signal(name: "subscription_started", fields: Self.fields(of: grant)))
        #expect(Set(decoded.events.map(\.keys[0])).count == 2)
        #expect(Set(decoded.events.compactMap(\.ending).map(\.reason)) == [.busy, .callerHungUp])
    }

    private static func fields(of grant: BeelineGrant) -> [CustomField] {
        let owner = "MPBX_E_000001_EventSubscription@ip.beeline.ru"
        return [
            CustomField("subscriptionId", grant.id), CustomField("targetId", owner),
            CustomField("userId", owner),
        ]
    }

    @Test func `a subscription to one employee tells of him alone`() async throws {
        _ = try await client.subscribe(to: "102", address: Self.hook)
        try await originate(from: "101")
        try await originate(from: "102")
        let events = try #require(adapter.read(bench.records(ConnectionID("beeline")))).events
        #expect(Set(events.compactMap { $0.leg?.from?.employee }) == ["9000000102"])
    }

    @Test func `two subscriptions tell everything twice, under different names`() async throws {
        _ = try await client.subscribe(address: Self.hook)
        _ = try await client.subscribe(to: "101", address: Self.hook)
        try await originate(from: "101")
        let events = try #require(adapter.read(bench.records(ConnectionID("beeline")))).events
        #expect(Set(events.map(\.id)).count == events.count)
        #expect(Set(events.map(\.keys[0])).count == 1)
        #expect(events.compactMap(\.ending).count == 2)
    }

    @Test func `after its time a subscription tells nothing more, and a renewal prolongs it under its name`() async throws {
        var faults = DoubleFaults.none
        faults.longestGrant = .seconds(40)
        let short = try Self(faults: faults)
        let first = try await short.client.subscribe(address: Self.hook)
        #expect(first.duration == .seconds(40))
        short.bench.clock.advance(by: .seconds(30))
        #expect(try await short.client.subscribe(address: Self.hook).id == first.id)
        try await short.originate()
        #expect(try short.told() == ["ringing", "updated", "answered"])
        short.bench.clock.advance(by: .seconds(300))
        #expect(try await short.client.subscribe(address: Self.hook).id != first.id)
    }

    @Test func `Beeline may end a subscription, and says so`() async throws {
        let grant = try await client.subscribe(address: Self.hook)
        bench.clock.advance(by: .seconds(10))
        bench.change(BeelineDouble.self) { $0.endSubscriptions(at: $1) }
        bench.clock.advance(by: .seconds(1))
        try await originate()
        let decoded = try #require(adapter.read(bench.records(ConnectionID("beeline"))))
        #expect(decoded.last == .signal(name: "subscription_terminated", fields: Self.fields(of: grant)))
        #expect(decoded.count == 2)
    }

    @Test func `Beeline ends subscriptions on demand`() async throws {
        var faults = DoubleFaults.none
        faults.endsSubscriptionAfter = .seconds(90)
        let ending = try Self(faults: faults)
        _ = try await ending.client.subscribe(address: Self.hook)
        let decoded = try #require(ending.adapter.read(ending.bench.records(ConnectionID("beeline"))))
        #expect(decoded.signals == ["subscription_started", "subscription_terminated"])
    }

    @Test func `a subscription is dropped once`() async throws {
        let grant = try await client.subscribe(address: Self.hook)
        try await client.unsubscribe(grant.id)
        try await originate()
        #expect(bench.calls == ["subscription \(grant.id)"])
        #expect(await failure { try await client.unsubscribe(grant.id) }?.kind == .rejected)
    }

    @Test func `subscriptions can be looked at`() async throws {
        let grant = try await client.subscribe(to: "103", address: Self.hook)
        bench.clock.advance(by: .seconds(100))
        let list = try await get("subscription")
        let one = try await get("subscription?subscriptionId=\(grant.id)")
        #expect(list?[0] == one)
        #expect(one?["targetId"]?.string == "9000000103@ip.beeline.ru")
        #expect(one?["expires"]?.int == 86_300)
    }

    @Test func `nobody subscribes to a stranger`() async throws {
        #expect(await failure { _ = try await client.subscribe(to: "999", address: Self.hook) }?.kind == .rejected)
    }

    // MARK: Calls

    @Test(arguments: [
        ("79000000102", EndReason.callerHungUp), ("79000000117", .busy), ("79000000119", .noAnswer),
    ])
    func `a call that was ordered is told of under the name that was answered`(number: String, reason: EndReason) async throws {
        _ = try await client.subscribe(address: Self.hook)
        let answer = try await originate(to: number)
        let events = try #require(adapter.read(bench.records(ConnectionID("beeline")))).events
        #expect(Set(events.map(\.keys[0])) == [try #require(answer.call)])
        #expect(events.first?.facts.origin == .clickToCall)
        let key = try #require(answer.call)
        let truth = try #require(bench.truth(of: key.value))
        #expect(truth.number == number)
        #expect(truth.direction == .outbound)
        #expect(truth.employees == ["9000000101"])
        #expect(events.compactMap(\.ending?.endedAt) == [truth.endedAt])
        #expect(events.compactMap(\.ending?.answeredAt).first == truth.answeredAt)
        #expect((truth.answeredAt != nil) == (number == "79000000102"))
    }

    @Test func `a blind transfer takes the employee out and rings another one`() async throws {
        _ = try await client.subscribe(address: Self.hook)
        let answer = try await originate()
        bench.clock.advance(by: .seconds(30))
        let before = try #require(adapter.read(bench.records(ConnectionID("beeline"), until: bench.clock.now()))).events
        let leg = try #require(before.compactMap(\.leg).last { $0.phase == .answered })
        let target = CommandTarget(
            keys: [try #require(answer.call)], legs: [.init(key: leg.key, user: "9000000101", isAnswered: true)])
        _ = try await client.perform(.make(.transfer(to: "104", kind: .blind), on: target))
        let events = try #require(adapter.read(bench.records(ConnectionID("beeline")))).events
        #expect(events.contains { $0.type == .transferStarted })
        let key = try #require(answer.call)
        let truth = try #require(bench.truth(of: key.value))
        #expect(truth.employees == ["9000000101", "9000000104"])
        #expect(events.compactMap(\.ending?.endedAt).max() == truth.endedAt)
        bench.clock.advance(by: .seconds(2))
        let again = await failure { _ = try await client.perform(.make(.transfer(to: "105", kind: .blind), on: target)) }
        #expect(again?.kind == .rejected)
    }

    @Test func `what makes no sense is refused`() async throws {
        #expect(await failure { _ = try await client.perform(.originate(from: "999")) }?.kind == .rejected)
        let stranger = try Self(faults: .none, token: "another")
        #expect(await failure { _ = try await stranger.client.perform(.originate()) }?.kind == .unauthorized)
    }

    @Test(arguments: [(500, ProviderFailure.Kind.unknown), (503, .unavailable), (429, .limited), (400, .rejected)])
    func `what is to go wrong does`(code: Int, kind: ProviderFailure.Kind) async throws {
        let faulty = try Self(faults: DoubleFaults(code: code))
        #expect(await failure { _ = try await faulty.client.perform(.originate()) }?.kind == kind)
    }

    // MARK: Played calls

    @Test(arguments: BeelineSimulator.scenarios)
    func `a played call is in the log as it was told, and its recording can be fetched`(scenario: Scenario) async throws {
        _ = try await client.subscribe(address: Self.hook)
        let begin = bench.clock.now()
        #expect(bench.begin(scenario, seed: 11))
        let events = try #require(adapter.read(bench.records(ConnectionID("beeline")))).events
        let call = try #require(bench.calls.last)
        let truth = try #require(bench.truth(of: call))
        bench.clock.advance(by: .seconds(600))
        let window = HistoryWindow(from: begin, to: bench.clock.now())
        let page = try await client.history(window, page: 0)
        let rows = try adapter.statistics.read(try #require(page.bodies.first)).rows
        #expect(rows.compactMap(\.facts.startedAt).min() == truth.startedAt)
        #expect(events.compactMap(\.ending?.endedAt).max() == truth.endedAt)
        #expect(Set(rows.compactMap(\.facts.externalNumber)) == [String(truth.number.suffix(10))])
        for recording in truth.recordings {
            let file = try await bench.send(try await client.recording(recording))
            #expect(file.body.starts(with: Array("RIFF".utf8)))
        }
        #expect((scenario == .recording) == !truth.recordings.isEmpty)
    }

    @Test func `a number whose calls the CRM routes rings whom it named`() async throws {
        _ = try await client.subscribe(address: Self.hook)
        for line in 0...9 {
            let row = #"[{"inboundNumber":"495000000\#(line)","extension":"105"},{"inboundNumber":"1","extension":"105"}]"#
            let response = try await bench.send(request("PUT", "icr/route", body: row))
            let statuses = try JSONValue(parsing: response.body).elements.map { $0["status"]?.string }
            #expect(statuses == ["SUCCESS", "FAULT"])
        }
        bench.begin(.inboundAnswered, seed: 3)
        let call = try #require(bench.calls.last)
        let truth = try #require(bench.truth(of: call))
        #expect(truth.employees == ["9000000105"])
    }

    // MARK: Helpers

    @discardableResult
    private func originate(from: String = "101", to: String = "79000000102") async throws -> ProviderAnswer {
        try await client.perform(.originate(from: from, to: to))
    }

    private func told() throws -> [String] {
        try #require(adapter.read(bench.records(ConnectionID("beeline")))).events.map {
            String($0.type.rawValue.split(separator: ".").last ?? "")
        }
    }

    private func request(_ method: String, _ target: String, body: String = "") -> OutgoingRequest {
        OutgoingRequest(
            method, "\(DoubleBench.origin)/\(target)", headers: [HeaderField(name: "X-MPBX-API-AUTH-TOKEN", value: "t")],
            body: Array(body.utf8))
    }

    private func get(_ target: String) async throws -> JSONValue? {
        try JSONValue(parsing: try await bench.send(request("GET", target)).body)
    }
}

extension [Decoded] {
    var events: [CallEvent] { compactMap { if case .call(let event) = $0 { event } else { nil } } }
    fileprivate var signals: [String] { compactMap { if case .signal(let name, _) = $0 { name } else { nil } } }
}

extension Party {
    fileprivate var employee: String? { if case .user(let name, _) = self { name } else { nil } }
}
