import Connector
import Numbering
import TestSupport
import Testing
import VendorSimulators

/// Calls of which any webhook or two are lost: with the vendor's log beside what is left, the record is what really happened.
@Suite struct LostWebhookTests {
    private static let connection = ConnectionID("demo")

    @Test(arguments: PlayedCallTests.plays)
    func `whichever two webhooks of a played call are lost, its record is the truth`(adapter: String, scenario: Scenario)
        async throws
    {
        let vendor = try await PlayedCallTests.Vendor(adapter)
        let begin = vendor.bench.clock.now()
        #expect(vendor.bench.begin(scenario, seed: 11))
        try await expectTruth(vendor, since: begin)
    }

    @Test(arguments: ["beeline", "mango", "megafon-vats", "telphin", "zadarma"], ["79000000102", "79000000217", "79000000219"])
    func `whichever two webhooks of an ordered call are lost, its record is the truth`(adapter: String, number: String)
        async throws
    {
        let vendor = try await PlayedCallTests.Vendor(adapter)
        let begin = vendor.bench.clock.now()
        _ = try await vendor.client.perform(.originate(from: "101", to: number))
        try await expectTruth(vendor, since: begin)
    }

    /// Mango lists legs, those that are over, by their beginnings: what is asked while a call goes on, or from its middle on, has some of
    /// its legs only. The next pull reaches back behind the one before, and has all of them.
    @Test(arguments: PlayedCallTests.plays.filter { $0.adapter == "mango" }.map(\.scenario))
    func `a pull that saw some legs of a call takes nothing from one that saw them all`(scenario: Scenario) async throws {
        let vendor = try await PlayedCallTests.Vendor("mango")
        let begin = vendor.bench.clock.now()
        #expect(vendor.bench.begin(scenario, seed: 11))
        let webhooks = vendor.bench.records(Self.connection)
        var parts: [[RawRecord]] = []
        while vendor.bench.clock.now() < begin.advanced(by: .seconds(400)) {
            // Looking for the report takes five seconds each time.
            parts.append(try await history(of: vendor, since: begin))
        }
        vendor.bench.clock.advance(by: .seconds(3600))
        for second in stride(from: 1, to: 400, by: 3) {
            parts.append(try await history(of: vendor, since: begin.advanced(by: .seconds(second))))
        }
        let truth = try #require(vendor.bench.calls.compactMap { vendor.bench.truth(of: $0) }.last)
        let whole = try await history(of: vendor, since: begin)
        var told: Set<[[UInt8]]> = [[], whole.map(\.body)]
        for part in parts where told.insert(part.map(\.body)).inserted {
            for lost in -1...webhooks.count {
                let left = lost == webhooks.count ? [] : webhooks.enumerated().filter { $0.offset != lost }.map(\.element)
                let log = try Self.log(of: left + part + whole, vendor.adapter)
                #expect(log.count == 1)
                guard let call = log.first else { continue }
                let rows = part.map { String(decoding: $0.body, as: UTF8.self) }
                #expect(TruthCheck(truth).differences(from: call, isTied: true) == [], "without \(lost), beside \(rows)")
            }
        }
        #expect(told.count > 2 || whole.flatMap(\.body).count { $0 == UInt8(ascii: "\n") } < 2, "some pull cuts the call in two")
    }

    private func expectTruth(_ vendor: PlayedCallTests.Vendor, since begin: Instant) async throws {
        let webhooks = vendor.bench.records(Self.connection)
        let truth = try #require(vendor.bench.calls.compactMap { vendor.bench.truth(of: $0) }.last)
        vendor.bench.clock.advance(by: .seconds(3600))
        let rows = try await history(of: vendor, since: begin)
        var told: Set<String> = []
        for first in webhooks.indices {
            for second in webhooks.indices where second >= first {
                let left = webhooks.enumerated().filter { $0.offset != first && $0.offset != second }.map(\.element)
                guard !left.isEmpty else { continue }
                let log = try Self.log(of: left + rows, vendor.adapter)
                let tied = log.filter { !Self.isUntied($0, truth) }
                let calls = tied.isEmpty ? log : tied
                let lost = [webhooks[first], webhooks[second]]
                if truth.adapter == "megafon-vats", lost.contains(where: Self.tiesParts) {
                    #expect(calls.count <= 2, "nothing else says that both parts are one call")
                    continue
                }
                #expect(calls.count == 1, "without \(first) and \(second)")
                guard let call = calls.first else { continue }
                let isTied = log.count == 1
                for difference in TruthCheck(truth).differences(from: call, isTied: isTied)
                where told.insert(difference).inserted {
                    Issue.record("without \(first) and \(second) of \(webhooks.count): \(difference)")
                }
            }
        }
    }

    /// Beeline's statistics name no call: the row of an employee of whose part all events were lost is a call of its own (decision 027).
    /// So is a consultation, which has a tracking id of its own, where what came of it was lost.
    private static func isUntied(_ call: JSONValue, _ truth: CallTruth) -> Bool {
        guard truth.adapter == "beeline" else { return false }
        let isRow = call["external_ids"]?.elements.allSatisfy { $0["value"]?.string?.hasPrefix("history:") == true } == true
        return isRow || truth.employees.count == 2 && call["direction"]?.string == "internal"
    }

    /// MegaFon's parts of a call have names of their own; `TRANSFERRED` alone has both.
    private static func tiesParts(_ webhook: RawRecord) -> Bool {
        String(decoding: webhook.body, as: UTF8.self).contains("second_callid=")
    }

    private func history(of vendor: PlayedCallTests.Vendor, since begin: Instant) async throws -> [RawRecord] {
        let now = vendor.bench.clock.now()
        let window = HistoryWindow(from: begin.advanced(by: .seconds(-1)), to: now)
        var rows: [RawRecord] = []
        var page = 0
        for _ in 0..<20 {
            let answer = try await vendor.client.history(window, page: page)
            for row in answer.bodies.flatMap(vendor.adapter.logRows) {
                rows.append(
                    RawRecord(
                        id: RawID(time: now, rest: UInt128(rows.count)), connection: Self.connection, receivedAt: now,
                        source: .history, path: answer.path, body: row))
            }
            guard answer.hasMore else { break }
            page = answer.next ?? page + 1
        }
        return rows
    }

    /// The call log of these records.
    private static func log(of records: [RawRecord], _ adapter: any TelephonyAdapter) throws -> [JSONValue] {
        var profile = ConnectionProfile(id: connection, provider: adapter.descriptor.provider)
        profile.historyIsGuessed = !adapter.descriptor.logNamesCalls
        let journal = MemoryJournal()
        _ = journal.save(PullState(connection: connection, reach: .latest)) { _ in }
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
        let query = CallQuery(tenant: .standard)
        return try journal.makeReader().calls(query).map { try JSONValue(parsing: $0.body) }.filter {
            $0["merged_into"]?.string == nil && $0["deleted_at"]?.string == nil
        }
    }
}

/// Compares a record with what really happened.
private struct TruthCheck {
    private let truth: CallTruth

    init(_ truth: CallTruth) { self.truth = truth }

    /// - Parameter isTied: whether all that was told of is this one call.
    func differences(from call: JSONValue, isTied: Bool) -> [String] {
        let missing = call["completeness"]?["missing"]?.elements.compactMap(\.string) ?? []
        var differences: [String] = []
        func expect(_ name: String, _ isTrue: Bool, _ value: JSONValue?) {
            if !isTrue { differences.append("\(name) \(value ?? .null), missing \(missing), truth \(truth)") }
        }
        func expectTime(_ name: String, _ moment: Instant?, orMissing gap: String) {
            let told = call[name]?.string.flatMap { Instant(rfc3339: $0) }
            let isNear =
                told == moment || told.flatMap { told in moment.map { abs(told.milliseconds(since: $0)) <= 2000 } } == true
            expect(name, isNear || told == nil && missing.contains(gap), call[name])
        }
        expect("direction", call["direction"]?.string == truth.direction.rawValue, call["direction"])
        expect("number", call["external_party"]?["number"]?["e164"]?.string == "+\(truth.number)", call["external_party"])
        // Beeline's log says neither why nobody answered a call out, nor whether somebody did.
        let isOpen =
            truth.adapter == "beeline" && truth.direction == .outbound && call["disposition"]?.string == "unknown"
            && missing.contains("hangup")
        expect("disposition", call["disposition"]?.string == truth.disposition.rawValue || isOpen, call["disposition"])
        expectTime("started_at", truth.startedAt, orMissing: "none")
        if !isOpen { expectTime("answered_at", truth.answeredAt, orMissing: "answer_time") }
        guard isTied else { return differences }
        expectTime("ended_at", truth.endedAt, orMissing: "hangup")
        let people =
            call["participants"]?.elements.filter { $0["kind"]?.string == "user" }.compactMap { $0["extension"]?.string } ?? []
        expect("participants", Set(truth.employees).isSubset(of: people), call["participants"])
        if truth.disposition == .answered, !isOpen {
            expect(
                "owner_user_id", call["owner_user_id"]?.string == truth.employees.last.map { "demo/\($0)" }, call["owner_user_id"]
            )
        }
        let recordings = call["recordings"]?.elements.compactMap { $0["provider_ref"]?.string }.sorted() ?? []
        expect("recordings", recordings == truth.recordings.sorted(), call["recordings"])
        return differences
    }
}
