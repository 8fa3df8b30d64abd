import TestSupport
import Testing

@testable import Connector

/// What a history's end means for a call whose webhooks tell something else.
@Suite struct HistoryEndingTests {
    private func leg(_ key: String, _ phase: LegReport.Phase, of user: String, at second: Int64) -> CallEvent {
        let report = LegReport(
            key: key, phase: phase, from: .external(number: "79000001234"), to: .user(extension: user, endpoint: nil))
        return .make("\(key) \(phase)", at: second, leg: report)
    }

    private func past(_ name: String = "row", endedAt second: Int64?, of user: String = "101") -> CallEvent {
        var event = CallEvent.make(name, type: .ended, at: second ?? 0, receivedAt: 900)
        event.source = .history
        event.ending = EndReport(
            reason: .normal, answered: true, endedAt: second.map { .base.advanced(by: .seconds($0)) },
            user: .user(extension: user, endpoint: nil))
        return event
    }

    private func state(_ events: [CallEvent]) -> Call.State {
        CallFold.record(
            of: CallHistory(events), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
            numbering: PlainNumbering()
        ).state
    }

    @Test func `a leg whose end was lost is ended by the history`() {
        let events = [leg("l", .ringing, of: "101", at: 0), leg("l", .answered, of: "101", at: 5)]
        #expect(state(events) == .inProgress)
        #expect(state(events + [past(endedAt: 60)]) == .ended)
        #expect(state(events + [past(endedAt: nil)]) == .ended)
    }

    @Test func `an employee's part that is over does not end a call in which another one talks on`() {
        let events = [
            leg("l", .ringing, of: "101", at: 0), leg("m", .ringing, of: "102", at: 0), leg("m", .answered, of: "102", at: 12),
            leg("l", .ended, of: "101", at: 12),
        ]
        #expect(state(events + [past(endedAt: nil)]) == .inProgress)
        #expect(state(events + [past(endedAt: nil), past("other", endedAt: nil, of: "102")]) == .ended)
        #expect(state(events + [past(endedAt: 60)]) == .ended, "the end of the whole call")
        let closing = CallEvent.make("closing", type: .ended, at: 20_000, ending: EndReport(reason: .unknown, isStale: true))
        #expect(state(events + [past(endedAt: nil), closing]) == .ended)
    }

    @Test func `the history's word of a leg gives way to news of it, in whatever order they come`() {
        var rang = leg("l", .ringing, of: "101", at: 0)
        rang.source = .history
        rang.id = EventID(bits: 5)
        let told = leg("l", .ringing, of: "101", at: 3)
        for events in [[rang, told], [told, rang]] {
            let call = CallFold.record(
                of: CallHistory(events), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
                numbering: PlainNumbering())
            #expect(call.legs.map(\.startedAt) == [.base.advanced(by: .seconds(3))])
        }
    }

    @Test func `legs of the history itself do not keep a call open`() {
        var rang = leg("l", .ringing, of: "101", at: 0)
        rang.source = .history
        #expect(state([rang, past(endedAt: 0)]) == .ended)
    }
}
