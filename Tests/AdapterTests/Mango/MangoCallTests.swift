import Connector
import MangoAdapter
import Testing

@Suite struct MangoCallTests {
    let bench: MangoWorkbench

    init() throws { bench = try MangoWorkbench() }

    private static let inbound =
        #""location":"abonent","from":{"number":"79000001234"},"to":{"extension":"101","number":"sip:a@b","line_number":"74950000001"}"#

    @Test(arguments: [
        ("Appeared", LegReport.Phase.ringing, EventType.ringing), ("Connected", .answered, .answered), ("OnHold", .held, .held),
        ("Disconnected", .ended, .updated),
    ])
    func `a leg's state becomes its phase`(state: String, phase: LegReport.Phase, type: EventType) throws {
        let event = try #require(bench.leg(Self.inbound, state: state))
        let leg = try #require(event.leg)
        #expect(event.keys == [ExternalKey(.session, "E")])
        #expect(event.occurredAt == Instant(unixSeconds: 1_790_000_100))
        #expect(event.type == type)
        #expect(leg.key == "L" && leg.phase == phase && leg.sequence == 3)
        #expect(leg.from == .external(number: "79000001234"))
        #expect(leg.to == .user(extension: "101", endpoint: "sip:a@b"))
        #expect(leg.reason == (phase == .ended ? .unknown : nil))
        #expect(event.facts == CallFacts(line: "74950000001"))
        #expect(event.custom.isEmpty)
    }

    @Test(arguments: [
        (#""location":"ivr","to":{"number":"74950000001"}"#, Party.ivr(ref: nil), EventType.routeStep),
        (#""locaton":"ivr.2","to":{"number":"74950000001"}"#, .ivr(ref: "2"), .routeStep),
        (#""location":"queue","to":{"number":"74950000001","acd_group":200}"#, .queue(ref: "200"), .queued),
        (#""location":"queue","to":{"number":"74950000001","acd_group":""}"#, .queue(ref: nil), .queued),
        (#""location":"abonent","to":{"number":"79000005678"}"#, .external(number: "79000005678"), .ringing),
        (#""to":{"extension":101}"#, .user(extension: "101", endpoint: nil), .ringing),
    ])
    func `the place says who is called`(members: String, party: Party, type: EventType) throws {
        let event = try #require(bench.leg(members + #","from":{"number":"79000001234"}"#))
        #expect(event.leg?.to == party)
        #expect(event.type == type)
    }

    @Test func `in a menu the called number is the line`() {
        #expect(bench.leg(#""location":"ivr","to":{"number":"74950000001"}"#)?.facts.line == "74950000001")
        #expect(bench.leg(#""location":"abonent","to":{"number":"79000005678"}"#)?.facts.line == nil)
    }

    @Test func `a hidden caller is outside without a number`() {
        #expect(bench.leg(#""location":"abonent","from":{},"to":{"extension":"101"}"#)?.leg?.from == .external(number: nil))
    }

    @Test func `a callback's first leg does not have the client on it`() throws {
        let event = try #require(
            bench.leg(
                #""location":"abonent","from":{"number":"79000005678"},"to":{"extension":"101"},"command_id":"c1","callback_initiator":"API""#
            ))
        #expect(event.leg?.from == nil)
        #expect(event.leg?.to == .user(extension: "101", endpoint: nil))
        #expect(event.facts == CallFacts(direction: .outbound, origin: .clickToCall, externalNumber: "79000005678"))
        #expect(event.keys == [ExternalKey(.session, "E"), ExternalKey(.crmCommand, "c1")])
        #expect(event.custom == [CustomField("callback_initiator", "API")])
    }

    @Test func `a command's name alone makes no callback`() throws {
        let event = try #require(bench.leg(Self.inbound + #","command_id":"hangup-1""#, state: "Disconnected"))
        #expect(event.leg?.from == .external(number: "79000001234"))
        #expect(event.facts.direction == nil)
    }

    @Test func `a callback's second leg goes from the employee to the client`() throws {
        let event = try #require(
            bench.leg(
                #""location":"abonent","from":{"extension":"101","taken_from_call_id":"K"},"to":{"number":"79000005678"},"callback_initiator":"API""#
            ))
        #expect(event.leg?.from == .user(extension: "101", endpoint: nil))
        #expect(event.leg?.to == .external(number: "79000005678"))
        #expect(event.leg?.parent == "K")
        #expect(event.facts.direction == .outbound)
        #expect(event.facts.externalNumber == nil)
    }

    @Test(arguments: [
        ("API", Origin?.some(.clickToCall)), ("\u{421}\u{421}", .clickToCall), ("WEB", .callbackRequest),
        ("CallbackWidget", .callbackRequest),
        ("MissInIvrCallCallback", .callbackRequest), ("MissGroup\u{421}allCallback", .callbackRequest), ("ObDial", .campaign),
        ("Tomorrow", nil),
    ])
    func `who asked for the callback is its origin`(word: String, origin: Origin?) {
        let facts = bench.leg(Self.inbound + #","callback_initiator":"\#(word)""#)?.facts
        #expect(facts?.origin == origin)
        #expect(facts?.direction == .outbound)
    }

    @Test(arguments: [
        ("consultative", LegReport.Handover?.some(.consultative), EventType.transferStarted), ("blind", .blind, .transferStarted),
        ("return_blind", .returned, .transferReturned), ("sideways", nil, .ringing),
    ])
    func `a leg that came of a transfer says so`(word: String, handover: LegReport.Handover?, type: EventType) throws {
        let event = try #require(bench.leg(Self.inbound + #","transfer":"\#(word)""#))
        #expect(event.leg?.handover == handover)
        #expect(event.type == type)
        #expect(event.custom == (handover == nil ? [CustomField("transfer", word)] : []))
        #expect(bench.leg(Self.inbound + #","transfer":"\#(word)""#, state: "Connected")?.type == .answered)
    }

    @Test(arguments: [#""was_transferred":true"#, #""was_transfered":"true""#, #""was_transferred":1"#])
    func `a caller who is passed on leaves the callee behind`(member: String) {
        let leg = bench.leg(#""location":"abonent","from":{"number":"79000001234",\#(member)},"to":{"extension":"101"}"#)?.leg
        #expect(leg?.calleeTransferredAway == true)
    }

    @Test func `call tracking, group and what has no place are kept`() throws {
        let event = try #require(
            bench.leg(
                #""location":"abonent","from":{"number":"79000001234"},"to":{"extension":"101","acd_group":"200","hold_initiator":true},"dct":{"number":"74950000077","type":1},"sip_call_id":"s@h","task_id":7,"new":{"a":[1,2],"b":null}"#
            ))
        #expect(event.leg?.group == "200")
        #expect(event.facts.tracking == TrackingReport(number: "74950000077", method: .dynamic))
        #expect(event.keys == [ExternalKey(.session, "E"), ExternalKey(.sipCallID, "s@h")])
        #expect(
            event.custom == [
                CustomField("task_id", "7"), CustomField("new.a", "[1,2]"), CustomField("to.hold_initiator", "true"),
            ])
    }

    @Test func `an unknown state is kept and changes no leg`() throws {
        let event = try #require(bench.leg(Self.inbound, state: "Whispering"))
        #expect(event.leg == nil)
        #expect(event.type == .updated)
        #expect(event.custom == [CustomField("call_state", "Whispering")])
    }

    @Test func `without the contact's name there is no call`() {
        #expect(bench.decode("/events/call", "{}") == [.undecoded(reason: "`entry_id` is missing or cannot be read")])
        #expect(bench.decode("/events/call", #"{"entry_id":"\ud800"}"#) == bench.decode("/events/call", "{}"))
        #expect(bench.event("/events/call", #"{"entry_id":"E"}"#)?.leg == nil)
    }

    @Test(arguments: ["0", "-5", "99999999999999", "\"soon\"", "null"])
    func `an absurd time gives way to the time of arrival`(timestamp: String) {
        let event = bench.event(
            "/events/call", #"{"entry_id":"E","call_id":"L","timestamp":\#(timestamp),"call_state":"Appeared"}"#)
        #expect(event?.occurredAt == Instant(unixSeconds: 1_790_000_500))
    }

    @Test(arguments: [
        (1110, EndReason.callerHungUp), (1120, .calleeHungUp), (1111, .noAnswer), (1119, .callerHungUp), (1121, .busy),
        (1122, .rejected), (1131, .unreachable), (1133, .invalidNumber), (1151, .blocked), (1162, .noAgentAvailable),
        (1163, .queueTimeout), (1171, .failed), (1181, .byCommand), (1182, .answeredElsewhere), (1183, .transferred),
        (1191, .outOfHours), (1090, .normal), (1000, .normal), (1313, .voicemail), (2219, .failed), (2300, .blocked),
        (3200, .invalidNumber), (4200, .unreachable), (4502, .blocked), (5011, .failed), (9999, .unknown), (0, .unknown),
        (-1110, .unknown),
    ])
    func `a code that is not listed is read as its class`(code: Int, reason: EndReason) {
        let event = bench.leg(Self.inbound + #","disconnect_reason":"\#(code)""#, state: "Disconnected")
        #expect(event?.leg?.reason == reason)
    }
}
