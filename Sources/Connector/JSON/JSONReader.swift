/// Reads a JSON text once from end to end, checks it, and notes its values.
///
/// A loop, not a recursion: the stack does not grow with the text. Strings are scanned eight bytes at a time in a `UInt64`
/// (vector masks made this forty times slower: see the engine's notes).
struct JSONReader {
    private let text: UnsafeRawBufferPointer
    private let depthLimit: Int
    private var position = 0
    private var depth = 0
    /// The innermost open container, or -1.
    private var open: Int32 = -1
    /// Whether the innermost container was opened just now: no comma is due.
    private var isFresh = false
    /// What has been found; the caller lends the memory.
    var tokens: [JSONToken] = []

    init(_ text: UnsafeRawBufferPointer, depthLimit: Int) {
        self.text = text
        self.depthLimit = depthLimit
    }

    /// Reads one value and nothing else; nil when the text is good.
    mutating func readAll() -> JSONError? {
        do {
            try readValue()
            while open >= 0 { try readNext() }
            skipSpace()
            return position == text.count ? nil : JSONError(.trailingBytes, at: position)
        } catch {
            return error
        }
    }

    // MARK: Structure

    private mutating func readValue() throws(JSONError) {
        switch try nextByte() {
        case UInt8(ascii: "\""): try readString()
        case UInt8(ascii: "{"): try begin(.object)
        case UInt8(ascii: "["): try begin(.array)
        case UInt8(ascii: "t"): try readWord("true", .true)
        case UInt8(ascii: "f"): try readWord("false", .false)
        case UInt8(ascii: "n"): try readWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try readNumber()
        default: throw JSONError(.unexpectedByte, at: position)
        }
    }

    /// Within the innermost container: reads its next member or element, or its end.
    private mutating func readNext() throws(JSONError) {
        let isObject = tokens[Int(open)].kind == .object
        let byte = try nextByte()
        if byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) { return close() }
        if !isFresh {
            guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: position) }
            position &+= 1
        }
        isFresh = false
        if isObject { try readName() }
        try readValue()
    }

    private mutating func readName() throws(JSONError) {
        guard try nextByte() == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
        let name = tokens.count
        try readString()
        tokens[name].link = tokens[Int(open)].lastName
        tokens[Int(open)].lastName = UInt32(truncatingIfNeeded: name)
        guard try nextByte() == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
        position &+= 1
    }

    private mutating func begin(_ kind: JSONToken.Kind) throws(JSONError) {
        guard depth < depthLimit else { throw JSONError(.tooDeep, at: position) }
        depth &+= 1
        tokens.append(JSONToken(start: UInt32(truncatingIfNeeded: position), end: 0, link: UInt32(bitPattern: open), kind: kind))
        open = Int32(truncatingIfNeeded: tokens.count - 1)
        isFresh = true
        position &+= 1
    }

    private mutating func close() {
        position &+= 1
        depth &-= 1
        isFresh = false
        let container = Int(open)
        open = Int32(bitPattern: tokens[container].link)
        tokens[container].end = UInt32(truncatingIfNeeded: position)
        tokens[container].link = UInt32(truncatingIfNeeded: tokens.count)
    }

    // MARK: Bytes

    /// The next byte that is no space, not taken.
    @inline(__always)
    private mutating func nextByte() throws(JSONError) -> UInt8 {
        if position < text.count, text[position] > 0x20 { return text[position] }
        skipSpace()
        guard position < text.count else { throw JSONError(.truncated, at: position) }
        return text[position]
    }

    private mutating func skipSpace() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position &+= 1
            default: return
            }
        }
    }

    private mutating func note(_ kind: JSONToken.Kind, from start: Int, to end: Int) {
        tokens.append(JSONToken(start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: end), kind: kind))
    }

    private mutating func readWord(_ word: StaticString, _ kind: JSONToken.Kind) throws(JSONError) {
        let start = position
        for offset in 0..<word.utf8CodeUnitCount {
            guard position < text.count else { throw JSONError(.truncated, at: position) }
            guard text[position] == word.utf8Start[offset] else { throw JSONError(.unexpectedByte, at: position) }
            position &+= 1
        }
        note(kind, from: start, to: position)
    }

    // MARK: Numbers

    private mutating func readNumber() throws(JSONError) {
        let start = position
        var kind = JSONToken.Kind.integer
        skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try readDigits() }
        if skip(UInt8(ascii: ".")) {
            kind = .real
            try readDigits()
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            kind = .real
            if !skip(UInt8(ascii: "+")) { skip(UInt8(ascii: "-")) }
            try readDigits()
        }
        if position < text.count, isDigit(text[position]) { throw JSONError(.badNumber, at: position) }
        note(kind, from: start, to: position)
    }

    private mutating func readDigits() throws(JSONError) {
        let start = position
        while position < text.count, isDigit(text[position]) { position &+= 1 }
        guard position > start else { throw JSONError(position < text.count ? .badNumber : .truncated, at: position) }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") <= 9 }

    @discardableResult
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position &+= 1
        return true
    }

    // MARK: Strings

    private mutating func readString() throws(JSONError) {
        let start = position + 1
        var kind = JSONToken.Kind.string
        position = start
        while true {
            position = JSONBytes.endOfPlainRun(in: text, from: position)
            guard position < text.count else { throw JSONError(.truncated, at: position) }
            switch text[position] {
            case UInt8(ascii: "\""):
                note(kind, from: start, to: position)
                position &+= 1
                return
            case UInt8(ascii: "\\"):
                kind = .escapedString
                try skipEscape()
            case 0x80...:
                try skipCharacter()
            default:
                throw JSONError(.controlByte, at: position)
            }
        }
    }

    private mutating func skipEscape() throws(JSONError) {
        guard position + 1 < text.count else { throw JSONError(.truncated, at: position) }
        switch text[position + 1] {
        case UInt8(ascii: "u"):
            guard position + 6 <= text.count else { throw JSONError(.truncated, at: position) }
            guard JSONBytes.hexUnit(in: text, at: position + 2) != nil else { throw JSONError(.badEscape, at: position) }
            position &+= 6
        case let letter:
            guard JSONBytes.unescaped(letter) != nil else { throw JSONError(.badEscape, at: position) }
            position &+= 2
        }
    }

    /// Passes a run of characters of two to four bytes (RFC 3629 §4).
    private mutating func skipCharacter() throws(JSONError) {
        while position < text.count, text[position] >= 0x80 {
            let length = JSONBytes.characterLength(in: text, at: position)
            guard length > 0 else { throw JSONError(.badUTF8, at: position) }
            position &+= length
        }
    }
}
