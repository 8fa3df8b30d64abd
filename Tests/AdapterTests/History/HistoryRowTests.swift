import AdapterKit
import Connector
import TestSupport
import Testing

@Suite struct HistoryRowTests {
    static let raw = RawRecord(
        id: RawID(bits: 7), connection: ConnectionID("test"), receivedAt: .base.advanced(by: .seconds(900)), source: .history,
        body: []
    ).stamp

    private static func row(
        _ keys: [ExternalKey] = [], number: String? = "9000001234", direction: Direction? = .inbound, start: Int64 = 0,
        employee: String? = "101"
    ) -> HistoryRow {
        HistoryRow(
            keys: keys,
            facts: CallFacts(
                direction: direction, startedAt: .base.advanced(by: .milliseconds(start)), externalNumber: number),
            ending: EndReport(
                reason: .normal, answered: true, endedAt: .base.advanced(by: .seconds(60)),
                user: employee.map { .user(extension: $0, endpoint: nil) }),
            recordings: [RecordingReport(key: "r1", phase: .ready), RecordingReport(key: "r2", phase: .completed)])
    }

    @Test func `a row is one event of the call and one of each recording, of source history`() {
        let events = Self.row([ExternalKey(.session, "s")]).events(of: Self.raw)
        #expect(events.map(\.type) == [.ended, .recordingReady, .updated])
        #expect(events.allSatisfy { $0.source == .history && $0.keys == [ExternalKey(.session, "s")] })
        #expect(events[0].occurredAt == .base.advanced(by: .seconds(60)) && events[0].ending?.answered == true)
        #expect(Set(events.map(\.id)).count == 3)
        #expect(events == Self.row([ExternalKey(.session, "s")]).events(of: Self.raw))
    }

    @Test func `the same row in a later answer is the same event, and a changed one another`() {
        let row = Self.row([ExternalKey(.session, "s")])
        let later = RawRecord(
            id: RawID(bits: 8), connection: ConnectionID("test"), receivedAt: .latest, source: .history, body: []
        ).stamp
        #expect(row.events(of: later).map(\.id) == row.events(of: Self.raw).map(\.id))
        var changed = row
        changed.ending?.answered = false
        #expect(changed.events(of: Self.raw)[0].id != row.events(of: Self.raw)[0].id)
    }

    @Test func `a row without a name makes its own, and says what its call is like`() {
        let event = Self.row().events(of: Self.raw)[0]
        let own = event.keys
        #expect(own.count == 1 && own[0].kind == .call && own == Self.row().events(of: Self.raw)[0].keys)
        #expect(own != Self.row(employee: "102").events(of: Self.raw)[0].keys)
        #expect(own != Self.row(start: 1).events(of: Self.raw)[0].keys)
        #expect(event.likeness == CallLikeness(part: "101", direction: .inbound, number: "9000001234", startedAt: .base))
        #expect(Self.row([ExternalKey(.session, "s")]).events(of: Self.raw).allSatisfy { $0.likeness == nil })
        #expect(Self.row(employee: nil).events(of: Self.raw)[0].likeness == nil)
    }

    @Test func `a list of recordings says nothing of the call itself`() {
        let row = HistoryRow(
            keys: [ExternalKey(.session, "s")], facts: CallFacts(), recordings: [RecordingReport(key: "r", phase: .ready)],
            custom: [CustomField("fileSize", "9")])
        let events = row.events(of: Self.raw)
        #expect(events.map(\.type) == [.recordingReady] && events[0].custom == row.custom && events[0].ending == nil)
    }

    @Test(arguments: [
        ("TOKEN_EXPIRED", "TOKEN_EXPIRED"), ("404", "404"), (nil, "unknown"), ("", "unknown"), ("79000001234", "unknown"),
        ("it is over", "unknown"), (String(repeating: "a", count: 65), "unknown"),
    ])
    func `of a provider's code no number gets through`(code: String?, told: String) {
        #expect(HistoryError.shortCode(code) == told)
    }
}
