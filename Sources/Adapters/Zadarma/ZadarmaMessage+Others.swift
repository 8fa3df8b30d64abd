import AdapterKit
import Connector

/// The menu, transcripts, and what concerns no call.
extension ZadarmaMessage {
    /// NOTIFY_IVR: the caller pressed keys in a menu of ours, or pressed none and went the default way.
    ///
    /// `wait_dtmf` comes with PHP's brackets (inferred); JSON text is taken too.
    func menu() -> Decoded {
        let name = waited("name")
        let digits = waited("digits")
        let standard = waited("default_behaviour")
        guard var event = callEvent(digits == nil ? .routeStep : .dtmf, alsoRepeats: name ?? "", digits ?? "", standard ?? "")
        else { return Self.missingCall() }
        event.digits = digits.map { DigitsReport(digits: $0, menu: name) }
        event.custom = leftovers(except: digits == nil ? Self.knownSet : Self.knownOfDigits)
        return .call(event)
    }

    private static let knownOfDigits = NameSet(knownEverywhere + ["wait_dtmf[name]", "wait_dtmf[digits]"])

    private func waited(_ name: String) -> String? {
        if let plain = fields.string("wait_dtmf[\(name)]"), !plain.isEmpty { return plain }
        guard let text = self["wait_dtmf"], let value = Self.json(text)?[dynamic: name].anyText, !value.isEmpty else {
            return nil
        }
        return value
    }

    /// SPEECH_RECOGNITION: the transcript of a call, named by `pbx_call_id`, by the recording's `call_id`, or by both.
    func transcript() -> Decoded {
        var keys = keys()
        if let recording = self["call_id"] { keys.append(ExternalKey(.recording, recording)) }
        guard !keys.isEmpty else { return .undecoded(reason: "neither `pbx_call_id` nor `call_id` is there") }
        var repeatKey = RepeatKey(raw.connection)
        repeatKey.add("SPEECH_RECOGNITION" as StaticString)
        repeatKey.add(call ?? "")
        repeatKey.add(self["call_id"] ?? "")
        var event = CallEvent(
            id: repeatKey.eventID(), rawID: raw.id, keys: keys, type: .transcriptReady, occurredAt: raw.receivedAt,
            receivedAt: raw.receivedAt,
            source: raw.source)
        event.custom = leftovers(except: Self.knownOfTranscript)
        event.custom.keep("transcript", spokenText())
        return .call(event)
    }

    private static let knownOfTranscript = NameSet(knownEverywhere + ["call_id", "result"])

    /// The words of `result`, a line for each phrase, its channel before it where there is one: `2: добрый день`.
    private func spokenText() -> String? {
        guard let result = self["result"].flatMap(Self.json) else { return nil }
        let lines = result["words"].elements.map { phrase in
            let words = phrase["result"].elements.compactMap { $0["w"].string }.joined(separator: " ")
            return phrase["channel"].anyText.map { "\($0): \(words)" } ?? words
        }
        return lines.joined(separator: "\n")
    }

    /// SMS, NUMBER_LOOKUP, CALL_TRACKING: `result` is JSON text; its members come out as fields.
    func signal(_ name: String) -> Decoded {
        var fields = leftovers(except: Self.knownOfSignal)
        guard let result = self["result"].flatMap(Self.json) else { return .undecoded(reason: "`result` is no JSON") }
        fields.keepMembers(of: result, except: [])
        return .signal(name: name, fields: fields)
    }

    private static let knownOfSignal = NameSet(knownEverywhere + ["result"])

    private static func json(_ text: String) -> JSONNode? {
        do {
            return try JSONText(text).root
        } catch {
            // The vendor's text is kept in the raw record; its reader says what is missing.
            return nil
        }
    }
}
