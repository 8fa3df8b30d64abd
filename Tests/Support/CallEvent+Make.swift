import Connector

extension CallEvent {
    /// An event with defaults for everything a test does not care about.
    package static func make(
        _ name: String = "event", type: EventType = .updated, at seconds: Int64 = 0, receivedAt received: Int64? = nil,
        keys: [ExternalKey] = [ExternalKey(.session, "s1")], leg: LegReport? = nil, facts: CallFacts = CallFacts(),
        ending: EndReport? = nil, recording: RecordingReport? = nil, digits: DigitsReport? = nil, custom: [CustomField] = []
    ) -> CallEvent {
        let at = Instant.base.advanced(by: .seconds(seconds))
        let receivedAt = Instant.base.advanced(by: .seconds(received ?? seconds))
        var hash = StableHash()
        hash.combine(name)
        hash.combine(UInt64(bitPattern: received ?? seconds))
        return CallEvent(
            id: EventID(connection: ConnectionID("test"), repeatKey: [name, keys[0].value]),
            rawID: RawID(time: receivedAt, rest: hash.value),
            keys: keys, type: type, occurredAt: at, receivedAt: receivedAt, leg: leg, facts: facts, ending: ending,
            recording: recording, digits: digits, custom: custom)
    }
}

extension Instant {
    /// 2026-11-02T07:15:20Z: where tests begin.
    package static let base = Instant(milliseconds: 1_793_603_720_000)
}

extension ConnectionProfile {
    /// The connection of tests: two employees and a line with a channel.
    package static let test = ConnectionProfile(
        id: ConnectionID("test"), provider: "mango",
        lines: ["+74950000001": LineEntry(label: "site", channel: "yandex-direct")],
        employees: ["101": EmployeeEntry(name: "Anna", crmID: "17")])
}
