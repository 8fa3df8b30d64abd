// How an event is kept: its own JSON object, written by the ledger and read back when an old call gets late news.

extension CallEvent {
    /// The event as a packed JSON object; what is not known is left out.
    package func encoded() -> [UInt8] {
        var json = PackedJSONWriter()
        return encoded(by: &json)
    }

    /// The same, with a writer whose memory is used again.
    package func encoded(by json: inout PackedJSONWriter) -> [UInt8] {
        json.restart()
        json.beginObject()
        json.field("id", id)
        json.field("raw", rawID)
        json.field("type", type)
        json.field("at", occurredAt.milliseconds)
        json.field("received", receivedAt.milliseconds)
        if source != .webhook { json.field("source", source) }
        json.array("keys", keys) { key, json in
            json.value(key.kind.rawValue)
            json.value(key.value)
        }
        writeDetails(to: &json)
        if let likeness { json.object("like", likeness) { $0.write(to: &$1) } }
        if onlyJoins { json.field("joins", true) }
        if !custom.isEmpty {
            json.array("custom", custom) { field, json in
                json.value(field.name)
                json.value(field.value)
            }
        }
        json.endObject()
        return json.packed
    }

    /// Members for what only some events say.
    func writeDetails(to json: inout PackedJSONWriter) {
        if let leg { json.object("leg", leg) { $0.write(to: &$1) } }
        if facts != CallFacts() { json.object("facts", facts) { $0.write(to: &$1) } }
        if let ending { json.object("end", ending) { $0.write(to: &$1) } }
        if let recording { json.object("recording", recording) { $0.write(to: &$1) } }
        if let digits {
            json.beginObject("dtmf")
            json.known("digits", digits.digits)
            json.known("leg", digits.leg)
            json.known("menu", digits.menu)
            json.known("by", digits.by)
            json.endObject()
        }
        if let route { json.object("route", route) { $0.write(to: &$1) } }
    }

    /// Reads what `encoded` wrote; `nil` for anything else.
    package init?(encoded bytes: [UInt8]) {
        guard let text = try? JSONText(PackedJSON.expand(bytes)) else { return nil }
        let json = text.root
        guard let id = json["id"].string.flatMap(EventID.init), let raw = json["raw"].string.flatMap(RawID.init),
            let type: EventType = json["type"].word(), let at = json["at"].instant, let received = json["received"].instant
        else { return nil }
        let keys = json["keys"].pairs.compactMap { kind, value in ExternalKey.Kind(rawValue: kind).map { ExternalKey($0, value) }
        }
        guard !keys.isEmpty else { return nil }
        self.init(
            id: id, rawID: raw, keys: keys, type: type, occurredAt: at, receivedAt: received,
            source: json["source"].word() ?? .webhook, leg: LegReport(json["leg"]), facts: CallFacts(json["facts"]),
            ending: EndReport(json["end"]), recording: RecordingReport(json["recording"]), digits: DigitsReport(json["dtmf"]),
            custom: json["custom"].pairs.map { CustomField($0, $1) }, likeness: CallLikeness(json["like"]),
            onlyJoins: json["joins"].bool ?? false)
        route = RouteReport(json["route"])
    }
}

// MARK: - Fields that may be absent

extension PackedJSONWriter {
    /// A field that is left out where its value is not known.
    fileprivate mutating func known(_ name: StaticString, _ text: String?) {
        if let text { field(name, text) }
    }

    fileprivate mutating func known(_ name: StaticString, _ moment: Instant?) {
        if let moment { field(name, moment.milliseconds) }
    }

    fileprivate mutating func known<Word: RawRepresentable>(_ name: StaticString, _ word: Word?) where Word.RawValue == String {
        if let word { field(name, word.rawValue) }
    }

    fileprivate mutating func known(_ name: StaticString, _ party: Party?) {
        if let party { object(name, party) { $0.write(to: &$1) } }
    }
}

extension JSONNode {
    fileprivate var instant: Instant? { int.map { Instant(milliseconds: Int64($0)) } }

    fileprivate func word<Word: RawRepresentable>() -> Word? where Word.RawValue == String { string.flatMap(Word.init) }

    /// A flat array of names and values.
    fileprivate var pairs: [(String, String)] {
        let texts = elements.map { $0.string ?? "" }
        return stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) }
    }
}

// MARK: - Parts

extension Party {
    package func write(to json: inout PackedJSONWriter) {
        switch self {
        case .external(let number):
            json.field("kind", "external")
            json.known("number", number)
        case .user(let name, let endpoint):
            json.field("kind", "user")
            json.field("extension", name)
            json.known("endpoint", endpoint)
        case .ivr(let ref):
            json.field("kind", "ivr")
            json.known("ref", ref)
        case .queue(let ref):
            json.field("kind", "queue")
            json.known("ref", ref)
        case .voicemail(let ref):
            json.field("kind", "voicemail")
            json.known("ref", ref)
        }
    }

    fileprivate init?(_ json: JSONNode) {
        switch json["kind"].string {
        case "external": self = .external(number: json["number"].string)
        case "user": self = .user(extension: json["extension"].string ?? "", endpoint: json["endpoint"].string)
        case "ivr": self = .ivr(ref: json["ref"].string)
        case "queue": self = .queue(ref: json["ref"].string)
        case "voicemail": self = .voicemail(ref: json["ref"].string)
        default: return nil
        }
    }
}

extension CallLikeness {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.known("part", part)
        json.known("direction", direction)
        json.known("number", number)
        json.known("line", line)
        json.known("started", startedAt)
    }

    fileprivate init?(_ json: JSONNode) {
        guard let start = json["started"].instant else { return nil }
        self.init(
            part: json["part"].string, direction: json["direction"].word(), number: json["number"].string,
            line: json["line"].string, startedAt: start)
    }
}

extension LegReport {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.field("key", key)
        json.field("phase", phase)
        if sequence != 0 { json.field("sequence", sequence) }
        json.known("from", from)
        json.known("to", to)
        json.known("parent", parent)
        json.known("handover", handover)
        json.known("group", group)
        if calleeTransferredAway { json.field("transferred_away", true) }
        json.known("reason", reason)
        json.known("ringing_at", ringingAt)
        json.known("answered_at", answeredAt)
        if let signalling { json.object("sip", signalling) { $0.write(to: &$1) } }
    }

    fileprivate init?(_ json: JSONNode) {
        guard let key = json["key"].string, let phase: Phase = json["phase"].word() else { return nil }
        self.init(
            key: key, phase: phase, sequence: json["sequence"].int ?? 0, from: Party(json["from"]), to: Party(json["to"]),
            parent: json["parent"].string, handover: json["handover"].word(), group: json["group"].string,
            calleeTransferredAway: json["transferred_away"].bool ?? false, reason: json["reason"].word(),
            ringingAt: json["ringing_at"].instant, answeredAt: json["answered_at"].instant,
            signalling: SignallingReport(json["sip"]))
    }
}

extension SignallingReport {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.known("trunk", trunk)
        json.known("call_id", sipCallID)
        json.known("codec", codec)
        cause.writeKnown(to: &json)
        if let lossPermille { json.field("loss_permille", lossPermille) }
        if let jitterMilliseconds { json.field("jitter_ms", jitterMilliseconds) }
    }

    fileprivate init?(_ json: JSONNode) {
        guard json.exists else { return nil }
        self.init(
            trunk: json["trunk"].string, sipCallID: json["call_id"].string, codec: json["codec"].string, cause: Cause(json),
            lossPermille: json["loss_permille"].int, jitterMilliseconds: json["jitter_ms"].int)
    }
}

extension Cause {
    /// The members of which something is known.
    fileprivate func writeKnown(to json: inout PackedJSONWriter) {
        if let sip { json.field("sip", sip) }
        if let q850 { json.field("q850", q850) }
        json.known("provider_code", providerCode)
        json.known("text", text)
    }

    fileprivate init(_ json: JSONNode) {
        self.init(
            sip: json["sip"].int, q850: json["q850"].int, providerCode: json["provider_code"].string, text: json["text"].string)
    }
}

extension CallFacts {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.known("direction", direction)
        json.known("origin", origin)
        json.known("started", startedAt)
        json.known("external_number", externalNumber)
        json.known("external_name", externalName)
        json.known("line", line)
        json.known("time_zone", timeZone)
        if let login {
            json.field("login", login.login)
            json.field("extension", login.extension)
        }
        if let tracking {
            json.beginObject("tracking")
            json.known("number", tracking.number)
            json.field("method", tracking.method)
            json.endObject()
        }
    }

    fileprivate init(_ json: JSONNode) {
        let method: Attribution.Method? = json["tracking"]["method"].word()
        self.init(
            direction: json["direction"].word(), origin: json["origin"].word(), startedAt: json["started"].instant,
            externalNumber: json["external_number"].string, externalName: json["external_name"].string,
            line: json["line"].string,
            tracking: method.map { TrackingReport(number: json["tracking"]["number"].string, method: $0) },
            timeZone: json["time_zone"].string)
        if let name = json["login"].string, let short = json["extension"].string {
            login = EmployeeLogin(name, extension: short)
        }
    }
}

extension EndReport {
    fileprivate func write(to json: inout PackedJSONWriter) {
        if scope != .call { json.field("scope", scope) }
        json.field("reason", reason)
        cause.writeKnown(to: &json)
        if let answered { json.field("answered", answered) }
        json.known("answered_at", answeredAt)
        json.known("ended_at", endedAt)
        json.known("user", user)
        if !talks.isEmpty {
            json.beginArray("talks")
            for talk in talks {
                json.value(talk.user)
                for moment in [talk.from, talk.to, talk.since] { json.value(moment.map { String($0.milliseconds) } ?? "") }
            }
            json.endArray()
        }
        if isStale { json.field("stale", true) }
        json.known("by", by)
    }

    fileprivate init?(_ json: JSONNode) {
        guard json.exists else { return nil }
        self.init(
            scope: json["scope"].word() ?? .call, reason: json["reason"].word() ?? .unknown,
            cause: Cause(json),
            answered: json["answered"].bool, answeredAt: json["answered_at"].instant, endedAt: json["ended_at"].instant,
            user: Party(json["user"]), talks: TalkReport.list(json["talks"]), isStale: json["stale"].bool ?? false,
            by: json["by"].word())
    }
}

extension TalkReport {
    /// A flat array: for each talk its user, beginning, end, and when his part began; empty where that is not told.
    fileprivate static func list(_ json: JSONNode) -> [TalkReport] {
        let texts = json.elements.map { $0.string ?? "" }
        return stride(from: 0, to: texts.count - 3, by: 4).map { place in
            let moments = texts[place + 1...place + 3].map { Int64($0).map { Instant(milliseconds: $0) } }
            return TalkReport(texts[place], from: moments[0], to: moments[1], since: moments[2])
        }
    }
}

extension RecordingReport {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.field("key", key)
        json.field("phase", phase)
        if isVoicemail { json.field("voicemail", true) }
        json.known("leg", leg)
        json.known("problem", problem)
        if let attempts { json.field("attempts", attempts) }
        if let isAnnounced { json.field("announced", isAnnounced) }
        if let channels { json.field("channels", channels) }
        if let milliseconds { json.field("duration_ms", milliseconds) }
        guard let file else { return }
        json.field("sha256", file.sha256)
        json.field("size_bytes", file.byteCount)
        json.field("media_type", file.mediaType)
        json.known("retention_until", file.keptUntil)
    }

    /// Reads what `write` wrote, and what `SystemRecord` keeps in the same members.
    init?(_ json: JSONNode) {
        guard let key = json["key"].string, let phase: Phase = json["phase"].word() else { return nil }
        self.init(
            key: key, phase: phase, isVoicemail: json["voicemail"].bool ?? false, leg: json["leg"].string,
            problem: json["problem"].string, attempts: json["attempts"].int, file: RecordingFile(json),
            isAnnounced: json["announced"].bool, channels: json["channels"].int,
            milliseconds: json["duration_ms"].int.map { Int64($0) })
    }
}

extension RecordingFile {
    fileprivate init?(_ json: JSONNode) {
        guard let sha256 = json["sha256"].string, let byteCount = json["size_bytes"].int else { return nil }
        self.init(
            sha256: sha256, byteCount: Int64(byteCount), mediaType: json["media_type"].string ?? "application/octet-stream",
            keptUntil: json["retention_until"].instant)
    }
}

extension RouteReport {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.field("kind", kind)
        json.known("ref", ref)
        json.known("result", outcome)
        if let tookMilliseconds { json.field("took_ms", tookMilliseconds) }
    }

    /// Reads what `write` wrote, and what `SystemRecord` keeps in the same members.
    convenience init?(_ json: JSONNode) {
        guard let kind: Kind = json["kind"].word() else { return nil }
        self.init(
            kind: kind, ref: json["ref"].string, outcome: json["result"].string,
            tookMilliseconds: json["took_ms"].int.map { Int64($0) })
    }
}

extension DigitsReport {
    fileprivate init?(_ json: JSONNode) {
        guard let digits = json["digits"].string else { return nil }
        self.init(digits: digits, leg: json["leg"].string, menu: json["menu"].string, by: Party(json["by"]))
    }
}
