import Connector

/// The bytes of XML texts: what ends a plain run, what a reference means, what is a character.
enum XMLBytes {
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// A byte that may begin a name; of those above ASCII all are let through (XML 1.0 §2.3 lets nearly all).
    static func beginsName(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    static func isInName(_ byte: UInt8) -> Bool {
        beginsName(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    /// Without the spaces around it.
    static func trimmed(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        var end = text.count
        while start < end, isSpace(text[start]) { start += 1 }
        while end > start, isSpace(text[end - 1]) { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: text[start..<end])
    }

    /// The first byte from `start` on that is no printable ASCII, or may mean something in a text: `&`, `<`, `]`; the end if there is
    /// none.
    @inline(__always)
    static func endOfPlainRun(in text: UnsafeRawBufferPointer, from start: Int) -> Int {
        PlainRun.end(in: text, from: start, isPlain: isPlain) { word in
            PlainRun.controls(in: word) | PlainRun.matches(0x26, in: word) | PlainRun.matches(0x3C, in: word)
                | PlainRun.matches(0x5D, in: word)
        }
    }

    static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "&") && byte != UInt8(ascii: "<") && byte != UInt8(ascii: "]")
    }

    /// The length of the well-formed character above ASCII at `position`, or 0. U+FFFE and U+FFFF are none (XML 1.0 §2.2).
    static func characterLength(in text: UnsafeRawBufferPointer, at position: Int) -> Int {
        var parser = Unicode.UTF8.ForwardParser()
        var bytes = text[position...].makeIterator()
        guard case .valid(let character) = parser.parseScalar(from: &bytes) else { return 0 }
        return isAllowed(UTF8.decode(character)) ? character.count : 0
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool { scalar != "\u{FFFE}" && scalar != "\u{FFFF}" }

    // MARK: References

    /// The character that the reference at `position`, which holds `&`, stands for, and how long it is.
    static func reference(in text: UnsafeRawBufferPointer, at position: Int) -> (scalar: Unicode.Scalar, length: Int)? {
        // The longest that means something: &#x10FFFF; and as many leading zeros as nobody writes.
        let limit = min(text.count, position + 16)
        guard let end = text[position..<limit].firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let name = UnsafeRawBufferPointer(rebasing: text[position + 1..<end])
        guard let scalar = name.first == UInt8(ascii: "#") ? numbered(name) : named(name) else { return nil }
        return (scalar, end + 1 - position)
    }

    private static func named(_ name: UnsafeRawBufferPointer) -> Unicode.Scalar? {
        if name.isSame(as: "amp") { return "&" }
        if name.isSame(as: "lt") { return "<" }
        if name.isSame(as: "gt") { return ">" }
        if name.isSame(as: "quot") { return "\"" }
        return name.isSame(as: "apos") ? "'" : nil
    }

    /// `#233` or `#xE9`.
    private static func numbered(_ name: UnsafeRawBufferPointer) -> Unicode.Scalar? {
        let isHex = name.count > 1 && name[1] == UInt8(ascii: "x")
        let digits = name.dropFirst(isHex ? 2 : 1)
        guard !digits.isEmpty else { return nil }
        var value: UInt32 = 0
        for byte in digits {
            guard let digit = digit(byte), digit < (isHex ? 16 : 10), value <= 0x10_FFFF else { return nil }
            value = value * (isHex ? 16 : 10) + digit
        }
        guard value >= 0x20 || value == 0x09 || value == 0x0A || value == 0x0D else { return nil }
        return Unicode.Scalar(value).flatMap { isAllowed($0) ? $0 : nil }
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    // MARK: Decoding what was checked before

    /// An element's content without elements in it: references become characters, sections their text, comments and instructions
    /// nothing, line ends line feeds. Without the spaces around all that.
    static func decodedContent(_ text: UnsafeRawBufferPointer) -> String {
        var decoder = XMLTextDecoder(text)
        decoder.decodeContent()
        return decoder.bytes.withUnsafeBytes { String(decoding: trimmed($0), as: UTF8.self) }
    }

    /// An attribute's value: references become characters, line ends and tabs spaces.
    static func decodedValue(_ text: UnsafeRawBufferPointer) -> String {
        var decoder = XMLTextDecoder(text)
        decoder.decodeValue()
        return String(decoding: decoder.bytes, as: UTF8.self)
    }
}

/// Puts the meaning of a checked text together.
private struct XMLTextDecoder {
    private let text: UnsafeRawBufferPointer
    private var position = 0
    private(set) var bytes: [UInt8] = []

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    mutating func decodeContent() {
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "<"): skipMarkup()
            case UInt8(ascii: "&"): takeReference()
            case 0x0D: takeLineEnd(as: 0x0A)
            case let byte: take(byte)
            }
        }
    }

    mutating func decodeValue() {
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "&"): takeReference()
            case 0x0D: takeLineEnd(as: 0x20)
            case 0x0A, 0x09: take(0x20)
            case let byte: take(byte)
            }
        }
    }

    private mutating func take(_ byte: UInt8) {
        bytes.append(byte)
        position += 1
    }

    private mutating func takeLineEnd(as byte: UInt8) {
        take(byte)
        if position < text.count, text[position] == 0x0A { position += 1 }
    }

    private mutating func takeReference() {
        guard let (scalar, length) = XMLBytes.reference(in: text, at: position) else { return take(text[position]) }
        bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        position += length
    }

    /// A section, whose text is taken as it is; a comment or an instruction, which say nothing.
    private mutating func skipMarkup() {
        let section: StaticString = "<![CDATA["
        if starts(with: section) {
            position += section.utf8CodeUnitCount
            while position < text.count, !starts(with: "]]>") {
                if text[position] == 0x0D { takeLineEnd(as: 0x0A) } else { take(text[position]) }
            }
            position += 3
        } else {
            let end: StaticString = starts(with: "<!--") ? "-->" : "?>"
            while position < text.count, !starts(with: end) { position += 1 }
            position += end.utf8CodeUnitCount
        }
    }

    private func starts(with word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= text.count else { return false }
        return UnsafeRawBufferPointer(rebasing: text[position..<position + count]).isSame(as: word)
    }
}
