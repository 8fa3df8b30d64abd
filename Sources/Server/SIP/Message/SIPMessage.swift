/// One header of a message: where its name and value lie, and which one it is.
struct SIPField: Sendable {
    let nameStart: UInt32
    let valueStart: UInt32
    let nameLength: UInt16
    let valueLength: UInt16
    /// nil for a header that is none of `SIPHeaderName`.
    let name: SIPHeaderName?

    var nameRange: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameLength) }
    var valueRange: Range<Int> { Int(valueStart)..<Int(valueStart) + Int(valueLength) }
}

/// What every message is asked for, read once while it is parsed.
struct SIPMessageCore: Sendable {
    var isRequest = false
    var isVersion2 = true
    var method = SIPMethod.other
    /// Of a request; of a response, the method in CSeq.
    var methodName = ByteRange.none
    var requestURI = ByteRange.none
    var requestURIShape = URIShape()
    var status: UInt16 = 0
    var reason = ByteRange.none
    var seen = SIPHeaderSet()
    var viaCount = 0
    var topVia = ViaShape()
    var fromTag: ByteRange?
    var toTag: ByteRange?
    var callID = ByteRange.none
    var cseqNumber: UInt32 = 0
    var cseqMethod = ByteRange.none
    var maxForwards: UInt8?
    var contentLength: Int?
    var body = ByteRange.none
}

/// A parsed SIP message: one buffer of its own, and offsets into it (RFC 3261 §7).
///
/// Start line, top Via, tags, Call-ID, CSeq, Max-Forwards and Content-Length are read already; anything else is a view that reads when
/// it is asked. Immutable, and handed around as one reference. Slices and views keep the whole buffer alive: what outlives the message
/// is copied (`SIPURI.detached`).
package final class SIPMessage: Sendable {
    package let bytes: [UInt8]
    let fields: [SIPField]
    let core: SIPMessageCore
    let limits: SIPLimits

    init(bytes: [UInt8], fields: [SIPField], core: SIPMessageCore, limits: SIPLimits) {
        self.bytes = bytes
        self.fields = fields
        self.core = core
        self.limits = limits
    }

    package var isRequest: Bool { core.isRequest }
    /// Of a response, the method of the request it answers.
    package var method: SIPMethod { core.method }
    /// The method as it is written, which tells apart the methods that are `.other`.
    package var methodName: ArraySlice<UInt8> { slice(core.methodName) }
    /// 100 to 699; 0 in a request.
    package var status: UInt16 { core.status }
    package var reasonPhrase: ArraySlice<UInt8> { slice(core.reason) }

    /// How many Via values there are.
    package var viaCount: Int { core.viaCount }
    package var topVia: SIPVia { SIPVia(bytes: bytes, shape: core.topVia) }
    package var fromTag: ArraySlice<UInt8>? { core.fromTag.map(slice) }
    package var toTag: ArraySlice<UInt8>? { core.toTag.map(slice) }
    package var callID: ArraySlice<UInt8> { slice(core.callID) }
    /// Below 2^31 (RFC 3261 §8.1.1.5).
    package var cseq: UInt32 { core.cseqNumber }
    package var maxForwards: UInt8? { core.maxForwards }
    /// What Content-Length says, or what the datagram holds.
    package var body: ArraySlice<UInt8> { slice(core.body) }

    /// What a request is well formed and still refused for: another version of SIP (505), or an address of a scheme that nobody
    /// here routes (416, RFC 3261 §8.2.2.1). Which methods, extensions and bodies are served is for others to say.
    package var objection: SIPParseError? {
        guard core.isRequest else { return nil }
        if !core.isVersion2 { return SIPParseError(.version, at: core.requestURI.end) }
        if core.requestURIShape.scheme == .other { return SIPParseError(.scheme, at: core.requestURI.start) }
        return nil
    }

    /// Of a request; of a response there is none.
    package var requestURI: SIPURI? { core.isRequest ? SIPURI(bytes: bytes, shape: core.requestURIShape) : nil }

    func slice(_ range: ByteRange) -> ArraySlice<UInt8> { bytes[range.range] }
}
