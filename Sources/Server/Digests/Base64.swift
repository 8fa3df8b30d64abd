/// Bytes as base64 (RFC 4648 §4).
package enum Base64 {
    package enum Strictness: Sendable {
        /// The standard alphabet, full padding, nothing else, and no stray bits in the last digit: one text for each value.
        case strict
        /// Takes the alphabet for URLs as well, skips white space, and does without padding.
        case tolerant
    }

    /// The standard alphabet with padding.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var count = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            count += 1
            if count == 3 {
                append(group, digits: 4, to: &text)
                (group, count) = (0, 0)
            }
        }
        if count > 0 {
            append(group << UInt32(8 * (3 - count)), digits: count + 1, to: &text)
            text.append(contentsOf: repeatElement(UInt8(ascii: "="), count: 3 - count))
        }
        return String(decoding: text, as: UTF8.self)
    }

    package static func encode(_ text: String) -> String { encode(Array(text.utf8)) }

    /// Whether `text` is what `encode` makes of `bytes`. The time depends on the lengths only; allocates nothing.
    package static func isEncoding(_ text: UnsafeRawBufferPointer, of bytes: UnsafeRawBufferPointer) -> Bool {
        guard text.count == (bytes.count + 2) / 3 * 4 else { return false }
        var difference: UInt8 = 0
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for place in 0..<3 { group = group << 8 | (place < count ? UInt32(bytes[start + place]) : 0) }
            for place in 0..<4 {
                let digit = letter(UInt8(truncatingIfNeeded: group >> UInt32(18 - 6 * place)) & 63)
                difference |= text[start / 3 * 4 + place] ^ (place <= count ? digit : UInt8(ascii: "="))
            }
        }
        return difference == 0
    }

    /// The bytes that `text` stands for; nil where it breaks the rules.
    package static func decode(_ text: some Sequence<UInt8>, _ strictness: Strictness = .strict) -> [UInt8]? {
        var bytes: [UInt8] = []
        var group: UInt32 = 0
        var digits = 0
        var padding = 0
        for byte in text {
            if byte == UInt8(ascii: "=") {
                padding += 1
            } else if let digit = digit(byte, strictness) {
                guard padding == 0 else { return nil }
                group = group << 6 | digit
                digits += 1
                if digits & 3 == 0 {
                    append(group, bytes: 3, to: &bytes)
                    group = 0
                }
            } else if strictness == .strict || !isSpace(byte) {
                return nil
            }
        }
        return finish(&bytes, group, digits & 3, padding, strictness) ? bytes : nil
    }

    package static func decode(_ text: String, _ strictness: Strictness = .strict) -> [UInt8]? {
        decode(text.utf8, strictness)
    }

    /// Takes the last digits, fewer than four. False where there are one, or padding or stray bits that the rules forbid.
    private static func finish(
        _ bytes: inout [UInt8], _ group: UInt32, _ digits: Int, _ padding: Int, _ strictness: Strictness
    ) -> Bool {
        let due = (4 - digits) & 3
        guard digits != 1, padding == due || (strictness == .tolerant && padding == 0) else { return false }
        guard digits > 0 else { return true }
        let strayBits = digits == 2 ? group & 0xF : group & 0x3
        guard strayBits == 0 || strictness == .tolerant else { return false }
        append(group << UInt32(6 * (4 - digits)), bytes: digits - 1, to: &bytes)
        return true
    }

    private static func append(_ group: UInt32, bytes count: Int, to bytes: inout [UInt8]) {
        for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * place))) }
    }

    private static func append(_ group: UInt32, digits count: Int, to text: inout [UInt8]) {
        for place in 0..<count { text.append(letter(UInt8(truncatingIfNeeded: group >> UInt32(18 - 6 * place)) & 63)) }
    }

    private static func letter(_ digit: UInt8) -> UInt8 {
        switch digit {
        case 0..<26: UInt8(ascii: "A") + digit
        case 26..<52: UInt8(ascii: "a") + digit - 26
        case 52..<62: UInt8(ascii: "0") + digit - 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    private static func digit(_ byte: UInt8, _ strictness: Strictness) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        case UInt8(ascii: "-") where strictness == .tolerant: 62
        case UInt8(ascii: "_") where strictness == .tolerant: 63
        default: nil
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
}
