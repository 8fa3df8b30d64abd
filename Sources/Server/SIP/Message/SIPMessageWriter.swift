/// Why something is not written.
package struct SIPWriteError: Error, Sendable, Equatable {
    package enum Code: String, Sendable {
        /// CR, LF or NUL, which would end a header or hide what follows.
        case injection
        /// No token where only a token may stand: a method, a header's name, a tag, a branch.
        case token
        /// No three-digit status.
        case status
    }

    package let code: Code
    /// The header it would have been; nil in the start line.
    package let name: String?

    package init(code: Code, name: String?) {
        self.code = code
        self.name = name
    }
}

/// Where a request came from, as the transport saw it.
package struct SIPArrival: Sendable {
    /// An IPv4 or IPv6 address, the latter without brackets.
    package let address: String
    package let port: UInt16

    package init(address: String, port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// Builds a message from typed parts (RFC 3261 §7, §8.2.6).
///
/// Foreign bytes come in only through `field`, `address` and `quoted`, each of which refuses what would begin another header: a line
/// break that a caller hides in an escaped user part is never one on the wire. Only an answer repeats headers as they were received.
package struct SIPMessageWriter: Sendable {
    private var bytes: [UInt8] = []

    private init() { bytes.reserveCapacity(1024) }

    // MARK: Begin

    /// A request; the caller adds every header. A URI that was parsed holds no line break, so it needs no look.
    package static func request(_ method: String, _ uri: SIPURI) throws(SIPWriteError) -> SIPMessageWriter {
        guard isToken(method.utf8) else { throw SIPWriteError(code: .token, name: nil) }
        var writer = SIPMessageWriter()
        writer.bytes += method.utf8
        writer.bytes.append(.space)
        writer.bytes += uri.written
        writer.line(" SIP/2.0")
        return writer
    }

    /// An answer with Via, From, To, Call-ID and CSeq of the request byte for byte, in its order of Via (RFC 3261 §8.2.6.2).
    ///
    /// Works for a request that was refused, too: what it lacks is left out.
    /// - Parameters:
    ///   - toTag: added to To where that has none and the answer is no 100.
    ///   - arrival: written into the top Via as `received`, where it differs from what that says, and `rport`, where that asks
    ///     (§18.2.1, RFC 3581 §4), in place of what the sender wrote there.
    package static func response(
        _ status: UInt16, _ reason: String, to request: SIPMessage, toTag: String?, arrival: SIPArrival? = nil
    ) throws(SIPWriteError) -> SIPMessageWriter {
        guard (100...699).contains(status) else { throw SIPWriteError(code: .status, name: nil) }
        guard isHarmless(reason.utf8) else { throw SIPWriteError(code: .injection, name: nil) }
        if let toTag, !isToken(toTag.utf8) { throw SIPWriteError(code: .token, name: "To") }
        var writer = SIPMessageWriter()
        writer.line("SIP/2.0 \(status) \(reason)")
        writer.repeatHead(of: request, toTag: status > 100 ? toTag.map { Array($0.utf8) } : nil, arrival)
        return writer
    }

    /// A whole answer of ours, with a tag, lines and a body that need no look.
    static func answer(
        _ status: UInt16, to request: SIPMessage, toTag: [UInt8], arrival: SIPArrival?, _ lines: SIPFieldLines,
        contentType: String?, body: [UInt8]
    ) -> [UInt8] {
        var writer = SIPMessageWriter()
        writer.line("SIP/2.0 \(status) \(SIPStatus.reason(status))")
        writer.repeatHead(of: request, toTag: status > 100 ? toTag : nil, arrival)
        // Proxies on the way stay there for the whole dialog (§12.1.1).
        if (101...299).contains(status) { writer.repeatLines(.recordRoute, of: request) }
        writer.bytes += lines.bytes
        if let contentType { writer.line("Content-Type: \(contentType)") }
        writer.line("Content-Length: \(body.count)")
        writer.endLine()
        writer.bytes += body
        return writer.bytes
    }

    /// The answer that a refusal deserves; nil for silence.
    package static func response(
        to refusal: SIPRefusal, toTag: String, arrival: SIPArrival?
    ) throws(SIPWriteError) -> SIPMessageWriter? {
        guard let request = refusal.request, case .status(let status, let reason) = refusal.answer else { return nil }
        return try response(status, reason.description, to: request, toTag: toTag, arrival: arrival)
    }

    // MARK: Headers

    /// A header of ours with any value.
    package mutating func field(_ name: SIPHeaderName, _ value: some Sequence<UInt8>) throws(SIPWriteError) {
        let value = Array(value)
        guard Self.isHarmless(value) else { throw SIPWriteError(code: .injection, name: name.spelling.description) }
        begin(name)
        bytes += value
        endLine()
    }

    package mutating func field(_ name: SIPHeaderName, _ value: String) throws(SIPWriteError) { try field(name, value.utf8) }

    /// A header by whatever name.
    package mutating func field(named name: String, _ value: some Sequence<UInt8>) throws(SIPWriteError) {
        let value = Array(value)
        guard Self.isToken(name.utf8) else { throw SIPWriteError(code: .token, name: nil) }
        guard Self.isHarmless(value) else { throw SIPWriteError(code: .injection, name: name) }
        bytes += "\(name): ".utf8
        bytes += value
        endLine()
    }

    /// Via of a request that we send (RFC 3261 §8.1.1.7, RFC 3581 §3).
    package mutating func via(
        _ transport: String, host: String, port: UInt16?, branch: String, asksForRport: Bool = true
    ) throws(SIPWriteError) {
        guard Self.isToken(transport.utf8), Self.isToken(branch.utf8) else { throw SIPWriteError(code: .token, name: "Via") }
        let sentBy = port.map { "\(host):\($0)" } ?? host
        try field(.via, "SIP/2.0/\(transport) \(sentBy);branch=\(branch)\(asksForRport ? ";rport" : "")")
    }

    /// `"name" <uri>;tag=…`, the display name quoted and escaped.
    package mutating func address(
        _ name: SIPHeaderName, displayName: (some Collection<UInt8>)?, _ uri: SIPURI, tag: String? = nil
    ) throws(SIPWriteError) {
        if let tag, !Self.isToken(tag.utf8) { throw SIPWriteError(code: .token, name: name.spelling.description) }
        var value: [UInt8] = []
        if let displayName { value += Self.quoted(displayName) + [.space] }
        value += [.less] + uri.written + [.greater]
        if let tag { value += ";tag=\(tag)".utf8 }
        try field(name, value)
    }

    package mutating func address(_ name: SIPHeaderName, _ uri: SIPURI, tag: String? = nil) throws(SIPWriteError) {
        try address(name, displayName: [UInt8]?.none, uri, tag: tag)
    }

    /// - Parameter number: below 2^31.
    package mutating func cseq(_ number: UInt32, _ method: String) throws(SIPWriteError) {
        guard Self.isToken(method.utf8) else { throw SIPWriteError(code: .token, name: "CSeq") }
        try field(.cseq, "\(number & 0x7FFF_FFFF) \(method)")
    }

    /// A quoted string; quotes and backslashes in it are escaped. What may not stand in a header still is refused by `field`.
    package static func quoted(_ text: some Collection<UInt8>) -> [UInt8] {
        var written: [UInt8] = [.quote]
        for byte in text {
            if byte == .quote || byte == .backslash { written.append(.backslash) }
            written.append(byte)
        }
        written.append(.quote)
        return written
    }

    // MARK: End

    /// Ends the message with Content-Length, and Content-Type where there is a body.
    package consuming func finish(
        contentType: String? = nil, body: some Collection<UInt8> = [UInt8]()
    ) throws(SIPWriteError) -> [UInt8] {
        if let contentType { try field(.contentType, contentType) }
        try field(.contentLength, String(body.count))
        endLine()
        bytes += body
        return bytes
    }

    // MARK: Parts

    private mutating func repeatHead(of request: SIPMessage, toTag: [UInt8]?, _ arrival: SIPArrival?) {
        repeatVias(of: request, arrival)
        for name in [SIPHeaderName.from, .to, .callID, .cseq] {
            guard let value = request.value(name) else { continue }
            begin(name)
            bytes += value
            if name == .to, request.toTag == nil, let toTag {
                bytes += ";tag=".utf8
                bytes += toTag
            }
            endLine()
        }
    }

    private mutating func repeatLines(_ name: SIPHeaderName, of request: SIPMessage) {
        for range in request.ranges(name) {
            begin(name)
            bytes += request.bytes[range]
            endLine()
        }
    }

    private mutating func repeatVias(of request: SIPMessage, _ arrival: SIPArrival?) {
        let via = request.topVia
        for (place, range) in request.ranges(.via).enumerated() {
            begin(.via)
            if place == 0, let arrival, !via.written.isEmpty, via.shape.whole.start == range.lowerBound {
                bytes += request.bytes[range.lowerBound..<via.shape.parameters.start]
                writeParameters(of: via, arrival)
                bytes += request.bytes[via.shape.whole.end..<range.upperBound]
            } else {
                bytes += request.bytes[range]
            }
            endLine()
        }
    }

    private mutating func writeParameters(of via: SIPVia, _ arrival: SIPArrival) {
        for parameter in via.parameters.all {
            if parameter.name.equals(ignoringCase: "rport") || parameter.name.equals(ignoringCase: "received") { continue }
            bytes.append(.semicolon)
            bytes += parameter.name
            if let value = parameter.writtenValue { bytes += [.equals] + value }
        }
        let isSame = via.host.elementsEqual(arrival.address.utf8)
        if !isSame || via.hasRport { bytes += ";received=\(arrival.address)".utf8 }
        if via.hasRport { bytes += ";rport=\(arrival.port)".utf8 }
    }

    private mutating func begin(_ name: SIPHeaderName) {
        let spelling = name.spelling
        bytes += UnsafeBufferPointer(start: spelling.utf8Start, count: spelling.utf8CodeUnitCount)
        bytes += [.colon, .space]
    }

    private mutating func line(_ text: String) {
        bytes += text.utf8
        endLine()
    }

    private mutating func endLine() { bytes += [.carriageReturn, .lineFeed] }

    private static func isToken(_ text: some Collection<UInt8>) -> Bool { !text.isEmpty && text.allSatisfy(\.isToken) }

    private static func isHarmless(_ text: some Sequence<UInt8>) -> Bool {
        text.allSatisfy { $0 != .carriageReturn && $0 != .lineFeed && $0 != 0 }
    }
}
