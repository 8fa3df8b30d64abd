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
        "asterisk", "beeline", "mango", "mapped", "megafon-vats", "pbx", "program", "telphin", "zadarma",
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
        let truth = RecordShape.standing(try Self.records(of: fixture, adapter: adapter))
        var chance = SeededRandom(seed: 7)
        for _ in 0..<10 {
            var shuffled = fixture
            // The order of arrival changes, the moment at which each request was received stays its own.
            shuffled.requests = (fixture.requests + fixture.requests.prefix(2)).shuffled(using: &chance)
            let records = RecordShape.standing(try Self.records(of: shuffled, adapter: adapter))
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
            settings: AdapterSettings(
                connection: connection, values: fixture.settings, section: fixture.section,
                hasURLToken: fixture.settings["url_token"] != nil),
            context: context)
        let profile = ConnectionProfile(
            id: connection, provider: adapter.descriptor.provider,
            lines: ["+74950000001": .init(label: "site", channel: "yandex-direct")],
            employees: ["101": .init(name: "Иван Петров", crmID: "17")])
        let decoder = adapter.makeDecoder()
        var play = RecordPlay(profile: profile, numbering: WorldNumberingPlan())
        for (number, request) in fixture.requests.enumerated() {
            let raw = request.raw(
                connection, number: number, headers: adapter.descriptor.headers, source: adapter.descriptor.hearing.source)
            try play.take(decoder.decode(raw), of: raw)
        }
        if let page = fixture.log {
            let raw = ConformanceCase.rawLog(page, connection)
            try play.take(decoder.decode(raw), of: raw)
        }
        try play.close(at: play.latestNews.advanced(by: profile.settleAfter))
        return try play.records()
    }

    /// One field of a record a line, so that a difference is easy to read.
    static func lines(of records: [JSONValue]) -> String {
        let objects = records.map { record in
            let members = record.members.map { "  \"\($0.name)\": \(String(decoding: $0.value.encoded, as: UTF8.self))" }
            return "{\n" + members.joined(separator: ",\n") + "\n}"
        }
        return "[\n" + objects.joined(separator: ",\n") + "\n]\n"
    }
}
