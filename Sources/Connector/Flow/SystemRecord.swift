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

    /// The record that says how far the gateway has come with a recording.
    /// - Parameter call: a name of the recording's call.
    package static func recording(
        _ report: RecordingReport, of call: ExternalKey, in connection: ConnectionID, id: RawID, at now: Instant
    ) -> RawRecord {
        var json = JSONWriter()
        json.beginObject()
        json.field("kind", call.kind)
        json.field("value", call.value)
        json.beginObject("recording")
        json.field("key", report.key)
        json.field("phase", report.phase)
        json.field("attempts", report.attempts)
        if let problem = report.problem { json.field("problem", problem) }
        if let file = report.file {
            json.field("sha256", file.sha256)
            json.field("size_bytes", file.byteCount)
            json.field("media_type", file.mediaType)
            json.field("retention_until", file.keptUntil?.milliseconds)
        }
        json.endObject()
        json.endObject()
        return RawRecord(
            id: id, connection: connection, receivedAt: now, source: .system, method: "", path: "/recording", body: json.finish())
    }

    /// The record that says whom a call was to ring, and how that came about.
    package static func routing(
        _ decision: RoutingDecision, of question: RoutingQuestion, in connection: ConnectionID, id: RawID, at now: Instant
    ) -> RawRecord {
        var json = JSONWriter()
        json.beginObject()
        json.field("kind", question.call.kind)
        json.field("value", question.call.value)
        json.beginObject("route")
        json.field("kind", RouteReport.Kind(decision))
        if let target = decision.target { json.field("ref", target.ref) }
        json.field("result", decision.result)
        json.field("took_ms", max(0, decision.took.milliseconds))
        if let place = question.place { json.field("place", place) }
        if let name = decision.callerName { json.field("name", name) }
        json.endObject()
        json.endObject()
        return RawRecord(
            id: id, connection: connection, receivedAt: now, source: .system, method: "", path: "/route", body: json.finish())
    }

    /// Reads a record of source `system`.
    package static func decode(_ raw: RawRecord) -> [Decoded] {
        guard let text = try? JSONText(raw.body) else { return [.undecoded(reason: "system record is not JSON")] }
        guard let value = text.root["value"].string, let kind = text.root["kind"].string.flatMap(ExternalKey.Kind.init) else {
            return [.undecoded(reason: "unknown system record")]
        }
        let call = ExternalKey(kind, value)
        if text.root["close"].equals("stale") { return [.call(closing(call, raw))] }
        if let report = RouteReport(text.root["route"]), report.result != nil {
            return [.call(routing(report, call, text.root["route"], raw))]
        }
        guard let report = RecordingReport(text.root["recording"]), report.attempts != nil else {
            return [.undecoded(reason: "unknown system record")]
        }
        return [.call(recording(report, call, raw))]
    }

    private static func closing(_ call: ExternalKey, _ raw: RawRecord) -> CallEvent {
        CallEvent(
            id: EventID(connection: raw.connection, repeatKey: ["close", call.kind.rawValue, call.value]), rawID: raw.id,
            keys: [call], type: .ended, occurredAt: raw.receivedAt, receivedAt: raw.receivedAt, source: .system,
            ending: EndReport(reason: .unknown, isStale: true))
    }

    /// A question that was delivered twice was decided twice; the first decision stands.
    private static func routing(_ report: RouteReport, _ call: ExternalKey, _ json: JSONNode, _ raw: RawRecord) -> CallEvent {
        let name = ["route", call.kind.rawValue, call.value, json["place"].string ?? ""]
        var event = CallEvent(
            id: EventID(connection: raw.connection, repeatKey: name), rawID: raw.id, keys: [call], type: .routeStep,
            occurredAt: raw.receivedAt, receivedAt: raw.receivedAt, source: .system,
            facts: CallFacts(externalName: json["name"].string))
        event.route = report
        return event
    }

    private static func recording(_ report: RecordingReport, _ call: ExternalKey, _ raw: RawRecord) -> CallEvent {
        let name = ["recording", call.kind.rawValue, call.value, report.key, report.phase.rawValue, "\(report.attempts ?? 0)"]
        let type: EventType =
            switch report.phase {
            case .available: .recordingReady
            case .failed: .recordingFailed
            default: .updated
            }
        return CallEvent(
            id: EventID(connection: raw.connection, repeatKey: name), rawID: raw.id, keys: [call], type: type,
            occurredAt: raw.receivedAt, receivedAt: raw.receivedAt, source: .system, recording: report)
    }
}
