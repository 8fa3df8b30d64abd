import AdapterCatalog
import AdapterKit
import BeelineAdapter
import Connector
import Digests
import TestSupport
import Testing
import VendorSimulators

@testable import MangoAdapter

/// Calls that doubles play by themselves: what webhooks, log, recordings and truth say of them is the same.
struct PlayedCallTests {
    private static let hook = "http://127.0.0.1:1/hooks/beeline/s3cr3t-made-up"

    /// Everything that every vendor plays.
    static let plays: [(adapter: String, scenario: Scenario)] = VendorSimulators.simulators.flatMap { simulator in
        simulator.scenarios.filter { $0 != .connectionCheck }.map { (simulator.adapter, $0) }
    }

    private static func settings(of adapter: String, zone: String? = nil) -> AdapterSettings {
        var values = DemoSettings.values(for: adapter) ?? [:]
        if let zone { values["time_zone"] = zone }
        values["base_url"] = DoubleBench.origin
        if adapter == "megafon-vats" { values["api"] = "v1" }
        return AdapterSettings(connection: ConnectionID("demo"), values: values)
    }

    /// A vendor's double, its adapter and the client of it; who has to subscribe has done so.
    struct Vendor {
        let bench: DoubleBench
        let adapter: any TelephonyAdapter
        let client: any ProviderClient

        init(
            _ name: String, faults: DoubleFaults = .none, zone: String? = nil,
            reply: @escaping @Sendable (SimulatedStep) -> OutgoingResponse? = { _ in nil }
        ) async throws {
            let settings = PlayedCallTests.settings(of: name, zone: zone)
            let double = try #require(VendorDoubles.double(for: name)).init(settings: settings, faults: faults, seed: 5)
            bench = DoubleBench(double, reply: reply)
            adapter = try #require(AdapterCatalog.adapter(named: name)).init(settings: settings)
            var client = try #require(adapter.makeClient(bench))
            if var mango = client as? MangoClient {
                let clock = bench.clock
                mango.pause = { clock.advance(by: $0) }
                client = mango
            }
            self.client = client
            guard name == "beeline" else { return }
            let body = #"{"expires":86400,"subscriptionType":"BASIC_CALL","url":"\#(PlayedCallTests.hook)"}"#
            let request = OutgoingRequest(
                "PUT", "\(DoubleBench.origin)/subscription",
                headers: [HeaderField(name: "X-MPBX-API-AUTH-TOKEN", value: "demo-token")], body: Array(body.utf8))
            #expect(try await bench.send(request).status == 200)
        }

        /// Plays a call to its end, and an hour beyond.
        func play(_ scenario: Scenario, seed: UInt64 = 11) throws -> (events: [CallEvent], truth: CallTruth) {
            #expect(bench.begin(scenario, seed: seed))
            let records = bench.records(ConnectionID("demo"))
            let events = try #require(adapter.read(records)).events
            let truth = try #require(bench.calls.compactMap { bench.truth(of: $0) }.last)
            bench.clock.advance(by: .seconds(3600))
            return (events, truth)
        }

        /// The rows of the vendor's log, as far as they say these things.
        func log(from begin: Instant) async throws -> [(startedAt: Instant?, number: String?, answered: Bool?)] {
            let window = HistoryWindow(from: begin.advanced(by: .seconds(-1)), to: bench.clock.now())
            let page = try await client.history(window, page: 0)
            let reader: (any HistoryReader)? = (adapter as? BeelineAdapter)?.statistics ?? (adapter as? MangoAdapter)?.statistics
            guard let reader else {
                return adapter.events(of: page).map { ($0.facts.startedAt, $0.facts.externalNumber, $0.ending?.answered) }
            }
            return try page.bodies.flatMap { try reader.read($0).rows }.map {
                ($0.facts.startedAt, $0.facts.externalNumber, $0.ending?.answered)
            }
        }
    }

    @Test(arguments: plays)
    func `webhooks tell what the truth is`(adapter: String, scenario: Scenario) async throws {
        let vendor = try await Vendor(adapter)
        let (events, truth) = try vendor.play(scenario)
        #expect(events.contains { $0.keys.contains { $0.value == truth.call } })
        #expect(truth.direction == (scenario == .outboundAnswered || scenario == .outboundBusy ? .outbound : .inbound))
        #expect((truth.disposition == .answered) == (truth.answeredAt != nil))
        let expected: Call.Disposition =
            scenario == .inboundMissed ? .missed : scenario == .outboundBusy ? .busy : .answered
        #expect(truth.disposition == expected)
        let endings = events.compactMap(\.ending)
        // Not every vendor says when it ended of a call that nobody answered.
        if let ended = endings.compactMap(\.endedAt).max() { #expect(abs(ended.milliseconds(since: truth.endedAt)) <= 1000) }
        let numbers = Set(events.flatMap(\.outsiders)).map { String($0.suffix(10)) }
        #expect(Set(numbers) == [String(truth.number.suffix(10))])
        let talkers = events.compactMap(\.leg).filter { $0.phase == .answered }.flatMap { [$0.from, $0.to] }
            .compactMap { $0?.employee }
        if truth.disposition == .answered { #expect(Set(talkers) == Set(truth.employees)) }
        let recordings = Set(events.compactMap(\.recording?.key))
        #expect(recordings == Set(truth.recordings))
    }

    @Test(arguments: plays)
    func `the log tells the same, and has the recordings`(adapter: String, scenario: Scenario) async throws {
        let vendor = try await Vendor(adapter)
        let (_, truth) = try vendor.play(scenario)
        let rows = try await vendor.log(from: truth.startedAt)
        try #require(!rows.isEmpty)
        let starts = rows.compactMap(\.startedAt)
        #expect(abs((starts.min() ?? .earliest).milliseconds(since: truth.startedAt)) < 1000)
        #expect(Set(rows.compactMap(\.number).map { $0.suffix(10) }) == [truth.number.suffix(10)])
        if let answered = rows.compactMap(\.answered).reduce(nil, { ($0 ?? false) || $1 }) {
            #expect(answered == (truth.disposition == .answered))
        }
        for recording in truth.recordings {
            let file = try await vendor.bench.send(try await vendor.client.recording(recording))
            #expect(file.status == 200)
            #expect(!file.body.isEmpty)
        }
    }

    @Test(arguments: ["megafon-vats", "zadarma", "telphin"])
    func `the vendor asks where the call is to go, and obeys`(adapter: String) async throws {
        let vendor = try await Vendor(adapter) { _ in Self.answer(adapter, to: "104") }
        for scenario in [Scenario.inboundAnswered, .group] {
            #expect(try vendor.play(scenario).truth.employees == ["104"])
        }
    }

    @Test(arguments: ["megafon-vats", "zadarma", "telphin"], ["", "{", "{}", "<Response></Response>"])
    func `an answer that says nothing leaves the vendor its own way`(adapter: String, body: String) async throws {
        let vendor = try await Vendor(adapter) { _ in OutgoingResponse(status: 200, body: Array(body.utf8)) }
        let alone = try await Vendor(adapter)
        #expect(try vendor.play(.inboundAnswered).truth == alone.play(.inboundAnswered).truth)
    }

    @Test func `Zadarma hangs up where it is told to`() async throws {
        let vendor = try await Vendor("zadarma") { _ in OutgoingResponse(status: 200, body: Array(#"{"hangup":1}"#.utf8)) }
        let (events, truth) = try vendor.play(.inboundAnswered)
        #expect(truth.employees.isEmpty)
        #expect(truth.disposition == .abandoned)
        #expect(events.allSatisfy { $0.leg == nil })
    }

    @Test func `Mango takes a caller out of the menu on demand`() async throws {
        let vendor = try await Vendor("mango")
        vendor.bench.begin(.inboundAnswered, seed: 11)
        vendor.bench.clock.advance(by: .seconds(3))
        let menu = try #require(vendor.bench.records(ConnectionID("demo"), until: vendor.bench.clock.now()).first)
        let text = try #require(Self.json(menu))
        let form = try JSONValue(parsing: text)
        let order: JSONValue = [
            "command_id": "c1", "call_id": form["call_id"] ?? .null, "to_number": "105",
        ]
        let answer = try await vendor.bench.send(
            OutgoingRequest("POST", "\(DoubleBench.origin)/vpbx/commands/route", body: Self.sealed(order)))
        #expect(String(decoding: answer.body, as: UTF8.self) == #"{"result":1000}"#)
        _ = vendor.bench.steps
        let truth = try #require(vendor.bench.calls.compactMap { vendor.bench.truth(of: $0) }.first)
        #expect(truth.employees == ["105"])
    }

    private static func sealed(_ order: JSONValue) -> [UInt8] {
        let text = String(decoding: order.encoded, as: UTF8.self)
        let signer = KeyedDigest(.sha256, prefix: Array("demo-api-key".utf8), suffix: Array("demo-api-salt".utf8))
        let form = [("vpbx_api_key", "demo-api-key"), ("sign", signer.sign(text).hex), ("json", text)]
        return Array(FormEncoding.encode(form).utf8)
    }

    private static func json(_ record: RawRecord) -> String? {
        do {
            return try record.body.withUnsafeBytes { try FormBody($0).string("json") }
        } catch {
            return nil
        }
    }

    private static func answer(_ adapter: String, to short: String) -> OutgoingResponse {
        let body =
            switch adapter {
            case "megafon-vats": #"{"contact_name":"Made up","responsible":"user\#(short)"}"#
            case "zadarma": #"{"redirect":"\#(short)","return_timeout":0}"#
            default: #"<?xml version="1.0" encoding="UTF-8"?><Response><SimpleTransfer number="0000*\#(short)"/></Response>"#
            }
        return OutgoingResponse(status: 200, body: Array(body.utf8))
    }

    // MARK: Wrong clocks

    @Test(arguments: ["megafon-vats", "zadarma", "telphin"])
    func `a log in another time zone is written so`(adapter: String) async throws {
        var faults = DoubleFaults.none
        faults.logOffset = .seconds(2 * 3600)
        let vendor = try await Vendor(adapter, faults: faults)
        let (_, truth) = try vendor.play(.inboundAnswered)
        vendor.bench.clock.advance(by: .seconds(4 * 3600))
        let rows = try await vendor.log(from: truth.startedAt)
        // MegaFon says which zone it is; the others let one think it is theirs.
        let expected = adapter == "megafon-vats" ? truth.startedAt : truth.startedAt.advanced(by: .seconds(2 * 3600))
        #expect(abs((rows.compactMap(\.startedAt).min() ?? .earliest).milliseconds(since: expected)) < 1000)
    }

    @Test(arguments: ["Asia/Yekaterinburg", "Europe/Kaliningrad", "UTC"])
    func `in whatever zone the account is, webhooks and log tell the same moments`(zone: String) async throws {
        let vendor = try await Vendor("zadarma", zone: zone)
        let (events, truth) = try vendor.play(.inboundAnswered)
        #expect(events.compactMap(\.facts.startedAt).min() == truth.startedAt)
        #expect(try await vendor.log(from: truth.startedAt).compactMap(\.startedAt).min() == truth.startedAt)
    }

    // MARK: Refusals

    @Test(arguments: VendorDoubles.doubles.map { $0.adapter })
    func `a share of the requests is refused, the same ones by the same seed`(adapter: String) throws {
        func statuses(seed: UInt64) throws -> [Int] {
            var faults = DoubleFaults(code: 503)
            faults.codeShare = 0.3
            faults.retryAfter = .seconds(7)
            let kind = try #require(VendorDoubles.double(for: adapter))
            var double = try kind.init(settings: Self.settings(of: adapter), faults: faults, seed: seed)
            return (0..<100).map { _ in
                let answer = double.answer(DoubleRequest("GET", "/nothing", receivedAt: Instant(unixSeconds: 1_790_000_000)))
                let says = answer.headers.first { $0.name == "retry-after" }?.value
                #expect(says == (answer.status == 503 ? "7" : nil))
                return answer.status
            }
        }
        let first = try statuses(seed: 1)
        #expect((15...45).contains(first.count { $0 == 503 }))
        #expect(try statuses(seed: 1) == first)
        #expect(try statuses(seed: 2) != first)
    }

    // MARK: Plans

    @Test func `a plan is a function of its seed`() {
        let plan = DoublePlan([.group, .inboundMissed, .recording], calls: 50, rate: 4, isMixed: true, seed: 9)
        let same = DoublePlan([.group, .inboundMissed, .recording], calls: 50, rate: 4, isMixed: true, seed: 9)
        let calls = (0..<50).map(plan.call)
        #expect(calls.map(\.scenario) == (0..<50).map(same.call).map(\.scenario))
        #expect(Set(calls.map(\.seed)).count == 50)
        #expect(Set(calls.map(\.scenario)).count == 3)
        #expect(plan.beginning(of: 10) == .milliseconds(2500))
        #expect(DoublePlan([], calls: 50, seed: 1).calls == 0)
    }
}

extension CallEvent {
    /// Numbers of whoever is outside.
    fileprivate var outsiders: [String] {
        let parties = [leg?.from, leg?.to].compactMap { party -> String? in
            if case .external(let number) = party { number } else { nil }
        }
        return parties + [facts.externalNumber].compactMap(\.self)
    }
}

extension Party {
    fileprivate var employee: String? { if case .user(let name, _) = self { name } else { nil } }
}
