import AdapterKit
import Connector

/// The JSON object of one webhook, read tolerantly: numbers come as strings and strings as numbers, fields are missing or more.
struct MangoMessage {
    let json: JSONNode
    let raw: RawStamp

    init(_ json: JSONNode, _ raw: RawStamp) {
        self.json = json
        self.raw = raw
    }

    subscript(_ name: StaticString) -> JSONNode { json[name] }

    /// A field's text; nil where it is absent or empty.
    func text(_ name: StaticString) -> String? { json[name].filledText }

    /// A Unix time stamp; nil where it is absent or absurd.
    ///
    /// The 2026 edition labels the field "UTC+3", that of 2017 "UTC"; Unix time has no zone, so it is read as UTC.
    func moment(_ name: StaticString) -> Instant? { Self.moment(json[name].anyInt) }

    /// The same of a number of seconds; 0 is Mango's word for never.
    static func moment(_ seconds: Int?) -> Instant? {
        guard let seconds, (year2000..<year2100).contains(seconds) else { return nil }
        return Instant(unixSeconds: Int64(seconds))
    }

    private static let year2000 = 946_684_800
    private static let year2100 = 4_102_444_800

    /// The event's own time, else that of its arrival.
    var occurredAt: Instant { moment("timestamp") ?? raw.receivedAt }

    /// Names of the call: `entry_id` is the whole contact, constant through menus, queues and transfers.
    ///
    /// nil without an `entry_id`: legs name no call.
    func keys() -> [ExternalKey]? {
        // Text that was no Unicode reads as U+FFFD: two such names would look alike and join two calls.
        guard let entry = text("entry_id"), !entry.unicodeScalars.contains("\u{FFFD}") else { return nil }
        var keys = [ExternalKey(.session, entry)]
        if let outside = text("sip_call_id") { keys.append(ExternalKey(.sipCallID, outside)) }
        return keys
    }

    /// An event of this message.
    func event(_ id: EventID, keys: [ExternalKey], type: EventType) -> CallEvent {
        CallEvent(
            id: id, rawID: raw.id, keys: keys, type: type, occurredAt: occurredAt, receivedAt: raw.receivedAt, source: raw.source)
    }

    /// The identifier of what two deliveries of the same event have in common; a part that is nil is none.
    func eventID(_ kind: StaticString, _ name: String, _ third: String? = nil, _ fourth: String? = nil) -> EventID {
        var key = RepeatKey(raw.connection)
        key.add(kind)
        key.add(name)
        if let third { key.add(third) }
        if let fourth { key.add(fourth) }
        return key.eventID()
    }

    /// Fields that have no place in the record, under Mango's names.
    func leftovers(except known: NameSet) -> [CustomField] {
        var fields: [CustomField] = []
        fields.keepMembers(of: json, except: known)
        return fields
    }

    static func missing(_ name: String) -> Decoded { .undecoded(reason: "`\(name)` is missing or cannot be read") }
}

extension JSONNode {
    /// A string that is not empty, or a number as written.
    var filledText: String? {
        guard let text = anyText, !text.isEmpty else { return nil }
        return text
    }

    /// A truth value, however loosely written.
    var anyBool: Bool { bool ?? (anyInt == 1 || equals("true")) }
}
