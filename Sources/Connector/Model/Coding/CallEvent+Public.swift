// Events as readers of the API see them (call-record.md, Event).

extension CallEvent {
    /// The events of a call as the API shows them: a JSON array in the order in which they count.
    ///
    /// `seq` numbers them in that order; `late` says that an event came in after the one that ended the call.
    /// `participant_id` is one of the record's participants: who is called on the event's leg, or calls on it where nobody is
    /// called; without a leg the employee whom the ending names.
    /// - Parameters:
    ///   - record: the call's JSON object.
    ///   - adapter: the connection's adapter as it is now. Events are not kept with the version that read them, so an older
    ///     one may have; the gateway's own events have none.
    /// - Throws: `UnreadableEvent`; `JSONError` where `record` is no JSON.
    package static func publicList(
        _ rows: [EventRow], of call: CallID, record: [UInt8], adapter: (name: String, version: String)?
    ) throws -> [UInt8] {
        let history = try CallHistory(rows)
        let roll = ParticipantRoll(try JSONText(record).root)
        let endReceived = history.digest.ending?.receivedAt ?? .latest
        var json = PackedJSONWriter()
        json.beginArray()
        for (index, event) in history.events.enumerated() {
            json.beginObject()
            event.writePlace(sequence: index + 1, call: call, participant: roll.participant(of: event, in: call), to: &json)
            event.writeData(to: &json)
            json.object("adapter", event.source == .system ? nil : adapter) { adapter, json in
                json.field("name", adapter.name)
                json.field("version", adapter.version)
            }
            json.field("late", event.receivedAt > endReceived)
            json.nullField("superseded_by")
            json.endObject()
        }
        json.endArray()
        return try PackedJSON.expand(json.packed)
    }

    private func writePlace(sequence: Int, call: CallID, participant: String?, to json: inout PackedJSONWriter) {
        json.field("id", id)
        json.field("call_id", call)
        json.field("seq", sequence)
        json.field("type", type)
        json.field("occurred_at", occurredAt)
        json.field("received_at", receivedAt)
        json.field("source", source)
        json.field("inbound_id", rawID)
        json.field("leg_id", leg.map { LegID(of: call, kind: "leg", name: $0.key) })
        json.field("participant_id", participant)
    }

    private func writeData(to json: inout PackedJSONWriter) {
        json.beginObject("data")
        json.array("external_ids", keys) { key, json in
            json.beginObject()
            json.field("kind", key.kind)
            json.field("value", key.value)
            json.endObject()
        }
        writeDetails(to: &json)
        json.endObject()
    }
}

/// Who took part in a call by its record: tells which of them an event is about.
private struct ParticipantRoll {
    private struct Entry {
        let id: String
        let kind: String
        /// By which names a party of that kind is known: an extension, a number in either form, a menu's name.
        let names: [String]
    }

    private let entries: [Entry]
    /// The participant of each leg, by their identifiers.
    private let ofLegs: [String: String]

    init(_ record: JSONNode) {
        entries = record["participants"].elements.compactMap { participant in
            guard let id = participant["id"].string, let kind = participant["kind"].string else { return nil }
            let names = [
                participant["extension"], participant["number"]["raw"], participant["number"]["e164"],
                participant["display_name"],
            ]
            return Entry(id: id, kind: kind, names: (kind == "external" ? names.dropLast() : names[...]).compactMap(\.string))
        }
        let legs = record["legs"].elements.compactMap { leg in
            leg["id"].string.flatMap { id in leg["participant_id"].string.map { (id, $0) } }
        }
        ofLegs = Dictionary(legs, uniquingKeysWith: { first, _ in first })
    }

    func participant(of event: CallEvent, in call: CallID) -> String? {
        guard let leg = event.leg else { return (event.ending?.user ?? event.digits?.by).flatMap(participant) }
        return leg.to.flatMap(participant) ?? ofLegs[LegID(of: call, kind: "leg", name: leg.key).description]
            ?? leg.from.flatMap(participant)
    }

    private func participant(_ party: Party) -> String? {
        switch party {
        case .external(let number): first("external", number ?? "")
        case .user(let name, _): first("user", name)
        case .ivr(let ref): first("ivr", ref)
        case .queue(let ref): first("queue", ref)
        case .voicemail(let ref): first("voicemail", ref)
        }
    }

    private func first(_ kind: String, _ name: String?) -> String? {
        entries.first { $0.kind == kind && (name.map($0.names.contains) ?? $0.names.isEmpty) }?.id
    }
}
