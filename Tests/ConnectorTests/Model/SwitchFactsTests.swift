import Connector
import TestSupport
import Testing

/// What only a switch of one's own tells, through the journal and into the record.
@Suite struct SwitchFactsTests {
    private static let caller = Party.external(number: "+79000000101")
    private static let anna = Party.user(extension: "101", endpoint: "sip:101@192.0.2.11")

    private static func leg(_ phase: LegReport.Phase, _ sequence: Int, _ signalling: SignallingReport? = nil) -> LegReport {
        LegReport(
            key: "b1", phase: phase, sequence: sequence, from: caller, to: anna, reason: phase == .ended ? .callerHungUp : nil,
            signalling: signalling)
    }

    private static let events: [CallEvent] = {
        var step = CallEvent.make("step", type: .routeStep, at: 0)
        step.route = RouteReport(kind: .schedule, ref: "office", outcome: "open")
        return [
            step,
            .make("start", type: .updated, at: 1, leg: leg(.started, 1, SignallingReport(trunk: "spare", sipCallID: "b1@pbx"))),
            .make("ring", type: .ringing, at: 2, leg: leg(.ringing, 2)),
            .make("answer", type: .answered, at: 5, leg: leg(.answered, 3, SignallingReport(codec: "PCMA"))),
            .make(
                "recorded", type: .recordingReady, at: 9,
                recording: RecordingReport(key: "r", phase: .ready, isAnnounced: true, channels: 2, milliseconds: 3500)),
            .make(
                "end", type: .ended, at: 9,
                leg: leg(.ended, 4, SignallingReport(cause: Cause(sip: 200, q850: 16), lossPermille: 12, jitterMilliseconds: 7))),
            .make("over", type: .ended, at: 9, ending: EndReport(reason: .normal, by: .externalParty)),
        ]
    }()

    private static func record(_ events: [CallEvent]) -> Call {
        CallFold.record(
            of: CallHistory(events), id: CallID(bits: 1), createdAt: .base, profile: .test, numbering: PlainNumbering())
    }

    @Test func `an event keeps all of it in the journal`() throws {
        for event in Self.events { #expect(try #require(CallEvent(encoded: event.encoded())) == event) }
    }

    @Test func `the record shows it`() throws {
        let call = Self.record(Self.events)
        let leg = try #require(call.legs.first)
        #expect(leg.trunkID == "spare")
        #expect(leg.codec == "PCMA")
        #expect(leg.cause == Cause(sip: 200, q850: 16))
        #expect(leg.quality?.loss == "0.012")
        #expect(leg.externalIDs == [ExternalKey(.leg, "b1"), ExternalKey(.sipCallID, "b1@pbx")])
        #expect(leg.startedAt.map { leg.ringingAt?.milliseconds(since: $0) } == 1000)
        #expect(call.endedBy == .externalParty)
        #expect(call.route.map(\.kind) == [.schedule, .user])
        #expect(call.recordings.first?.consent == .announced)
        #expect(call.recordings.first?.channels == 2)
        #expect(call.recordings.first?.durationMilliseconds == 3500)
    }

    @Test func `a telephone that is called and answers before anything is known of its ringing has lost nothing`() {
        let call = Self.record(Self.events.filter { $0.leg?.phase != .ringing })
        #expect(call.answeredAt == Self.events[3].occurredAt)
        #expect(call.ringingAt == nil)
        #expect(call.talkMilliseconds == 4000)
    }

    private static func cut(_ events: [CallEvent], at seconds: Int64) -> Call {
        let end = EndReport(
            reason: .failed, cause: Cause(text: "cut"), endedAt: Instant.base.advanced(by: .seconds(seconds)), isStale: true,
            by: .system)
        return record(events + [.make("cut", type: .ended, at: 60, ending: end)])
    }

    @Test func `a call that was cut in a talk was answered, and ended when it was cut`() {
        let call = Self.cut(Array(Self.events[..<4]), at: 8)
        #expect(call.disposition == .answered)
        #expect(call.endedBy == .system)
        #expect(call.cause?.text == "cut")
        #expect(call.talkMilliseconds == 3000)
        #expect(call.completeness.missing == [])
    }

    @Test func `one that was cut while it rang was missed by our fault`() {
        let call = Self.cut(Array(Self.events[..<3]), at: 8)
        #expect(call.disposition == .missed)
        #expect(call.missedReason == .error)
        #expect(call.legs.first?.result == .failed)
    }

    @Test func `an end that was told counts before the one that was supposed`() {
        let call = Self.cut(Self.events, at: 20)
        #expect(call == Self.cut(Self.events, at: 8))
        #expect(call.endedAt == Self.events[6].occurredAt)
        #expect(call.endedBy == .externalParty)
    }
}
