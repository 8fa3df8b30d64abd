import Connector
import TelphinAdapter
import Testing

@Suite struct TelphinEventTests {
    let bench: TelphinWorkbench

    init() throws { bench = try TelphinWorkbench() }

    private static let client = Party.external(number: "79000000101")
    private static let employee = Party.user(extension: "101", endpoint: "0000*101@sipproxy.telphin.ru")

    @Test(arguments: [("dial-in", LegReport.Phase.ringing, EventType.ringing), ("answer", .answered, .answered)])
    func `an extension rings and answers`(word: String, phase: LegReport.Phase, type: EventType) throws {
        let event = try #require(bench.incoming(word).first)
        #expect(event.keys == [ExternalKey(.call, "c")])
        #expect(event.type == type)
        #expect(event.occurredAt == TelphinWorkbench.time)
        #expect(
            event.leg
                == LegReport(key: "100101-c", phase: phase, from: Self.client, to: Self.employee, handover: .unmarked))
        #expect(event.facts == CallFacts(direction: .inbound, line: "79000000010"))
        #expect(event.custom.isEmpty)
    }

    @Test func `an employee calls out`() throws {
        let event = try #require(bench.outgoing("dial-out", [("Tag", "x")]).first)
        #expect(event.type == .ringing)
        #expect(
            event.leg
                == LegReport(key: "100101-c", phase: .ringing, from: Self.employee, to: .external(number: "79000000102")))
        #expect(event.facts == CallFacts(direction: .outbound))
        #expect(event.custom == [CustomField("Tag", "x")])
        #expect(bench.outgoing("dial-out", [("CallerIDNum", "79000000010")]).first?.facts.line == "79000000010")
    }

    @Test func `a call among employees stays in the house, unless it is of somebody outside`() throws {
        let called: TelphinWorkbench.Fields = [("CalledNumber", "0000*102"), ("CalledExtension", "0000*102@x")]
        let event = try #require(bench.outgoing("dial-out", called).first)
        #expect(event.facts.direction == .internal)
        #expect(event.leg?.to == .user(extension: "102", endpoint: "0000*102@x"))
        let remote = bench.outgoing("dial-out", called + [("RemoteNumber", "79000000102")]).first
        #expect(remote?.facts.direction == .outbound)
        #expect(remote?.leg?.to == .external(number: "79000000102"))
        let passedOn = bench.incoming(
            "dial-in", [("CallerExtension", "0000*103@x"), ("RemoteNumber", "79000000101"), ("CallerIDNum", "0000*103")]
        ).first
        #expect(passedOn?.leg?.from == Self.client)
        #expect(passedOn?.facts.direction == .inbound)
    }

    @Test(arguments: [
        ("1793603720000000", Int64(0)), ("1793603720123456", 123), ("1793603720", 0), ("1793603720500", 500), ("0", 1000),
        ("-1793603720000000", 1000), ("9223372036854775807", 1000), ("soon", 1000), ("", 1000),
    ])
    func `the time is in microseconds, and an absurd one gives way to that of arrival`(text: String, difference: Int64) {
        let event = bench.incoming("dial-in", [("EventTime", text)]).first
        #expect(event?.occurredAt.milliseconds(since: TelphinWorkbench.time) == difference)
    }

    @Test(arguments: [
        ("5205DC5C3B1F11EFA1D2000000000001", "5205dc5c3b1f11efa1d2000000000001"),
        ("5205dc5c-3b1f-11ef-a1d2-000000000001", "5205dc5c3b1f11efa1d2000000000001"), ("Some-Other-Name", "Some-Other-Name"),
    ])
    func `a call has one name, however it is written`(text: String, name: String) {
        #expect(bench.incoming("dial-in", [("CallID", text)]).first?.keys == [ExternalKey(.call, name)])
    }

    @Test func `names of fields and words in any case`() throws {
        let body = "eventtype=DIAL-IN&callid=c&CALLERIDNUM=79000000101&callednumber=0000*101&callflow=IN&Extra=1"
        let event = try #require(TelphinWorkbench.events(bench.decode(body)).first)
        #expect(event.leg?.from == Self.client)
        #expect(event.leg?.to == .user(extension: "101", endpoint: nil))
        #expect(event.leg?.key == "0000*101-c")
        #expect(event.facts.direction == .inbound)
        #expect(event.custom == [CustomField("Extra", "1")])
        #expect(TelphinWorkbench.events(bench.decode("", query: body)) == [event])
    }

    @Test func `the event's name may stand elsewhere`() {
        #expect(TelphinWorkbench.events(bench.decode("Event=answer&CallID=c")).first?.type == .answered)
        #expect(TelphinWorkbench.events(bench.decode("CallStatus=dial-out&CallID=c")).first?.type == .ringing)
        guard case .undecoded? = bench.decode("CallStatus=ANSWER&CallID=c").first else {
            Issue.record("a status is no event")
            return
        }
    }

    @Test(arguments: [
        ("", Party.external(number: nil)), ("anonymous", .external(number: "anonymous")),
        ("102", .user(extension: "102", endpoint: nil)),
    ])
    func `who calls may be hidden, or a colleague`(number: String, party: Party) {
        #expect(bench.incoming("dial-in", [("CallerIDNum", number)]).first?.leg?.from == party)
    }

    @Test(arguments: [("Анна", String?.some("Анна")), ("79000000101", nil), ("+7 900", nil), ("", nil)])
    func `a caller's name is one`(name: String, external: String?) {
        #expect(bench.incoming("dial-in", [("CallerIDName", name)]).first?.facts.externalName == external)
    }

    @Test func `a call that was ordered rings its employee first, and the client is not on that leg`() throws {
        let ordered: TelphinWorkbench.Fields = [
            ("CallBackID", "b"), ("CallerIDNum", "CRM"), ("CallerIDName", "CRM"), ("RemoteNumber", "79000000102"),
            ("CalledDID", ""),
        ]
        let event = try #require(bench.incoming("dial-in", ordered).first)
        #expect(event.leg == nil)
        #expect(event.type == .created)
        #expect(event.keys == [ExternalKey(.call, "c"), ExternalKey(.crmCommand, "b")])
        #expect(event.facts == CallFacts(direction: .outbound, origin: .clickToCall, externalNumber: "79000000102"))
        let client = try #require(bench.outgoing("dial-out", [("CallBackID", "b")]).first)
        #expect(client.leg?.to == .external(number: "79000000102"))
        #expect(client.facts.origin == .clickToCall)
        let missed = bench.incoming("hangup", ordered + [("CallStatus", "NOANSWER"), ("Bridged", "no")]).first
        #expect(missed?.ending?.reason == .noAnswer)
        #expect(missed?.ending?.user == Self.employee)
        let done = bench.incoming("hangup", ordered + [("CallStatus", "ANSWER"), ("Bridged", "yes")]).first
        #expect(done?.ending == nil)
    }

    @Test func `a step of a menu is a station on the way`() throws {
        let event = try #require(
            bench.incoming(
                "call_interactive",
                [("SubCallID", ""), ("CalledExtension", "0000*500@x"), ("CalledExtensionID", "100500"), ("EventTime", "")]
            ).first)
        #expect(event.type == .routeStep)
        #expect(event.leg == LegReport(key: "100500-c", phase: .answered, from: Self.client, to: .ivr(ref: "500")))
        #expect(bench.outgoing("call_interactive").first?.leg == nil)
    }

    @Test func `what tells events apart is their time, not the order of their fields`() {
        let first = TelphinWorkbench.events(bench.decode("EventType=dial-in&CallID=c&EventTime=1793603720000000"))
        let same = TelphinWorkbench.events(bench.decode("EventTime=1793603720000000&EventType=DIAL-IN&callid=c&New=1"))
        let other = TelphinWorkbench.events(bench.decode("EventType=dial-in&CallID=c&EventTime=1793603720000001"))
        #expect(first.map(\.id) == same.map(\.id))
        #expect(first.map(\.id) != other.map(\.id))
    }

    @Test func `messages are signals, and other kinds are ignored`() {
        #expect(
            bench.decode("EventType=message-in&Text=x") == [.signal(name: "sms_received", fields: [CustomField("Text", "x")])])
        #expect(bench.decode("EventType=message-out") == [.signal(name: "sms_sent", fields: [])])
        for word in ["agent-login", "agent-logout", "voicemail", "tomorrow"] {
            guard case .ignored? = bench.decode("EventType=\(word)&CallID=c").first else {
                Issue.record("\(word) is not ignored")
                continue
            }
        }
    }

    @Test(arguments: [
        "EventType=dial-in", "EventType=hangup&CallID=", "EventType=answer&CallID=%FF", "EventType=call_interactive", "CallID=c",
        "", "%",
    ])
    func `what names no event or no call stays undecoded`(body: String) {
        guard case .undecoded? = bench.decode(body).first else {
            Issue.record("decoded")
            return
        }
    }
}
