import NetworkTypes

/// Telephone events as one description numbers them (RFC 4733).
struct SDPEvents {
    let type: UInt8
    let clockRate: UInt32
}

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

    mutating func audio(
        _ local: SDPLocal, transport: String = "RTP/AVP", _ codecs: [(SDPCodec, type: UInt8)], events: SDPEvents?,
        direction: SDPDirection
    ) {
        let types = codecs.map(\.type) + (events.map { [$0.type] } ?? [])
        line("m=audio \(local.port) \(transport) \(types.map { String($0) }.joined(separator: " "))")
        for (codec, type) in codecs {
            line("a=rtpmap:\(type) \(codec.name)/\(codec.clockRate)\(codec.channels > 1 ? "/\(codec.channels)" : "")")
        }
        if let events {
            line("a=rtpmap:\(events.type) telephone-event/\(events.clockRate)")
            line("a=fmtp:\(events.type) 0-15")
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
