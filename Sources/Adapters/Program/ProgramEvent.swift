import Connector

/// Reads the answer to `decode`.
enum ProgramEvent {
    private static let eventLimit = 64

    /// The members of each object.
    private enum Known {
        static let answer: NameSet = ["id", "events", "reports", "ignored", "undecoded"]
        static let report: NameSet = ["key", "succeeded", "code"]
        static let event: NameSet = [
            "repeat_key", "type", "external_ids", "occurred_at", "leg", "facts", "end", "recording", "dtmf", "custom",
        ]
        static let key: NameSet = ["kind", "value"]
        static let leg: NameSet = [
            "key", "phase", "sequence", "from", "to", "parent", "handover", "group", "transferred_away", "reason",
        ]
        static let party: NameSet = ["kind", "number", "extension", "endpoint", "ref"]
        static let facts: NameSet = [
            "direction", "origin", "started", "external_number", "external_name", "line", "tracking", "time_zone",
        ]
        static let tracking: NameSet = ["number", "method"]
        static let end: NameSet = [
            "reason", "sip", "q850", "provider_code", "text", "answered", "answered_at", "ended_at", "user",
        ]
        static let recording: NameSet = ["key", "phase", "voicemail", "leg", "problem"]
        static let digits: NameSet = ["digits", "leg", "menu"]
    }

    /// What a program made of one raw record: events, reports, or a reason why there are none.
    static func decoded(_ answer: JSONNode, of raw: RawStamp) throws(ProgramShapeError) -> [Decoded] {
        let object = try ProgramObject(answer, known: Known.answer)
        if let reason = try object.text("undecoded") { return [.undecoded(reason: reason)] }
        var decoded: [Decoded] = []
        for (ordinal, element) in try object.list("events", atMost: eventLimit).enumerated() {
            decoded.append(.call(try event(element.node, at: element.place, ordinal: ordinal, of: raw)))
        }
        for element in try object.list("reports", atMost: eventLimit) {
            let report = try ProgramObject(element.node, at: element.place, known: Known.report)
            decoded.append(
                .command(
                    CommandReport(
                        key: try report.someText("key"), succeeded: try report.flag("succeeded") ?? false,
                        code: try report.text("code") ?? "")))
        }
        if let reason = try object.text("ignored") {
            guard decoded.isEmpty else { throw ProgramShapeError("ignored", "stands beside events") }
            return [.ignored(reason: reason)]
        }
        guard !decoded.isEmpty else { throw ProgramShapeError("", "says nothing: neither events nor ignored nor undecoded") }
        return decoded
    }

    private static func event(
        _ node: JSONNode, at place: ProgramPlace, ordinal: Int, of raw: RawStamp
    ) throws(ProgramShapeError) -> CallEvent {
        let object = try ProgramObject(
            node, at: place, known: Known.event)
        return CallEvent(
            id: EventID(connection: raw.connection, repeatKey: try repeatKey(object, at: place), ordinal: ordinal), rawID: raw.id,
            keys: try keys(object, at: place), type: try type(object, at: place),
            occurredAt: try object.moment("occurred_at") ?? raw.receivedAt, receivedAt: raw.receivedAt, source: raw.source,
            leg: try leg(object), facts: try facts(object) ?? CallFacts(), ending: try ending(object),
            recording: try recording(object), digits: try digits(object),
            custom: try object.texts("custom", atMost: 64).map { CustomField($0.name, $0.value) })
    }

    private static func repeatKey(_ object: ProgramObject, at place: ProgramPlace) throws(ProgramShapeError) -> [String] {
        var parts: [String] = []
        for element in try object.list("repeat_key", atMost: 16) {
            guard let text = element.node.anyText, text.utf8.count <= ProgramObject.textLimit else {
                throw ProgramShapeError(element.place, "is no text, or too long")
            }
            parts.append(text)
        }
        guard !parts.isEmpty else {
            throw ProgramShapeError(.member(place, "repeat_key"), "is missing: what a repeat has in common")
        }
        return parts
    }

    /// What only the gateway itself may say stays its own.
    private static func type(_ object: ProgramObject, at place: ProgramPlace) throws(ProgramShapeError) -> EventType {
        let type: EventType = try object.someWord("type")
        guard ![.finalized, .merged, .deleted].contains(type) else {
            throw ProgramShapeError(.member(place, "type"), "is the gateway's own")
        }
        return type
    }

    private static func keys(_ object: ProgramObject, at place: ProgramPlace) throws(ProgramShapeError) -> [ExternalKey] {
        var keys: [ExternalKey] = []
        for element in try object.list("external_ids", atMost: 8) {
            let key = try ProgramObject(element.node, at: element.place, known: Known.key)
            keys.append(ExternalKey(try key.someWord("kind"), try key.someText("value")))
        }
        guard keys.contains(where: \.kind.namesOneCall) else {
            throw ProgramShapeError(.member(place, "external_ids"), "names no call")
        }
        return keys
    }

    private static func leg(_ object: ProgramObject) throws(ProgramShapeError) -> LegReport? {
        try object.object(
            "leg", known: Known.leg
        ) { leg throws(ProgramShapeError) in
            LegReport(
                key: try leg.someText("key"), phase: try leg.someWord("phase"),
                sequence: try leg.int("sequence", in: 0...1_000_000_000) ?? 0, from: try party("from", of: leg),
                to: try party("to", of: leg), parent: try leg.text("parent"), handover: try leg.word("handover"),
                group: try leg.text("group"), calleeTransferredAway: try leg.flag("transferred_away") ?? false,
                reason: try leg.word("reason"))
        }
    }

    private enum PartyKind: String, CaseIterable { case external, user, ivr, queue, voicemail }

    private static func party(_ name: StaticString, of object: ProgramObject) throws(ProgramShapeError) -> Party? {
        try object.object(name, known: Known.party) { party throws(ProgramShapeError) in
            switch try party.someWord("kind", PartyKind.self) {
            case .external: .external(number: try party.text("number"))
            case .user: .user(extension: try party.someText("extension"), endpoint: try party.text("endpoint"))
            case .ivr: .ivr(ref: try party.text("ref"))
            case .queue: .queue(ref: try party.text("ref"))
            case .voicemail: .voicemail(ref: try party.text("ref"))
            }
        }
    }

    private static func facts(_ object: ProgramObject) throws(ProgramShapeError) -> CallFacts? {
        try object.object(
            "facts", known: Known.facts
        ) { facts throws(ProgramShapeError) in
            CallFacts(
                direction: try facts.word("direction"), origin: try facts.word("origin"), startedAt: try facts.moment("started"),
                externalNumber: try facts.text("external_number"), externalName: try facts.text("external_name"),
                line: try facts.text("line"),
                tracking: try facts.object("tracking", known: Known.tracking) { tracking throws(ProgramShapeError) in
                    TrackingReport(number: try tracking.text("number"), method: try tracking.someWord("method"))
                },
                timeZone: try facts.text("time_zone"))
        }
    }

    private static func ending(_ object: ProgramObject) throws(ProgramShapeError) -> EndReport? {
        try object.object(
            "end", known: Known.end
        ) { end throws(ProgramShapeError) in
            EndReport(
                reason: try end.someWord("reason"),
                cause: Cause(
                    sip: try end.int("sip", in: 100...699), q850: try end.int("q850", in: 0...127),
                    providerCode: try end.text("provider_code"), text: try end.text("text")),
                answered: try end.flag("answered"), answeredAt: try end.moment("answered_at"),
                endedAt: try end.moment("ended_at"),
                user: try party("user", of: end))
        }
    }

    private static func recording(_ object: ProgramObject) throws(ProgramShapeError) -> RecordingReport? {
        try object.object(
            "recording", known: Known.recording
        ) { recording throws(ProgramShapeError) in
            RecordingReport(
                key: try recording.someText("key"), phase: try recording.someWord("phase"),
                isVoicemail: try recording.flag("voicemail") ?? false, leg: try recording.text("leg"),
                problem: try recording.text("problem"))
        }
    }

    private static func digits(_ object: ProgramObject) throws(ProgramShapeError) -> DigitsReport? {
        try object.object("dtmf", known: Known.digits) { dtmf throws(ProgramShapeError) in
            DigitsReport(digits: try dtmf.someText("digits"), leg: try dtmf.text("leg"), menu: try dtmf.text("menu"))
        }
    }
}
