import Connector
import TestSupport
import Testing

@testable import AdapterConformance

/// A record that keeps the rules, and what each rule says to one that does not.
@Suite struct RecordRulesTests {
    private static let whole = #"""
        {"provider": "bell", "merged_into": null, "state": "ended", "direction": "inbound", "disposition": "answered",
         "started_at": "2026-11-02T07:15:20.000Z", "ringing_at": "2026-11-02T07:15:21.000Z", "answered_at": "2026-11-02T07:15:27.000Z",
         "ended_at": "2026-11-02T07:16:27.000Z", "wait_ms": 7000, "talk_ms": 50000, "hold_ms": 10000,
         "external_party": {"number": {"raw": "79000000101"}}, "participants": [{"kind": "external"}, {"kind": "user"}],
         "legs": [
           {"ringing_at": "2026-11-02T07:15:21.000Z", "answered_at": "2026-11-02T07:15:27.001Z", "ended_at": "2026-11-02T07:16:27.000Z",
            "result": "talked"},
           {"ringing_at": "2026-11-02T07:15:21.000Z", "answered_at": null, "ended_at": "2026-11-02T07:15:28.000Z",
            "result": "answered_elsewhere"}],
         "clock": {"skew_ms": 0}, "completeness": {"missing": []}, "custom": {"bell": {"mood": "good"}}}
        """#

    private func breaches(_ changes: [(from: String, to: String)]) throws -> [RecordRules.Breach] {
        let text = changes.reduce(Self.whole) { $0.replacing($1.from, with: $1.to) }
        return RecordRules.breaches(of: try JSONValue(parsing: text))
    }

    @Test func `a record that keeps the rules has no breach`() throws { #expect(try breaches([]) == []) }

    @Test(arguments: [
        (
            2,
            [
                (
                    #""ringing_at": "2026-11-02T07:15:21.000Z", "answered_at": "2026-11-02T07:15:27"#,
                    #""ringing_at": "2026-11-02T07:15:19.000Z", "answered_at": "2026-11-02T07:15:27"#
                )
            ]
        ),
        (2, [(#""skew_ms": 0"#, #""skew_ms": -1"#)]),
        (3, [(#""disposition": "answered""#, #""disposition": null"#)]),
        (3, [(#""state": "ended""#, #""state": "ringing""#)]),
        (3, [(#""disposition": "answered""#, #""disposition": "missed""#)]),
        (3, [(#""disposition": "answered""#, #""disposition": "abandoned""#)]),
        (3, [(#""disposition": "answered""#, #""disposition": "busy""#)]),
        (3, [(#""answered_at": "2026-11-02T07:15:27.000Z""#, #""answered_at": null"#)]),
        (4, [(#""wait_ms": 7000"#, #""wait_ms": 8000"#)]),
        (4, [(#""wait_ms": 7000"#, #""wait_ms": null"#)]),
        (4, [(#""talk_ms": 50000"#, #""talk_ms": -1"#)]),
        (4, [(#""talk_ms": 50000"#, #""talk_ms": 50001"#)]),
        (5, [(#""direction": "inbound""#, #""direction": "internal""#)]),
        (6, [("answered_elsewhere", "no_answer")]),
        (8, [(#""ended_at": "2026-11-02T07:16:27.000Z", "wait_ms""#, #""ended_at": null, "wait_ms""#)]),
        (9, [(#""custom": {"bell""#, #""custom": {"other""#)]),
    ])
    func `a rule that does not hold is told`(rule: Int, changes: [(String, String)]) throws {
        let breaches = try breaches(changes.map { (from: $0.0, to: $0.1) })
        #expect(breaches.contains { $0.rule == rule }, "\(breaches)")
    }

    @Test func `what is missing may be missing where completeness says so`() throws {
        let gaps = try breaches([
            (#""answered_at": "2026-11-02T07:15:27.000Z""#, #""answered_at": null"#),
            (
                #""ended_at": "2026-11-02T07:16:27.000Z", "wait_ms": 7000, "talk_ms": 50000, "hold_ms": 10000"#,
                #""ended_at": null, "wait_ms": null, "talk_ms": null, "hold_ms": null"#
            ),
            (#""missing": []"#, #""missing": ["hangup", "answer_time"]"#),
        ])
        #expect(gaps == [])
    }

    // MARK: How a record came about

    private func play(_ events: [CallEvent], closingAfter: Duration? = nil) throws -> RecordPlay {
        let profile = ConnectionProfile(id: ConnectionID("bell"), provider: "bell")
        var play = RecordPlay(profile: profile, numbering: PlainNumbering())
        for (number, event) in events.enumerated() {
            let raw = RawRecord(
                id: event.rawID, position: Int64(number) + 1, connection: profile.id, receivedAt: event.receivedAt, body: [])
            try play.take([.call(event)], of: raw)
        }
        if let closingAfter { try play.close(at: play.latestNews.advanced(by: closingAfter)) }
        return play
    }

    private func event(_ name: String, at second: Int64, ending: EndReport? = nil) -> CallEvent {
        let moment = Instant(unixSeconds: 1_793_603_720 + second)
        return CallEvent(
            id: EventID(connection: ConnectionID("bell"), repeatKey: [name]), rawID: RawID(time: moment, rest: 1),
            keys: [ExternalKey(.call, "c")], type: .updated, occurredAt: moment, receivedAt: moment, ending: ending)
    }

    @Test func `rule 8: a call that nothing ends is closed in time, and else it is told`() throws {
        let open = try play([event("a", at: 0)])
        #expect(RecordRules.breaches(of: open, isOver: true).map(\.rule) == [8])
        #expect(RecordRules.breaches(of: open, isOver: false) == [])
        let closed = try play([event("a", at: 0)], closingAfter: .seconds(12 * 3600))
        #expect(RecordRules.breaches(of: closed, isOver: true) == [])
    }

    private func rules(_ steps: [(revision: Int, state: Call.State)], endsByLegs: Bool = false) -> [Int] {
        let steps = steps.map { RecordPlay.Step(revision: $0.revision, state: $0.state, isMerged: false) }
        return RecordRules.breaches(of: steps, isOver: false, endsByLegs: endsByLegs).map(\.rule)
    }

    @Test func `rule 7: an ended call does not go on, and revisions count by one`() {
        #expect(rules([(1, .ringing), (2, .ended), (3, .ended)]) == [])
        #expect(rules([(1, .ringing), (2, .ended), (3, .inProgress)]) == [7])
        #expect(rules([(1, .ringing), (3, .ended)]) == [7])
    }

    @Test func `rule 7 is not asked where legs end a call`() throws {
        #expect(rules([(1, .ended), (2, .ringing)], endsByLegs: true) == [])
        #expect(try play([event("b", at: 5, ending: EndReport(scope: .leg, reason: .normal))]).endsByLegs)
        #expect(try !play([event("b", at: 5, ending: EndReport(reason: .normal))]).endsByLegs)
    }
}
