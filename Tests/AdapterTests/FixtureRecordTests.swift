import AdapterCatalog
import AdapterConformance
import Connector
import Foundation
import Numbering
import TestSupport
import Testing

/// Every fixture's requests, decoded and folded, against the whole expected record in `expected.json`.
///
/// With `KOMMUTATOR_RECORD_FIXTURES=1` the files are written instead: read the difference before committing it.
@Suite struct FixtureRecordTests {
    static let cases: [(adapter: String, name: String)] = [
        "beeline", "mango", "mapped", "megafon-vats", "program", "telphin", "zadarma",
    ].flatMap { adapter in
        let all = (try? FixtureCases.loadAll(of: adapter)) ?? []
        return all.filter { $0.refusals == nil }.map { (adapter, $0.name) }
    }

    @Test func `there are cases`() { #expect(Self.cases.count >= 35) }

    @Test(arguments: cases.map { "\($0.adapter)/\($0.name)" })
    func `the records of a case are as expected`(path: String) throws {
        let adapter = String(path.prefix { $0 != "/" })
        let folder = FixtureFolders.cases(of: adapter) + path.dropFirst(adapter.count)
        let records = Self.lines(of: try Self.records(of: try FixtureCases.load(folder, of: adapter), adapter: adapter))
        let file = folder + "/expected.json"
        if ProcessInfo.processInfo.environment["KOMMUTATOR_RECORD_FIXTURES"] == "1" {
            try records.write(toFile: file, atomically: true, encoding: .utf8)
            return
        }
        let expected = try String(contentsOfFile: file, encoding: .utf8)
        for (index, pair) in zip(records.split(separator: "\n"), expected.split(separator: "\n")).enumerated() {
            #expect(pair.0 == pair.1, "\(path), line \(index + 1)")
        }
        #expect(records.split(separator: "\n").count == expected.split(separator: "\n").count)
    }

    @Test(arguments: cases.map { "\($0.adapter)/\($0.name)" })
    func `a case shuffled and repeated gives the same records`(path: String) throws {
        let adapter = String(path.prefix { $0 != "/" })
        let fixture = try FixtureCases.load(
            FixtureFolders.cases(of: adapter) + path.dropFirst(adapter.count), of: adapter)
        let truth = Self.standing(try Self.records(of: fixture, adapter: adapter))
        var chance = SeededRandom(seed: 7)
        for _ in 0..<10 {
            var shuffled = fixture
            // The order of arrival changes, the moment at which each request was received stays its own.
            shuffled.requests = (fixture.requests + fixture.requests.prefix(2)).shuffled(using: &chance)
            let records = Self.standing(try Self.records(of: shuffled, adapter: adapter))
            #expect(records == truth, "\(path)")
        }
    }

    // MARK: Decoding and folding

    static func records(
        of fixture: ConformanceCase, adapter name: String, context: AdapterContext = Programs.context()
    ) throws -> [JSONValue] {
        let kind = try #require(AdapterCatalog.adapter(named: name))
        let connection = ConnectionID("fixture")
        let adapter = try kind.init(
            settings: AdapterSettings(connection: connection, values: fixture.settings, mapping: fixture.mapping),
            context: context)
        let profile = ConnectionProfile(
            id: connection, provider: adapter.descriptor.provider,
            lines: ["+74950000001": .init(label: "site", channel: "yandex-direct")],
            employees: ["101": .init(name: "Иван Петров", crmID: "17")])
        let decoder = adapter.makeDecoder()
        let ledger = CallLedger(reader: try MemoryJournal().makeReader(), numbering: WorldNumberingPlan())
        var batch = DerivedBatch()
        var latestNews = Instant.earliest
        for (number, request) in fixture.requests.enumerated() {
            latestNews = max(latestNews, request.receivedAt)
            let raw = request.raw(connection, number: number, headers: adapter.descriptor.headers)
            let events = decoder.decode(raw).compactMap { if case .call(let event) = $0 { event } else { nil } }
            try ledger.apply(events, of: raw, profile: profile, into: &batch)
        }
        if let page = fixture.log {
            let raw = ConformanceCase.rawLog(page, connection)
            let events = decoder.decode(raw).compactMap { if case .call(let event) = $0 { event } else { nil } }
            try ledger.apply(events, of: raw, profile: profile, into: &batch)
            latestNews = raw.receivedAt
        }
        try closeSettled(in: ledger, at: latestNews.advanced(by: profile.settleAfter), profile, into: &batch)
        var latest: [CallID: [UInt8]] = [:]
        for change in batch.changes { latest[change.call] = try PackedJSON.expand(change.body) }
        return try latest.values.map { try JSONValue(parsing: $0) }
            .sorted {
                ($0["started_at"]?.string ?? "", $0["id"]?.string ?? "") < (
                    $1["started_at"]?.string ?? "", $1["id"]?.string ?? ""
                )
            }
    }

    /// What the gateway does when nothing more comes: calls whose every leg has ended are over.
    private static func closeSettled(
        in ledger: CallLedger, at now: Instant, _ profile: ConnectionProfile, into batch: inout DerivedBatch
    ) throws {
        for stale in ledger.staleCalls(at: now, profiles: { _ in profile }) {
            var name = StableHash()
            name.combine(stale.key.value)
            let closing = SystemRecord.closing(stale, id: RawID(time: now, rest: name.value), at: now)
            let events = SystemRecord.decode(closing).compactMap { if case .call(let event) = $0 { event } else { nil } }
            try ledger.apply(events, of: closing, profile: profile, into: &batch)
        }
    }

    /// One field of a record a line, so that a difference is easy to read.
    static func lines(of records: [JSONValue]) -> String {
        let objects = records.map { record in
            let members = record.members.map { "  \"\($0.name)\": \(String(decoding: $0.value.encoded, as: UTF8.self))" }
            return "{\n" + members.joined(separator: ",\n") + "\n}"
        }
        return "[\n" + objects.joined(separator: ",\n") + "\n]\n"
    }

    /// The calls that are left, without what rule 1 leaves out: which calls were two at first depends on the order.
    private static func standing(_ records: [JSONValue]) -> [JSONValue] {
        records.filter { $0["merged_into"] == .null }.map(timeless)
    }

    /// The record without what rule 1 leaves out.
    static func timeless(_ value: JSONValue) -> JSONValue {
        let silent: Set = [
            "id", "revision", "created_at", "updated_at", "participant_id", "leg_id", "parent_leg_id", "transferor_id",
            "transferee_id", "from_leg_id", "to_leg_id",
        ]
        switch value {
        case .object(let members):
            return .object(members.filter { !silent.contains($0.name) }.map { .init($0.name, timeless($0.value)) })
        case .array(let elements): return .array(elements.map(timeless))
        default: return value
        }
    }
}
