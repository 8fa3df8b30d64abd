/// A SIP, SIPS or tel URI, or any other one as opaque text: a view of the buffer it was read from (RFC 3261 §19.1, RFC 3966).
package struct SIPURI: Sendable {
    package enum Scheme: Sendable {
        case sip, sips, tel, other
    }

    let bytes: [UInt8]
    let shape: URIShape

    init(bytes: [UInt8], shape: URIShape) {
        self.bytes = bytes
        self.shape = shape
    }

    /// Reads one URI that takes up the whole text.
    /// - Throws: `.uri`, `.tooManyParameters`, `.lineTooLong`.
    package init(_ text: some Collection<UInt8>, limits: SIPLimits = .standard) throws(SIPParseError) {
        let bytes = Array(text)
        guard bytes.count <= limits.lineByteCount else { throw SIPParseError(.lineTooLong, at: 0) }
        let shape = try URIShape(bytes.span, 0..<bytes.count, limit: limits.uriParameterCount)
        self.init(bytes: bytes, shape: shape)
    }

    package init(_ text: String, limits: SIPLimits = .standard) throws(SIPParseError) {
        try self.init(Array(text.utf8), limits: limits)
    }

    package var scheme: Scheme { shape.scheme }
    /// As it was written, escapes and all.
    package var written: ArraySlice<UInt8> { bytes[shape.whole.range] }
    /// The user part, or the number of a tel URI, escapes undone: any byte may be in it, also NUL, CR and LF.
    package var user: [UInt8]? { shape.user.map { SIPEscapes.undone(bytes[$0.range]) } }
    package var password: [UInt8]? { shape.password.map { SIPEscapes.undone(bytes[$0.range]) } }
    /// A name or an address; an IPv6 address with its brackets. Empty in a tel URI and in one of another scheme.
    package var host: ArraySlice<UInt8> { bytes[shape.host.range] }
    package var port: UInt16? { shape.port }
    /// Behind the `?`, as written. Never applied by itself: a request built from a URI takes from it only what is on a list.
    package var writtenHeaders: ArraySlice<UInt8> { bytes[shape.headers.range] }

    /// The URI in a buffer of its own, to be kept longer than the message.
    package func detached() -> SIPURI {
        let copy = Array(written)
        guard let shape = try? URIShape(copy.span, 0..<copy.count, limit: .max) else { return self }
        return SIPURI(bytes: copy, shape: shape)
    }

    /// The URI without what is behind its `?`, in a buffer of its own.
    package func withoutHeaders() -> SIPURI {
        let end = shape.headers.isEmpty ? shape.whole.end : shape.headers.start - 1
        return (try? SIPURI(bytes[shape.whole.start..<end])) ?? detached()
    }

    /// Whether there is a parameter of that name, which is written in lower case: `lr`.
    package func hasParameter(_ name: StaticString) -> Bool { parameters.contains { $0.name.equals(ignoringCase: name) } }

    /// The value of a parameter with escapes undone; nil where there is none, or it has no value.
    package func parameter(_ name: StaticString) -> [UInt8]? {
        parameters.first { $0.name.equals(ignoringCase: name) }?.value
    }

    /// Names and values with escapes undone (`%6C%72` is `lr`, RFC 4475 §3.1.1.3), in order.
    package var parameters: [(name: [UInt8], value: [UInt8]?)] {
        pairs(shape.parameters, separator: .semicolon)
    }

    /// Headers of the URI with escapes undone, in order; their values may hold any byte.
    package var headers: [(name: [UInt8], value: [UInt8]?)] {
        pairs(shape.headers, separator: .ampersand)
    }

    private func pairs(_ range: ByteRange, separator: UInt8) -> [(name: [UInt8], value: [UInt8]?)] {
        bytes[range.range].split(separator: separator).map { part in
            let halves = part.split(separator: .equals, maxSplits: 1, omittingEmptySubsequences: false)
            return (SIPEscapes.undone(halves[0]), halves.count > 1 ? SIPEscapes.undone(halves[1]) : nil)
        }
    }
}
