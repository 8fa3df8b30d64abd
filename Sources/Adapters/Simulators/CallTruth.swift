import Connector

/// What really happened in a call that a double has played: what a correct call log must say of it, whatever was lost on the way.
package struct CallTruth: Sendable, Equatable {
    package var adapter: String
    /// The vendor's name of the call, one of the record's `external_ids`; where the vendor's log names no calls (Beeline), only
    /// webhooks can have told it.
    package var call: String
    package var direction: Direction
    /// The party outside, digits without plus.
    package var number: String
    /// Our number, where the vendor tells it.
    package var line: String?
    /// Who talked, in their order; those who were rung, where nobody did. Named as the vendor's events name them.
    package var employees: [String]
    package var disposition: Call.Disposition
    package var startedAt: Instant
    package var answeredAt: Instant?
    package var endedAt: Instant
    /// The vendor's names of the recordings (`provider_ref`).
    package var recordings: [String]

    /// One line of JSON, without the line end.
    package var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("adapter", adapter)
        json.field("call", call)
        json.field("direction", direction.rawValue)
        json.field("number", number)
        json.field("line", line)
        json.beginArray("employees")
        for employee in employees { json.value(employee) }
        json.endArray()
        json.field("disposition", disposition.rawValue)
        json.field("started_at", startedAt.description)
        json.field("answered_at", answeredAt?.description)
        json.field("ended_at", endedAt.description)
        json.beginArray("recordings")
        for recording in recordings { json.value(recording) }
        json.endArray()
        json.endObject()
        return json.finish()
    }

    /// The same by a clock that goes `offset` later.
    func shifted(by offset: Duration) -> CallTruth {
        var truth = self
        truth.startedAt = startedAt.advanced(by: offset)
        truth.answeredAt = answeredAt?.advanced(by: offset)
        truth.endedAt = endedAt.advanced(by: offset)
        return truth
    }
}
