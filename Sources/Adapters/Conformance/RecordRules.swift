import Connector

/// The rules of a call's record, checked on the record that a CRM reads (call-record.md, "Rules and invariants").
///
/// Rule 1 needs two records to compare and is not here; the rest is asked of one record, or of the way it came about.
enum RecordRules {
    /// A rule that does not hold. Carries no number of a person.
    struct Breach: Hashable, Sendable {
        var rule: Int
        var what: String

        init(_ rule: Int, _ what: String) {
            self.rule = rule
            self.what = what
        }
    }

    /// What is wrong with one record.
    static func breaches(of record: JSONValue) -> [Breach] {
        guard record["merged_into"] == .null else { return [] }
        return order(record) + disposition(record) + times(record) + direction(record) + members(record) + closing(record)
            + custom(record)
    }

    /// What is wrong with how a play went.
    /// - Parameter isOver: everything was closed that nothing ended.
    static func breaches(of play: RecordPlay, isOver: Bool) -> [Breach] {
        let ofSteps = play.steps.values.flatMap { breaches(of: $0, isOver: isOver, endsByLegs: play.endsByLegs) }
        return play.callsWithoutSource.isEmpty ? ofSteps : ofSteps + [Breach(9, "a call has no raw record it came from")]
    }

    /// What is wrong with the revisions of one call.
    static func breaches(of steps: [RecordPlay.Step], isOver: Bool, endsByLegs: Bool = false) -> [Breach] {
        var breaches: [Breach] = []
        for (before, after) in zip(steps, steps.dropFirst()) {
            if before.state == .ended, after.state != .ended, !endsByLegs {
                breaches.append(Breach(7, "a call that had ended goes on"))
            }
            if after.revision != before.revision + 1 { breaches.append(Breach(7, "a revision is not one more than the last")) }
        }
        if isOver, let last = steps.last, last.state != .ended, !last.isMerged {
            breaches.append(Breach(8, "a call is never closed"))
        }
        return breaches
    }

    // MARK: Rule by rule

    /// Rule 2. Moments are written so that their texts are in their order.
    private static func order(_ record: JSONValue) -> [Breach] {
        let names = ["started_at", "ringing_at", "answered_at", "ended_at"]
        let told = names.compactMap { name in record[name]?.string.map { (name, $0) } }
        let pairs = zip(told, told.dropFirst()).filter { $0.1 > $1.1 }
        let breaches = pairs.map { Breach(2, "\($1.0) stands before \($0.0)") }
        let skew = record["clock"]?["skew_ms"]?.int ?? 0
        return skew < 0 ? breaches + [Breach(2, "clock.skew_ms is negative")] : breaches
    }

    /// Rule 3.
    private static func disposition(_ record: JSONValue) -> [Breach] {
        let isEnded = record["state"]?.string == "ended"
        guard let disposition = record["disposition"]?.string else {
            return isEnded ? [Breach(3, "the call has ended without a disposition")] : []
        }
        guard isEnded else { return [Breach(3, "the call has a disposition before it has ended")] }
        let hasAnswerTime = record["answered_at"]?.string != nil
        var breaches: [Breach] = []
        if hasAnswerTime, disposition != "answered" { breaches.append(Breach(3, "answered_at is set, and it is \(disposition)")) }
        if disposition == "answered", !hasAnswerTime, !isMissing("answer_time", record) {
            breaches.append(Breach(3, "answered without answered_at, and completeness does not say so"))
        }
        if disposition == "abandoned", record["ringing_at"]?.string != nil {
            breaches.append(Breach(3, "abandoned though an employee's phone rang"))
        }
        let ofInbound: Set = ["answered", "missed", "abandoned", "voicemail", "blocked", "unknown"]
        if record["direction"]?.string == "inbound", !ofInbound.contains(disposition) {
            breaches.append(Breach(3, "an inbound call is \(disposition)"))
        }
        return breaches
    }

    /// Rule 4.
    private static func times(_ record: JSONValue) -> [Breach] {
        func moment(_ name: String) -> Instant? { record[name]?.string.flatMap { Instant(rfc3339: $0) } }
        guard let start = moment("started_at") else { return [Breach(2, "started_at is missing")] }
        var breaches: [Breach] = []
        let answer = moment("answered_at")
        let end = moment("ended_at")
        let isAnswered = record["disposition"]?.string == "answered"
        let settled = answer ?? (isAnswered ? nil : end)
        if record["wait_ms"]?.int != settled.map({ Int($0.milliseconds(since: start)) }) {
            breaches.append(Breach(4, "wait_ms is not the time from started_at to answered_at or ended_at"))
        }
        let talk = record["talk_ms"]?.int ?? 0
        let hold = record["hold_ms"]?.int ?? 0
        if talk < 0 || hold < 0 { breaches.append(Breach(4, "talk_ms or hold_ms is negative")) }
        if answer == nil, talk > 0 { breaches.append(Breach(4, "talk_ms without an answer")) }
        if let answer, let end, talk + hold > end.milliseconds(since: answer) {
            breaches.append(Breach(4, "talk_ms and hold_ms are more than there is between answer and end"))
        }
        return breaches
    }

    /// Rule 5.
    private static func direction(_ record: JSONValue) -> [Breach] {
        guard record["direction"]?.string == "internal" else { return [] }
        let hasExternal = (record["participants"]?.elements ?? []).contains { $0["kind"]?.string == "external" }
        let isNamed = record["external_party"] ?? .null != .null
        return hasExternal || isNamed ? [Breach(5, "an internal call has somebody outside")] : []
    }

    /// Rule 6: who rang while another answered is no one who missed the call.
    private static func members(_ record: JSONValue) -> [Breach] {
        let legs = record["legs"]?.elements ?? []
        let answers = legs.compactMap { $0["answered_at"]?.string }
        guard record["direction"]?.string == "inbound", record["disposition"]?.string == "answered" else { return [] }
        let losers = legs.filter { leg in
            guard leg["answered_at"]?.string == nil, leg["result"]?.string == "no_answer",
                let rang = leg["ringing_at"]?.string, let ended = leg["ended_at"]?.string
            else { return false }
            return answers.contains { rang <= $0 && $0 < ended }
        }
        return losers.isEmpty ? [] : [Breach(6, "an employee whose phone rang while another answered is `no_answer`")]
    }

    /// Rule 8.
    private static func closing(_ record: JSONValue) -> [Breach] {
        guard record["state"]?.string == "ended", record["ended_at"]?.string == nil, !isMissing("hangup", record) else {
            return []
        }
        return [Breach(8, "ended without ended_at, and completeness does not say that the hangup is missing")]
    }

    /// Rule 9: what is not modelled stands below the provider's name.
    private static func custom(_ record: JSONValue) -> [Breach] {
        let names = record["custom"]?.members.map(\.name) ?? []
        return names.allSatisfy { $0 == record["provider"]?.string } ? [] : [Breach(9, "custom has a field of another provider")]
    }

    private static func isMissing(_ gap: String, _ record: JSONValue) -> Bool {
        (record["completeness"]?["missing"]?.elements ?? []).contains { $0.string == gap }
    }
}
