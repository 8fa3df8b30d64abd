/// What the gateway itself writes into the inbox, so that the call log stays a function of it.
package enum SystemRecord {
    /// The record that closes a call for its age (call-record.md, rule 8).
    package static func closing(_ stale: StaleCall, id: RawID, at now: Instant) -> RawRecord {
        var json = JSONWriter()
        json.beginObject()
        json.field("close", "stale")
        json.field("kind", stale.key.kind)
        json.field("value", stale.key.value)
        json.endObject()
        return RawRecord(
            id: id, connection: stale.connection, receivedAt: now, source: .system, method: "", path: "/close",
            body: json.finish())
    }

    /// Reads a record of source `system`.
    package static func decode(_ raw: RawRecord) -> [Decoded] {
        guard let text = try? JSONText(raw.body) else { return [.undecoded(reason: "system record is not JSON")] }
        guard text.root["close"].equals("stale"), let value = text.root["value"].string,
            let kind = text.root["kind"].string.flatMap(ExternalKey.Kind.init)
        else { return [.undecoded(reason: "unknown system record")] }
        let event = CallEvent(
            id: EventID(connection: raw.connection, repeatKey: ["close", kind.rawValue, value]), rawID: raw.id,
            keys: [ExternalKey(kind, value)], type: .ended, occurredAt: raw.receivedAt, receivedAt: raw.receivedAt,
            source: .system, ending: EndReport(reason: .unknown, isStale: true))
        return [.call(event)]
    }
}
