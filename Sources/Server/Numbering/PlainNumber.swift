import Connector

/// Numbers that need no numbering plan: hidden ones, SIP addresses, extensions, feature codes.
enum PlainNumber {
    /// The number, where its kind is plain from the text; else nil.
    static func classify(_ raw: String) -> PhoneNumber? {
        let text = trimmed(raw)
        if isHidden(text) { return PhoneNumber(raw: raw, kind: .anonymous, plan: "anonymous") }
        if isSIP(text) { return PhoneNumber(raw: raw, kind: .sipURI, plan: "sip_uri") }
        guard let first = text.utf8.first, text.utf8.count <= 12, text.utf8.allSatisfy(isKey) else { return nil }
        if emergency.contains(text) || !isDigit(first) { return PhoneNumber(raw: raw, kind: .shortCode, plan: "short_code") }
        guard (2...6).contains(text.utf8.count), text.utf8.allSatisfy(isDigit) else { return nil }
        return PhoneNumber(raw: raw, kind: .extension, extension: text, plan: "extension")
    }

    /// The characters to read as a number, without `tel:`; nil where there are letters, too many or no digits.
    ///
    /// The library would read letters as the keys of a telephone: a login is no number.
    static func dialable(_ raw: String) -> String? {
        var text = trimmed(raw)[...]
        if text.lowercased().hasPrefix("tel:") { text = text.dropFirst(4) }
        guard text.utf8.count <= 64, text.utf8.contains(where: isDigit), text.unicodeScalars.allSatisfy(isWritten) else {
            return nil
        }
        return String(text)
    }

    /// 112 and 911 ring everywhere; other three digits are far more often an extension than a national service.
    private static let emergency: Set<String> = ["112", "911"]

    private static let hidden: Set<String> = [
        "", "anonymous", "hidden", "private", "unavailable", "unknown", "restricted", "withheld", "blocked", "null",
    ]

    private static func isHidden(_ text: String) -> Bool {
        text.utf8.count <= 16 && hidden.contains(text.lowercased())
    }

    private static func isSIP(_ text: String) -> Bool {
        let scheme = text.prefix(5).lowercased()
        return scheme.hasPrefix("sip:") || scheme.hasPrefix("sips:")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isKey(_ byte: UInt8) -> Bool { isDigit(byte) || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "#") }

    private static func isWritten(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "+", "(", ")", "-", ".", "/", " ", "\u{A0}", "\u{2010}"..."\u{2014}": true
        default: false
        }
    }

    private static func trimmed(_ raw: String) -> String {
        guard let first = raw.firstIndex(where: { !$0.isWhitespace }), let last = raw.lastIndex(where: { !$0.isWhitespace })
        else {
            return ""
        }
        return String(raw[first...last])
    }
}
