import NetworkTypes

/// A codec that we offer or accept.
package struct SDPCodec: Hashable, Sendable {
    /// As `a=rtpmap` has it; compared without regard to case.
    package var name: String
    package var clockRate: UInt32
    package var channels: Int
    /// In our offers; an answer takes the peer's number.
    package var payloadType: UInt8

    package init(_ name: String, clockRate: UInt32 = 8000, channels: Int = 1, payloadType: UInt8) {
        self.name = name
        self.clockRate = clockRate
        self.channels = channels
        self.payloadType = payloadType
    }

    package static let pcma = SDPCodec("PCMA", payloadType: 8)
    package static let pcmu = SDPCodec("PCMU", payloadType: 0)

    func fits(_ mapping: SDP.Mapping) -> Bool {
        mapping.clockRate == clockRate && mapping.channels == channels && mapping.name == name.lowercased()
    }
}

/// What we can do in one session, and where.
package struct SDPLocal: Sendable {
    /// Where we receive, as the peer sees it.
    package var address: IPAddress
    package var port: UInt16
    /// In our order of liking. PCMA first: MultiFon drops calls whose offer begins with Opus (providers/multifon.md).
    package var codecs: [SDPCodec] = [.pcma, .pcmu]
    /// The payload type of telephone events in our offers; nil for none.
    package var eventType: UInt8? = 101
    /// What we would like; narrowed by what the peer allows.
    package var direction = SDPDirection.sendrecv
    /// `o=`: names the session, and each of its descriptions.
    package var sessionID: UInt64
    package var version: UInt64 = 0

    package init(address: IPAddress, port: UInt16, sessionID: UInt64) {
        self.address = address
        self.port = port
        self.sessionID = sessionID & 0x7FFF_FFFF_FFFF_FFFF
    }
}

/// What two sides agreed on, seen from us.
package struct SDPAgreement: Sendable, Equatable {
    /// Where the peer receives; nil for a hold by an address of zeros, and for a name.
    package var remote: SocketAddress?
    package var remoteRTCP: SocketAddress?
    package var codec: SDPCodec
    /// In what we receive, and in what we send.
    package var payloadTypeIn: UInt8
    package var payloadTypeOut: UInt8
    package var eventTypeIn: UInt8?
    package var eventTypeOut: UInt8?
    /// Ours.
    package var direction: SDPDirection
    /// The peer does not want to hear us: it has us on hold.
    package var isHeldByPeer: Bool
    package var packetMilliseconds: Int
}

/// Offer and answer (RFC 3264) as pure functions. What is written is ours to the last byte: nothing of a peer's description is passed on.
package enum SDPNegotiation {
    /// Our offer.
    package static func offer(_ local: SDPLocal) -> [UInt8] {
        var writer = SDPWriter(local)
        writer.audio(local, local.codecs.map { ($0, $0.payloadType) }, eventType: local.eventType, direction: local.direction)
        return writer.bytes
    }

    /// Our answer to a peer's offer: the first section with sound that we can take, all others refused.
    /// - Throws: `.noAudio`, `.noCommonCodec`: 488.
    package static func answer(_ offer: SDP, _ local: SDPLocal) throws(SDPError) -> (text: [UInt8], agreement: SDPAgreement) {
        guard let place = offer.sections.firstIndex(where: isUsable) else { throw SDPError(.noAudio) }
        let section = offer.sections[place]
        guard let (codec, type) = common(section, local.codecs) else { throw SDPError(.noCommonCodec) }
        let eventType = local.eventType == nil ? nil : eventType(in: section, rate: codec.clockRate)
        let connection = offer.connection(of: section)
        let isHeld = isHeld(offer, section)
        let theirs = connection?.isNowhere == true ? SDPDirection(sends: true, receives: false) : offer.direction(of: section)
        let direction = SDPDirection(sends: local.direction.sends && theirs.receives, receives: local.direction.receives && theirs.sends)
        var writer = SDPWriter(local)
        for index in offer.sections.indices {
            if index == place {
                writer.audio(local, [(codec, type)], eventType: eventType, direction: direction)
            } else {
                writer.refuse(offer.sections[index])
            }
        }
        let agreement = SDPAgreement(
            remote: address(section, connection), remoteRTCP: rtcpAddress(section, connection), codec: codec, payloadTypeIn: type,
            payloadTypeOut: type, eventTypeIn: eventType, eventTypeOut: eventType, direction: direction, isHeldByPeer: isHeld,
            packetMilliseconds: packetTime(section))
        return (writer.bytes, agreement)
    }

    /// What a peer's answer to our offer comes to.
    /// - Throws: `.refused` where it takes no sound, `.noCommonCodec` where it answers with what was not offered.
    package static func accept(_ answer: SDP, _ local: SDPLocal) throws(SDPError) -> SDPAgreement {
        guard let section = answer.sections.first, section.kind == "audio" else { throw SDPError(.mismatch) }
        guard section.port != 0 else { throw SDPError(.refused) }
        guard isUsable(section) else { throw SDPError(.mismatch) }
        guard let (codec, type) = firstCommon(section, local.codecs) else { throw SDPError(.noCommonCodec) }
        let connection = answer.connection(of: section)
        let theirs = answer.direction(of: section)
        let eventOut = local.eventType == nil ? nil : eventType(in: section, rate: codec.clockRate)
        return SDPAgreement(
            remote: address(section, connection), remoteRTCP: rtcpAddress(section, connection), codec: codec,
            payloadTypeIn: codec.payloadType, payloadTypeOut: type, eventTypeIn: eventOut == nil ? nil : local.eventType,
            eventTypeOut: eventOut,
            direction: SDPDirection(sends: local.direction.sends && theirs.receives, receives: local.direction.receives && theirs.sends),
            isHeldByPeer: isHeld(answer, section), packetMilliseconds: packetTime(section))
    }

    // MARK: Reading

    /// Sound over plain RTP. SRTP is refused until it is spoken.
    private static func isUsable(_ section: SDP.Section) -> Bool {
        section.kind == "audio" && section.port != 0 && (section.transport == "RTP/AVP" || section.transport == "RTP/AVPF")
    }

    /// The codec that we like best of those offered.
    private static func common(_ section: SDP.Section, _ codecs: [SDPCodec]) -> (SDPCodec, UInt8)? {
        let offered = section.payloadTypes.compactMap { type in section.mapping(of: type) }
        for codec in codecs {
            if let mapping = offered.first(where: codec.fits) { return (codec, mapping.payloadType) }
        }
        return nil
    }

    /// The codec that an answer names first.
    private static func firstCommon(_ section: SDP.Section, _ codecs: [SDPCodec]) -> (SDPCodec, UInt8)? {
        for type in section.payloadTypes {
            if let mapping = section.mapping(of: type), let codec = codecs.first(where: { $0.fits(mapping) }) { return (codec, type) }
        }
        return nil
    }

    /// Of telephone events with the codec's clock (RFC 4733 §2.4.1).
    private static func eventType(in section: SDP.Section, rate: UInt32) -> UInt8? {
        let events = section.payloadTypes.compactMap { section.mapping(of: $0) }.filter { $0.name == "telephone-event" }
        return (events.first { $0.clockRate == rate } ?? events.first { $0.clockRate == 8000 })?.payloadType
    }

    private static func isHeld(_ description: SDP, _ section: SDP.Section) -> Bool {
        description.connection(of: section)?.isNowhere == true || !description.direction(of: section).receives
    }

    private static func address(_ section: SDP.Section, _ connection: SDP.Connection?) -> SocketAddress? {
        guard let connection, let ip = connection.address, !connection.isNowhere else { return nil }
        return SocketAddress(ip, port: section.port)
    }

    private static func rtcpAddress(_ section: SDP.Section, _ connection: SDP.Connection?) -> SocketAddress? {
        guard let remote = address(section, connection) else { return nil }
        if let port = section.rtcpPort { return SocketAddress(section.rtcpAddress ?? remote.ip, port: port) }
        return remote.port < 65_535 ? SocketAddress(remote.ip, port: remote.port + 1) : nil
    }

    private static func packetTime(_ section: SDP.Section) -> Int { min(max(section.packetMilliseconds ?? 20, 10), 120) }
}
