import Connector
import MegafonVATSAdapter
import Testing

@Suite struct MegafonLogTests {
    let bench: MegafonWorkbench

    init() throws { bench = try MegafonWorkbench() }

    private func events(_ page: String) -> [CallEvent] { MegafonWorkbench.events(bench.decode(page, source: .history)) }

    private static func row(type: String = "in", account: String = "ivanov@x", wait: String = "10", talk: String = "58") -> String
    {
        "U,\(type),+79000001234,\(account),+74950000002,2026-09-21T17:13:20+03:00,\(wait),\(talk),"
    }

    @Test func `a row of CSV is an ending from the log`() throws {
        let event = try #require(events(Self.row() + "\r\n").first)
        #expect(event.source == .history)
        #expect(event.keys == [ExternalKey(.call, "U")])
        #expect(event.facts.startedAt == Instant(unixSeconds: 1_790_000_000))
        #expect(event.facts.direction == .inbound)
        #expect(event.facts.line == "+74950000002")
        #expect(event.ending?.answeredAt == Instant(unixSeconds: 1_790_000_010))
        #expect(event.ending?.endedAt == Instant(unixSeconds: 1_790_000_068))
        #expect(event.ending?.user == .user(extension: "ivanov", endpoint: nil))
    }

    @Test(arguments: [
        ("in", "ivanov", "58", Bool?.some(true)), ("missed", "ivanov", "0", false), ("out", "ivanov", "58", true),
        ("out", "ivanov", "0", false), ("in", "ivr", "8", false), ("in", "fax", "8", false),
    ])
    func `what a row says of the answer`(type: String, account: String, talk: String, answered: Bool?) {
        #expect(events(Self.row(type: type, account: account, talk: talk)).first?.ending?.answered == answered)
    }

    @Test func `fields may be quoted`() {
        let page = #""U,1",out,"+7""9000001234",ivanov,,2026-09-21T14:13:20Z,1,2,"# + "\n\n"
        #expect(events(page).map { $0.keys[0].value } == ["U,1"])
        #expect(events(page).first?.facts.externalNumber == "+7\"9000001234")
    }

    @Test(arguments: ["null", "[]", #"{"items":[]}"#, "", "\r\n"])
    func `a page without calls is understood`(page: String) {
        guard case .ignored? = bench.decode(page, source: .history).first else {
            Issue.record("not ignored")
            return
        }
    }

    @Test func `a page may be a list or an object with items`() {
        let item =
            #"{"uid":"C","type":"out","status":"success","client":"79000005678","user":"ivanov","start":"2026-09-21T14:13:20Z","wait":"3","duration":4}"#
        #expect(events("[\(item)]") == events(#"{"items":[\#(item)],"info":{}}"#))
        #expect(events("[\(item)]").first?.ending?.endedAt == Instant(unixSeconds: 1_790_000_007))
    }

    @Test(arguments: ["[1]", #"[{"uid":"C"}]"#, "[", "U,in", "U,in,,,,yesterday,1,2,"])
    func `a row without name or time stays undecoded, and hinders no other`(page: String) {
        guard case .undecoded? = bench.decode(page, source: .history).first else {
            Issue.record("decoded")
            return
        }
        #expect(events("U,in\n" + Self.row()).count == 1)
    }

    @Test func `the same row in another page is a repeat`() {
        let ids = events(Self.row() + "\n" + Self.row(talk: "59")).map(\.id)
        #expect(Set(ids).count == 2)
        #expect(events(Self.row()).map(\.id) == [ids[0]])
    }
}
