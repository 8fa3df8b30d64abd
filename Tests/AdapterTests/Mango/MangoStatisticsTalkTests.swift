import Connector
import MangoAdapter
import Testing

/// Who talked, by the rows of the statistics.
@Suite struct MangoStatisticsTalkTests {
    private static func row(
        _ start: Int, _ answer: Int, _ finish: Int, from: String = ";79000001234", to: String, _ code: String = "1110"
    ) -> String {
        let times = [start, finish].map { String(1_790_000_000 + $0) }
        let answered = answer == 0 ? "0" : String(1_790_000_000 + answer)
        return "[];\(times[0]);\(times[1]);\(answered);\(from);\(to);\(code);74950000001;abonent;1790000000;entry\n"
    }

    private static func talk(_ user: String, _ from: Int64, _ to: Int64) -> TalkReport {
        TalkReport(user, from: Instant(unixSeconds: 1_790_000_000 + from), to: Instant(unixSeconds: 1_790_000_000 + to))
    }

    private static func talks(_ rows: [String]) throws -> [TalkReport]? {
        try MangoStatistics().read(Array(rows.joined().utf8)).rows.first?.ending?.talks
    }

    @Test func `each employee who took the call talked`() throws {
        let rows = [
            Self.row(0, 5, 30, to: "101;", "1120"), Self.row(31, 40, 90, to: "102;"), Self.row(0, 0, 5, to: "103;", "1182"),
        ]
        #expect(try Self.talks(rows) == [Self.talk("101", 5, 30), Self.talk("102", 40, 90)])
    }

    @Test func `a colleague who was only asked did not talk with the client`() throws {
        let asking = "101;"
        let client = Self.row(0, 5, 90, to: "101;")
        #expect(try Self.talks([client, Self.row(20, 25, 40, from: asking, to: "102;")]) == [Self.talk("101", 5, 90)])
        let passedOn = [Self.row(0, 5, 40, to: "101;", "1120"), Self.row(20, 25, 90, from: asking, to: "102;")]
        #expect(try Self.talks(passedOn) == [Self.talk("101", 5, 40), Self.talk("102", 25, 90)])
    }
}
