import Connector

/// Numbers that are to be dialled, looked at before a provider sees them: some block a key for a typo.
package enum DialledNumber {
    /// The digits to send, without `+`; nil where no telephone would be reached.
    ///
    /// Takes a short number, a number as it is dialled in the country, and an international one with or without `+`; nothing but
    /// digits behind it. After a `+`, and from eleven digits on, Russia's and Kazakhstan's +7 must have its eleven digits.
    package static func digits(_ text: String) -> String? {
        let isInternational = text.hasPrefix("+")
        let digits = isInternational ? String(text.dropFirst()) : text
        let count = digits.utf8.count
        guard (isInternational ? 8 : 2) <= count, count <= 15, areDigits(digits) else { return nil }
        if isInternational, digits.hasPrefix("0") { return nil }
        if isInternational || count > 11, digits.hasPrefix("7"), count != 11 { return nil }
        return digits
    }

    /// An employee's short number: two to six digits; nil for anything else.
    package static func short(_ text: String) -> String? {
        (2...6).contains(text.utf8.count) && areDigits(text) ? text : nil
    }

    private static func areDigits(_ text: String) -> Bool { text.utf8.allSatisfy { (0x30...0x39).contains($0) } }
}
