/// Where the parts of one Via value lie (RFC 3261 §20.42).
struct ViaShape {
    /// From the protocol's name to the last parameter.
    var whole = ByteRange.none
    var isVersion2 = true
    var transport = ByteRange.none
    var host = ByteRange.none
    var port: UInt16?
    /// From the first `;` on.
    var parameters = ByteRange.none
    var branch: ByteRange?
    var received: ByteRange?
    /// Asked for with `rport` alone (RFC 3581 §3), or filled in with a value.
    var hasRport = false
    var rport: UInt16?

    init() {}

    /// Reads one value, and leaves the cursor at the end or at the comma behind it.
    init(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        cursor.skipSpace(bytes)
        let start = cursor.position
        try readProtocol(&cursor, bytes)
        guard let host = cursor.host(bytes) else { throw SIPParseError(.via, at: cursor.position) }
        self.host = ByteRange(host)
        guard let port = cursor.port(bytes, spaced: true) else { throw SIPParseError(.via, at: cursor.position) }
        self.port = port
        let end = cursor.position
        while let parameter = try cursor.parameter(bytes) { try note(parameter, bytes) }
        parameters = ByteRange(end..<cursor.position)
        whole = ByteRange(bytes.trimmed(start..<cursor.position))
    }

    /// `SIP/2.0/UDP` and white space, which there may be around each slash, too (RFC 4475 §3.1.1.1).
    private mutating func readProtocol(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(SIPParseError) {
        let name = cursor.run(of: .token, bytes)
        guard bytes.equals(name, ignoringCase: "sip"), cursor.takeSeparator(.slash, bytes) else {
            throw SIPParseError(.via, at: name.lowerBound)
        }
        let version = cursor.run(of: .token, bytes)
        isVersion2 = bytes.equals(version, ignoringCase: "2.0")
        guard !version.isEmpty, cursor.takeSeparator(.slash, bytes) else { throw SIPParseError(.via, at: cursor.position) }
        transport = ByteRange(cursor.run(of: .token, bytes))
        guard !transport.isEmpty, let space = cursor.peek(bytes), space.isLinearSpace else {
            throw SIPParseError(.via, at: cursor.position)
        }
        cursor.skipSpace(bytes)
    }

    private mutating func note(_ parameter: ParameterShape, _ bytes: Span<UInt8>) throws(SIPParseError) {
        switch parameter.name.count {
        case 6 where bytes.equals(parameter.name, ignoringCase: "branch"):
            guard branch == nil, let value = parameter.value, bytes[value.lowerBound] != .quote else {
                throw SIPParseError(.via, at: parameter.name.lowerBound)
            }
            branch = ByteRange(value)
        case 8 where bytes.equals(parameter.name, ignoringCase: "received"):
            received = parameter.value.map { ByteRange($0) }
        case 5 where bytes.equals(parameter.name, ignoringCase: "rport"):
            hasRport = true
            guard let value = parameter.value else { return }
            guard let number = bytes.number(value, upTo: 65535) else { throw SIPParseError(.via, at: value.lowerBound) }
            rport = UInt16(number)
        default: break
        }
    }
}
