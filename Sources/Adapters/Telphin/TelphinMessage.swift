import AdapterKit
import Connector

/// One event; names of fields are read in any case.
struct TelphinMessage {
    let fields: FieldTable
    let event: TelphinEvent
    let raw: RawStamp
    /// `CallID`: one call, also when it is forwarded or passed on.
    let call: String?
    /// `EventTime`, else the time of arrival.
    let occurredAt: Instant
    /// Short numbers of the client's queues.
    private let queues: Set<String>

    init(_ fields: FieldTable, _ event: TelphinEvent, raw: RawStamp, queues: Set<String>) {
        self.fields = fields
        self.event = event
        self.raw = raw
        self.queues = queues
        call = fields.text("CallID").flatMap(TelphinCallName.read)
        occurredAt = TelphinTime.parse(fields.integer("EventTime")) ?? raw.receivedAt
    }

    /// A field's text; nil where it is absent or empty.
    subscript(_ name: StaticString) -> String? { fields.text(name) }

    /// Whether a field says `yes`; nil where it says neither.
    func flag(_ name: StaticString) -> Bool? {
        switch self[name]?.lowercased() {
        case "yes", "true", "1": true
        case "no", "false", "0": false
        default: nil
        }
    }

    // MARK: Events

    /// An event of the call. nil without a `CallID`.
    func callEvent(_ type: EventType, ordinal: Int = 0) -> CallEvent? {
        guard let call else { return nil }
        var keys = [ExternalKey(.call, call)]
        if let recording { keys.append(ExternalKey(.recording, recording)) }
        if let callback { keys.append(ExternalKey(.crmCommand, callback)) }
        return CallEvent(
            id: repeatKey.eventID(ordinal: ordinal), rawID: raw.id, keys: keys, type: type, occurredAt: occurredAt,
            receivedAt: raw.receivedAt, source: raw.source)
    }

    /// What two deliveries of the same event have in common.
    private var repeatKey: RepeatKey {
        var key = RepeatKey(raw.connection)
        key.add(event.rawValue)
        for name in ["CallID", "SubCallID", "EventTime", "CallStatus", "CalledNumber"] as [StaticString] {
            key.add(self[name] ?? "")
        }
        return key
    }

    static func missingCall() -> Decoded { .undecoded(reason: "`CallID` is missing or cannot be read") }

    /// The leg: `SubCallID`, which is the extension's identifier and the call's; put together where it is missing.
    var legKey: String? {
        if let leg = self["SubCallID"] { return leg }
        guard let call = self["CallID"] else { return nil }
        return (self[comesIn ? "CalledExtensionID" : "CallerExtensionID"] ?? self["CalledNumber"]).map { "\($0)-\(call)" }
    }

    /// `RecID`: names the recording, and in it the extension.
    var recording: String? { self["RecID"].flatMap { $0.utf8.count <= 256 ? $0 : nil } }

    /// `CallBackID`: a call that somebody ordered by API.
    var callback: String? { self["CallBackID"] }

    // MARK: Who calls whom

    /// The extension that the event is of is called: `CallFlow`, in whatever case.
    var comesIn: Bool {
        switch self["CallFlow"]?.lowercased() {
        case "in": true
        case "out": false
        default: event == .dialIn || (event != .dialOut && self["CallerExtension"] == nil)
        }
    }

    /// The leg on which a call that was ordered rings its employee first: somebody else's name calls his own extension.
    var ringsInitiator: Bool { callback != nil && comesIn && self["CallerExtension"] == nil }

    /// Two extensions, and nobody outside.
    var isInternal: Bool {
        caller.isUser && called?.isUser == true && !ringsInitiator
    }

    /// Who calls. Between two extensions that speak for somebody outside (`RemoteNumber`), that one.
    var caller: Party {
        if comesIn, let remote = self["RemoteNumber"], self["CallerExtension"] != nil { return TelphinNumber.party(remote) }
        if let caller = self["CallerExtension"] { return TelphinNumber.user(caller) }
        return self["CallerIDNum"].map(TelphinNumber.party) ?? .external(number: nil)
    }

    /// Who is called.
    var called: Party? {
        if !comesIn, let remote = self["RemoteNumber"], self["CalledExtension"] != nil { return TelphinNumber.party(remote) }
        guard let number = self["CalledExtension"] ?? self["CalledNumber"] else { return nil }
        if let queue { return .queue(ref: queue) }
        return TelphinNumber.party(number)
    }

    /// The called extension, where the settings name it as a queue.
    var queue: String? {
        calledShort.flatMap { queues.contains($0) ? $0 : nil }
    }

    /// The short number of the called extension.
    var calledShort: String? { (self["CalledExtension"] ?? self["CalledNumber"]).map { TelphinNumber.short($0) } }

    var facts: CallFacts {
        var facts = CallFacts(line: line)
        if callback != nil { facts.origin = .clickToCall }
        if ringsInitiator {
            facts.externalNumber = self["RemoteNumber"]
            facts.direction = .outbound
        } else {
            facts.direction = isInternal ? .internal : comesIn ? .inbound : .outbound
            facts.externalName = callerName
        }
        return facts
    }

    /// The number that was called from outside, or the one that an outgoing call shows.
    private var line: String? {
        if let line = self["CalledDID"] { return line }
        guard !comesIn, let shown = self["CallerIDNum"], !TelphinNumber.isExtension(shown) else { return nil }
        return shown
    }

    /// The caller's name, where the PBX shows one and not the number again.
    private var callerName: String? {
        guard comesIn, !caller.isUser, let name = self["CallerIDName"], name != self["CallerIDNum"],
            name.unicodeScalars.contains(where: \.properties.isAlphabetic)
        else { return nil }
        return name
    }

    // MARK: The rest

    /// Fields that have no place in the record, under Telphin's names.
    func leftovers(alsoKnown: Set<String> = []) -> [CustomField] {
        var leftovers: [CustomField] = []
        for name in fields.names {
            let lowercase = name.lowercased()
            guard !Self.known.contains(lowercase), !alsoKnown.contains(lowercase) else { continue }
            leftovers.keep(name, fields.string(name))
        }
        return leftovers
    }

    private static let known: Set<String> = [
        "eventtype", "event", "callid", "subcallid", "callbackid", "calleridnum", "calleridname", "callerextension",
        "callerextensionid", "callednumber", "calledextension", "calledextensionid", "calleddid", "remotenumber", "callflow",
        "eventtime", "recid",
    ]
}

extension Party {
    var isUser: Bool { if case .user = self { true } else { false } }
}
