import AdapterKit
import Connector

/// `cmd=history`: the call is over. One for each `callid`, also of calls that nobody answered.
extension MegafonMessage {
    /// The ending, and a second event for the recording, where there is one: the file is written after the call.
    func history() -> [Decoded] {
        guard var event = callEvent(.ended, repeating: Self.repeated) else { return [Self.missingCall()] }
        let recording = self["link"].flatMap(reading.recording)
        if let recording { event.keys.append(ExternalKey(.recording, recording)) }
        let start = self["start"].flatMap { MegafonTime.parse($0, in: reading.zone) }
        event.ending = ending(from: start?.moment)
        event.occurredAt = event.ending?.endedAt ?? event.receivedAt
        event.facts = facts(direction)
        event.facts.startedAt = start?.moment
        event.facts.timeZone = start?.isLocal == true ? reading.zone.name : nil
        event.custom = leftovers(except: Self.knownOfHistory)
        if direction == nil { event.custom.keep("type", self["type"]) }
        return [.call(event)] + (recording.map(ready).map { [$0] } ?? [])
    }

    private func ready(_ recording: String) -> Decoded {
        guard var event = callEvent(.recordingReady, repeating: Self.repeated, ordinal: 1) else { return Self.missingCall() }
        event.keys.append(ExternalKey(.recording, recording))
        event.recording = RecordingReport(key: recording, phase: .ready)
        return .call(event)
    }

    /// A history that says anything else than the one before is news: the vendor corrects itself.
    private static let repeated: [StaticString] = [
        "callid", "type", "status", "phone", "user", "ext", "start", "duration", "wait", "link", "rating",
    ]

    private static let knownOfHistory = NameSet(knownEverywhere + ["type", "status", "start", "link"])

    /// Here `type` is the direction.
    private var direction: Direction? {
        switch self["type"]?.lowercased() {
        case "in": .inbound
        case "out": .outbound
        default: nil
        }
    }

    /// `duration` is the whole call by the vendor's text, `wait` the seconds before the answer; both stay in `custom` as well, since
    /// receivers disagree. On missed calls `duration` is 0, however long it rang.
    private func ending(from start: Instant?) -> EndReport {
        let outcome = MegafonOutcome(self["status"])
        let whole = MegafonTime.duration(fields.integer("duration")).flatMap { $0 > .zero ? $0 : nil }
        let wait = MegafonTime.duration(fields.integer("wait"))
        var report = EndReport(
            reason: outcome.reason, cause: Cause(providerCode: self["status"]), answered: outcome.answered, user: ownSide)
        guard let start else { return report }
        report.endedAt = (whole ?? (outcome.answered == false ? wait : nil)).map(start.advanced)
        if outcome.answered == true, let whole, let wait, wait <= whole { report.answeredAt = start.advanced(by: wait) }
        return report
    }
}
