/// Where the parts of a `name-addr` or `addr-spec` lie (RFC 3261 §20.10): From, To, Contact, Route, Refer-To.
struct AddressShape {
    /// Quoted string with its quotes, or words; nil where there is none.
    var displayName: ByteRange?
    /// The URI, without angle brackets.
    var uri = ByteRange.none
    /// From the first `;` behind the address.
    var parameters = ByteRange.none
    /// The value of the `tag` parameter.
    var tag: ByteRange?

    /// Reads one address with its parameters, and leaves the cursor at the end or at the comma behind it.
    init(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        cursor.skipSpace(bytes)
        if cursor.peek(bytes) == .quote {
            displayName = ByteRange(try cursor.quotedString(bytes))
            cursor.skipSpace(bytes)
            guard cursor.peek(bytes) == .less else { throw SIPParseError(.address, at: cursor.position) }
            uri = try Self.bracketed(&cursor, bytes)
        } else {
            try readUnquoted(&cursor, bytes)
        }
        try readParameters(&cursor, bytes)
    }

    /// Words and `<`, or a URI by itself: then `;` and `?` do not belong to it, and a comma ends it.
    private mutating func readUnquoted(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        let words = bytes.trimmed(
            cursor.run(bytes) { $0 == .less || $0 == .semicolon || $0 == .comma || $0 == .question || $0 == .quote })
        if cursor.peek(bytes) == .less {
            for index in words where !(bytes[index].isToken || bytes[index].isLinearSpace) {
                throw SIPParseError(.address, at: index)
            }
            if !words.isEmpty { displayName = ByteRange(words) }
            uri = try Self.bracketed(&cursor, bytes)
        } else {
            guard cursor.peek(bytes) != .question, cursor.peek(bytes) != .quote else {
                throw SIPParseError(.address, at: cursor.position)
            }
            uri = ByteRange(try Self.outlined(words, bytes))
        }
    }

    private static func bracketed(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) -> ByteRange {
        let start = cursor.position
        guard cursor.take(.less, bytes) else { throw SIPParseError(.address, at: start) }
        guard let end = EightBytes.first(.greater, bytes, in: cursor.position..<cursor.end) else {
            throw SIPParseError(.address, at: start)
        }
        let inside = cursor.position..<end
        cursor.move(to: end + 1)
        return ByteRange(try outlined(inside, bytes))
    }

    /// A URI in outline: a scheme, a colon, and something behind it. Its view reads the rest, and refuses a space in it
    /// (RFC 4475 §3.1.2.14).
    private static func outlined(_ uri: Range<Int>, _ bytes: Span<UInt8>) throws(SIPParseError) -> Range<Int> {
        var cursor = ByteCursor(uri)
        let scheme = cursor.run(bytes) { $0 == .colon }
        guard !scheme.isEmpty, bytes[scheme.lowerBound].isLetter, cursor.take(.colon, bytes), !cursor.isAtEnd else {
            throw SIPParseError(.address, at: uri.lowerBound)
        }
        return uri
    }

    private mutating func readParameters(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        let start = cursor.position
        while let parameter = try cursor.parameter(bytes) {
            guard bytes.equals(parameter.name, ignoringCase: "tag") else { continue }
            guard tag == nil, let value = parameter.value, bytes[value.lowerBound] != .quote else {
                throw SIPParseError(.parameter, at: parameter.name.lowerBound)
            }
            tag = ByteRange(value)
        }
        parameters = ByteRange(start..<cursor.position)
    }
}
