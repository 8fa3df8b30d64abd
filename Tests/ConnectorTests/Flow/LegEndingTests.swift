import Connector
import TestSupport
import Testing

/// Calls of vendors who say that legs are over, never that the call is.
@Suite struct LegEndingTests {
    private static let client = Party.external(number: "79000001234")

    private static func leg(
        _ phase: LegReport.Phase, _ name: String, at second: Int64, away: Bool = false, reason: EndReason? = nil,
        ringing: Int64? = nil, answered: Int64? = nil
    ) -> CallEvent {
        let moment = { (seconds: Int64) in Instant.base.advanced(by: .seconds(seconds)) }
        let report = LegReport(
            key: name, phase: phase, from: client, to: .user(extension: name, endpoint: nil), calleeTransferredAway: away,
            reason: reason, ringingAt: ringing.map(moment), answeredAt: answered.map(moment))
        return .make("\(name) \(phase)", at: second, leg: report)
    }

    /// The end of a leg, with the word that it was the last one, or that another may follow.
    private static func end(
        _ name: String, at second: Int64, _ scope: EndReport.Scope, answered: Bool = false, away: Bool = false,
        reason: EndReason = .callerHungUp, ringing: Int64? = nil, answer: Int64? = nil
    ) -> CallEvent {
        var event = leg(.ended, name, at: second, away: away, reason: reason, ringing: ringing, answered: answer)
        event.ending = EndReport(
            scope: scope, reason: reason, answered: answered, endedAt: event.occurredAt,
            user: .user(extension: name, endpoint: nil))
        return event
    }

    private static let closing = CallEvent.make(
        "closing", type: .ended, at: 500, ending: EndReport(reason: .unknown, isStale: true))

    private func record(_ events: CallEvent...) -> Call { CallFoldRulesTests.record(events) }

    @Test func `the last leg's end is the call's`() {
        let call = record(
            Self.leg(.ringing, "101", at: 0), Self.leg(.answered, "101", at: 5), Self.end("101", at: 60, .lastLeg, answered: true)
        )
        #expect(call.state == .ended && call.disposition == .answered)
        #expect(call.endedAt == .base.advanced(by: .seconds(60)) && call.endedBy == .externalParty)
        #expect(call.completeness == Completeness(level: .complete))
    }

    @Test func `a leg that ends while another is up ends nothing`() {
        let call = record(
            Self.leg(.ringing, "101", at: 0), Self.leg(.ringing, "102", at: 0), Self.leg(.answered, "102", at: 5),
            Self.end("101", at: 5, .lastLeg))
        #expect(call.state == .inProgress && call.disposition == nil)
    }

    @Test func `of several ends the latest counts, in whatever order they came`() {
        let events = [
            Self.leg(.answered, "101", at: 5), Self.end("101", at: 30, .lastLeg, answered: true),
            Self.leg(.answered, "102", at: 32), Self.end("102", at: 90, .lastLeg, answered: true, reason: .calleeHungUp),
        ]
        for order in [[0, 1, 2, 3], [3, 1, 2, 0], [2, 3, 0, 1]] {
            let call = CallFoldRulesTests.record(order.map { events[$0] })
            #expect(call.endedAt == .base.advanced(by: .seconds(90)) && call.endedBy == .user)
        }
    }

    @Test func `a leg that another may follow leaves the call open until it is closed`() {
        let events = [Self.leg(.ringing, "101", at: 0), Self.end("101", at: 20, .leg, reason: .noAnswer)]
        let open = CallFoldRulesTests.record(events)
        #expect(open.state == .queued && open.disposition == nil)
        let closed = CallFoldRulesTests.record(events + [Self.closing])
        #expect(closed.disposition == .missed && closed.missedReason == .noAgentAnswered)
        #expect(closed.endedAt == .base.advanced(by: .seconds(20)), "it ended with the leg, not with the closing")
        #expect(closed.completeness.missing.isEmpty)
    }

    @Test func `a call that was closed too early stays ended, and becomes what it was`() {
        let early = [Self.leg(.ringing, "101", at: 0), Self.end("101", at: 20, .leg, reason: .noAnswer), Self.closing]
        let ringing = CallFoldRulesTests.record(early + [Self.leg(.ringing, "102", at: 510)])
        #expect(ringing.state == .ended)
        let talked = CallFoldRulesTests.record(
            early + [
                Self.leg(.ringing, "102", at: 510), Self.leg(.answered, "102", at: 520),
                Self.end("102", at: 600, .lastLeg, answered: true),
            ])
        #expect(talked.disposition == .answered && talked.endedAt == .base.advanced(by: .seconds(600)))
    }

    @Test func `a leg that handed the call on does not end it, unless it is heard of again`() {
        let talk = [Self.leg(.answered, "101", at: 5)]
        let away = CallFoldRulesTests.record(talk + [Self.end("101", at: 30, .lastLeg, answered: true, away: true)])
        #expect(away.state == .inProgress)
        var later = CallEvent.make("over", at: 90)
        later.ending = EndReport(scope: .lastLeg, reason: .normal, answered: true, endedAt: later.occurredAt)
        let over = CallFoldRulesTests.record(talk + [Self.leg(.ended, "101", at: 30, away: true, reason: .transferred), later])
        #expect(over.state == .ended && over.endedAt == .base.advanced(by: .seconds(90)))
    }

    @Test func `what is sent out of the house is not taken for missed`() {
        let call = record(
            Self.leg(.ringing, "101", at: 0), Self.end("101", at: 15, .leg, away: true, reason: .transferred), Self.closing)
        #expect(call.disposition == .unknown && call.missedReason == nil)
        #expect(call.completeness == Completeness(level: .partial, missing: [.hangup]))
    }

    @Test func `a call without a leg ends at once`() {
        var event = CallEvent.make("given up", at: 20)
        event.facts = CallFacts(origin: .clickToCall, externalNumber: "79000001234")
        event.ending = EndReport(scope: .lastLeg, reason: .callerHungUp, answered: false)
        #expect(record(event).disposition == .canceled)
    }

    @Test func `the end alone tells when the phone rang and was answered`() throws {
        let call = record(Self.end("101", at: 60, .lastLeg, answered: true, ringing: 0, answer: 5))
        #expect(call.ringingAt == .base && call.answeredAt == .base.advanced(by: .seconds(5)))
        #expect(call.talkMilliseconds == 55_000 && call.ownerUserID == "17")
        let leg = try #require(call.legs.first)
        #expect(leg.startedAt == .base && leg.bridgedWith == [Leg.Bridge(leg: nil, from: call.answeredAt!, to: call.endedAt)])
        let missed = record(Self.end("101", at: 20, .lastLeg, ringing: 0))
        #expect(missed.disposition == .missed, "abandoned is who left before a phone rang")
    }

    @Test func `what a later event repeats does not move what was told`() {
        let told = [Self.leg(.ringing, "101", at: 2), Self.leg(.answered, "101", at: 5)]
        let end = Self.leg(.ended, "101", at: 60, ringing: 0, answered: 5)
        #expect(CallFoldRulesTests.record(told + [end]).legs[0].ringingAt == .base.advanced(by: .seconds(2)))
        let retrieved = [Self.leg(.answered, "101", at: 40, answered: 5), end]
        #expect(CallFoldRulesTests.record(retrieved).answeredAt == .base.advanced(by: .seconds(5)))
        #expect(CallFoldRulesTests.record(retrieved).legs[0].bridgedWith.count == 1)
    }

    @Test func `the same moment told twice is one talk`() {
        var again = Self.leg(.answered, "101", at: 5)
        again.id = EventID(bits: 5)
        let call = record(Self.leg(.answered, "101", at: 5), again, Self.end("101", at: 60, .lastLeg, answered: true))
        #expect(call.legs[0].bridgedWith.count == 1 && call.talkMilliseconds == 55_000)
    }

    @Test func `a call between employees told from both ends passes one station`() {
        func half(_ key: String, at second: Int64) -> CallEvent {
            let report = LegReport(
                key: key, phase: .ringing, from: .user(extension: "101", endpoint: nil),
                to: .user(extension: "102", endpoint: nil))
            return .make(key, at: second, leg: report)
        }
        let call = record(half("a", at: 0), half("b", at: 0))
        #expect(call.direction == .internal && call.legs.count == 2 && call.route.map(\.ref) == ["102"])
    }

    @Test func `a leg on which a colleague called first and the client later is an attended transfer`() throws {
        func consulted(_ phase: LegReport.Phase, from: Party, at second: Int64) -> CallEvent {
            let report = LegReport(key: "102", phase: phase, from: from, to: .user(extension: "102", endpoint: nil))
            return .make("102 \(second)", at: second, leg: report)
        }
        let call = record(
            Self.leg(.answered, "101", at: 5), consulted(.answered, from: .user(extension: "101", endpoint: nil), at: 20),
            consulted(.answered, from: Self.client, at: 40), Self.end("101", at: 40, .leg, away: true, reason: .transferred))
        let transfer = try #require(call.transfers.first)
        #expect(call.transfers.count == 1 && transfer.kind == .attended && transfer.status == .completed)
        #expect(transfer.completedAt == .base.advanced(by: .seconds(40)))
    }

    // MARK: The ledger

    @Test func `a call whose legs have ended waits for another leg as long as it settles, then is closed`() throws {
        let ledger = CallLedger(reader: try MemoryJournal().makeReader(), numbering: PlainNumbering())
        var batch = DerivedBatch()
        for event in [Self.leg(.ringing, "101", at: 0), Self.end("101", at: 20, .leg)] {
            let raw = RawRecord(
                id: event.rawID, position: 1, connection: ConnectionProfile.test.id, receivedAt: event.receivedAt, body: [])
            try ledger.apply([event], of: raw, profile: .test, into: &batch)
        }
        let stale = { (seconds: Int64) in
            ledger.staleCalls(at: .base.advanced(by: .seconds(seconds)), profiles: { _ in .test })
        }
        #expect(stale(49).isEmpty)
        #expect(stale(50).count == 1)
    }

    @Test func `scopes and repeated moments come back from the stored form`() {
        for scope in EndReport.Scope.allCases {
            var event = Self.end("101", at: 20, scope)
            event.leg?.ringingAt = .base
            event.leg?.answeredAt = .base.advanced(by: .seconds(5))
            #expect(CallEvent(encoded: event.encoded()) == event)
        }
    }
}

/// What a provider's history adds to a call.
@Suite struct HistoryFoldTests {
    private static func past(
        at second: Int64 = 90, start: Int64 = -1, answered: Bool = true, answer: Int64? = nil, name: String = "101"
    ) -> CallEvent {
        let moment = { (seconds: Int64) in Instant.base.advanced(by: .seconds(seconds)) }
        var event = CallEvent.make("history", type: .ended, at: second, receivedAt: 900)
        event.source = .history
        event.facts = CallFacts(direction: .inbound, startedAt: moment(start), externalNumber: "79000001234")
        event.ending = EndReport(
            reason: .normal, answered: answered, answeredAt: answer.map(moment), endedAt: event.occurredAt,
            user: .user(extension: name, endpoint: nil))
        return event
    }

    private static let talk = [
        CallEvent.make(
            "answer", at: 5,
            leg: LegReport(
                key: "l", phase: .answered, from: .external(number: "79000001234"), to: .user(extension: "101", endpoint: nil))),
        CallEvent.make(
            "end", type: .ended, at: 60, facts: CallFacts(startedAt: .base),
            ending: EndReport(reason: .callerHungUp, answered: true, answeredAt: .base.advanced(by: .seconds(5)))),
    ]

    @Test func `history displaces nothing that was told`() {
        let told = CallFoldRulesTests.record(Self.talk)
        let both = CallFoldRulesTests.record(Self.talk + [Self.past(answer: 4)])
        #expect(both.startedAt == told.startedAt && both.answeredAt == told.answeredAt && both.endedAt == told.endedAt)
        #expect(both.talkMilliseconds == told.talkMilliseconds && both.endedBy == told.endedBy)
        #expect(both.sources == [.history, .webhook] && both.completeness.level == .reconciled)
    }

    @Test func `history gives a call its end before the gateway's closing does`() {
        let closing = CallEvent.make("closing", type: .ended, at: 500, ending: EndReport(reason: .unknown, isStale: true))
        let call = CallFoldRulesTests.record([Self.talk[0], closing, Self.past(at: 61)])
        #expect(call.endedAt == .base.advanced(by: .seconds(61)) && call.completeness.missing.isEmpty)
    }

    @Test func `history alone makes a call, with its talker and without what it does not know`() throws {
        let call = CallFoldRulesTests.record([Self.past(at: 90, start: 0, answer: 10)])
        #expect(call.disposition == .answered && call.direction == .inbound && call.legs.isEmpty)
        #expect(call.talkMilliseconds == 80_000 && call.ownerUserID == "17")
        let agent = try #require(call.participants.first { $0.kind == .user })
        #expect(agent.talkMilliseconds == 80_000 && agent.outcome == .talked)
        let vague = CallFoldRulesTests.record([Self.past(at: 90, start: 0)])
        #expect(vague.talkMilliseconds == nil && vague.completeness.missing == [.answerTime])
        #expect(vague.participants.first { $0.kind == .user }?.talkMilliseconds == nil)
    }
}
