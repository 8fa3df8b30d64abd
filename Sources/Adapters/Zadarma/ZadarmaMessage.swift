import AdapterKit
import Connector

/// One notification; the fields that nearly all of them have are read once.
struct ZadarmaMessage {
    let fields: FieldTable
    let raw: RawStamp
    /// `pbx_call_id`.
    let call: String?
    /// `call_id_with_rec`.
    let recording: String?
    /// `internal` as it came.
    let internalNumber: String?
    let callerID: String?
    let calledNumber: String?
    /// The called number; an extension without what the PBX puts before it.
    let destination: String?
    /// `call_start` as it came.
    private let callStart: String?
    /// `call_start`, read in the account's time zone.
    let startedAt: Instant?
    /// `pbx_call_id` begins with `in_` or `out_`: the surest sign of direction. A call to a short number stays in the house.
    let direction: Direction?
    private let zone: LocalZone

    init(_ fields: FieldTable, raw: RawStamp, zone: LocalZone) {
        self.fields = fields
        self.raw = raw
        self.zone = zone
        call = fields.text("pbx_call_id")
        recording = fields.text("call_id_with_rec")
        internalNumber = fields.text("internal")
        callerID = fields.text("caller_id")
        calledNumber = fields.text("called_did")
        destination = fields.text("destination").map(Self.shortened)
        callStart = fields.text("call_start")
        startedAt = callStart.flatMap { LocalTimestamp.parse($0, in: zone) }
        direction = Self.direction(of: call, in: fields, from: callerID, to: destination)
    }

    /// A field's text; nil where it is absent or empty.
    subscript(_ name: StaticString) -> String? { fields.text(name) }

    // MARK: Events

    /// Names of the call: `pbx_call_id` for all its notifications, `call_id_with_rec` for what concerns its recording.
    ///
    /// A transcript may name the recording alone.
    func keys() -> [ExternalKey] {
        if let call, recording == nil { return [ExternalKey(.call, call)] }
        return [call.map { ExternalKey(.call, $0) }, recording.map { ExternalKey(.recording, $0) }].compactMap(\.self)
    }

    /// An event of the call, at the time of its arrival: `call_start` is when the call began, not when this happened.
    ///
    /// nil without a `pbx_call_id`. The signature covers no time stamp, so a repeat is told by event, call, extension and
    /// `call_start`, and by what else tells two events of one call apart.
    func callEvent(_ type: EventType, alsoRepeats: String...) -> CallEvent? {
        guard let call else { return nil }
        var repeatKey = RepeatKey(raw.connection)
        repeatKey.add(fields.text("event") ?? "")
        repeatKey.add(call)
        repeatKey.add(internalNumber ?? "")
        repeatKey.add(callStart ?? "")
        for part in alsoRepeats { repeatKey.add(part) }
        return CallEvent(
            id: repeatKey.eventID(), rawID: raw.id, keys: keys(), type: type, occurredAt: raw.receivedAt,
            receivedAt: raw.receivedAt, source: raw.source, facts: facts())
    }

    private func facts() -> CallFacts {
        var facts = CallFacts(direction: direction, startedAt: startedAt)
        if facts.startedAt != nil { facts.timeZone = zone.name }
        facts.line = line
        if direction == .inbound { facts.externalNumber = callerID }
        if direction == .outbound { facts.externalNumber = destination }
        return facts
    }

    static func missingCall() -> Decoded { .undecoded(reason: "`pbx_call_id` is missing") }

    // MARK: Who calls whom

    private static func direction(
        of call: String?, in fields: FieldTable, from caller: String?, to destination: String?
    ) -> Direction? {
        let comesIn = call?.hasPrefix("in_") ?? false
        let goesOut = call?.hasPrefix("out_") ?? false || (!comesIn && isOutgoingEvent(fields))
        if goesOut { return destination.map(isShort) ?? false ? .internal : .outbound }
        guard comesIn || fields.text("called_did") != nil else { return nil }
        return caller.map(isShort) ?? false ? .internal : .inbound
    }

    private static func isOutgoingEvent(_ fields: FieldTable) -> Bool {
        fields.withBytes(of: "event") { $0.starts(with: "NOTIFY_OUT_".utf8) } ?? false
    }

    /// Our number: the one that was called, or the one that an outgoing call shows.
    private var line: String? {
        if let calledNumber { return calledNumber }
        guard direction == .outbound, let callerID, !Self.isShort(callerID) else { return nil }
        return callerID
    }

    /// The employee's short number.
    var `extension`: String? { internalNumber.map(Self.shortened) }

    var employee: Party? { self.extension.map { .user(extension: $0, endpoint: nil) } }

    /// Whoever that number is: an employee by a short one, somebody outside by any other.
    static func party(_ number: String) -> Party {
        isShort(number) ? .user(extension: number, endpoint: nil) : .external(number: number)
    }

    /// Whether it is an extension: at most five digits.
    static func isShort(_ number: some StringProtocol) -> Bool {
        (1...5).contains(number.utf8.count) && areDigits(number)
    }

    private static func areDigits(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// `499499-100` is extension 100 of the PBX 499499.
    static func shortened(_ number: String) -> String {
        guard let dash = number.utf8.firstIndex(of: UInt8(ascii: "-")) else { return number }
        let short = number[number.utf8.index(after: dash)...]
        return areDigits(number[..<dash]) && isShort(short) ? String(short) : number
    }

    // MARK: The rest

    /// Fields that have no place in the record, under Zadarma's names; PHP's brackets become dots.
    func leftovers(except known: NameSet = Self.knownSet) -> [CustomField] {
        var leftovers: [CustomField] = []
        for name in fields.names(except: known) {
            guard let value = fields.string(name) else { continue }
            leftovers.keep(Self.dotted(name), value)
        }
        return leftovers
    }

    private static func dotted(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "]") }) else { return name }
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            if byte == UInt8(ascii: "[") {
                bytes.append(UInt8(ascii: "."))
            } else if byte != UInt8(ascii: "]") {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static let knownEverywhere: [StaticString] = [
        "event", "pbx_call_id", "call_start", "caller_id", "called_did", "destination", "internal", "call_id_with_rec",
    ]
    static let knownSet = NameSet(knownEverywhere)
}
