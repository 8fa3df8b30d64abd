import Connector
import MangoAdapter
import Testing

@Suite struct MangoOtherEventsTests {
    let bench: MangoWorkbench

    init() throws { bench = try MangoWorkbench() }

    private func summary(_ members: String) throws -> CallEvent {
        try #require(
            bench.event(
                "/events/summary",
                #"{"entry_id":"E","create_time":1790000000,"forward_time":1790000001,"end_time":"1790000075","disconnect_reason":"1110",\#(members)}"#
            ))
    }

    @Test func `the summary ends an answered inbound call`() throws {
        let event = try summary(
            #""call_direction":1,"from":{"number":"79000001234"},"to":{"extension":"101","number":"sip:a@b"},"line_number":"74950000001","talk_time":1790000015"#
        )
        #expect(event.type == .ended)
        #expect(event.occurredAt == Instant(unixSeconds: 1_790_000_075))
        #expect(
            event.facts
                == CallFacts(
                    direction: .inbound, startedAt: Instant(unixSeconds: 1_790_000_000), externalNumber: "79000001234",
                    line: "74950000001"))
        #expect(
            event.ending
                == EndReport(
                    reason: .callerHungUp, cause: Cause(providerCode: "1110"), answered: true,
                    answeredAt: Instant(unixSeconds: 1_790_000_015), endedAt: Instant(unixSeconds: 1_790_000_075),
                    user: .user(extension: "101", endpoint: "sip:a@b")))
        #expect(event.custom == [CustomField("forward_time", "1790000001")])
    }

    @Test func `no time of talk means no answer, whatever entry_result says`() throws {
        let event = try summary(#""call_direction":1,"from":{},"to":{},"talk_time":0,"entry_result":1"#)
        #expect(event.ending?.answered == false)
        #expect(event.ending?.answeredAt == nil)
        #expect(event.ending?.user == nil)
        #expect(event.facts.externalNumber == nil)
        #expect(try summary(#""entry_result":0"#).ending?.answered == false)
        #expect(try summary(#""entry_result":1"#).ending?.answered == nil)
    }

    @Test func `a group that missed a call is named as a queue`() throws {
        let event = try summary(#""call_direction":1,"from":{"number":"79000001234"},"to":{"extension":"200"},"talk_time":0"#)
        #expect(event.ending?.user == .queue(ref: "200"))
    }

    @Test func `outbound and internal summaries name the employee`() throws {
        let outbound = try summary(
            #""call_direction":2,"from":{"extension":"101"},"to":{"number":"79000005678"},"talk_time":1790000015"#)
        #expect(outbound.facts.direction == .outbound)
        #expect(outbound.facts.externalNumber == "79000005678")
        #expect(outbound.ending?.user == .user(extension: "101", endpoint: nil))
        let inside = try summary(#""call_direction":0,"from":{"extension":"101"},"to":{"extension":"104","number":"sip:c@b"}"#)
        #expect(inside.facts.direction == .internal)
        #expect(inside.facts.externalNumber == nil)
        #expect(inside.ending?.user == .user(extension: "104", endpoint: "sip:c@b"))
    }

    @Test(arguments: [
        (#""recording_state":"Started""#, RecordingReport.Phase.started, String?.none),
        (#""recording_state":"Continued""#, .started, nil),
        (#""recording_state":"Completed""#, .completed, nil),
        (#""recording_state":"Completed","completion_code":1000,"recipient":"CloudAndMail""#, .completed, nil),
        (#""recording_state":"Completed","completion_code":"1000","recipient":"Mail""#, .notRecorded, "sent by mail only"),
        (#""recording_state":"Completed","completion_code":"4002""#, .notRecorded, "too short"),
        (#""recording_state":"Completed","completion_code":2211"#, .failed, "completion code 2211"),
    ])
    func `a recording's course`(members: String, phase: RecordingReport.Phase, problem: String?) throws {
        let event = try #require(
            bench.event(
                "/events/recording",
                #"{"entry_id":"E","recording_id":"R","call_id":"L","seq":1,"timestamp":1790000100,\#(members)}"#))
        #expect(event.recording == RecordingReport(key: "R", phase: phase, leg: "L", problem: problem))
        #expect(event.type == (phase == .failed ? .recordingFailed : .updated))
    }

    @Test func `an added record is ready, a tagged one is a note`() throws {
        let json = #"{"entry_id":"E","product_id":400,"user_id":-1,"timestamp":1790000100,"recording_id":"R"}"#
        let added = try #require(bench.event("/events/record/added", json))
        #expect(added.type == .recordingReady)
        #expect(added.recording == RecordingReport(key: "R", phase: .ready))
        #expect(added.custom == [CustomField("product_id", "400"), CustomField("user_id", "-1")])
        let tagged = try #require(bench.event("/events/record/tagged", json))
        #expect(tagged.type == .updated)
        #expect(tagged.recording == nil)
        #expect(tagged.custom.last == CustomField("tagged_recording_id", "R"))
    }

    @Test(arguments: [("ivr", String?.none), ("ivr.1", "1"), ("ivr.", nil)])
    func `digits carry the menu in which they were pressed`(location: String, menu: String?) throws {
        let event = try #require(
            bench.event(
                "/events/dtmf",
                #"{"seq":1,"dtmf":"42","timestamp":1790000100,"call_id":"L","entry_id":"E","location":"\#(location)","from_number":"79000001234","line_number":"74950000001"}"#
            ))
        #expect(event.digits == DigitsReport(digits: "42", leg: "L", menu: menu))
        #expect(event.facts.line == "74950000001")
        #expect(event.type == .dtmf)
    }

    @Test(arguments: [
        ("/result/callback", #""result":1000"#, true, "1000"), ("/result/call/hangup/", #""result":"4101""#, false, "4101"),
        ("/result/calls_connect/", #""code":1001"#, true, "1001"), ("/result/sms", "\"x\":1", false, ""),
        ("/events/sms", #""timestamp":"1790002300","reason":"1000""#, true, "1000"),
        ("/events/sms", #""reason":4301"#, false, "4301"),
    ])
    func `results answer commands`(path: String, member: String, succeeded: Bool, code: String) {
        let decoded = bench.decode(path, #"{"command_id":"c1",\#(member)}"#)
        #expect(decoded == [.command(CommandReport(key: "c1", succeeded: succeeded, code: code))])
    }

    @Test(arguments: ["/result/stat", "/result/stats", "/result/stats/"])
    func `statistics that are ready are a signal`(path: String) {
        let fields = [CustomField("key", "k="), CustomField("request_id", "r")]
        #expect(bench.decode(path, #"{"key":"k=","request_id":"r"}"#) == [.signal(name: "statistics_ready", fields: fields)])
    }

    @Test(arguments: [
        "/events/user/status_changed", "/events/user/anything", "/events/md/onAppealClose", "/events/future", "", "/ping",
    ])
    func `what concerns no call is ignored`(path: String) throws {
        let decoded = try #require(bench.decode(path, #"{"entry_id":"E"}"#).first)
        guard case .ignored = decoded else {
            Issue.record("\(decoded)")
            return
        }
    }

    @Test(arguments: ["not json", "[]", "", "{\"a\":", "\u{0}"])
    func `a genuine body that is no JSON object stays undecoded`(json: String) throws {
        #expect(bench.authenticate(MangoWorkbench.body(json)) == .accept(.ok))
        guard case .undecoded? = bench.decode("/events/call", json).first else {
            Issue.record("decoded")
            return
        }
    }
}
