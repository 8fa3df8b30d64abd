/// A challenge or credentials (RFC 3261 §20.7, §20.44): a scheme, and parameters that commas part.
///
/// A header of that family holds one of these, whatever its commas (§7.3.1).
package struct SIPCredentials: Sendable {
    /// `Digest`, in whatever case it was sent.
    package let scheme: ArraySlice<UInt8>
    package let parameters: SIPParameters

    package var isDigest: Bool { scheme.equals(ignoringCase: "digest") }

    /// - Throws: `.credentials`; of another scheme than Digest what follows it is not looked at, and there are no parameters.
    init(bytes: [UInt8], range: Range<Int>) throws(SIPParseError) {
        var cursor = ByteCursor(range)
        let name = cursor.run(of: .token, bytes.span)
        guard !name.isEmpty else { throw SIPParseError(.credentials, at: range.lowerBound) }
        scheme = bytes[name]
        cursor.skipSpace(bytes.span)
        guard scheme.equals(ignoringCase: "digest") else {
            parameters = SIPParameters(bytes: bytes, range: range.upperBound..<range.upperBound, areParted: true)
            return
        }
        parameters = SIPParameters(bytes: bytes, range: cursor.position..<range.upperBound, areParted: true)
        repeat { _ = try cursor.nameAndValue(bytes.span) } while cursor.takeSeparator(.comma, bytes.span)
        guard cursor.isAtEnd else { throw SIPParseError(.credentials, at: cursor.position) }
    }
}
