import Connector
import TelphinAdapter
import Testing

@Suite struct TelphinLogTests {
    let bench: TelphinWorkbench

    init() throws { bench = try TelphinWorkbench() }

    private func events(_ page: String) -> [CallEvent] { TelphinWorkbench.events(bench.decode(page, source: .history)) }

    /// A row; members given here count more than the usual ones.
    private static func row(_ members: String = #""result":"bridged""#) -> String {
        #"{"call_uuid":"5205DC5C3B1F11EFA1D2000000000001","flow":"in","init_time_gmt":"2026-11-02 07:15:20.50","bridged_time_gmt":"2026-11-02 07:15:29","#
            + #""hangup_time_gmt":"2026-11-02 07:16:32","from_username":"79000000101","to_username":"0000*101","did_number":"79000000010","#
            + #""extension_id":100101,"extension_name":"0000*101","extension_type":"phone",\#(members)}"#
    }

    private static func page(_ rows: String...) -> String { #"{"page":1,"call_history":[\#(rows.joined(separator: ","))]}"# }

    private static func moment(_ second: Int) -> Instant {
        Instant(unixSeconds: 1_793_603_720).advanced(by: .seconds(second))
    }

    @Test func `a row is an ending from the log`() throws {
        let event = try #require(events(Self.page(Self.row())).first)
        #expect(event.source == .history)
        #expect(event.keys == [ExternalKey(.call, "5205dc5c3b1f11efa1d2000000000001")])
        #expect(event.occurredAt == Self.moment(72))
        #expect(
            event.facts
                == CallFacts(
                    direction: .inbound, startedAt: Self.moment(0).advanced(by: .milliseconds(500)),
                    externalNumber: "79000000101", line: "79000000010"))
        #expect(
            event.ending
                == EndReport(
                    reason: .normal, cause: Cause(providerCode: "bridged"), answered: true, answeredAt: Self.moment(9),
                    endedAt: Self.moment(72), user: .user(extension: "101", endpoint: nil)))
    }

    @Test(arguments: [
        (#""result":"bridged","hangup_disposition":"caller_bye""#, EndReason.callerHungUp, Bool?.some(true)),
        (#""result":"bridged","hangup_disposition":"callee_bye""#, .calleeHungUp, true),
        (#""result":"answered","bridged_duration":0,"hangup_disposition":"caller_bye""#, .callerHungUp, false),
        (#""result":"answered","bridged_duration":5"#, .unknown, true), (#""result":"not answered""#, .noAnswer, false),
        (#""result":"not answered","hangup_disposition":"caller_cancel""#, .callerHungUp, false),
        (#""result":"busy","hangup_disposition":"callee_refuse""#, .busy, false), (#""result":"failed""#, .failed, false),
        (#""result":"rejected""#, .rejected, false),
        (#""result":"internal","hangup_disposition":"internal_cancel""#, .unknown, nil),
        (#""a":1"#, .unknown, nil),
    ])
    func `result and disposition say how it came out`(members: String, reason: EndReason, answered: Bool?) {
        let ending = events(Self.page(Self.row(members))).last?.ending
        #expect(ending?.reason == reason)
        #expect(ending?.answered == answered)
        #expect((ending?.answeredAt == nil) == (answered != true))
    }

    @Test func `a phone that nobody took rang`() {
        let events = events(Self.page(Self.row(#""result":"not answered""#)))
        #expect(events.map(\.type) == [.ringing, .ended])
        #expect(
            events[0].leg
                == LegReport(
                    key: "100101-5205dc5c3b1f11efa1d2000000000001", phase: .ringing, from: .external(number: "79000000101"),
                    to: .user(extension: "101", endpoint: nil)))
        #expect(Set(events.map(\.id)).count == 2)
    }

    @Test(arguments: [("queue", Party.queue(ref: "101")), ("ivr", .ivr(ref: "101")), ("fax", nil)])
    func `an extension may be no phone`(type: String, party: Party?) {
        let page = Self.page(Self.row(#""result":"answered","bridged_duration":0,"extension_type":"\#(type)""#))
        #expect(events(page).map(\.type) == [.ended])
        #expect(events(page).first?.ending?.user == party)
    }

    @Test func `recordings stand with the legs, each once`() {
        let legs =
            #""result":"bridged","cdr":[{"record_uuid":"1-a"},{"record_uuid":""},{"record_uuid":"1-a"},{"record_uuid":"2-b"},{}]"#
        let events = events(Self.page(Self.row(legs)))
        #expect(events.map(\.type) == [.ended, .recordingReady, .recordingReady])
        #expect(events.compactMap(\.recording?.key) == ["1-a", "2-b"])
        #expect(events[0].keys.dropFirst() == [ExternalKey(.recording, "1-a"), ExternalKey(.recording, "2-b")])
    }

    @Test func `one call alone is read as well, and the same row is a repeat`() {
        #expect(events(Self.row()) == events(Self.page(Self.row())))
        let other = #""result":"bridged","hangup_cause":"X""#
        #expect(events(Self.page(Self.row(), Self.row(other))).map(\.id).first == events(Self.row()).first?.id)
        #expect(events(Self.row()).map(\.id) != events(Self.row(other)).map(\.id))
    }

    @Test(arguments: [
        ("0000*101", "79000000102", "out", Direction?.some(.outbound), String?.some("79000000102")),
        ("0000*101", "0000*102", "out", .internal, nil), ("79000000101", "0000*101", "IN", .inbound, "79000000101"),
        ("79000000101", "0000*101", "sideways", nil, nil),
    ])
    func `who called whom`(from: String, to: String, flow: String, direction: Direction?, number: String?) {
        let facts = events(Self.row(#""from_username":"\#(from)","to_username":"\#(to)","flow":"\#(flow)""#)).last?.facts
        #expect(facts?.direction == direction)
        #expect(facts?.externalNumber == number)
    }

    @Test(arguments: [
        "", "[]", "null", #"{"message":"Not found"}"#, #"{"call_history":[{}]}"#,
        #"{"call_history":[{"call_uuid":"c","hangup_time_gmt":"0000-00-00 00:00:00"}]}"#,
    ])
    func `what is no page, and a row without name or end, stays undecoded`(page: String) {
        guard case .undecoded? = bench.decode(page, source: .history).first else {
            Issue.record("decoded")
            return
        }
    }

    @Test func `an empty page is understood`() {
        #expect(bench.decode(Self.page(), source: .history) == [.ignored(reason: "no calls")])
    }
}
