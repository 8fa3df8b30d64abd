/// The bytes of JSON strings: what ends a plain run, what an escape means, what is UTF-8.
enum JSONBytes {
    /// The first byte from `start` on that is a quote, a backslash, a control byte or not ASCII; the text's end if there is none.
    @inline(__always)
    static func endOfPlainRun(in text: UnsafeRawBufferPointer, from start: Int) -> Int {
        PlainRun.end(in: text, from: start, isPlain: isPlain) { word in
            PlainRun.controls(in: word) | PlainRun.matches(0x22, in: word) | PlainRun.matches(0x5C, in: word)
        }
    }

    /// Whether `text`, which is UTF-8, stands between quotes as it is (RFC 8259 §7).
    static func needsNoEscape(_ text: UnsafeRawBufferPointer) -> Bool {
        var end = endOfPlainRun(in: text, from: 0)
        while end < text.count, text[end] >= 0x80 { end = endOfPlainRun(in: text, from: end + 1) }
        return end == text.count
    }

    static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// What `\` and `letter` stand for; nil where RFC 8259 §7 knows no such escape (and for `u`).
    static func unescaped(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// The four hexadecimal digits at `position`, which must lie within the text.
    static func hexUnit(in text: UnsafeRawBufferPointer, at position: Int) -> UInt16? {
        var unit: UInt16 = 0
        for offset in 0..<4 {
            guard let digit = hexDigit(text[position + offset]) else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The lowercase hexadecimal digit of a number below sixteen.
    static func hexLetter(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + (digit & 15) - 10
    }

    /// The length of the well-formed character of two to four bytes at `position`, or 0 (the table of RFC 3629 §4).
    static func characterLength(in text: UnsafeRawBufferPointer, at position: Int) -> Int {
        let left = text.count - position
        guard left >= 2 else { return 0 }
        let second = text[position + 1]
        switch text[position] {
        case 0xC2...0xDF:
            return isContinuation(second) ? 2 : 0
        case let lead where lead & 0xF0 == 0xE0:
            let lowest: UInt8 = lead == 0xE0 ? 0xA0 : 0x80
            let highest: UInt8 = lead == 0xED ? 0x9F : 0xBF
            guard left >= 3, second >= lowest, second <= highest, isContinuation(text[position + 2]) else { return 0 }
            return 3
        case let lead where lead >= 0xF0 && lead <= 0xF4:
            let lowest: UInt8 = lead == 0xF0 ? 0x90 : 0x80
            let highest: UInt8 = lead == 0xF4 ? 0x8F : 0xBF
            guard left >= 4, second >= lowest, second <= highest else { return 0 }
            return isContinuation(text[position + 2]) && isContinuation(text[position + 3]) ? 4 : 0
        default: return 0
        }
    }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// The meaning of a string with escapes that was checked before. A lone surrogate becomes U+FFFD.
    static func decoded(_ text: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: text.count) { output in
            var read = 0
            var written = 0
            func put(_ bytes: some Sequence<UInt8>) {
                for byte in bytes {
                    output[written] = byte
                    written += 1
                }
            }
            while read < text.count {
                guard text[read] == UInt8(ascii: "\\"), read + 1 < text.count else {
                    put(CollectionOfOne(text[read]))
                    read += 1
                    continue
                }
                if let byte = unescaped(text[read + 1]) {
                    put(CollectionOfOne(byte))
                    read += 2
                } else {
                    let (scalar, length) = escapedScalar(in: text, at: read)
                    put(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                    read += length
                }
            }
            return written
        }
    }

    /// The `\uXXXX`, or the pair of them, at `position`.
    private static func escapedScalar(in text: UnsafeRawBufferPointer, at position: Int) -> (Unicode.Scalar, length: Int) {
        guard let first = unit(in: text, at: position) else { return ("\u{FFFD}", 2) }
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard first < 0xDC00, let second = unit(in: text, at: position + 6), second & 0xFC00 == 0xDC00 else {
            return ("\u{FFFD}", 6)
        }
        let value = 0x10000 + (UInt32(first & 0x3FF) << 10 | UInt32(second & 0x3FF))
        return (Unicode.Scalar(value) ?? "\u{FFFD}", 12)
    }

    private static func unit(in text: UnsafeRawBufferPointer, at position: Int) -> UInt16? {
        guard position + 6 <= text.count, text[position] == UInt8(ascii: "\\"), text[position + 1] == UInt8(ascii: "u")
        else { return nil }
        return hexUnit(in: text, at: position + 2)
    }
}
