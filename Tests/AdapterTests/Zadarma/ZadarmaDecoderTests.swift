import Connector
import Testing
import ZadarmaAdapter

@Suite struct ZadarmaDecoderTests {
    let bench: ZadarmaWorkbench

    init() throws { bench = try ZadarmaWorkbench() }

    /// 10:15:20 in Moscow.
    private static let start = Instant(unixSeconds: 1_793_603_720)

    @Test func `a call's start has its own time, in the account's zone`() throws {
        let event = try #require(bench.incoming("NOTIFY_START"))
        #expect(event.keys == [ExternalKey(.call, "in_1")])
        #expect(event.occurredAt == Self.start)
        #expect(event.leg == nil)
        #expect(
            event.facts
                == CallFacts(
                    direction: .inbound, startedAt: Self.start, externalNumber: "79000000101", line: "79000000010",
                    timeZone: "Europe/Moscow"))
    }

    @Test(arguments: [("Europe/Kaliningrad", 3600), ("Asia/Vladivostok", -25_200), ("UTC", 10_800)])
    func `the zone is a setting`(zone: String, difference: Int64) throws {
        let event = try #require(try ZadarmaWorkbench(timeZone: zone).incoming("NOTIFY_START"))
        #expect(event.facts.startedAt?.milliseconds(since: Self.start) == difference * 1000)
        #expect(event.facts.timeZone == zone)
    }

    @Test(arguments: ["", "yesterday", "2026-13-02 10:15:20"])
    func `a start that cannot be read gives way to the time of arrival`(start: String) {
        let event = bench.callEvent([("event", "NOTIFY_START"), ("pbx_call_id", "in_1"), ("call_start", start)])
        #expect(event?.occurredAt == ZadarmaWorkbench.now)
        #expect(event?.facts.startedAt == nil)
        #expect(event?.facts.timeZone == nil)
    }

    @Test(arguments: [
        ("NOTIFY_INTERNAL", LegReport.Phase.ringing, EventType.ringing), ("NOTIFY_ANSWER", .answered, .answered),
    ])
    func `an extension rings and answers`(word: String, phase: LegReport.Phase, type: EventType) throws {
        let event = try #require(bench.incoming(word, [("internal", "499499-101"), ("destination", "101")]))
        #expect(event.type == type)
        #expect(event.occurredAt == ZadarmaWorkbench.now)
        #expect(event.facts.startedAt == Self.start)
        #expect(
            event.leg
                == LegReport(
                    key: "in_1/101", phase: phase, from: .external(number: "79000000101"),
                    to: .user(extension: "101", endpoint: nil),
                    handover: .unmarked))
    }

    @Test func `an answer on another device, and one without an extension`() {
        let mobile = bench.incoming("NOTIFY_ANSWER", [("internal", "101"), ("destination", "79000000103")])?.leg
        #expect(mobile?.to == .user(extension: "101", endpoint: "79000000103"))
        let short = bench.incoming("NOTIFY_ANSWER", [("destination", "103")])?.leg
        #expect(short?.key == "in_1/103")
        #expect(short?.to == .user(extension: "103", endpoint: nil))
    }

    @Test func `an employee dials out`() throws {
        let event = try #require(bench.outgoing("NOTIFY_OUT_START", [("dst_e164", "79000000102")]))
        #expect(event.type == .ringing)
        #expect(event.occurredAt == Self.start)
        #expect(
            event.leg
                == LegReport(
                    key: "out_1/79000000102", phase: .ringing, from: .user(extension: "101", endpoint: nil),
                    to: .external(number: "79000000102")))
        #expect(event.facts.direction == .outbound)
        #expect(event.facts.line == "79000000010")
        #expect(event.facts.externalNumber == "79000000102")
        #expect(event.custom == [CustomField("dst_e164", "79000000102")])
        #expect(bench.outgoing("NOTIFY_ANSWER")?.leg?.key == "out_1/79000000102")
        #expect(bench.outgoing("NOTIFY_ANSWER")?.leg?.phase == .answered)
    }

    @Test func `a call to a short number stays in the house`() throws {
        let event = try #require(bench.outgoing("NOTIFY_OUT_START", to: "499499-102"))
        #expect(event.facts.direction == .internal)
        #expect(event.facts.externalNumber == nil)
        #expect(event.leg?.key == "out_1/102")
        #expect(event.leg?.to == .user(extension: "102", endpoint: nil))
    }

    @Test(arguments: [
        ("answered", EndReason.normal, Bool?.some(true)), ("busy", .busy, false), ("cancel", .callerHungUp, false),
        ("no answer", .noAnswer, false), ("No_Answer", .noAnswer, false), ("failed", .failed, false),
        ("call failed", .failed, false), ("no money", .failed, false), ("unallocated number", .invalidNumber, false),
        ("no limit", .failed, false), ("no day limit", .failed, false), ("line limit", .failed, false),
        ("no money, no limit", .failed, false), ("deflected", .unknown, nil), ("", .unknown, nil),
    ])
    func `the disposition says how the call ended`(word: String, reason: EndReason, answered: Bool?) throws {
        let event = try #require(
            bench.incoming(
                "NOTIFY_END",
                [("internal", "101"), ("duration", "63"), ("disposition", word), ("status_code", "16"), ("is_recorded", "0")]))
        #expect(event.type == .ended)
        #expect(
            event.ending
                == EndReport(
                    reason: reason, cause: Cause(q850: 16, providerCode: word.isEmpty ? nil : word), answered: answered,
                    endedAt: ZadarmaWorkbench.now, user: .user(extension: "101", endpoint: nil)))
        #expect(event.custom == [CustomField("duration", "63"), CustomField("is_recorded", "0")])
        #expect(event.recording == nil)
        #expect(bench.outgoing("NOTIFY_OUT_END", [("disposition", word)])?.ending?.reason == reason)
    }

    @Test func `a recording is named at the end and ready later`() throws {
        let recorded: [(name: String, value: String)] = [("is_recorded", "1"), ("call_id_with_rec", "17.4")]
        let end = try #require(bench.incoming("NOTIFY_END", recorded))
        #expect(end.keys == [ExternalKey(.call, "in_1"), ExternalKey(.recording, "17.4")])
        #expect(end.recording == RecordingReport(key: "17.4", phase: .completed))
        let record: [(name: String, value: String)] = [("event", "NOTIFY_RECORD"), ("pbx_call_id", "in_1")]
        let ready = try #require(bench.callEvent(record + [("call_id_with_rec", "17.4")]))
        #expect(ready.type == .recordingReady)
        #expect(ready.recording == RecordingReport(key: "17.4", phase: .ready))
        #expect(ready.id != bench.callEvent(record + [("call_id_with_rec", "17.5")])?.id)
    }

    @Test(arguments: [
        [("wait_dtmf[name]", "menu1"), ("wait_dtmf[digits]", "2"), ("wait_dtmf[default_behaviour]", "")],
        [("wait_dtmf", #"{"name":"menu1","digits":2}"#)],
    ])
    func `keys pressed in a menu`(fields: [(String, String)]) throws {
        let event = try #require(bench.incoming("NOTIFY_IVR", fields.map { (name: $0.0, value: $0.1) }))
        #expect(event.type == .dtmf)
        #expect(event.digits == DigitsReport(digits: "2", menu: "menu1"))
    }

    @Test func `a menu without keys is a step on the way`() throws {
        let event = try #require(
            bench.incoming(
                "NOTIFY_IVR", [("wait_dtmf[name]", "menu1"), ("wait_dtmf[digits]", ""), ("wait_dtmf[default_behaviour]", "1")]))
        #expect(event.type == .routeStep)
        #expect(event.digits == nil)
        #expect(event.custom == [CustomField("wait_dtmf.name", "menu1"), CustomField("wait_dtmf.default_behaviour", "1")])
    }

    @Test func `a transcript finds its call by either name`() throws {
        let result =
            #"{"words":[{"result":[{"s":0.4,"e":0.8,"w":"добрый"},{"w":"день"}],"channel":2},{"result":[{"w":"слушаю"}]}]}"#
        let fields: [(name: String, value: String)] = [("event", "SPEECH_RECOGNITION"), ("lang", "ru-RU"), ("result", result)]
        let event = try #require(bench.callEvent(fields + [("pbx_call_id", "in_1"), ("call_id", "17.4")]))
        #expect(event.type == .transcriptReady)
        #expect(event.keys == [ExternalKey(.call, "in_1"), ExternalKey(.recording, "17.4")])
        #expect(event.custom == [CustomField("lang", "ru-RU"), CustomField("transcript", "2: добрый день\nслушаю")])
        #expect(bench.callEvent(fields + [("call_id", "17.4")])?.keys == [ExternalKey(.recording, "17.4")])
        guard case .undecoded? = bench.decode(fields).first else {
            Issue.record("a transcript of no call")
            return
        }
    }

    @Test(arguments: [("SMS", "sms_received"), ("NUMBER_LOOKUP", "number_lookup"), ("CALL_TRACKING", "call_tracking")])
    func `what concerns no call is a signal`(word: String, signal: String) {
        let decoded = bench.decode([("event", word), ("result", #"{"caller_id": "79000000101", "text": "Привет"}"#)])
        let fields = [CustomField("caller_id", "79000000101"), CustomField("text", "Привет")]
        #expect(decoded == [.signal(name: signal, fields: fields)])
    }

    @Test(arguments: ["NOTIFY_INTERNAL_END", "DOCUMENT", "NOTIFY_PARKED", ""])
    func `unknown events are ignored`(word: String) {
        guard case .ignored? = bench.decode([("event", word)]).first else {
            Issue.record("not ignored")
            return
        }
    }

    @Test(arguments: [
        "NOTIFY_START", "NOTIFY_INTERNAL", "NOTIFY_ANSWER", "NOTIFY_END", "NOTIFY_OUT_START", "NOTIFY_RECORD", "SMS",
    ])
    func `an event that does not say of which call stays undecoded`(word: String) {
        guard case .undecoded? = bench.decode([("event", word), ("call_id_with_rec", "1")]).first else {
            Issue.record("decoded")
            return
        }
    }
}
