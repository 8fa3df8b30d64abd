import Connector
import MegafonVATSAdapter
import Testing

@Suite struct MegafonHistoryTests {
    let bench: MegafonWorkbench

    init() throws { bench = try MegafonWorkbench() }

    /// 2026-09-21T14:13:20Z.
    private static let start = Instant(unixSeconds: 1_790_000_000)

    private static func after(_ seconds: Int) -> Instant { start.advanced(by: .seconds(seconds)) }

    @Test func `a history ends the call, and its recording is an event of its own`() throws {
        let link = "https://demo.megapbx.ru/records/C.mp3"
        let events = bench.histories([("duration", "68"), ("wait", "10"), ("link", link), ("telnum_name", "Main")])
        #expect(events.count == 2)
        let ending = try #require(events.first)
        #expect(ending.type == .ended)
        #expect(ending.keys == [ExternalKey(.call, "C"), ExternalKey(.recording, "/records/C.mp3")])
        #expect(ending.occurredAt == Self.after(68))
        #expect(
            ending.facts
                == CallFacts(
                    direction: .inbound, startedAt: Self.start, externalNumber: "79000001234", line: "74950000002",
                    login: EmployeeLogin("ivanov", extension: "101")))
        #expect(
            ending.ending
                == EndReport(
                    reason: .normal, cause: Cause(providerCode: "Success"), answered: true, answeredAt: Self.after(10),
                    endedAt: Self.after(68), user: .user(extension: "101", endpoint: "79000000101")))
        #expect(
            ending.custom == [CustomField("duration", "68"), CustomField("wait", "10"), CustomField("telnum_name", "Main")])
        #expect(events.last?.type == .recordingReady)
        #expect(events.last?.occurredAt == MegafonWorkbench.now)
        #expect(events.last?.recording == RecordingReport(key: "/records/C.mp3", phase: .ready))
        #expect(events.first?.id != events.last?.id)
    }

    @Test(arguments: [
        ("Success", EndReason.normal, Bool?.some(true)), ("success", .normal, true), ("missed", .normal, false),
        ("Missed", .normal, false), ("Cancel", .callerHungUp, false), ("BUSY", .busy, false),
        ("NotAvailable", .unreachable, false), ("not_available", .unreachable, false), ("NotAllowed", .blocked, false),
        ("NotFound", .invalidNumber, false), ("Parked", .unknown, nil), ("", .unknown, nil),
    ])
    func `the status in any case says how it came out`(word: String, reason: EndReason, answered: Bool?) {
        let ending = bench.history([("status", word)])?.ending
        #expect(ending?.reason == reason)
        #expect(ending?.answered == answered)
        #expect(ending?.cause.providerCode == (word.isEmpty ? nil : word))
    }

    @Test(arguments: [
        ("68", "10", 68, Int?.some(10)), ("68", "", 68, nil), ("68", "69", 68, nil), ("0", "10", nil, nil), ("", "10", nil, nil),
        ("-5", "1", nil, nil), ("many", "", nil, nil), ("99999999", "1", nil, nil), ("9223372036854775807", "", nil, nil),
    ])
    func `the end is told by the whole, the answer by the wait`(duration: String, wait: String, end: Int?, answer: Int?) {
        let event = bench.history([("duration", duration), ("wait", wait)])
        #expect(event?.ending?.endedAt == end.map(Self.after))
        #expect(event?.ending?.answeredAt == answer.map(Self.after))
        #expect(event?.occurredAt == end.map(Self.after) ?? MegafonWorkbench.now)
    }

    @Test func `a missed call lasted as long as it was waited for, if that is told`() {
        #expect(bench.history([("status", "missed"), ("duration", "0"), ("wait", "21")])?.ending?.endedAt == Self.after(21))
        #expect(bench.history([("status", "missed"), ("duration", "0")])?.ending?.endedAt == nil)
    }

    @Test(arguments: [
        ("20260921T141320Z", Int?.some(0), false), ("20260921T171320", 0, true), ("2026-09-21T17:13:20+03:00", 0, false),
        ("2026-09-21 17:13:20", 0, true), ("20260921T251320Z", nil, false), ("19700101T000000Z", nil, false),
        ("99991231T235959Z", nil, false), ("yesterday", nil, false), ("2026092XT141320Z", nil, false), ("", nil, false),
    ])
    func `times with a zone and without`(text: String, offset: Int?, isLocal: Bool) {
        let facts = bench.history([("start", text)])?.facts
        #expect(facts?.startedAt == offset.map(Self.after))
        #expect(facts?.timeZone == (isLocal ? "Europe/Moscow" : nil))
    }

    @Test(arguments: [
        ("https://demo.megapbx.ru/r/1.mp3?a=b", "/r/1.mp3?a=b"), ("HTTPS://DEMO.megapbx.ru/r/1.mp3", "/r/1.mp3"),
        ("https://demo.megapbx.ru.evil.example/1.mp3", "https://demo.megapbx.ru.evil.example/1.mp3"),
        ("https://demo.megapbx.ru@evil.example/1.mp3", "https://demo.megapbx.ru@evil.example/1.mp3"),
        ("http://demo.megapbx.ru/1.mp3", "http://demo.megapbx.ru/1.mp3"),
    ])
    func `a recording on the tenant's own server is named by its path`(link: String, name: String) {
        #expect(bench.histories([("link", link)]).last?.recording?.key == name)
    }

    @Test func `without the server's address a recording keeps its own, and one too long is none`() throws {
        let link = "https://demo.megapbx.ru/r/1.mp3"
        #expect(try MegafonWorkbench([:]).histories([("link", link)]).last?.recording?.key == link)
        #expect(bench.histories([("link", link + String(repeating: "x", count: 2048))]).count == 1)
    }

    @Test(arguments: [
        ("pbx", "", Party?.none), ("pbx", "Отдел продаж", .queue(ref: "Отдел продаж")),
        ("g_e2079b5f-25f7-4743-9323-761429e73a00", "", .queue(ref: "g_e2079b5f-25f7-4743-9323-761429e73a00")),
    ])
    func `who should have answered may be a department, and never the switch`(user: String, group: String, party: Party?) {
        let ending = bench.history([("status", "missed"), ("user", user), ("ext", ""), ("groupRealName", group)])?.ending
        #expect(ending?.user == party)
    }

    @Test func `a history without a user names nobody`() {
        #expect(bench.history([("user", ""), ("ext", "")])?.ending?.user == nil)
    }

    @Test func `a history with another value is news, a repeat is none`() {
        let first = bench.history([("duration", "20")])?.id
        #expect(bench.history([("duration", "20"), ("tomorrow", "x")])?.id == first)
        #expect(bench.history([("duration", "21")])?.id != first)
        #expect(bench.history([("duration", "20"), ("rating", "5")])?.id != first)
    }
}
