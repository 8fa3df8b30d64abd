import Connector

/// Reading what a webhook means.
extension MappingReader {
    private static let keys = [
        "vendor", "title", "format", "authentication", "answer", "event", "call", "events", "log", "commands", "command_headers",
        "examples",
    ]

    /// The whole section. Of what is wrong, `problems` tells.
    mutating func mapping(_ tree: SettingTree) -> Mapping {
        var mapping = Mapping()
        guard let fields = section(tree, called: "mapping", known: Self.keys) else { return mapping }
        readVendor(fields, of: tree, into: &mapping)
        if let format = word(fields["format"], of: Mapping.Format.self) {
            mapping.format = format
        } else if fields["format"] == nil {
            missing("format", "mapping", hint: "how are requests written? form, json, query or form_or_json", at: tree.place)
        }
        readAuthentication(fields["authentication"], of: tree, into: &mapping)
        if let answer = fields["answer"] { readAnswer(answer, into: &mapping) }
        if let event = fields["event"] {
            mapping.selector = list(event).compactMap { value($0, called: "event") }
        } else {
            missing("event", "mapping", hint: "which field names the event? `event: type`", at: tree.place)
        }
        var common = MappedCall()
        if let call = fields["call"] { common = self.call(call) }
        readEvents(fields["events"], of: tree, common, into: &mapping)
        mapping.log = fields["log"].flatMap { log($0, common) }
        readCommands(fields["commands"], headers: fields["command_headers"], into: &mapping)
        if let history = fields["commands"]?.value.fields?.first(where: { $0.name == "history" }), fields["log"] == nil {
            note("`history` asks for a log that nothing reads", hint: "describe its rows under `log`", at: history.place)
        }
        readExamples(fields["examples"], into: &mapping)
        mapping.settle()
        return mapping
    }

    mutating func missing(_ key: String, _ section: String, hint: String, at place: SettingTree.Place) {
        note("`\(key)` is missing in `\(section)`", hint: hint, at: place)
    }

    private mutating func readVendor(_ fields: [String: SettingTree.Field], of tree: SettingTree, into mapping: inout Mapping) {
        guard let field = fields["vendor"] else {
            return missing("vendor", "mapping", hint: "name it in a word, as in `vendor: simple-pbx`", at: tree.place)
        }
        guard let vendor = text(field) else { return }
        guard ConnectionID.isSlug(vendor) else {
            return note(
                "the vendor `\(vendor)` is no slug", hint: "take a-z, 0-9, - and _, beginning with a letter or digit",
                at: field.value.place)
        }
        mapping.vendor = vendor
        mapping.title = text(fields["title"]) ?? vendor
    }

    // MARK: At the door

    private enum Door: String, CaseIterable {
        case token, hmac, basic
        case urlToken = "url_token"
    }

    private mutating func readAuthentication(
        _ field: SettingTree.Field?, of tree: SettingTree, into mapping: inout Mapping
    ) {
        guard let field else {
            return missing(
                "authentication", "mapping", hint: "write `authentication: {type: …}` with token, hmac, basic or url_token",
                at: tree.place)
        }
        let known = ["type", "field", "header", "query", "prefix", "algorithm", "encoding"]
        guard let fields = section(field.value, called: field.name, known: known) else { return }
        guard let type = fields["type"] else {
            return missing("type", field.name, hint: "write token, hmac, basic or url_token", at: field.place)
        }
        guard let door = word(type, of: Door.self) else { return }
        refuseForeign(fields, of: door)
        switch door {
        case .token: readToken(fields, at: field.place, into: &mapping)
        case .hmac: readHMAC(fields, at: field.place, into: &mapping)
        case .basic:
            need("webhook_user", for: "`basic`", at: field.place)
            mapping.authentication = .basic
        case .urlToken:
            if !settings.hasURLToken {
                note(
                    "whoever knows the connection's name could post to it", hint: "set `url_token` under `settings:`",
                    at: field.place)
            }
        }
        if door != .urlToken { need("webhook_secret", for: "`\(door.rawValue)`", at: field.place) }
    }

    /// Notes keys that mean something to another kind of door only.
    private mutating func refuseForeign(_ fields: [String: SettingTree.Field], of door: Door) {
        let own: [String]
        switch door {
        case .token: own = ["field", "header", "query", "prefix"]
        case .hmac: own = ["header", "prefix", "algorithm", "encoding"]
        case .basic, .urlToken: own = []
        }
        for name in ["field", "header", "query", "prefix", "algorithm", "encoding"] where !own.contains(name) {
            guard let field = fields[name] else { continue }
            note("`\(name)` means nothing to `type: \(door.rawValue)`", hint: "remove it", at: field.place)
        }
    }

    mutating func need(_ setting: String, for what: String, at place: SettingTree.Place) {
        guard settings[setting]?.isEmpty ?? true else { return }
        note("\(what) needs the setting `\(setting)`", hint: "add it under `settings:`", at: place)
    }

    private mutating func readToken(
        _ fields: [String: SettingTree.Field], at place: SettingTree.Place, into mapping: inout Mapping
    ) {
        let given = ["field", "header", "query"].compactMap { fields[$0] }
        guard given.count == 1, let first = given.first else {
            return note("the token stands nowhere, or in several places", hint: "write one of field, header, query", at: place)
        }
        guard let text = text(first) else { return }
        let prefix = self.text(fields["prefix"]) ?? ""
        switch first.name {
        case "header":
            guard let name = headerName(text, at: first.value.place) else { return }
            mapping.authentication = .token(.header(name), prefix: prefix)
        case "query": mapping.authentication = .token(.query(text), prefix: prefix)
        default:
            guard let value = value(first), case .body = value.source else { return }
            mapping.authentication = .token(value.source, prefix: prefix)
        }
    }

    private mutating func readHMAC(
        _ fields: [String: SettingTree.Field], at place: SettingTree.Place, into mapping: inout Mapping
    ) {
        guard let field = fields["header"], let text = text(field), let header = headerName(text, at: field.value.place) else {
            if fields["header"] == nil { missing("header", "authentication", hint: "which header has the signature?", at: place) }
            return
        }
        let algorithm = word(fields["algorithm"], of: MappedAuthentication.Algorithm.self)
        let encoding = word(fields["encoding"], of: MappedAuthentication.Encoding.self)
        for name in ["algorithm", "encoding"] where fields[name] == nil {
            missing(name, "authentication", hint: name == "encoding" ? "write hex or base64" : "write sha256 or sha1", at: place)
        }
        guard let algorithm, let encoding else { return }
        mapping.authentication = .hmac(header: header, prefix: self.text(fields["prefix"]) ?? "", algorithm, encoding)
    }

    private mutating func readAnswer(_ field: SettingTree.Field, into mapping: inout Mapping) {
        guard let fields = section(field.value, called: field.name, known: ["status", "type", "body"]) else { return }
        if let status = fields["status"], let text = text(status) {
            if let number = DecimalInteger.parse(text.utf8), (200...299).contains(number) {
                mapping.answer.status = number
            } else {
                note("`status` is none of 200 to 299", hint: "write what the vendor takes for success", at: status.value.place)
            }
        }
        if let field = fields["type"], let type = text(field) {
            if type.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), type.contains("/") {
                mapping.answer.contentType = type
            } else {
                note("`\(type)` is no content type", hint: "write application/json or text/plain", at: field.value.place)
            }
        }
        if let body = text(fields["body"]) { mapping.answer.body = Array(body.utf8) }
    }

    // MARK: Events

    private static let callKeys = [
        "key", "session", "linkedid", "command", "time", "started_at", "direction", "origin", "external_number",
        "external_name", "line",
    ]

    private mutating func call(_ field: SettingTree.Field) -> MappedCall {
        guard let fields = section(field.value, called: field.name, known: Self.callKeys) else { return MappedCall() }
        return MappedCall(
            key: value(fields["key"]), session: value(fields["session"]), linkedid: value(fields["linkedid"]),
            command: value(fields["command"]), time: moment(fields["time"]), startedAt: moment(fields["started_at"]),
            direction: choice(fields["direction"], of: Direction.self), origin: choice(fields["origin"], of: Origin.self),
            externalNumber: value(fields["external_number"]), externalName: value(fields["external_name"]),
            line: value(fields["line"]))
    }

    private mutating func readEvents(
        _ field: SettingTree.Field?, of tree: SettingTree, _ common: MappedCall, into mapping: inout Mapping
    ) {
        guard let field else {
            return missing(
                "events", "mapping", hint: "list the events: `events: {ringing: {type: call.ringing}}`", at: tree.place)
        }
        guard let rows = field.value.fields, !rows.isEmpty, rows.count <= Self.countLimit else {
            return note(
                "`events` is no table of 1 to \(Self.countLimit) rows", hint: "write `name: {type: call.ringing, …}`",
                at: field.value.place)
        }
        for row in rows {
            if row.value.text == "ignore" {
                mapping.events[row.name] = .some(nil)
            } else if let event = event(row, common) {
                mapping.events[row.name] = event
            }
        }
    }

    /// The log: where its rows stand, and what a row says, as an event does.
    private mutating func log(_ field: SettingTree.Field, _ common: MappedCall) -> MappedLog? {
        let own = ["rows", "more"]
        guard let fields = section(field.value, called: field.name, known: own + Self.eventKeys) else { return nil }
        let rows = fields["rows"].flatMap { answerPath($0) }
        let more = fields["more"].flatMap { answerPath($0) }
        let rest = (field.value.fields ?? []).filter { !own.contains($0.name) }
        let row = SettingTree.Field(
            name: field.name, place: field.place, value: SettingTree(.fields(rest), at: field.value.place))
        return event(row, common).map { MappedLog(rows: rows ?? [], more: more, event: $0) }
    }

    private static let eventKeys = ["type", "call", "leg", "ending", "recording", "digits", "repeats"]
    /// What the ledger itself says, and no vendor can.
    private static let ownTypes: Set<EventType> = [.finalized, .merged, .deleted]

    private mutating func event(_ row: SettingTree.Field, _ common: MappedCall) -> MappedEvent? {
        guard row.value.fields != nil else {
            note("the event `\(row.name)` is \(row.value.kind)", hint: "write `{type: …}`, or `ignore`", at: row.value.place)
            return nil
        }
        guard let fields = section(row.value, called: row.name, known: Self.eventKeys) else { return nil }
        guard fields["type"] != nil else {
            missing("type", row.name, hint: "what is it of ours? call.ringing, call.answered, call.ended, …", at: row.place)
            return nil
        }
        guard let type = word(fields["type"], of: EventType.self) else { return nil }
        var event = MappedEvent(type: type, call: common)
        if let field = fields["call"] { event.call = call(field).over(common) }
        event.leg = fields["leg"].flatMap { leg($0) }
        event.ending = fields["ending"].flatMap { ending($0) }
        event.recording = fields["recording"].flatMap { recording($0) }
        event.digits = fields["digits"].flatMap { digits($0) }
        event.repeats = fields["repeats"].map { field in list(field).compactMap { value($0, called: "repeats") } }
        checkWhole(event, fields, at: row)
        return event
    }

    /// Notes an event that lacks what its type is about.
    private mutating func checkWhole(_ event: MappedEvent, _ fields: [String: SettingTree.Field], at row: SettingTree.Field) {
        if Self.ownTypes.contains(event.type) {
            note("`\(event.type.rawValue)` is said by the gateway only", hint: "take call.updated", at: row.place)
        }
        if event.call.key == nil, fields["call"]?.value.fields?.contains(where: { $0.name == "key" }) != true {
            note(
                "the event `\(row.name)` does not name its call", hint: "add `call: {key: …}` to it, or beside `events`",
                at: row.place)
        }
        let parts = [
            "call.ended": "ending", "recording.ready": "recording", "recording.failed": "recording", "call.dtmf": "digits",
        ]
        if let part = parts[event.type.rawValue], fields[part] == nil {
            missing(part, row.name, hint: "that is what `\(event.type.rawValue)` is about", at: row.place)
        }
    }

    // MARK: Parts of an event

    private mutating func leg(_ field: SettingTree.Field) -> MappedEvent.Leg? {
        let known = ["key", "phase", "sequence", "from", "to", "parent", "handover", "group", "reason"]
        guard let fields = section(field.value, called: field.name, known: known) else { return nil }
        for name in ["key", "phase"] where fields[name] == nil {
            missing(
                name, field.name, hint: name == "key" ? "what names the leg?" : "ringing, answered, held or ended",
                at: field.place)
        }
        let key = value(fields["key"])
        let phase = word(fields["phase"], of: LegReport.Phase.self)
        let sequence = value(fields["sequence"])
        let from = party(fields["from"])
        let to = party(fields["to"])
        let parent = value(fields["parent"])
        let handover = word(fields["handover"], of: LegReport.Handover.self)
        let group = value(fields["group"])
        let reason = choice(fields["reason"], of: EndReason.self)
        guard let key, let phase else { return nil }
        return MappedEvent.Leg(
            key: key, phase: phase, sequence: sequence, from: from, to: to, parent: parent, handover: handover, group: group,
            reason: reason)
    }

    private mutating func party(_ field: SettingTree.Field?) -> MappedParty? {
        guard let field else { return nil }
        let kinds = MappedParty.Kind.allCases.map(\.rawValue)
        guard let fields = section(field.value, called: field.name, known: kinds + ["endpoint"]) else { return nil }
        let given = MappedParty.Kind.allCases.filter { fields[$0.rawValue] != nil }
        guard given.count == 1, let kind = given.first else {
            let list = kinds.map { "`\($0)`" }.joined(separator: ", ")
            note(
                "`\(field.name)` is nobody, or several", hint: "write one of \(list) and where the number stands", at: field.place
            )
            return nil
        }
        if kind != .user, let endpoint = fields["endpoint"] {
            note("only a `user` has an `endpoint`", hint: "remove it", at: endpoint.place)
        }
        guard let value = value(fields[kind.rawValue]) else { return nil }
        return MappedParty(kind: kind, value: value, endpoint: self.value(fields["endpoint"]))
    }

    private mutating func ending(_ field: SettingTree.Field) -> MappedEvent.Ending? {
        let known = ["reason", "code", "text", "sip", "q850", "answered", "answered_at", "ended_at", "user"]
        guard let fields = section(field.value, called: field.name, known: known) else { return nil }
        return MappedEvent.Ending(
            reason: choice(fields["reason"], of: EndReason.self), code: value(fields["code"]), text: value(fields["text"]),
            sip: value(fields["sip"]), q850: value(fields["q850"]), answered: value(fields["answered"]),
            answeredAt: moment(fields["answered_at"]), endedAt: moment(fields["ended_at"]), user: value(fields["user"]))
    }

    private mutating func recording(_ field: SettingTree.Field) -> MappedEvent.Recording? {
        guard
            let fields = section(field.value, called: field.name, known: ["key", "phase", "voicemail", "leg", "problem"])
        else { return nil }
        for name in ["key", "phase"] where fields[name] == nil {
            missing(
                name, field.name, hint: name == "key" ? "what names the recording?" : "started, completed, ready, …",
                at: field.place)
        }
        let key = value(fields["key"])
        let phase = word(fields["phase"], of: RecordingReport.Phase.self)
        let isVoicemail = flag(fields["voicemail"]) ?? false
        let leg = value(fields["leg"])
        let problem = value(fields["problem"])
        guard let key, let phase else { return nil }
        return MappedEvent.Recording(key: key, phase: phase, isVoicemail: isVoicemail, leg: leg, problem: problem)
    }

    private mutating func digits(_ field: SettingTree.Field) -> MappedEvent.Digits? {
        guard let fields = section(field.value, called: field.name, known: ["digits", "leg", "menu"]) else { return nil }
        if fields["digits"] == nil { missing("digits", field.name, hint: "which field has the keys?", at: field.place) }
        guard let digits = value(fields["digits"]) else { return nil }
        return MappedEvent.Digits(digits: digits, leg: value(fields["leg"]), menu: value(fields["menu"]))
    }
}
