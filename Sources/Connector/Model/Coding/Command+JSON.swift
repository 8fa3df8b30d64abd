// A command as the API shows it (call-record.md, Command), and as the journal keeps it.

extension Command {
    /// The command as a packed JSON object.
    package func packed() -> [UInt8] {
        var json = PackedJSONWriter()
        write(to: &json)
        return json.packed
    }

    private func write(to json: inout PackedJSONWriter) {
        json.beginObject()
        json.field("id", id)
        json.field("type", action.type)
        json.field("status", status)
        json.field("tenant_id", tenant.name)
        json.field("connection_id", connection.name)
        json.field("idempotency_key", idempotencyKey)
        json.field("call_id", call)
        json.field("result_call_id", resultCall)
        json.beginObject("params")
        action.write(to: &json)
        json.endObject()
        json.field("requested_by", requestedBy)
        json.field("created_at", createdAt)
        json.field("updated_at", updatedAt)
        json.field("deadline_at", deadlineAt)
        json.object("provider_response", answer) { answer, json in
            json.field("code", answer.code)
            json.object("call", answer.call) { key, json in
                json.field("kind", key.kind)
                json.field("value", key.value)
            }
            json.field("preliminary", answer.isPreliminary)
        }
        json.object("error", failure) { failure, json in
            json.field("kind", failure.kind)
            json.field("code", failure.code)
            json.field("text", failure.text)
            json.field("retry_after_ms", failure.retryAfter.map { $0.components.seconds * 1000 })
        }
        json.endObject()
    }

    /// Reads what `packed` wrote; `nil` for anything else.
    package init?(packed bytes: [UInt8]) {
        guard let text = try? JSONText(PackedJSON.expand(bytes)) else { return nil }
        let json = text.root
        guard let id = json["id"].string.flatMap(CommandID.init), let status = json["status"].string.flatMap(Status.init),
            let tenant = json["tenant_id"].string, let connection = json["connection_id"].string,
            let key = json["idempotency_key"].string, let action = Action(json), let who = json["requested_by"].string,
            let created = json["created_at"].moment, let updated = json["updated_at"].moment,
            let deadline = json["deadline_at"].moment
        else { return nil }
        self.init(
            id: id, tenant: TenantID(tenant), connection: ConnectionID(connection), action: action,
            call: json["call_id"].string.flatMap(CallID.init), idempotencyKey: key, requestedBy: who, createdAt: created,
            deadlineAt: deadline)
        resultCall = json["result_call_id"].string.flatMap(CallID.init)
        self.status = status
        updatedAt = updated
        answer = ProviderAnswer(json["provider_response"])
        failure = ProviderFailure(json["error"])
    }
}

extension Command.Action {
    fileprivate func write(to json: inout PackedJSONWriter) {
        switch self {
        case .originate(let wanted):
            json.field("from", wanted.from)
            json.field("to", wanted.to)
            json.field("line", wanted.line)
            json.field("caller_name", wanted.callerName)
            json.field("record", wanted.record)
        case .transfer(let target, let kind):
            json.field("to", target)
            json.field("kind", kind)
        case .record(let start): json.field("action", start ? "start" : "stop")
        case .dtmf(let digits): json.field("digits", digits)
        case .hangup, .hold, .resume: break
        }
    }

    fileprivate init?(_ json: JSONNode) {
        let params = json["params"]
        switch json["type"].string {
        case "originate":
            guard let from = params["from"].string, let to = params["to"].string else { return nil }
            self = .originate(
                Command.Origination(
                    from: from, to: to, line: params["line"].string, callerName: params["caller_name"].string,
                    record: params["record"].bool ?? false))
        case "transfer":
            guard let to = params["to"].string, let kind = params["kind"].string.flatMap(Command.TransferKind.init) else {
                return nil
            }
            self = .transfer(to: to, kind: kind)
        case "record_start": self = .record(start: true)
        case "record_stop": self = .record(start: false)
        case "send_dtmf": self = .dtmf(params["digits"].string ?? "")
        case "hangup": self = .hangup
        case "hold": self = .hold
        case "resume": self = .resume
        default: return nil
        }
    }
}

extension ProviderAnswer {
    fileprivate init?(_ json: JSONNode) {
        guard let code = json["code"].string else { return nil }
        var call: ExternalKey?
        if let kind = json["call"]["kind"].string.flatMap(ExternalKey.Kind.init), let value = json["call"]["value"].string {
            call = ExternalKey(kind, value)
        }
        self.init(call: call, code: code, isPreliminary: json["preliminary"].bool ?? false)
    }
}

extension ProviderFailure {
    fileprivate init?(_ json: JSONNode) {
        guard let kind = json["kind"].string.flatMap(Kind.init), let code = json["code"].string else { return nil }
        self.init(
            kind, code: code, text: json["text"].string ?? "",
            retryAfter: json["retry_after_ms"].int.map { .milliseconds($0) })
    }
}

extension JSONNode {
    fileprivate var moment: Instant? { string.flatMap { Instant(rfc3339: $0) } }
}

// MARK: - The call to act on

extension CommandTarget {
    /// What a stored call's record shows of it.
    /// - Throws: `JSONError` where `record` is no JSON.
    package init(record: [UInt8]) throws {
        let text = try JSONText(record)
        let root = text.root
        var users: [String: String] = [:]
        for participant in root["participants"].elements {
            if let id = participant["id"].string, let name = participant["extension"].string { users[id] = name }
        }
        let isHeld = root["state"].equals("on_hold")
        self.init(
            keys: root["external_ids"].elements.compactMap(ExternalKey.init),
            legs: root["legs"].elements.compactMap { leg in
                guard leg["ended_at"].string == nil, let key = leg["external_ids"].elements.first?["value"].string else {
                    return nil
                }
                return Leg(
                    key: key, user: leg["participant_id"].string.flatMap { users[$0] }, endpoint: leg["endpoint"].string,
                    isAnswered: leg["answered_at"].string != nil, isHeld: isHeld && leg["answered_at"].string != nil)
            },
            externalNumber: root["external_party"]["number"]["raw"].string, startedAt: root["started_at"].moment)
    }
}

extension ExternalKey {
    fileprivate init?(_ json: JSONNode) {
        guard let kind = json["kind"].string.flatMap(Kind.init), let value = json["value"].string else { return nil }
        self.init(kind, value)
    }
}
