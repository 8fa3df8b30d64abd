/// Where the parts of a URI lie.
struct URIShape {
    var scheme = SIPURI.Scheme.other
    var whole = ByteRange.none
    var schemeName = ByteRange.none
    /// Of a `tel` URI the number.
    var user: ByteRange?
    var password: ByteRange?
    /// An IPv6 address with its brackets; empty in a URI of another scheme.
    var host = ByteRange.none
    var port: UInt16?
    /// From the first `;` on.
    var parameters = ByteRange.none
    /// Behind the `?`.
    var headers = ByteRange.none

    init() {}

    /// Reads a URI that takes up the whole range (RFC 3261 §19.1.1 and §25.1, RFC 3966 §3).
    init(_ bytes: Span<UInt8>, _ range: Range<Int>, limit: Int) throws(SIPParseError) {
        whole = ByteRange(range)
        var cursor = ByteCursor(range)
        try readScheme(&cursor, bytes)
        switch scheme {
        case .sip, .sips:
            try readUserInfo(&cursor, bytes)
            try readHostPort(&cursor, bytes)
            try readParameters(&cursor, bytes, limit: limit)
            try readHeaders(&cursor, bytes)
        case .tel:
            try readNumber(&cursor, bytes)
            try readParameters(&cursor, bytes, limit: limit)
        case .other:
            guard !cursor.isAtEnd else { throw SIPParseError(.uri, at: cursor.position) }
            _ = try Self.escaped(.anyURI, &cursor, bytes)
        }
        guard cursor.isAtEnd else { throw SIPParseError(.uri, at: cursor.position) }
    }

    private mutating func readScheme(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        let name = cursor.run(bytes) { !($0.isLetter || $0.isDigit || $0 == .plus || $0 == .hyphen || $0 == .dot) }
        guard !name.isEmpty, bytes[name.lowerBound].isLetter, cursor.take(.colon, bytes) else {
            throw SIPParseError(.uri, at: cursor.position)
        }
        schemeName = ByteRange(name)
        if bytes.equals(name, ignoringCase: "sip") { scheme = .sip }
        if bytes.equals(name, ignoringCase: "sips") { scheme = .sips }
        if bytes.equals(name, ignoringCase: "tel") { scheme = .tel }
    }

    /// An `@` stands for itself nowhere else in a SIP URI, so the first one ends the user part, whatever that holds.
    private mutating func readUserInfo(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        guard EightBytes.first(.at, bytes, in: cursor.position..<cursor.end) != nil else { return }
        let user = try Self.escaped(.user, &cursor, bytes)
        guard !user.isEmpty else { throw SIPParseError(.uri, at: cursor.position) }
        self.user = ByteRange(user)
        if cursor.take(.colon, bytes) { password = ByteRange(try Self.escaped(.password, &cursor, bytes)) }
        guard cursor.take(.at, bytes) else { throw SIPParseError(.uri, at: cursor.position) }
    }

    private mutating func readHostPort(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        guard let host = cursor.host(bytes), let port = cursor.port(bytes, spaced: false) else {
            throw SIPParseError(.uri, at: cursor.position)
        }
        self.host = ByteRange(host)
        self.port = port
    }

    private mutating func readNumber(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        let start = cursor.position
        _ = cursor.take(.plus, bytes)
        guard !cursor.run(of: .telephone, bytes).isEmpty else { throw SIPParseError(.uri, at: start) }
        user = ByteRange(start..<cursor.position)
    }

    private mutating func readParameters(
        _ cursor: inout ByteCursor, _ bytes: Span<UInt8>, limit: Int
    ) throws(SIPParseError) {
        let start = cursor.position
        var count = 0
        while cursor.take(.semicolon, bytes) {
            count += 1
            guard count <= limit else { throw SIPParseError(.tooManyParameters, at: cursor.position) }
            guard !(try Self.escaped(.uriParameter, &cursor, bytes)).isEmpty else {
                throw SIPParseError(.uri, at: cursor.position)
            }
            guard cursor.take(.equals, bytes) else { continue }
            guard !(try Self.escaped(.uriParameter, &cursor, bytes)).isEmpty else {
                throw SIPParseError(.uri, at: cursor.position)
            }
        }
        parameters = ByteRange(start..<cursor.position)
    }

    private mutating func readHeaders(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        guard cursor.take(.question, bytes) else { return }
        let start = cursor.position
        repeat {
            guard !(try Self.escaped(.uriHeader, &cursor, bytes)).isEmpty, cursor.take(.equals, bytes) else {
                throw SIPParseError(.uri, at: cursor.position)
            }
            _ = try Self.escaped(.uriHeader, &cursor, bytes)
        } while cursor.take(.ampersand, bytes)
        headers = ByteRange(start..<cursor.position)
    }

    /// As many bytes of the set as there are, and escapes, which must be whole.
    private static func escaped(
        _ set: ByteSet, _ cursor: inout ByteCursor, _ bytes: Span<UInt8>
    ) throws(SIPParseError) -> Range<Int> {
        let start = cursor.position
        while true {
            _ = cursor.run(of: set, bytes)
            guard cursor.take(.percent, bytes) else { return start..<cursor.position }
            for _ in 0..<2 {
                guard let byte = cursor.peek(bytes), byte.hexValue != nil, cursor.take(byte, bytes) else {
                    throw SIPParseError(.uri, at: cursor.position)
                }
            }
        }
    }
}
