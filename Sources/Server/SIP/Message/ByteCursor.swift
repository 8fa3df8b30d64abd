/// A place in a value, moved forward by the rules of the grammar (RFC 3261 §25.1).
///
/// It only ever moves forward, so reading a value takes time linear in its length; there is no recursion.
struct ByteCursor {
    private(set) var position: Int
    let end: Int

    init(_ range: Range<Int>) {
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position >= end }

    @inline(__always)
    func peek(_ bytes: Span<UInt8>) -> UInt8? { position < end ? bytes[position] : nil }

    @inline(__always)
    mutating func skipSpace(_ bytes: Span<UInt8>) {
        while position < end, bytes[position].isLinearSpace { position += 1 }
    }

    /// Moves forward to a place found by other means.
    mutating func move(to place: Int) { position = min(max(position, place), end) }

    /// Takes `byte` if it is the next one.
    @inline(__always)
    mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard position < end, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Takes a separator with the white space around it: SLASH, EQUAL, COLON, SEMI, COMMA.
    mutating func takeSeparator(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        guard take(byte, bytes) else { return false }
        skipSpace(bytes)
        return true
    }

    /// As many bytes of the set as there are.
    @inline(__always)
    mutating func run(of set: ByteSet, _ bytes: Span<UInt8>) -> Range<Int> {
        run(bytes) { !set.contains($0) }
    }

    /// Up to the first byte for which `isEnd` holds.
    @inline(__always)
    mutating func run(_ bytes: Span<UInt8>, until isEnd: (UInt8) -> Bool) -> Range<Int> {
        let start = position
        // The check of bounds, once for the run.
        precondition(start >= 0 && start <= end && end <= bytes.count, "a cursor stays within the bytes")
        var place = start
        while place < end, !isEnd(bytes[unchecked: place]) { place &+= 1 }
        position = place
        return start..<place
    }

    /// A quoted string with its quotes. A backslash takes any byte but CR and LF, also NUL (RFC 4475 §3.1.1.2).
    mutating func quotedString(_ bytes: Span<UInt8>) throws(SIPParseError) -> Range<Int> {
        let start = position
        guard take(.quote, bytes) else { throw SIPParseError(.quotedString, at: position) }
        while position < end {
            let byte = bytes[position]
            position += 1
            switch byte {
            case .quote: return start..<position
            case .backslash:
                guard position < end, bytes[position] != .carriageReturn, bytes[position] != .lineFeed else {
                    throw SIPParseError(.quotedString, at: position)
                }
                position += 1
            default:
                guard byte >= .space && byte != .delete || byte.isLinearSpace else {
                    throw SIPParseError(.controlByte, at: position - 1)
                }
            }
        }
        throw SIPParseError(.quotedString, at: start)
    }

    /// Host name, IPv4 address, or IPv6 address in brackets; its form is checked as far as it divides the text.
    mutating func host(_ bytes: Span<UInt8>) -> Range<Int>? {
        let start = position
        if take(.leftBracket, bytes) {
            let address = run(bytes) { $0.hexValue == nil && $0 != .colon && $0 != .dot }
            return !address.isEmpty && take(.rightBracket, bytes) ? start..<position : nil
        }
        let name = run(of: .host, bytes)
        return name.isEmpty ? nil : name
    }

    /// `:` and a port, if a colon is next. nil where what follows is no port.
    mutating func port(_ bytes: Span<UInt8>, spaced: Bool) -> UInt16?? {
        let hasColon = spaced ? takeSeparator(.colon, bytes) : take(.colon, bytes)
        guard hasColon else { return .some(nil) }
        let digits = run(bytes) { !$0.isDigit }
        guard let number = bytes.number(digits, upTo: 65535) else { return nil }
        return .some(UInt16(number))
    }
}

/// Where one parameter lies.
struct ParameterShape {
    let name: Range<Int>
    /// Of a quoted string with its quotes; nil where there is no `=`.
    let value: Range<Int>?
}

extension ByteCursor {
    /// The next `;name=value`; nil at the end, or at a comma.
    ///
    /// A value that is no quoted string may hold more than the grammar says (addresses without brackets, `/`, `=`), never a
    /// separator of the level above.
    mutating func parameter(_ bytes: Span<UInt8>) throws(SIPParseError) -> ParameterShape? {
        skipSpace(bytes)
        guard !isAtEnd, bytes[position] != .comma else { return nil }
        guard takeSeparator(.semicolon, bytes) else { throw SIPParseError(.parameter, at: position) }
        return try nameAndValue(bytes)
    }

    /// `name`, `name=value` or `name="value"`.
    mutating func nameAndValue(_ bytes: Span<UInt8>) throws(SIPParseError) -> ParameterShape {
        let name = run(of: .token, bytes)
        guard !name.isEmpty else { throw SIPParseError(.parameter, at: position) }
        skipSpace(bytes)
        guard take(.equals, bytes) else { return ParameterShape(name: name, value: nil) }
        skipSpace(bytes)
        if peek(bytes) == .quote { return ParameterShape(name: name, value: try quotedString(bytes)) }
        let value = run(bytes) { $0 < 128 && !ByteSet.parameterValue.contains($0) }
        guard !value.isEmpty else { throw SIPParseError(.parameter, at: position) }
        return ParameterShape(name: name, value: value)
    }
}
