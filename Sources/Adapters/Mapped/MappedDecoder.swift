import AdapterKit
import Connector

/// Reads one connection's raw records by its mapping. Keeps no state but memory.
final class MappedDecoder: EventDecoder {
    let mapping: Mapping
    var fields: MappedRequest

    init(_ mapping: Mapping) {
        self.mapping = mapping
        fields = MappedRequest(mapping.format)
    }

    func decode(_ raw: RawRecord) -> [Decoded] {
        guard raw.source != .history else { return decodeLog(raw) }
        do {
            try raw.withRequest { try fields.read($0) }
        } catch let error as FieldError {
            return [.undecoded(reason: error.description)]
        } catch {
            return [.undecoded(reason: "the request cannot be read")]
        }
        let words = mapping.selector.map { fields.text($0) ?? "" }
        guard words.contains(where: { !$0.isEmpty }) else { return [.undecoded(reason: "the event is not named")] }
        let name = words.joined(separator: "/")
        guard let row = mapping.events[name] else { return [.ignored(reason: "an event that the mapping does not list")] }
        guard let event = row else { return [.ignored(reason: "the mapping says to ignore it")] }
        return [decode(event, named: name, raw.stamp)]
    }

    /// The event that the present fields are.
    func decode(_ mapped: MappedEvent, named name: String, _ raw: RawStamp) -> Decoded {
        let keys = keys(mapped)
        guard keys.first?.kind == .call else { return .undecoded(reason: "the call's key is missing") }
        var event = CallEvent(
            id: EventID(connection: raw.connection, repeatKey: repeatKey(mapped, named: name)), rawID: raw.id, keys: keys,
            type: mapped.type, occurredAt: occurrence(of: mapped, raw), receivedAt: raw.receivedAt, source: raw.source)
        event.facts = facts(mapped.call)
        event.leg = mapped.leg.flatMap(leg)
        event.ending = mapped.ending.map(ending)
        event.recording = mapped.recording.flatMap(recording)
        event.digits = mapped.digits.flatMap(digits)
        event.custom = fields.leftovers(hiding: mapped.hidden)
        return .call(event)
    }

    /// A log is fetched later: without a time of its own a row happened when the call ended, or began.
    private func occurrence(of mapped: MappedEvent, _ raw: RawStamp) -> Instant {
        if let time = moment(mapped.call.time) { return time }
        guard raw.source == .history else { return raw.receivedAt }
        return moment(mapped.ending?.endedAt) ?? moment(mapped.call.startedAt) ?? raw.receivedAt
    }

    // MARK: Names

    private func keys(_ mapped: MappedEvent) -> [ExternalKey] {
        let named: [(ExternalKey.Kind, MappedValue?)] = [
            (.call, mapped.call.key), (.session, mapped.call.session), (.linkedid, mapped.call.linkedid),
            (.recording, mapped.recording?.key), (.crmCommand, mapped.call.command),
        ]
        return named.compactMap { kind, value in fields.text(value).map { ExternalKey(kind, $0) } }
    }

    /// The event's name, the call's key, and what the file says; else all that is read.
    private func repeatKey(_ mapped: MappedEvent, named name: String) -> [String] {
        let parts = mapped.repeats.map { [mapped.call.key].compactMap(\.self) + $0 } ?? mapped.values
        return [name] + parts.map { fields.raw($0.source) ?? "" }
    }

    private func moment(_ moment: MappedMoment?) -> Instant? {
        moment.flatMap { fields.read($0.value, $0.form.read) }
    }

    // MARK: Parts

    private func facts(_ call: MappedCall) -> CallFacts {
        var facts = CallFacts(
            direction: word(call.direction), origin: word(call.origin), startedAt: moment(call.startedAt),
            externalNumber: fields.text(call.externalNumber), externalName: fields.text(call.externalName),
            line: fields.text(call.line))
        facts.timeZone = (call.startedAt?.form.zone ?? call.time?.form.zone)?.name
        return facts
    }

    private func leg(_ mapped: MappedEvent.Leg) -> LegReport? {
        guard let key = fields.text(mapped.key) else { return nil }
        return LegReport(
            key: key, phase: mapped.phase, sequence: max(0, integer(mapped.sequence) ?? 0), from: mapped.from.flatMap(party),
            to: mapped.to.flatMap(party), parent: fields.text(mapped.parent), handover: mapped.handover,
            group: fields.text(mapped.group), reason: mapped.phase == .ended ? mapped.reason.map { word($0) ?? .unknown } : nil)
    }

    private func party(_ mapped: MappedParty) -> Party? {
        let text = fields.text(mapped.value)
        switch mapped.kind {
        case .external: return .external(number: text)
        case .user: return text.map { .user(extension: $0, endpoint: fields.text(mapped.endpoint)) }
        case .ivr: return .ivr(ref: text)
        case .queue: return .queue(ref: text)
        case .voicemail: return .voicemail(ref: text)
        case .anyone:
            guard let text else { return .external(number: nil) }
            return Self.isShort(text) ? .user(extension: text, endpoint: nil) : .external(number: text)
        }
    }

    private static func isShort(_ text: String) -> Bool {
        (1...5).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// A word that a table does not know means `unknown`, and stays in the record as it came.
    private func ending(_ mapped: MappedEvent.Ending) -> EndReport {
        EndReport(
            reason: word(mapped.reason) ?? .unknown,
            cause: Cause(
                sip: integer(mapped.sip), q850: integer(mapped.q850), providerCode: fields.text(mapped.code),
                text: fields.text(mapped.text)),
            answered: flag(mapped.answered), answeredAt: moment(mapped.answeredAt), endedAt: moment(mapped.endedAt),
            user: fields.text(mapped.user).map { .user(extension: $0, endpoint: nil) })
    }

    private func recording(_ mapped: MappedEvent.Recording) -> RecordingReport? {
        guard let key = fields.text(mapped.key) else { return nil }
        return RecordingReport(
            key: key, phase: mapped.phase, isVoicemail: mapped.isVoicemail, leg: fields.text(mapped.leg),
            problem: fields.text(mapped.problem))
    }

    private func digits(_ mapped: MappedEvent.Digits) -> DigitsReport? {
        guard let digits = fields.text(mapped.digits) else { return nil }
        return DigitsReport(digits: digits, leg: fields.text(mapped.leg), menu: fields.text(mapped.menu))
    }

    // MARK: Words

    private func word<Word: RawRepresentable>(_ value: MappedValue?) -> Word? where Word.RawValue == String {
        fields.read(value) { Word(rawValue: $0) }
    }

    private func integer(_ value: MappedValue?) -> Int? { fields.read(value) { DecimalInteger.parse($0.utf8) } }

    private func flag(_ value: MappedValue?) -> Bool? {
        fields.read(value) { text -> Bool? in
            switch text.lowercased() {
            case "true", "yes", "1": true
            case "false", "no", "0": false
            default: nil
            }
        }
    }
}
