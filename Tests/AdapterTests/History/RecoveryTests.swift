import AdapterCatalog
import AdapterConformance
import AdapterKit
import Connector
import Numbering
import TestSupport
import Testing

/// Each provider's recorded calls, told again by webhooks of which some are lost, repeated, late and out of order, and by rows of the
/// provider's history: whatever arrives, each call is there once.
@Suite struct RecoveryTests {
    static let providers = ["beeline", "mango", "megafon-vats", "telphin", "zadarma"]

    @Test(arguments: providers, 0..<12)
    func `lost webhooks lose no call, and make none twice`(provider: String, seed: UInt64) throws {
        var chance = SeededRandom(seed: seed)
        let calls = try RecordedCall.all(of: provider)
        #expect(calls.count >= 4, "the fixtures must have calls that a row can stand for")
        for call in calls {
            let lostShare = chance.oneIn(4) ? 1 : call.isToldByEach ? 3 : .max
            var records = call.webhooks.filter { _ in !chance.oneIn(lostShare) }
            records += records.filter { _ in chance.oneIn(3) }.map { $0.again(&chance) }
            records += call.rows(off: chance.oneIn(2) ? 0 : 1)
            let log = try call.play(records.shuffled(using: &chance))
            #expect(log.count == 1, "\(call.name)")
            #expect(log.first?["sources"]?.elements.contains("history") == true, "\(call.name)")
            #expect(log.first?["state"]?.string == "ended", "\(call.name)")
        }
    }

    @Test(arguments: ["megafon-vats", "telphin"], 0..<6)
    func `a history with names of its own finds its calls by what they are like`(provider: String, seed: UInt64) throws {
        var chance = SeededRandom(seed: seed)
        for call in try RecordedCall.all(of: provider) where call.number != nil {
            let records =
                (chance.oneIn(3) ? [] : call.webhooks) + call.rows(named: "b7d1c5e0-0000-4000-8000-\(seed)00000000000", off: 1)
            let log = try call.play(records.shuffled(using: &chance))
            #expect(log.count == 1, "\(call.name)")
        }
    }

    @Test(arguments: providers)
    func `a row tells nothing of a call that webhooks told whole, but that it is confirmed`(provider: String) throws {
        for call in try RecordedCall.all(of: provider) {
            let told = try #require(try call.play(call.webhooks).first)
            let confirmed = try #require(try call.play(call.webhooks + call.rows(off: 0)).first)
            guard told["state"]?.string == "ended", told["disposition"]?.string != "unknown" else { continue }
            for name in ["direction", "disposition", "started_at", "answered_at", "external_party", "ended_at"]
            where told[name] != .null {
                #expect(Self.plain(confirmed[name]) == Self.plain(told[name]), "\(call.name): \(name)")
            }
            #expect(Self.people(confirmed) == Self.people(told), "\(call.name)")
        }
    }

    private static func people(_ call: JSONValue) -> [String] {
        (call["participants"]?.elements ?? []).map { person in
            ["role", "extension", "joined_at", "outcome"].map { plain(person[$0]) }.joined(separator: " ")
        }
    }

    /// Without identifiers.
    private static func plain(_ value: JSONValue?) -> String {
        String(decoding: (value ?? .null).encoded, as: UTF8.self).replacing(#/[a-z]+_[0-9a-f-]{36}/#, with: "id")
    }
}

/// One recorded call and what the vendor's history would say of it.
private struct RecordedCall {
    let name: String
    let provider: String
    let adapter: any TelephonyAdapter
    let webhooks: [RawRecord]
    /// The record that all its webhooks make.
    let truth: JSONValue

    private static let connection = ConnectionID("fixture")

    /// The cases of one call that its history knows by one row.
    static func all(of provider: String) throws -> [RecordedCall] {
        let kind = try #require(AdapterCatalog.adapters.first { $0.descriptor.name == provider })
        return try FixtureCases.loadAll(of: provider).compactMap { recorded in
            guard recorded.refusals == nil, recorded.log == nil else { return nil }
            let adapter = try kind.init(
                settings: AdapterSettings(
                    connection: connection, values: recorded.settings, hasURLToken: recorded.settings["url_token"] != nil),
                context: AdapterContext())
            let webhooks = recorded.requests.enumerated().map { number, request in
                request.raw(connection, number: number, headers: kind.descriptor.headers)
            }
            var call = RecordedCall(
                name: recorded.name, provider: provider, adapter: adapter, webhooks: webhooks, truth: .null)
            let log = try call.play(webhooks)
            guard log.count == 1 else { return nil }
            call = RecordedCall(
                name: recorded.name, provider: provider, adapter: adapter, webhooks: webhooks.filter(call.isOfCall), truth: log[0]
            )
            return call.isPlain ? call : nil
        }
    }

    private func isOfCall(_ raw: RawRecord) -> Bool {
        adapter.makeDecoder().decode(raw).contains { if case .call = $0 { true } else { false } }
    }

    /// One vendor's name, one employee: what becomes of others is told in other tests.
    private var isPlain: Bool {
        names.count == 1 && employees.count == 1 && ["inbound", "outbound"].contains(truth["direction"]?.string)
            && (number != nil || provider == "mango" || provider == "zadarma")
    }

    /// Whichever webhook arrives, it tells enough to find the row: where that names the call, always.
    var isToldByEach: Bool {
        provider != "beeline"
            || webhooks.allSatisfy { raw in
                guard let call = try? play([raw]).first else { return false }
                return call["participants"]?.elements.contains { $0["kind"]?.string == "user" } == true
            }
    }

    private var names: [String] {
        let kind = provider == "mango" || provider == "beeline" ? "session" : "call"
        return truth["external_ids"]?.elements.filter { $0["kind"]?.string == kind }.compactMap { $0["value"]?.string } ?? []
    }

    private var employees: [String] {
        truth["participants"]?.elements.filter { $0["kind"]?.string == "user" }.compactMap { $0["extension"]?.string } ?? []
    }

    var number: String? { truth["external_party"]?["number"]?["raw"]?.string }

    // MARK: Playing

    /// Plays records in that order through a ledger of their own.
    /// - Returns: the calls there are at the end.
    func play(_ records: [RawRecord]) throws -> [JSONValue] {
        var profile = ConnectionProfile(id: Self.connection, provider: provider)
        profile.historyIsGuessed = !adapter.descriptor.logNamesCalls
        let journal = MemoryJournal()
        _ = journal.save(PullState(connection: profile.id, reach: .latest)) { _ in }
        let ledger = CallLedger(reader: try journal.makeReader(), numbering: WorldNumberingPlan())
        let decoder = adapter.makeDecoder()
        for (number, raw) in records.enumerated() {
            var raw = raw
            raw.position = Int64(number) + 1
            let events = decoder.decode(raw).compactMap { if case .call(let event) = $0 { event } else { nil } }
            var batch = DerivedBatch(through: raw.position)
            try ledger.apply(events, of: raw, profile: profile, into: &batch)
            journal.submit(batch)
        }
        return try journal.makeReader().calls(CallQuery(tenant: .standard)).map { try JSONValue(parsing: $0.body) }
    }

    // MARK: Rows

    /// What the vendor's history says of the call, a little off, as the gateway puts it into the inbox.
    func rows(named name: String? = nil, off seconds: Int64) -> [RawRecord] {
        adapter.logRows(of: Array(page(named: name ?? names[0], off: seconds).utf8)).enumerated().map { number, body in
            let at = Instant(unixSeconds: 1_793_750_400)
            return RawRecord(
                id: RawID(time: at, rest: UInt128(number) + 7), connection: Self.connection, receivedAt: at, source: .history,
                body: body)
        }
    }

    private func page(named name: String, off seconds: Int64) -> String {
        let start = (truth["started_at"]?.string.flatMap { Instant(rfc3339: $0) } ?? .base).advanced(by: .seconds(seconds))
        let end = start.advanced(by: .seconds(60))
        let isIn = truth["direction"]?.string == "inbound"
        let isAnswered = truth["disposition"]?.string == "answered"
        let (client, employee) = (number ?? "", employees[0])
        let unix = start.milliseconds / 1000
        let gmt = { (moment: Instant) in String(moment.description.prefix(19).map { $0 == "T" ? " " : $0 }) }
        switch provider {
        case "mango":
            let answer = isAnswered ? "\(unix + 5)" : "0"
            let parties = isIn ? ";\(client);\(employee);" : "\(employee);;;\(client)"
            return ";\(unix);\(unix + 60);\(answer);\(parties);1110;;abonent;\(unix);\(name)"
        case "zadarma":
            let local = gmt(start.advanced(by: .seconds(3 * 3600)))
            return """
                {"status":"success","stats":[{"call_id":"1.5","pbx_call_id":"\(name)","sip":"\(employee)","callstart":"\(local)",
                "clid":"\(isIn ? client : employee)","destination":"\(isIn ? employee : client)",
                "disposition":"\(isAnswered ? "answered" : "no answer")","seconds":\(isAnswered ? 50 : 0),"is_recorded":"false"}]}
                """
        case "telphin":
            return """
                {"call_history":[{"call_uuid":"\(name)","flow":"\(isIn ? "in" : "out")",
                "result":"\(isAnswered ? "bridged" : "not answered")","init_time_gmt":"\(gmt(start))","hangup_time_gmt":"\(gmt(end))",
                "from_username":"\(isIn ? client : "0000*\(employee)")","to_username":"\(isIn ? "0000*\(employee)" : client)",
                "extension_id":100\(employee),"extension_name":"0000*\(employee)","extension_type":"phone","cdr":[]}]}
                """
        case "megafon-vats":
            return """
                [{"uid":"\(name)","type":"\(isIn ? "in" : "out")","status":"\(isAnswered ? "success" : "missed")",
                "client":"\(client)","user":"\(employee)","start":"\(gmt(start).replacing(" ", with: "T"))Z","wait":5,
                "duration":\(isAnswered ? 50 : 0)}]
                """
        default:
            return """
                [{"startDate":\(start.milliseconds),"abonent":{"userId":"\(employee)@ip.beeline.ru"},
                "direction":"\(isIn ? "INBOUND" : "OUTBOUND")","status":"\(isIn ? isAnswered ? "RECIEVED" : "MISSED" : "PLACED")",
                "duration":60000,"phone_from":"\(isIn ? client : "")","phone_to":"\(isIn ? "" : client)"}]
                """
        }
    }
}

extension RawRecord {
    /// The vendor sends it once more, a little later.
    fileprivate func again(_ chance: inout SeededRandom) -> RawRecord {
        var record = self
        record.receivedAt = receivedAt.advanced(by: .milliseconds(Int64.random(in: 100...90_000, using: &chance)))
        record.id = RawID(time: record.receivedAt, rest: UInt128(chance.next()))
        return record
    }
}
