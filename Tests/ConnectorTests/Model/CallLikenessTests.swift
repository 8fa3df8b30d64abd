import TestSupport
import Testing

@testable import Connector

@Suite struct CallLikenessTests {
    private static let call: Call = {
        let legs = [("l", "101", 0), ("m", "102", 30)].map { name, user, second in
            let leg = LegReport(
                key: name, phase: .ringing, from: .external(number: "79000001234"), to: .user(extension: user, endpoint: nil))
            return CallEvent.make(name, at: Int64(second), leg: leg, facts: CallFacts(line: "74950000001"))
        }
        return CallFold.record(
            of: CallHistory(legs), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
            numbering: PlainNumbering())
    }()

    private static func like(
        _ part: String? = "101", _ number: String? = "9000001234", _ direction: Direction? = .inbound, line: String? = nil,
        after milliseconds: Int64 = 0
    ) -> CallLikeness {
        CallLikeness(
            part: part, direction: direction, number: number, line: line,
            startedAt: .base.advanced(by: .milliseconds(milliseconds)))
    }

    @Test(
        arguments: [
            (like(), 0), (like(after: 2000), 2000), (like(after: -2000), 2000), (like(after: 2001), nil), (like("103"), nil),
            (like("101", "9000001234", .outbound), nil), (like("101", "9000001234", nil), 0),
            (like("101", "+7 900 000-12-34"), 0),
            (like("101", "9000001235"), nil), (like("101", nil), 0), (like(line: "+74950000001"), 0),
            (like(line: "74950000002"), nil),
            // Another employee's part in the call begins with his leg; the call's own beginning is as good.
            (like("102", after: 31_000), 1000), (like(after: 31_000), nil), (like("102", after: 500), 500),
            // A row of the whole call needs its number, and begins with the call.
            (like(nil), 0), (like(nil, nil), nil), (like(nil, after: 30_000), nil),
        ] as [(CallLikeness, Int64?)])
    func `a row may tell of the call of that employee, direction, number and time`(likeness: CallLikeness, distance: Int64?) {
        #expect(likeness.distance(to: Self.call) == distance)
    }

    @Test func `each time that an employee comes into a call is an occasion of its own`() {
        let legs = [("desk", 10), ("mobile", 11), ("again", 300), ("later", 302), ("last", 900)].map { name, second in
            let leg = LegReport(
                key: name, phase: .ringing, from: .external(number: "79000001234"), to: .user(extension: "101", endpoint: nil))
            return CallEvent.make(name, at: Int64(second), leg: leg, facts: CallFacts(startedAt: .base))
        }
        let call = CallFold.record(
            of: CallHistory(legs), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
            numbering: PlainNumbering())
        let starts = CallLikeness.occasions(of: "101", in: call).map { occasion in
            occasion.beginnings.map { $0.milliseconds(since: .base) / 1000 }
        }
        #expect(starts == [[0, 10, 11], [300, 302], [900]])
        #expect(CallLikeness.occasions(of: "102", in: call).isEmpty && CallLikeness.occasions(of: nil, in: call).count == 1)
    }

    @Test func `of a call between employees each one's row knows the other by some number`() {
        let leg = LegReport(
            key: "l", phase: .ringing, from: .user(extension: "101", endpoint: nil), to: .user(extension: "102", endpoint: nil))
        let call = CallFold.record(
            of: CallHistory([.make(leg: leg, facts: CallFacts(direction: .internal))]), id: CallID(time: .base, rest: 1),
            createdAt: .base, profile: .test, numbering: PlainNumbering())
        #expect(Self.like("101", "9000000022", .outbound).distance(to: call) == 0)
        #expect(Self.like("102", "9000000021", .inbound).distance(to: call) == 0)
        #expect(Self.like("103", "9000000021", .inbound).distance(to: call) == nil)
    }

    @Test func `an event keeps its likeness in the journal`() {
        var event = CallEvent.make()
        event.likeness = Self.like(line: "74950000001", after: 7)
        #expect(CallEvent(encoded: event.encoded()) == event)
        event.likeness = CallLikeness(direction: nil, number: nil, startedAt: .base)
        #expect(CallEvent(encoded: event.encoded()) == event)
    }
}
