import AdapterKit
import BeelineAdapter
import Connector
import Foundation
import MangoAdapter
import Numbering
import TestSupport
import Testing

/// Answers of providers' histories in `Tests/Fixtures/history/<name>`: `body.*`, and in `expected.json` the events and the records that
/// they make by themselves.
///
/// With `KOMMUTATOR_RECORD_FIXTURES=1` the files are written instead: read the difference before committing it.
@Suite struct HistoryCaseTests {
    static let readers: [(name: String, provider: String, make: @Sendable () throws -> any HistoryReader)] = [
        ("beeline-statistics", "beeline", { BeelineStatistics() }),
        ("beeline-statistics-v1", "beeline", { BeelineStatistics() }),
        ("beeline-recordings", "beeline", { BeelineRecordings() }),
        ("mango-statistics", "mango", { MangoStatistics() }),
        (
            "mango-statistics-few-columns", "mango",
            { MangoStatistics(fields: [.entry, .start, .finish, .answer, .fromNumber, .toExtension]) }
        ),
    ]

    @Test(arguments: readers.map(\.name))
    func `an answer gives the rows and the records that are expected`(name: String) throws {
        let (_, provider, make) = try #require(Self.readers.first { $0.name == name })
        let folder = FixtureFolders.cases(of: "history") + "/\(name)"
        let page = try make().read(try Self.body(in: folder))
        let found = try Self.text(of: page, provider: provider)
        let file = folder + "/expected.json"
        if ProcessInfo.processInfo.environment["KOMMUTATOR_RECORD_FIXTURES"] == "1" {
            try found.write(toFile: file, atomically: true, encoding: .utf8)
            return
        }
        let expected = try String(contentsOfFile: file, encoding: .utf8)
        for (index, pair) in zip(found.split(separator: "\n"), expected.split(separator: "\n")).enumerated() {
            #expect(pair.0 == pair.1, "\(name), line \(index + 1)")
        }
        #expect(found.split(separator: "\n").count == expected.split(separator: "\n").count)
    }

    @Test(arguments: readers.map(\.name))
    func `a ruined answer gives rows or an error, and never traps`(name: String) throws {
        let reader = try #require(Self.readers.first { $0.name == name }).make()
        let body = try Self.body(in: FixtureFolders.cases(of: "history") + "/\(name)")
        var chance = SeededRandom(seed: 11)
        for _ in 0..<1500 {
            let ruined = chance.mutated(body, alphabet: Array(";,\"{}[]:\n\r01-9eE\u{0}".utf8))
            guard let page = try? reader.read(ruined) else { continue }
            for row in page.rows { #expect(!row.events(of: Self.raw).isEmpty) }
        }
    }

    private static let raw = RawRecord(
        id: RawID(time: .base, rest: 1), position: 1, connection: ConnectionID("fixture"),
        receivedAt: .base.advanced(by: .seconds(86_400)), source: .history, body: []
    ).stamp

    private static func body(in folder: String) throws -> [UInt8] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("body.") }
        return Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(try #require(names.first))")))
    }

    /// How many rows were passed over, then each row's events folded by themselves, one field a line.
    private static func text(of page: HistoryRows, provider: String) throws -> String {
        let profile = ConnectionProfile(id: ConnectionID("fixture"), provider: provider)
        let records = try page.rows.enumerated().map { number, row in
            let call = CallFold.record(
                of: CallHistory(row.events(of: raw)), id: CallID(time: .base, rest: UInt128(number)), createdAt: .base,
                profile: profile, numbering: WorldNumberingPlan())
            return try JSONValue(parsing: call.json())
        }
        return "{\n\"skipped\": \(page.skipped),\n\"records\":\n\(FixtureRecordTests.lines(of: records))}\n"
    }
}

@Suite struct HistoryReaderTests {
    private func read(_ reader: any HistoryReader, _ text: String) throws(HistoryError) -> HistoryRows {
        try reader.read(Array(text.utf8))
    }

    @Test func `an answer that is no list is an error with its reason`() throws {
        let cases: [(any HistoryReader, String, HistoryError.Code)] = [
            (BeelineStatistics(), "ON", .unreadable), (BeelineStatistics(), "{}", .unreadable),
            (BeelineStatistics(), #"{"errorCode":"InvalidToken","description":"9000000021"}"#, .refused),
            (MangoStatistics(), #"{"code":3104}"#, .refused),
        ]
        for (reader, text, code) in cases {
            let error = #expect(throws: HistoryError.self) { try read(reader, text) }
            #expect(error?.code == code, "\(text)")
            #expect(error?.description.contains("9000000021") == false)
        }
    }

    @Test func `an empty answer has no rows`() throws {
        #expect(try read(BeelineStatistics(), "[]") == HistoryRows())
        #expect(try read(MangoStatistics(), "") == HistoryRows())
    }

    @Test func `the number of rows is bounded`() throws {
        let rows = Array(repeating: "{}", count: 10_001).joined(separator: ",")
        for (reader, text) in [
            (BeelineStatistics() as any HistoryReader, "[\(rows)]"),
            (MangoStatistics(), String(repeating: ";\n", count: 200_001)),
        ] {
            let error = #expect(throws: HistoryError.self) { try read(reader, text) }
            #expect(error?.code == .tooMany)
        }
    }

    @Test func `a Beeline row is like the call that its events made`() throws {
        let bench = try BeelineBench()
        let received = try #require(bench.event("CallReceivedEvent", BeelineBench.terminator))
        let call = CallFold.record(
            of: CallHistory([received]), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
            numbering: WorldNumberingPlan())
        let row =
            #"{"startDate":1793603721500,"abonent":{"userId":"9000000021@ip.beeline.ru"},"direction":"INBOUND","status":"MISSED","phone_from":"9000000101"}"#
        let page = try read(BeelineStatistics(), "[\(row)]")
        #expect(Self.isLike(page, call))
        let other = try read(BeelineStatistics(), "[\(row.replacing("9000000101", with: "9000000102"))]")
        #expect(!Self.isLike(other, call))
    }

    private static func isLike(_ page: HistoryRows, _ call: Call) -> Bool {
        page.rows.first?.events(of: HistoryRowTests.raw)[0].likeness?.distance(to: call) != nil
    }
}
