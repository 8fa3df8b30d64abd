import Connector
import TestSupport
import Testing

/// Calls whose end is told more than once, in part, or against what the legs show.
@Suite struct CallFoldEndingTests {
    private static let client = Party.external(number: "79000001234")

    private static func user(_ short: String) -> Party { .user(extension: short, endpoint: nil) }

    private func leg(
        _ key: String, _ phase: LegReport.Phase, at second: Int64, from: Party = client, to: Party = user("101"),
        handover: LegReport.Handover? = nil, reason: EndReason? = nil
    ) -> CallEvent {
        .make(
            "\(key) \(phase)", at: second,
            leg: LegReport(key: key, phase: phase, from: from, to: to, handover: handover, reason: reason))
    }

    private func end(
        _ report: EndReport, named name: String = "end", at second: Int64 = 60, received: Int64? = nil, of part: String = "s1",
        direction: Direction? = .inbound, source: CallSource = .webhook
    ) -> CallEvent {
        var event = CallEvent.make(
            name, type: .ended, at: second, receivedAt: received, keys: [ExternalKey(.call, part)],
            facts: CallFacts(direction: direction), ending: report)
        event.source = source
        return event
    }

    private func moment(_ second: Int64) -> Instant { Instant.base.advanced(by: .seconds(second)) }

    /// The record, and the same in every order.
    private func record(_ events: CallEvent...) -> Call {
        let call = CallFoldRulesTests.record(events)
        #expect(CallFoldRulesTests.record(events.reversed()) == call)
        return call
    }

    @Test func `of several parts the one that ended last is the end`() {
        let first = end(EndReport(reason: .normal, answered: true, endedAt: moment(30)), named: "a", received: 99, of: "a")
        let second = end(EndReport(reason: .noAnswer, answered: false, endedAt: moment(55)), named: "b", received: 56, of: "b")
        let call = record(leg("l", .ringing, at: 0), first, second)
        #expect(call.endedAt == moment(55))
        #expect(call.disposition == .answered, "somebody talked in the first part")
    }

    @Test func `a vendor that corrects itself is believed, also where the call becomes shorter`() {
        let first = end(
            EndReport(reason: .normal, cause: Cause(providerCode: "1"), endedAt: moment(30)), named: "a", received: 31)
        let second = end(
            EndReport(reason: .normal, cause: Cause(providerCode: "2"), endedAt: moment(29)), named: "b", received: 40)
        let call = record(leg("l", .ringing, at: 0), first, second)
        #expect(call.endedAt == moment(29))
        #expect(call.cause?.providerCode == "2")
    }

    @Test func `the vendor's log does not displace its news`() {
        let news = end(EndReport(reason: .busy, cause: Cause(providerCode: "Busy")), named: "a", received: 60)
        let log = end(EndReport(reason: .unknown), named: "b", received: 9000, source: .history)
        let call = record(news, log)
        #expect(call.cause?.providerCode == "Busy")
        #expect(call.completeness.level == .reconciled)
    }

    @Test func `an outgoing call that the vendor says nobody answered was not answered`() {
        let employee = Self.user("101")
        let call = record(
            leg("l", .ringing, at: 0, from: employee, to: Self.client),
            leg("l", .answered, at: 5, from: employee, to: Self.client),
            leg("l", .ended, at: 30, from: employee, to: Self.client, reason: .normal),
            end(EndReport(reason: .unreachable, answered: false), direction: .outbound))
        #expect(call.disposition == .unreachable)
        #expect(call.answeredAt == nil)
        #expect(call.talkMilliseconds == 0)
        #expect(call.ownerUserID == nil)
        #expect(call.legs.map(\.result) == [.unavailable])
        #expect(call.legs[0].bridgedWith.isEmpty)
    }

    @Test func `of an incoming call the legs know better`() {
        let call = record(
            leg("l", .ringing, at: 0), leg("l", .answered, at: 5), leg("l", .ended, at: 30, reason: .normal),
            end(EndReport(reason: .normal, answered: false)))
        #expect(call.disposition == .answered)
        #expect(call.ownerUserID == "17")
    }

    @Test(arguments: [(Direction.inbound, Int64(5)), (.outbound, 8)])
    func `the answer is the earlier of both, on outgoing calls the vendor's`(direction: Direction, answer: Int64) {
        let (from, to) = direction == .inbound ? (Self.client, Self.user("101")) : (Self.user("101"), Self.client)
        let call = record(
            leg("l", .answered, at: 5, from: from, to: to),
            end(EndReport(reason: .normal, answered: true, answeredAt: moment(8)), direction: direction))
        #expect(call.answeredAt == moment(answer))
    }

    @Test func `an end without a time was when the last leg ended`() {
        let call = record(
            leg("l", .ringing, at: 0), leg("l", .ended, at: 20, reason: .unknown), end(EndReport(reason: .normal), at: 25))
        #expect(call.endedAt == moment(20))
        #expect(record(leg("l", .ringing, at: 0), end(EndReport(reason: .normal), at: 25)).endedAt == moment(25))
    }

    @Test func `how long one waited for an answer of unknown time is unknown`() {
        let call = record(end(EndReport(reason: .normal, answered: true)))
        #expect(call.waitMilliseconds == nil)
        #expect(call.completeness.missing.contains(.answerTime))
    }

    @Test func `whom the end names is one more participant only where no leg shows an employee`() {
        let named = EndReport(reason: .normal, answered: true, answeredAt: moment(3), user: Self.user("ivanov"))
        let alone = record(end(named))
        #expect(alone.participants.compactMap(\.userID) == ["test/ivanov"])
        #expect(alone.participants.last?.talkMilliseconds == alone.talkMilliseconds)
        let shown = record(leg("l", .ringing, at: 0), leg("l", .answered, at: 3), end(named))
        #expect(shown.participants.compactMap(\.userID) == ["17"])
    }

    @Test func `a colleague who rang after the talk did not lose the call to anybody`() {
        let call = record(
            leg("a", .ringing, at: 0, handover: .unmarked), leg("a", .answered, at: 5, handover: .unmarked),
            leg("a", .ended, at: 30, handover: .unmarked, reason: .transferred),
            leg("b", .ringing, at: 31, to: Self.user("104"), handover: .unmarked),
            leg("b", .ended, at: 50, to: Self.user("104"), handover: .unmarked, reason: .unknown), end(EndReport(reason: .normal))
        )
        #expect(call.legs.map(\.result) == [.talked, .noAnswer])
    }
}
