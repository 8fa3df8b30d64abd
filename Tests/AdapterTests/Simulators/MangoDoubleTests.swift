import Connector
import TestSupport
import Testing
import VendorSimulators

@testable import MangoAdapter

/// Mango's client against Mango's double: what is asked for happens, and is told as Mango tells it.
struct MangoDoubleTests {
    private let bench: DoubleBench
    private let adapter: MangoAdapter
    private let client: MangoClient
    private let id = CommandID(bits: 7)

    init() throws { try self.init(faults: .none) }

    private init(faults: DoubleFaults, salt: String = "s") throws {
        let settings = AdapterSettings(
            connection: ConnectionID("mango"), values: ["api_key": "k", "api_salt": "s", "base_url": "https://double.example"])
        var doubles = settings
        doubles.values["api_salt"] = salt
        bench = DoubleBench(try MangoDouble(settings: doubles, faults: faults, seed: 5))
        adapter = try MangoAdapter(settings: settings)
        var client = adapter.client(bench)
        let clock = bench.clock
        client.pause = { clock.advance(by: $0) }
        self.client = client
    }

    // MARK: Calls

    @Test func `a callback rings the employee, then the client, under our name of the command`() async throws {
        let answer = try await originate()
        #expect(answer == ProviderAnswer(code: "1000", isPreliminary: true))
        #expect(
            try told() == [
                "report 1000", "1 ringing", "1 answered", "1 ended", "2 ringing", "2 answered", "recording started", "2 ended",
                "recording completed", "ended callee_hung_up true", "recording ready",
            ])
        let events = try events()
        #expect(events.filter { $0.leg != nil }.allSatisfy { $0.keys.contains(ExternalKey(.crmCommand, id.description)) })
        #expect(Set(events.map { $0.keys[0] }).count == 1)
        #expect(events[0].facts.direction == .outbound)
        #expect(events[0].facts.externalNumber == "79000005678")
    }

    @Test(arguments: [("79000005617", "busy"), ("79000005619", "no_answer")])
    func `the called number says how it ends`(number: String, reason: String) async throws {
        try await originate(number)
        #expect(try told().suffix(2) == ["2 ended", "ended \(reason) false"])
    }

    @Test func `a hangup ends what is alive, and nothing of the old plan is told`() async throws {
        try await originate()
        bench.clock.advance(by: .seconds(30))
        try await perform(.hangup)
        #expect(
            try told().suffix(6) == [
                "recording started", "report 1000", "2 ended", "recording completed", "ended by_command true", "recording ready",
            ])
    }

    @Test func `a hangup while the employee rings ends the call before the client is called`() async throws {
        try await originate()
        bench.clock.advance(by: .seconds(3))
        try await perform(.hangup)
        #expect(try told() == ["report 1000", "1 ringing", "report 1000", "1 ended", "ended by_command false"])
    }

    @Test func `a call that is over cannot be hung up`() async throws {
        try await originate()
        bench.clock.advance(by: .seconds(30))
        let target = try target()
        bench.clock.advance(by: .seconds(90))
        let failure = await failure { try await client.perform(order(.hangup, target)) }
        #expect(failure?.kind == .rejected)
        #expect(failure?.code == "4101")
    }

    @Test func `a blind transfer takes the client to another employee`() async throws {
        try await originate()
        bench.clock.advance(by: .seconds(30))
        try await perform(.transfer(to: "104", kind: .blind))
        let events = try events()
        let leg = try #require(events.compactMap(\.leg).first { $0.handover == .blind })
        #expect(leg.to == .user(extension: "104", endpoint: "sip:user104@demo.mangosip.ru"))
        #expect(leg.from == .external(number: "79000005678"))
        #expect(leg.parent == events.compactMap(\.leg).first { $0.phase == .ended && $0.reason == .transferred }?.key)
        #expect(
            try told().suffix(5) == ["3 ringing", "3 answered", "3 ended", "ended caller_hung_up true", "recording ready"])
    }

    @Test func `an attended transfer asks the colleague first`() async throws {
        try await originate()
        bench.clock.advance(by: .seconds(30))
        try await perform(.transfer(to: "104", kind: .attended))
        let legs = try events().compactMap(\.leg).map { "\($0.phase) \($0.handover?.rawValue ?? "-")" }
        #expect(
            legs.suffix(6) == [
                "held -", "ringing consultative", "answered consultative", "ended -", "answered blind", "ended blind",
            ])
    }

    @Test func `a hold is told, and the employee comes back by himself`() async throws {
        try await originate()
        bench.clock.advance(by: .seconds(30))
        try await perform(.hold)
        #expect(try told().filter { $0.hasPrefix("2 ") } == ["2 ringing", "2 answered", "2 held", "2 answered", "2 ended"])
    }

    @Test func `a recording begins once`() async throws {
        try await originate()
        bench.clock.advance(by: .seconds(30))
        let failure = await failure { try await perform(.record(start: true)) }
        #expect(failure?.code == "4102")
        bench.clock.advance(by: .seconds(1))
        try await perform(.transfer(to: "104", kind: .blind))
        bench.clock.advance(by: .seconds(20))
        try await perform(.record(start: true))
        #expect(try told().filter { $0 == "recording started" }.count == 2)
    }

    // MARK: Limits and refusals

    @Test func `two bad requests block the key until two minutes after the first`() async throws {
        let bad: JSONValue = ["command_id": "x", "from": ["extension": "999"], "to_number": ""]
        for code in [3103, 3103] {
            let response = try await bench.send(client.request("/vpbx/commands/callback", bad, within: .seconds(1)))
            #expect(MangoReply(response).code == code)
            bench.clock.advance(by: .seconds(30))
        }
        #expect(await failure { try await originate() }?.code == "401")
        bench.clock.advance(by: .seconds(59))
        #expect(await failure { try await originate() }?.kind == .unauthorized)
        bench.clock.advance(by: .seconds(1))
        try await originate()
    }

    @Test func `a fifth call in a second is too much`() async throws {
        for _ in 0..<4 { try await originate() }
        #expect(await failure { try await originate() }?.kind == .limited)
        bench.clock.advance(by: .seconds(1))
        try await originate()
    }

    @Test func `another salt is told`() async throws {
        let other = try Self(faults: .none, salt: "another")
        let failure = await failure { try await other.originate() }
        #expect(failure?.kind == .unauthorized)
        #expect(failure?.code == "3102")
    }

    @Test(arguments: [
        (5003, ProviderFailure.Kind.unknown), (2240, .rejected), (429, .limited), (500, .unknown), (503, .limited),
        (204, .unknown),
    ])
    func `what is to go wrong does`(code: Int, kind: ProviderFailure.Kind) async throws {
        let faulty = try Self(faults: DoubleFaults(code: code))
        #expect(await failure { try await faulty.originate() }?.kind == kind)
        #expect(faulty.bench.records(ConnectionID("mango")).isEmpty)
    }

    // MARK: Statistics and recordings

    @Test func `the log has a row for each leg, and its recording can be fetched once`() async throws {
        let begin = bench.clock.now()
        try await originate()
        bench.clock.advance(by: .seconds(200))
        let page = try await client.history(HistoryWindow(from: begin, to: bench.clock.now()), page: 0)
        let rows = String(decoding: page.bodies.first ?? [], as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ";", omittingEmptySubsequences: false)
        }
        #expect(rows.map(\.count) == [13, 13])
        #expect(rows.map { $0[12] } == [rows[0][12], rows[0][12]])
        #expect(rows[1][3] == "1790000020")
        let recording = rows[1][0].dropFirst().dropLast()
        let download = try await client.recording(String(recording))
        #expect(download.url.hasPrefix("https://double.example/files/"))
        let file = try await bench.send(download)
        #expect(file.status == 200)
        #expect(file.body.starts(with: Array("RIFF".utf8)))
        #expect(try await bench.send(download).status == 404)
        #expect(await failure { try await client.recording("other") }?.code == "3320")
    }

    @Test func `a call that is not over is not in the log`() async throws {
        let begin = bench.clock.now()
        try await originate()
        let page = try await client.history(HistoryWindow(from: begin, to: begin.advanced(by: .seconds(60))), page: 0)
        #expect(page.bodies.isEmpty)
    }

    // MARK: Helpers

    @discardableResult
    private func originate(_ number: String = "79000005678") async throws -> ProviderAnswer {
        try await client.perform(order(.originate(Command.Origination(from: "101", to: number)), nil))
    }

    private func perform(_ action: Command.Action) async throws {
        _ = try await client.perform(order(action, try target()))
    }

    private func order(_ action: Command.Action, _ target: CommandTarget?) -> ProviderOrder {
        ProviderOrder(id: id, action: action, target: target, deadline: .seconds(5))
    }

    private func decoded(until now: Instant? = nil) throws -> [Decoded] {
        let records = bench.records(ConnectionID("mango")).filter { $0.receivedAt <= now ?? .latest }
        return try #require(adapter.read(records))
    }

    private func events(until now: Instant? = nil) throws -> [CallEvent] {
        try decoded(until: now).compactMap { if case .call(let event) = $0 { event } else { nil } }
    }

    /// The legs that live at this moment by what has been told.
    private func target() throws -> CommandTarget {
        let events = try events(until: bench.clock.now())
        var legs: [CommandTarget.Leg] = []
        for report in events.compactMap(\.leg) {
            legs.removeAll { $0.key == report.key }
            guard report.phase != .ended else { continue }
            let employee = [report.to, report.from].compactMap { party -> String? in
                if case .user(let short, _) = party { short } else { nil }
            }.first
            legs.append(
                CommandTarget.Leg(
                    key: report.key, user: employee, isAnswered: report.phase != .ringing, isHeld: report.phase == .held))
        }
        return CommandTarget(keys: events.first?.keys ?? [], legs: legs)
    }

    /// What is told in the end, in short: legs by number.
    private func told() throws -> [String] {
        var legs: [String] = []
        return try decoded().map { decoded in
            switch decoded {
            case .command(let report): return "report \(report.code)"
            case .call(let event):
                if let leg = event.leg {
                    if !legs.contains(leg.key) { legs.append(leg.key) }
                    return "\((legs.firstIndex(of: leg.key) ?? 0) + 1) \(leg.phase)"
                }
                if let recording = event.recording { return "recording \(recording.phase)" }
                guard let ending = event.ending else { return "\(event.type)" }
                return "ended \(ending.reason.rawValue) \(ending.answered.map(String.init) ?? "-")"
            default: return "\(decoded)"
            }
        }
    }
}
