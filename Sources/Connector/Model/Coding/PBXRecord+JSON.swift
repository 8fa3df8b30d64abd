// The PBX's records as JSON: flat objects, written for people to read in the inbox.

extension PBXRecord {
    /// The record as a JSON document; what is not known is left out.
    package func encoded() -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("v", Self.version)
        json.field("call", call)
        json.field("seq", sequence)
        json.field("at", at)
        json.field("event", event)
        switch fact {
        case .created(let fact): fact.write(to: &json)
        case .leg(let fact): fact.write(to: &json)
        case .station(let fact): fact.write(to: &json)
        case .digits(let fact): fact.write(to: &json)
        case .step(let fact): fact.write(to: &json)
        case .transfer(let fact): fact.write(to: &json)
        case .recording(let fact): fact.write(to: &json)
        case .ended(let fact), .interrupted(let fact): fact.write(to: &json)
        case .unknown: break
        }
        for member in others {
            json.name(dynamic: member.name)
            member.value.write(to: &json)
        }
        json.endObject()
        return json.finish()
    }

    /// The event's name: `call.created`, `leg.ringing`, `queue.entered`, …
    package var event: String {
        switch fact {
        case .created: "call.created"
        case .leg(let fact): "leg.\(fact.phase.rawValue)"
        case .station(let fact): "\(fact.station.rawValue).\(fact.phase.rawValue)"
        case .digits: "call.digits"
        case .step: "route.step"
        case .transfer(let fact): "transfer.\(fact.phase.rawValue)"
        case .recording(let fact): "recording.\(fact.phase.rawValue)"
        case .ended: "call.ended"
        case .interrupted: "call.interrupted"
        case .unknown(let name): name
        }
    }

    /// Reads what `encoded` wrote, by this version or another; `nil` for what is no record of a PBX's call.
    package init?(encoded bytes: [UInt8]) {
        guard let text = try? JSONText(bytes, limits: JSONText.Limits(depth: 16, byteCount: 1 << 20)) else { return nil }
        self.init(text.root)
    }

    /// The same of a document that is parsed.
    package init?(_ json: JSONNode) {
        guard let call = json["call"].string, !call.isEmpty, let event = json["event"].string,
            let at = json["at"].string.flatMap({ Instant(rfc3339: $0) })
        else { return nil }
        var fields = PBXRecordFields(json)
        let fact = Fact(event, &fields)
        self.init(call: call, sequence: json["seq"].int ?? 0, at: at, fact, others: fields.rest())
    }
}

extension PBXRecord.Fact {
    /// What an event by that name says; what cannot be understood is `.unknown` with all of its members.
    fileprivate init(_ event: String, _ fields: inout PBXRecordFields) {
        var taken = fields
        guard let fact = Self.known(event, &taken) else {
            self = .unknown(event)
            return
        }
        self = fact
        fields = taken
    }

    private static func known(_ event: String, _ fields: inout PBXRecordFields) -> Self? {
        switch event {
        case "call.created": PBXRecord.Beginning(&fields).map(Self.created)
        case "call.digits": PBXRecord.Digits(&fields).map(Self.digits)
        case "route.step": PBXRecord.Step(&fields).map(Self.step)
        case "call.ended": PBXRecord.Ending(&fields).map(Self.ended)
        case "call.interrupted": PBXRecord.Ending(&fields).map(Self.interrupted)
        default: ofMany(event, &fields)
        }
    }

    private static func ofMany(_ event: String, _ fields: inout PBXRecordFields) -> Self? {
        let words = event.split(separator: ".", maxSplits: 1).map(String.init)
        guard words.count == 2 else { return nil }
        switch words[0] {
        case "leg": return PBXRecord.LegMoment(words[1], &fields).map(Self.leg)
        case "transfer": return PBXRecord.TransferMoment(words[1], &fields).map(Self.transfer)
        case "recording": return PBXRecord.RecordingMoment(words[1], &fields).map(Self.recording)
        default: return PBXRecord.StationMoment(words[0], words[1], &fields).map(Self.station)
        }
    }
}

// MARK: - Parts

extension PBXRecord.Beginning {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("direction", direction)
        json.field("origin", origin)
        json.known("from", from)
        json.known("dialled", dialled)
        json.known("line", line)
        json.known("name", name)
        json.known("trunk", trunk)
        json.known("sip_call_id", sipCallID)
        json.known("command", command)
    }

    fileprivate init?(_ fields: inout PBXRecordFields) {
        guard let direction: Direction = fields.word("direction") else { return nil }
        self.init(
            direction: direction, origin: fields.word("origin") ?? .unknown, from: fields.party("from"),
            dialled: fields.text("dialled"), line: fields.text("line"), name: fields.text("name"), trunk: fields.text("trunk"),
            sipCallID: fields.text("sip_call_id"), command: fields.text("command"))
    }
}

extension PBXRecord.Ending {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("reason", reason)
        json.known("by", by?.rawValue)
        json.known(cause)
    }

    fileprivate init?(_ fields: inout PBXRecordFields) {
        self.init(fields.word("reason") ?? .unknown, by: fields.word("by"), cause: fields.cause())
    }
}

extension PBXRecord.LegMoment {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("leg", leg)
        json.known("from", from)
        json.known("to", to)
        json.known("parent", parent)
        json.known("handover", handover?.rawValue)
        json.known("group", group)
        json.known("trunk", trunk)
        json.known("sip_call_id", sipCallID)
        json.known("codec", codec)
        json.known("reason", reason?.rawValue)
        if isTransferredAway { json.field("transferred_away", true) }
        json.known(cause)
        json.known("loss_permille", quality?.lossPermille)
        json.known("jitter_ms", quality?.jitterMilliseconds)
    }

    fileprivate init?(_ phase: String, _ fields: inout PBXRecordFields) {
        guard let phase = Phase(rawValue: phase), let leg = fields.text("leg"), !leg.isEmpty else { return nil }
        self.init(
            phase, leg: leg, from: fields.party("from"), to: fields.party("to"), parent: fields.text("parent"),
            handover: fields.word("handover"), group: fields.text("group"), trunk: fields.text("trunk"),
            sipCallID: fields.text("sip_call_id"), codec: fields.text("codec"), reason: fields.word("reason"),
            isTransferredAway: fields.flag("transferred_away") ?? false, cause: fields.cause())
        if let loss = fields.integer("loss_permille"), let jitter = fields.integer("jitter_ms") {
            quality = PBXRecord.Quality(lossPermille: loss, jitterMilliseconds: jitter)
        }
    }
}

extension PBXRecord.StationMoment {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("name", name)
        json.field("leg", leg)
        json.known("from", from)
        json.known("position", position)
        json.known("reason", reason?.rawValue)
    }

    fileprivate init?(_ station: String, _ phase: String, _ fields: inout PBXRecordFields) {
        guard let station = Station(rawValue: station), let phase = Phase(rawValue: phase), let leg = fields.text("leg"),
            !leg.isEmpty
        else { return nil }
        self.init(
            station, phase, name: fields.text("name") ?? "", leg: leg, from: fields.party("from"),
            position: fields.integer("position"), reason: fields.word("reason"))
    }
}

extension PBXRecord.Digits {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("digits", digits)
        json.known("leg", leg)
        json.known("menu", menu)
        json.known("by", by)
    }

    fileprivate init?(_ fields: inout PBXRecordFields) {
        guard let digits = fields.text("digits") else { return nil }
        self.init(digits, leg: fields.text("leg"), menu: fields.text("menu"), by: fields.party("by"))
    }
}

extension PBXRecord.Step {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("kind", kind)
        json.known("ref", ref)
        json.known("result", result)
        json.known("took_ms", milliseconds)
    }

    fileprivate init?(_ fields: inout PBXRecordFields) {
        guard let kind: RouteStep.Kind = fields.word("kind") else { return nil }
        self.init(
            kind, ref: fields.text("ref"), result: fields.text("result"),
            milliseconds: fields.integer("took_ms").map { Int64($0) })
    }
}

extension PBXRecord.TransferMoment {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("kind", kind)
        json.known("by", by)
        json.known("to", to)
        json.known("from_leg", fromLeg)
        json.known("to_leg", toLeg)
        json.known(cause)
    }

    fileprivate init?(_ phase: String, _ fields: inout PBXRecordFields) {
        guard let phase = Phase(rawValue: phase) else { return nil }
        self.init(
            phase, fields.word("kind") ?? .blind, by: fields.party("by"), to: fields.party("to"),
            fromLeg: fields.text("from_leg"), toLeg: fields.text("to_leg"), cause: fields.cause())
    }
}

extension PBXRecord.RecordingMoment {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("name", name)
        json.field("kind", kind)
        json.known("leg", leg)
        json.field("announced", isAnnounced)
        json.known("channels", channels)
        json.known("duration_ms", milliseconds)
        json.known("problem", problem)
    }

    fileprivate init?(_ phase: String, _ fields: inout PBXRecordFields) {
        guard let phase = Phase(rawValue: phase), let name = fields.text("name"), !name.isEmpty else { return nil }
        self.init(
            phase, name: name, kind: fields.word("kind") ?? .call, leg: fields.text("leg"),
            isAnnounced: fields.flag("announced") ?? false, channels: fields.integer("channels"),
            milliseconds: fields.integer("duration_ms").map { Int64($0) }, problem: fields.text("problem"))
    }
}

// MARK: - Members

extension JSONWriter {
    /// A member that is left out where its value is not known.
    fileprivate mutating func known(_ name: StaticString, _ text: String?) {
        if let text { field(name, text) }
    }

    fileprivate mutating func known(_ name: StaticString, _ number: (some FixedWidthInteger)?) {
        if let number { field(name, number) }
    }

    /// A party is an object of one word and its name; the number of a hidden caller is null.
    fileprivate mutating func known(_ name: StaticString, _ party: Party?) {
        guard let party else { return }
        beginObject(name)
        switch party {
        case .external(let number): field("external", number)
        case .user(let short, let endpoint):
            field("user", short)
            known("endpoint", endpoint)
        case .ivr(let ref): field("menu", ref)
        case .queue(let ref): field("queue", ref)
        case .voicemail(let ref): field("voicemail", ref)
        }
        endObject()
    }

    fileprivate mutating func known(_ cause: Cause) {
        known("sip", cause.sip)
        known("q850", cause.q850)
        known("code", cause.providerCode)
        known("text", cause.text)
    }
}

/// The members of a record, of which those that were understood are ticked off.
///
/// One that holds something else than was expected is left, so that it survives.
private struct PBXRecordFields {
    private let json: JSONNode
    private var taken: Set<String> = ["v", "call", "seq", "at", "event"]

    init(_ json: JSONNode) { self.json = json }

    mutating func text(_ name: String) -> String? { take(name, \.string) }
    mutating func integer(_ name: String) -> Int? { take(name, \.int) }
    mutating func flag(_ name: String) -> Bool? { take(name, \.bool) }

    mutating func word<Word: RawRepresentable>(_ name: String) -> Word? where Word.RawValue == String {
        take(name) { $0.string.flatMap(Word.init) }
    }

    mutating func party(_ name: String) -> Party? { take(name, Self.party) }

    mutating func cause() -> Cause {
        Cause(sip: integer("sip"), q850: integer("q850"), providerCode: text("code"), text: text("text"))
    }

    /// What nobody asked for, or understood, in the order of the document.
    func rest() -> [JSONValue.Member] {
        var rest: [JSONValue.Member] = []
        var seen = taken
        for (name, value) in json.members.reversed() where seen.insert(name).inserted {
            rest.append(JSONValue.Member(name, JSONValue(value)))
        }
        return rest.reversed()
    }

    private mutating func take<Value>(_ name: String, _ read: (JSONNode) -> Value?) -> Value? {
        guard let value = read(json[dynamic: name]) else { return nil }
        taken.insert(name)
        return value
    }

    private static func party(_ json: JSONNode) -> Party? {
        if let short = json["user"].string { return .user(extension: short, endpoint: json["endpoint"].string) }
        if json["external"].exists { return .external(number: json["external"].string) }
        if json["menu"].exists { return .ivr(ref: json["menu"].string) }
        if json["queue"].exists { return .queue(ref: json["queue"].string) }
        if json["voicemail"].exists { return .voicemail(ref: json["voicemail"].string) }
        return nil
    }
}
