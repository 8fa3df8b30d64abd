import AdapterKit
import Connector

/// One webhook; the fields that nearly all of them have are read once.
struct MegafonMessage {
    let fields: FieldTable
    let raw: RawStamp
    let reading: MegafonReading
    /// `callid`.
    let call: String?
    let account: MegafonAccount?
    /// `phone`: the client's number, on internal calls a colleague's short one; nil where it is hidden.
    let phone: String?
    /// `groupRealName`: the department for which the employee rings.
    let groupName: String?

    init(_ fields: FieldTable, raw: RawStamp, _ reading: MegafonReading) {
        self.fields = fields
        self.raw = raw
        self.reading = reading
        call = fields.text("callid").flatMap(Self.name)
        account = MegafonAccount(fields.text("user"))
        phone = MegafonNumber.read(fields.text("phone"))
        groupName = fields.text("groupRealName")
    }

    /// A field's text; nil where it is absent or empty.
    subscript(_ name: StaticString) -> String? { fields.text(name) }

    /// Text that was no Unicode reads as U+FFFD: two such names would look alike and join two calls.
    static func name(_ text: String) -> String? {
        text.utf8.count <= 256 && !text.unicodeScalars.contains("\u{FFFD}") ? text : nil
    }

    // MARK: Events

    /// An event of the call, at the time of its arrival: pushes bear no time. nil without a `callid`.
    ///
    /// - Parameter names: the fields that two deliveries of the same push have in common. Their order in the body varies.
    func callEvent(_ type: EventType, repeating names: [StaticString], ordinal: Int = 0) -> CallEvent? {
        guard let call else { return nil }
        var repeatKey = RepeatKey(raw.connection)
        repeatKey.add(self["cmd"] ?? "")
        for name in names { repeatKey.add(self[name] ?? "") }
        return CallEvent(
            id: repeatKey.eventID(ordinal: ordinal), rawID: raw.id, keys: [ExternalKey(.call, call)], type: type,
            occurredAt: raw.receivedAt, receivedAt: raw.receivedAt, source: raw.source)
    }

    static func missingCall() -> Decoded { .undecoded(reason: "`callid` is missing or cannot be read") }

    /// The name of the call in which a transferred one continues.
    var secondCall: ExternalKey? {
        self["second_callid"].flatMap(Self.name).map { ExternalKey(.call, $0) }
    }

    // MARK: Who calls whom

    /// Whoever is at the other end: a colleague by a short number, somebody outside by any other or none.
    var otherSide: Party {
        isInternal ? .user(extension: phone ?? "", endpoint: nil) : .external(number: phone)
    }

    var isInternal: Bool { phone.map(MegafonNumber.isShort) ?? false }

    /// The employee, by short number, else by login; the department where no employee is named.
    var ownSide: Party? {
        switch account {
        case .employee(let login): .user(extension: self["ext"] ?? login, endpoint: self["telnum"])
        case .group(let id): .queue(ref: groupName ?? id)
        case .machine: (groupName ?? self["group"]).map { .queue(ref: $0) }
        case nil: self["ext"].map { .user(extension: $0, endpoint: self["telnum"]) }
        }
    }

    /// Our number that was called, or is shown.
    var line: String? { MegafonNumber.read(self["diversion"]) }

    /// What a webhook of that direction says of the whole call. A `phone` that is there and empty is a hidden number.
    func facts(_ direction: Direction?) -> CallFacts {
        let number = phone ?? (fields.holds("phone") ? "" : nil)
        return CallFacts(
            direction: isInternal ? .internal : direction, externalNumber: isInternal ? nil : number, line: line, login: login)
    }

    /// The log knows logins only.
    private var login: EmployeeLogin? {
        guard case .employee(let login) = account, let short = self["ext"], short != login else { return nil }
        return EmployeeLogin(login, extension: short)
    }

    // MARK: The rest

    /// Fields that have no place in the record, under the vendor's names.
    func leftovers(except known: NameSet) -> [CustomField] {
        var leftovers: [CustomField] = []
        for name in fields.names(except: known) { leftovers.keep(name, fields.string(name)) }
        return leftovers
    }

    static let knownEverywhere: [StaticString] = ["cmd", "crm_token", "callid", "phone", "user", "ext", "telnum", "diversion"]
}
