import CSystem

/// Bytes that somebody else owns: a piece of a connection's buffer, valid during the call it is handed to.
///
/// Every access is bounds-checked. Keep none of it: `array` and `string` copy.
package struct ByteView {
    /// The bytes, for C functions; the same validity.
    package let buffer: UnsafeRawBufferPointer

    package init(_ buffer: UnsafeRawBufferPointer) { self.buffer = buffer }

    package static var empty: ByteView { ByteView(UnsafeRawBufferPointer(start: nil, count: 0)) }

    package var count: Int { buffer.count }
    package var isEmpty: Bool { buffer.isEmpty }

    package subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < buffer.count, "index outside the bytes")
        return buffer[index]
    }

    package subscript(range: Range<Int>) -> ByteView {
        precondition(range.lowerBound >= 0 && range.upperBound <= buffer.count, "range outside the bytes")
        return ByteView(UnsafeRawBufferPointer(rebasing: buffer[range]))
    }

    /// Lends the bytes as a span.
    package func withSpan<Result>(_ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
        try buffer.withMemoryRebound(to: UInt8.self) { try body($0.span) }
    }

    package var array: [UInt8] { [UInt8](buffer) }

    /// The text, with malformed UTF-8 repaired.
    package var string: String { String(decoding: buffer, as: UTF8.self) }

    package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        var index = start
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }

    package static func == (left: ByteView, right: StaticString) -> Bool {
        left.isSame(as: UnsafeRawBufferPointer(start: right.utf8Start, count: right.utf8CodeUnitCount))
    }

    package static func == (left: ByteView, right: ByteView) -> Bool {
        left.isSame(as: right.buffer)
    }

    private func isSame(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count, let mine = buffer.baseAddress, let theirs = other.baseAddress else {
            return count == other.count
        }
        return memcmp(mine, theirs, count) == 0
    }

    /// Compares as ASCII without regard to case; `word` is written in lower case.
    package func equals(ignoringCase word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        for index in 0..<count where buffer[index].asciiLowercased != word.utf8Start[index] { return false }
        return true
    }

    /// True if a comma-separated list holds `token` (lower case), without regard to case: `Connection: close, te`.
    func listContains(_ token: StaticString) -> Bool {
        var start = 0
        while start <= count {
            let end = firstIndex(of: .comma, from: start) ?? count
            if self[start..<end].trimmed.equals(ignoringCase: token) { return true }
            start = end + 1
        }
        return false
    }

    /// Without spaces and tabs at either end.
    var trimmed: ByteView {
        var start = 0
        var end = count
        while start < end, buffer[start].isBlank { start += 1 }
        while end > start, buffer[end - 1].isBlank { end -= 1 }
        return self[start..<end]
    }
}

extension UInt8 {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let percent: UInt8 = 0x25
    static let ampersand: UInt8 = 0x26
    static let plus: UInt8 = 0x2B
    static let comma: UInt8 = 0x2C
    static let slash: UInt8 = 0x2F
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let equals: UInt8 = 0x3D
    static let question: UInt8 = 0x3F

    var isBlank: Bool { self == .space || self == .tab }
    var asciiLowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }

    var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x37
        case 0x61...0x66: self - 0x57
        default: nil
        }
    }

    /// A character of a token (RFC 9110 §5.6.2): letters, digits and ``!#$%&'*+-.^_`|~``.
    var isToken: Bool {
        let bits: UInt64 = self < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return self < 128 && (bits >> UInt64(self & 63)) & 1 == 1
    }
}
