/// Takes secrets and whole phone numbers out of what people get to see.
package enum Masking {
    static let hidden = "***"

    /// `+79000001234` → `+7900***1234`. Up to 4 digits stay as they are: extensions name nobody outside.
    package static func maskNumber(_ number: String) -> String {
        var masked: [UInt8] = []
        appendMasked(Array(number.utf8)[...], to: &masked)
        return String(decoding: masked, as: UTF8.self)
    }

    /// Whether a header, form field or JSON member of that name holds a secret or a signature.
    static func isSecret(_ name: some StringProtocol) -> Bool {
        let name = name.lowercased()
        return secretNames.contains(name) || secretParts.contains { name.contains($0) }
    }

    private static let secretNames = ["key", "sign", "auth", "salt"]
    private static let secretParts = [
        "signature", "secret", "token", "password", "passwd", "authorization", "api_key", "apikey", "api-key", "cookie", "hmac",
        "_sign", "-sign", "sign_", "sign-",
    ]

    /// The text with every whole phone number masked: 10 to 15 digits in a row that stand alone.
    ///
    /// Unix times are left: 10 digits (seconds) or 13 (milliseconds) between 2001 and 2065. `%2B` and the like are read as
    /// the characters they stand for, so that forms are masked as well.
    static func maskNumbers(in text: [UInt8]) -> [UInt8] {
        var masked: [UInt8] = []
        masked.reserveCapacity(text.count)
        var position = 0
        var isInWord = false
        while position < text.count {
            if isEscape(text, at: position) {
                masked += text[position..<position + 3]
                position += 3
                isInWord = false
            } else if isDigit(text[position]), !isInWord {
                let end = endOfDigits(in: text, from: position)
                let isWordAfter = end < text.count && isLetter(text[end])
                appendNumber(text[position..<end], isWordAfter: isWordAfter, to: &masked)
                position = end
                isInWord = isWordAfter
            } else {
                isInWord = isLetter(text[position]) || (isInWord && isDigit(text[position]))
                masked.append(text[position])
                position += 1
            }
        }
        return masked
    }

    private static func appendNumber(_ digits: ArraySlice<UInt8>, isWordAfter: Bool, to masked: inout [UInt8]) {
        guard (10...15).contains(digits.count), !isWordAfter, !isUnixTime(digits) else {
            masked += digits
            return
        }
        appendMasked(digits, to: &masked)
    }

    private static func appendMasked(_ digits: ArraySlice<UInt8>, to masked: inout [UInt8]) {
        guard digits.count >= 9 else {
            masked += digits.count > 4 ? Array("***".utf8) + digits.suffix(2) : Array(digits)
            return
        }
        let kept = digits.first == UInt8(ascii: "+") ? 5 : 4
        masked += digits.prefix(kept)
        masked += "***".utf8
        masked += digits.suffix(digits.count >= 11 ? 4 : 2)
    }

    private static func isUnixTime(_ digits: ArraySlice<UInt8>) -> Bool {
        guard digits.count == 10 || digits.count == 13 else { return false }
        return digits.first == UInt8(ascii: "1") || digits.first == UInt8(ascii: "2")
    }

    private static func endOfDigits(in text: [UInt8], from start: Int) -> Int {
        var end = start
        while end < text.count, isDigit(text[end]) { end += 1 }
        return end
    }

    private static func isEscape(_ text: [UInt8], at position: Int) -> Bool {
        text[position] == UInt8(ascii: "%") && position + 2 < text.count && isHex(text[position + 1]) && isHex(text[position + 2])
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) || byte == 0x5F }
    private static func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (0x41...0x46).contains(byte & 0xDF) }
}
