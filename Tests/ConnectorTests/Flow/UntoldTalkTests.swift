import TestSupport
import Testing

@testable import Connector

/// Talks whose answer no webhook told: by the history, or by the word that ends the call.
@Suite struct UntoldTalkTests {
    private static func leg(
        _ user: String, _ phase: LegReport.Phase, at second: Int64, handover: LegReport.Handover? = nil
    ) -> CallEvent {
        let report = LegReport(
            key: "l\(user)", phase: phase, from: .external(number: "79000001234"), to: .user(extension: user, endpoint: nil),
            handover: handover, reason: phase == .ended ? .normal : nil)
        return .make("\(user) \(phase)", at: second, leg: report)
    }

    private static func end(
        of user: String, at second: Int64 = 90, answered: Bool? = true, talks: [TalkReport] = [], isPast: Bool = false
    ) -> CallEvent {
        let end = EndReport(
            reason: .normal, answered: answered, endedAt: .base.advanced(by: .seconds(second)),
            user: .user(extension: user, endpoint: nil), talks: talks)
        var event = CallEvent.make(isPast ? "past" : "end", type: .ended, at: second, ending: end)
        if isPast { event.source = .history }
        return event
    }

    private static func talk(_ user: String, _ from: Int64, _ to: Int64) -> TalkReport {
        TalkReport(user, from: .base.advanced(by: .seconds(from)), to: .base.advanced(by: .seconds(to)))
    }

    private static func call(_ events: [CallEvent]) -> Call {
        CallFold.record(
            of: CallHistory(events), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
            numbering: PlainNumbering())
    }

    private static func part(_ user: String, in call: Call) -> Participant? {
        call.participants.first { $0.extension == user }
    }

    /// 102 took the call over from 105; that he answered was lost.
    private static let passedOn = [
        leg("105", .ringing, at: 0), leg("105", .answered, at: 5), leg("105", .ended, at: 30),
    ]
    private static let talks = [talk("105", 5, 30), talk("102", 40, 90)]

    @Test(arguments: [[leg("102", .ringing, at: 32), leg("102", .ended, at: 90)], [leg("102", .ringing, at: 32)], []])
    func `who talked by the history alone owns the call`(second: [CallEvent]) throws {
        let events = Self.passedOn + second + [Self.end(of: "105"), Self.end(of: "102", talks: Self.talks, isPast: true)]
        for events in [events, events.reversed()] {
            let call = Self.call(events)
            #expect(call.ownerUserID == "test/102" && call.firstUserID == "test/105")
            #expect(call.answeredAt == .base.advanced(by: .seconds(5)) && call.talkMilliseconds == 75_000)
            let taker = try #require(Self.part("102", in: call))
            #expect(taker.outcome == .talked && taker.talkMilliseconds == 50_000)
            #expect(taker.answeredAt == .base.advanced(by: .seconds(40)))
            #expect(Self.part("105", in: call)?.talkMilliseconds == 25_000, "not counted twice")
            #expect(call.completeness.missing.isEmpty)
        }
    }

    @Test func `a talk that was denied is none`() {
        let call = Self.call([
            Self.leg("101", .ringing, at: 0), Self.end(of: "101", answered: false, talks: [Self.talk("101", 5, 9)], isPast: true),
        ])
        #expect(call.disposition == .missed && call.ownerUserID == nil && call.answeredAt == nil)
    }

    @Test func `whom the end names owns the call if he was rung last, and how long he talked is not known`() {
        let rang = Self.leg("102", .ringing, at: 32, handover: .unmarked)
        let call = Self.call(Self.passedOn.dropLast() + [rang, Self.end(of: "102")])
        #expect(call.ownerUserID == "test/102" && call.firstUserID == "test/105")
        #expect(Self.part("102", in: call)?.outcome == .talked)
        #expect(Self.part("102", in: call)?.answeredAt == nil && Self.part("102", in: call)?.talkMilliseconds == nil)
    }

    @Test func `whom the end names was the first if he was rung before the others talked`() {
        let later = [Self.leg("102", .ringing, at: 32), Self.leg("102", .answered, at: 40), Self.leg("102", .ended, at: 90)]
        let call = Self.call([Self.leg("105", .ringing, at: 0)] + later + [Self.end(of: "105")])
        #expect(call.ownerUserID == "test/102" && call.firstUserID == "test/105")
    }

    @Test func `an answer whose time nobody tells is missing, and the record says so`() {
        let call = Self.call([Self.leg("105", .ringing, at: 0), Self.end(of: "105")])
        #expect(call.disposition == .answered && call.ownerUserID == "test/105")
        #expect(call.answeredAt == nil && call.completeness.missing == [.answerTime])
    }

    @Test func `a login is the employee whose short number another event of the call tells`() {
        var rang = Self.leg("105", .ringing, at: 0)
        rang.facts.login = EmployeeLogin("ivanov", extension: "105")
        for events in [[rang, Self.end(of: "ivanov", isPast: true)], [Self.end(of: "ivanov", isPast: true), rang]] {
            let call = Self.call(events)
            #expect(call.ownerUserID == "test/105")
            #expect(call.participants.compactMap(\.extension) == ["105"])
        }
        #expect(Self.call([Self.end(of: "ivanov", isPast: true)]).ownerUserID == "test/ivanov")
    }

    @Test func `logins and talks are kept with the event`() {
        var event = Self.end(of: "102", talks: Self.talks, isPast: true)
        event.facts.login = EmployeeLogin("ivanov", extension: "102")
        #expect(CallEvent(encoded: event.encoded()) == event)
    }
}
