/// Says which event, and so which raw request, gave each field of a call its value.
///
/// Folds the call's events one after the other in their canonical order and notes where a field came to its final value.
/// Quadratic in the events of one call, and only asked for by people.
package struct CallExplanation: CallExplainer {
    private let journal: any Journal
    private let roster: any ConnectionRoster
    private let numbering: any NumberingPlan

    package init(journal: any Journal, roster: any ConnectionRoster, numbering: any NumberingPlan) {
        self.journal = journal
        self.roster = roster
        self.numbering = numbering
    }

    package func explain(_ call: CallID) throws -> [UInt8]? {
        let reader = try journal.makeReader()
        guard let stored = try reader.call(call) else { return nil }
        let history = try CallHistory(try reader.events(of: call))
        let profile =
            roster.connections().first { $0.profile.id == stored.connection }?.profile
            ?? ConnectionProfile(id: stored.connection, tenant: stored.tenant, provider: "unknown")
        return Self.explain(history, call: call, profile: profile, numbering: numbering)
    }

    /// The explanation of a set of events: `{call_id, fields: [{field, value, event_id, type, inbound_id}], inputs: […]}`.
    static func explain(
        _ history: CallHistory, call: CallID, profile: ConnectionProfile, numbering: any NumberingPlan
    ) -> [UInt8] {
        var seen = CallHistory()
        var fields: [Field] = []
        for event in history.events {
            seen.insert(event)
            let record = CallFold.record(of: seen, id: call, createdAt: call.time, profile: profile, numbering: numbering)
            note(record, after: event, in: &fields)
        }
        return write(fields, history: history, call: call)
    }

    private struct Field {
        let name: String
        var value: [UInt8]
        var event: CallEvent
    }

    /// Bookkeeping of the record itself, which no event sets.
    private static let silent: Set<String> = ["id", "schema_version", "revision", "tenant_id", "connection_id", "created_at"]

    private static func note(_ record: Call, after event: CallEvent, in fields: inout [Field]) {
        var json = JSONWriter()
        record.write(to: &json)
        // Written by us a line above: it is JSON.
        guard let text = try? JSONText(json.finish()) else { return }
        for (name, value) in text.root.members where !silent.contains(name) {
            let source = Array(value.source)
            guard let known = fields.firstIndex(where: { $0.name == name }) else {
                fields.append(Field(name: name, value: source, event: event))
                continue
            }
            if fields[known].value != source { fields[known] = Field(name: name, value: source, event: event) }
        }
    }

    private static func write(_ fields: [Field], history: CallHistory, call: CallID) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("call_id", call)
        json.array("fields", fields) { field, json in
            guard field.value != Array("null".utf8), field.value != Array("[]".utf8) else { return }
            json.beginObject()
            json.field("field", field.name)
            json.field("value", json: field.value)
            json.field("event_id", field.event.id)
            json.field("type", field.event.type)
            json.field("inbound_id", field.event.rawID)
            json.endObject()
        }
        var inputs: [RawID] = []
        for event in history.events.sorted(by: { $0.rawID < $1.rawID }) where inputs.last != event.rawID {
            inputs.append(event.rawID)
        }
        json.array("inputs", inputs) { $1.value($0) }
        json.endObject()
        return json.finish()
    }
}
