import Connector

/// Numbers and names of extensions as Telphin writes them.
enum TelphinNumber {
    /// The short number in `0000*101@sipproxy.telphin.ru` or `0000*101`: `101`. Any other number as it is, without a host.
    static func short(_ text: some StringProtocol) -> String {
        let name = text.prefix { $0 != "@" }
        guard let star = name.lastIndex(of: "*") else { return String(name) }
        return String(name[name.index(after: star)...])
    }

    /// Whether it names an extension: with its client's number before it, or short by itself.
    static func isExtension(_ text: String) -> Bool { text.contains("*") || isShort(text) }

    /// At most six digits and nothing else.
    static func isShort(_ text: String) -> Bool {
        (1...6).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// An employee's phone at that extension.
    static func user(_ text: String) -> Party {
        .user(extension: short(text), endpoint: text.contains("@") ? text : nil)
    }

    /// Whoever that number is.
    static func party(_ text: String) -> Party { isExtension(text) ? user(text) : .external(number: text) }
}

/// The name of a call.
enum TelphinCallName {
    /// 32 hexadecimal digits in lower case without dashes, whichever way they came: events and the log are said to write the same
    /// name differently (inferred). Anything else as it is; nil for what is too long or no Unicode.
    static func read(_ text: String) -> String? {
        guard text.utf8.count <= 256, !text.unicodeScalars.contains("\u{FFFD}") else { return nil }
        let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }
        guard digits.count == 32, digits.allSatisfy(isHex) else { return text }
        return String(decoding: digits, as: UTF8.self).lowercased()
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}

/// Times as Telphin writes them.
enum TelphinTime {
    /// Microseconds since 1970; seconds and milliseconds are known by their size. nil for a time before 2000 or after 2100.
    static func parse(_ number: Int?) -> Instant? {
        guard let number else { return nil }
        switch number {
        case year2000..<year2100: return Instant(unixSeconds: Int64(number))
        case year2000 * 1000..<year2100 * 1000: return Instant(milliseconds: Int64(number))
        case year2000 * 1_000_000..<year2100 * 1_000_000: return Instant(milliseconds: Int64(number / 1000))
        default: return nil
        }
    }

    /// `2026-11-02 07:15:20` of the log, fraction or not, in UTC.
    static func parse(utc text: String?) -> Instant? {
        guard let moment = text.flatMap({ Instant(rfc3339: $0 + "Z") }) else { return nil }
        return (Int64(year2000) * 1000..<Int64(year2100) * 1000).contains(moment.milliseconds) ? moment : nil
    }

    private static let year2000 = 946_684_800
    private static let year2100 = 4_102_444_800

    /// A duration in microseconds; nil for one of more than a day.
    ///
    /// What is below 100 000 may be seconds (inferred), or a leg that was refused at once: it is not used.
    static func duration(_ number: Int?) -> Duration? {
        number.flatMap { (100_000...86_400_000_000).contains($0) ? .microseconds($0) : nil }
    }
}
