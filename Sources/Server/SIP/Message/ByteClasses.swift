/// A set of ASCII characters, asked with one shift. The names are those of the grammar (RFC 3261 §25.1).
struct ByteSet: Sendable {
    private let low: UInt64
    private let high: UInt64

    private init(_ low: UInt64, _ high: UInt64) {
        self.low = low
        self.high = high
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        byte < 128 && ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }

    /// Letters, digits and ``-.!%*_+`'~``: methods, header names, parameter names, tags.
    static var token: ByteSet { ByteSet(0x03FF_6CA2_0000_0000, 0x47FF_FFFF_87FF_FFFE) }
    /// Letters, digits and `-_.!~*'()`.
    static var unreserved: ByteSet { ByteSet(0x03FF_6782_0000_0000, 0x47FF_FFFE_87FF_FFFE) }
    /// `unreserved` and `&=+$,;?/`; `#` besides, which telephones dial without escaping it.
    static var user: ByteSet { ByteSet(0xABFF_FFDA_0000_0000, 0x47FF_FFFE_87FF_FFFE) }
    /// `unreserved` and `&=+$,`.
    static var password: ByteSet { ByteSet(0x23FF_7FD2_0000_0000, 0x47FF_FFFE_87FF_FFFE) }
    /// `unreserved` and `[]/:&+$`: parameters of a URI.
    static var uriParameter: ByteSet { ByteSet(0x07FF_EFD2_0000_0000, 0x47FF_FFFE_AFFF_FFFE) }
    /// `unreserved` and `[]/?:+$`: headers of a URI.
    static var uriHeader: ByteSet { ByteSet(0x87FF_EF92_0000_0000, 0x47FF_FFFE_AFFF_FFFE) }
    /// Letters, digits, `-` and `.`; `_` besides, which names in private networks have.
    static var host: ByteSet { ByteSet(0x03FF_6000_0000_0000, 0x07FF_FFFE_87FF_FFFE) }
    /// Digits, also hexadecimal, `*#` and the visual separators `-.()` (RFC 3966 §3); `+` leads a global number.
    static var telephone: ByteSet { ByteSet(0x03FF_6F08_0000_0000, 0x0000_007E_0000_007E) }
    /// What a parameter's value without quotes may hold here: all but controls, spaces and `";,<>`; bytes beyond ASCII besides.
    static var parameterValue: ByteSet { ByteSet(0xA7FF_EFFA_0000_0000, 0x7FFF_FFFF_FFFF_FFFF) }
    /// What an address of another scheme may hold (RFC 3261 §25.1, `uric`).
    static var anyURI: ByteSet { ByteSet(0xAFFF_FFD2_0000_0000, 0x47FF_FFFE_87FF_FFFF) }
}

extension UInt8 {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let percent: UInt8 = 0x25
    static let ampersand: UInt8 = 0x26
    static let leftParenthesis: UInt8 = 0x28
    static let rightParenthesis: UInt8 = 0x29
    static let plus: UInt8 = 0x2B
    static let comma: UInt8 = 0x2C
    static let hyphen: UInt8 = 0x2D
    static let dot: UInt8 = 0x2E
    static let slash: UInt8 = 0x2F
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let less: UInt8 = 0x3C
    static let equals: UInt8 = 0x3D
    static let greater: UInt8 = 0x3E
    static let question: UInt8 = 0x3F
    static let at: UInt8 = 0x40
    static let leftBracket: UInt8 = 0x5B
    static let backslash: UInt8 = 0x5C
    static let rightBracket: UInt8 = 0x5D
    static let delete: UInt8 = 0x7F

    /// SP or HT.
    var isBlank: Bool { self == .space || self == .tab }
    /// SP, HT, or a byte of a fold: in a value that the parser has split off, CR LF is always followed by a blank.
    var isLinearSpace: Bool { self == .space || self == .tab || self == .carriageReturn || self == .lineFeed }
    var isDigit: Bool { (0x30...0x39).contains(self) }
    var isLetter: Bool { (0x61...0x7A).contains(self | 0x20) }
    var isToken: Bool { ByteSet.token.contains(self) }
    var asciiLowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }

    var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x37
        case 0x61...0x66: self - 0x57
        default: nil
        }
    }

    /// The upper-case digit of a value below 16.
    static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + (value & 15) }
}

/// Eight bytes at a time, in an integer; what `SIMD` masks do at many times the price (decision 060).
enum EightBytes {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    /// The bytes from `position`, the first one lowest; nil where there are fewer than eight.
    @inline(__always)
    static func load(_ bytes: Span<UInt8>, at position: Int) -> UInt64? {
        // This is the check of bounds, once for the eight: nothing below looks again.
        guard position >= 0, position <= bytes.count - 8 else { return nil }
        return UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self))
    }

    /// Where the first byte below 0x20 lies, or the end.
    @inline(__always)
    static func firstControl(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var position = start
        while let word = load(bytes, at: position) {
            let found = (word &- ones &* 0x20) & ~word & tops
            if found != 0 { return position &+ found.trailingZeroBitCount / 8 }
            position &+= 8
        }
        while position < bytes.count, bytes[position] >= .space { position += 1 }
        return position
    }

    /// Where the first `byte` lies in a range of the bytes; nil where there is none.
    @inline(__always)
    static func first(_ byte: UInt8, _ bytes: Span<UInt8>, in range: Range<Int>) -> Int? {
        var position = range.lowerBound
        while position < range.upperBound, let word = load(bytes, at: position) {
            let zeros = word ^ (ones &* UInt64(byte))
            let found = (zeros &- ones) & ~zeros & tops
            if found != 0 {
                position &+= found.trailingZeroBitCount / 8
                return position < range.upperBound ? position : nil
            }
            position &+= 8
        }
        while position < range.upperBound {
            if bytes[position] == byte { return position }
            position += 1
        }
        return nil
    }
}
