import Connector

/// How Beeline names people and numbers.
enum BeelineNames {
    /// An identifier that names somebody: the technical ones of subscriptions to a whole group (`MPBX_E_…`) do not.
    static func person(_ id: String?) -> String? {
        guard let id, !id.hasPrefix("MPBX_") else { return nil }
        return id
    }

    /// The name under which an employee stands in `employees`.
    ///
    /// Of `9000000021@ip.beeline.ru`, `+79000000021@vol.nw.ims…` (the mobile leg of a telephone) and `tel:+79000000021` the ten digits;
    /// of `101@…` and `SIP0012345@…` what stands before the `@`. nil where nothing does.
    static func employee(_ id: String) -> String? {
        let name = bare(id).prefix { $0 != "@" && $0 != ";" }
        let digits = name.hasPrefix("+") ? name.dropFirst() : name
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return String(name) }
        let isRussian = digits.utf8.count == 11 && (digits.hasPrefix("7") || digits.hasPrefix("8"))
        return digits.isEmpty ? nil : String(isRussian ? digits.dropFirst() : digits)
    }

    /// Somebody's number of `tel:+79000000101`, or of a SIP address whose user is one; another SIP address as it is.
    static func number(_ address: String) -> String {
        guard address.hasPrefix("sip:") || address.hasPrefix("sips:") else {
            return String(bare(address).prefix { $0 != ";" })
        }
        let user = bare(address).prefix { $0 != "@" && $0 != ";" }
        let digits = user.hasPrefix("+") ? user.dropFirst() : user
        let isNumber = digits.utf8.count >= 3 && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber ? String(user) : address
    }

    /// Whether two numbers are the same, however they are written: by their last ten digits.
    static func areSame(_ one: String?, _ other: String?) -> Bool {
        guard let one, let other else { return false }
        let digits = [one, other].map { $0.utf8.filter { (0x30...0x39).contains($0) }.suffix(10) }
        return !digits[0].isEmpty && digits[0].elementsEqual(digits[1])
    }

    private static func bare(_ address: String) -> Substring {
        let scheme = ["tel:", "sip:", "sips:"].first(where: address.hasPrefix)
        return address.dropFirst(scheme?.count ?? 0)
    }
}

/// How Beeline writes moments: milliseconds since 1970 as text; ISO 8601 was seen in one receiver's tests.
enum BeelineTime {
    /// nil where the text is none, or absurd.
    static func moment(_ text: String?) -> Instant? {
        guard let text else { return nil }
        let moment = DecimalInteger.parse(text.utf8).map { Instant(milliseconds: Int64($0)) } ?? Instant(rfc3339: text)
        return moment.flatMap { (year2000..<year2100).contains($0) ? $0 : nil }
    }

    private static let year2000 = Instant(unixSeconds: 946_684_800)
    private static let year2100 = Instant(unixSeconds: 4_102_444_800)
}
