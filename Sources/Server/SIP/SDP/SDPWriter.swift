import NetworkTypes

/// Writes a description of ours.
struct SDPWriter {
    private(set) var bytes: [UInt8] = []

    init(_ local: SDPLocal) {
        bytes.reserveCapacity(320)
        let family = local.address.isV4 ? "IP4" : "IP6"
        line("v=0")
        line("o=- \(local.sessionID) \(local.version) IN \(family) \(local.address)")
        line("s=-")
        line("c=IN \(family) \(local.address)")
        line("t=0 0")
    }

    mutating func audio(_ local: SDPLocal, _ codecs: [(SDPCodec, type: UInt8)], eventType: UInt8?, direction: SDPDirection) {
        let types = codecs.map(\.type) + (eventType.map { [$0] } ?? [])
        line("m=audio \(local.port) RTP/AVP \(types.map { String($0) }.joined(separator: " "))")
        for (codec, type) in codecs {
            line("a=rtpmap:\(type) \(codec.name)/\(codec.clockRate)\(codec.channels > 1 ? "/\(codec.channels)" : "")")
        }
        if let eventType {
            line("a=rtpmap:\(eventType) telephone-event/\(codecs.first?.0.clockRate ?? 8000)")
            line("a=fmtp:\(eventType) 0-15")
        }
        line("a=ptime:20")
        line("a=\(direction.rawValue)")
    }

    /// Port 0, in the section's place (RFC 3264 §6). Kind, transport and format were read as tokens.
    mutating func refuse(_ section: SDP.Section) {
        line("m=\(section.kind) 0 \(section.transport) \(section.formats.first ?? "0")")
    }

    private mutating func line(_ text: String) {
        bytes += text.utf8
        bytes += [.carriageReturn, .lineFeed]
    }
}
