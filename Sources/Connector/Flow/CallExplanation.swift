/// Says which event, and so which raw request, gave each field of a call its value.
///
/// Folds the call's events one after the other in their canonical order and notes where a field came to its final value.
/// Quadratic in the events of one call, and only asked for by people.
///
/// `{call_id, fields: [{field, value, event_id, type, inbound_id}], inputs: […], removed_inputs: […]}`: `inputs` are the raw
/// requests of all events; those of them that retention has removed stand in `removed_inputs` as well.
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
        let inputs = Self.inputs(of: history)
        let removed = try inputs.filter { try !reader.keeps($0) }
        let fields = Self.fields(of: history, call: call, profile: profile, numbering: numbering)
        return Self.write(fields, inputs: inputs, removed: removed, call: call)
    }

    /// What set each field at last.
    private static func fields(
        of history: CallHistory, call: CallID, profile: ConnectionProfile, numbering: any NumberingPlan
    ) -> [Field] {
        var seen = CallHistory()
        var fields: [Field] = []
        for event in history.events {
            seen.insert(event)
            let record = CallFold.record(of: seen, id: call, createdAt: call.time, profile: profile, numbering: numbering)
            note(record, after: event, in: &fields)
        }
        return fields
    }

    /// The raw records of a call's events, oldest first.
    private static func inputs(of history: CallHistory) -> [RawID] {
        var inputs: [RawID] = []
        for id in history.events.map(\.rawID).sorted() where inputs.last != id { inputs.append(id) }
        return inputs
    }

    private struct Field {
        let name: String
        var value: [UInt8]
        var event: CallEvent
    }

    /// Bookkeeping of the record itself, which no event sets.
    private static let silent: Set<String> = ["id", "schema_version", "revision", "tenant_id", "connection_id", "created_at"]

    private static func note(_ record: Call, after event: CallEvent, in fields: inout [Field]) {
        // Written by us a line above: it is JSON.
        guard let text = try? JSONText(record.json()) else { return }
        for (name, value) in text.root.members where !silent.contains(name) {
            let source = Array(value.source)
            guard let known = fields.firstIndex(where: { $0.name == name }) else {
                fields.append(Field(name: name, value: source, event: event))
                continue
            }
            if fields[known].value != source { fields[known] = Field(name: name, value: source, event: event) }
        }
    }

    private static func write(_ fields: [Field], inputs: [RawID], removed: [RawID], call: CallID) -> [UInt8] {
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
        json.array("inputs", inputs) { $1.value($0) }
        json.array("removed_inputs", removed) { $1.value($0) }
        json.endObject()
        return json.finish()
    }
}
