/// An address with a display name and parameters: From, To, Contact, Route, Record-Route, Refer-To (RFC 3261 §20.10).
package struct SIPNameAddress: Sendable {
    let bytes: [UInt8]
    let shape: AddressShape
    package let uri: SIPURI

    init(bytes: [UInt8], shape: AddressShape, limits: SIPLimits) throws(SIPParseError) {
        self.bytes = bytes
        self.shape = shape
        uri = SIPURI(bytes: bytes, shape: try URIShape(bytes.span, shape.uri.range, limit: limits.uriParameterCount))
    }

    /// Reads one address by itself.
    package init(_ text: String, limits: SIPLimits = .standard) throws(SIPParseError) {
        let bytes = Array(text.utf8)
        guard bytes.count <= limits.lineByteCount else { throw SIPParseError(.lineTooLong, at: 0) }
        var cursor = ByteCursor(0..<bytes.count)
        let shape = try AddressShape(&cursor, bytes.span)
        guard cursor.isAtEnd else { throw SIPParseError(.address, at: cursor.position) }
        try self.init(bytes: bytes, shape: shape, limits: limits)
    }

    /// Without quotes and backslashes; nil where there is none. May hold any byte but CR and LF, also NUL and malformed UTF-8.
    package var displayName: [UInt8]? { shape.displayName.map { QuotedText.undone(bytes[$0.range]) } }
    package var tag: ArraySlice<UInt8>? { shape.tag.map { bytes[$0.range] } }
    /// Those of the header, not of the URI: behind `>`, or all where there is none (RFC 4475 §3.3.12).
    package var parameters: SIPParameters { SIPParameters(bytes: bytes, range: shape.parameters.range) }
}
