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
        writer.audio(local, local.codecs.map { ($0, $0.payloadType) }, events: offeredEvents(local), direction: local.direction)
        return writer.bytes
    }

    /// Our answer to a peer's offer: the first section with sound that we can take, all others refused.
    /// - Throws: `.noAudio`, `.noCommonCodec`, `.address`: 488.
    package static func answer(_ offer: SDP, _ local: SDPLocal) throws(SDPError) -> (text: [UInt8], agreement: SDPAgreement) {
        let (place, codec, type) = try choose(offer, local.codecs)
        let section = offer.sections[place]
        let connection = try connection(offer, section)
        let events = local.eventType == nil ? nil : events(in: section, rate: codec.clockRate)
        let direction = ours(local, offer, section)
        var writer = SDPWriter(local)
        for index in offer.sections.indices {
            if index == place {
                writer.audio(local, transport: section.transport, [(codec, type)], events: events, direction: direction)
            } else {
                writer.refuse(offer.sections[index])
            }
        }
        let agreement = SDPAgreement(
            remote: address(section, connection), remoteRTCP: rtcpAddress(section, connection), codec: codec, payloadTypeIn: type,
            payloadTypeOut: type, eventTypeIn: events?.type, eventTypeOut: events?.type, direction: direction,
            isHeldByPeer: !theirs(offer, section).receives, packetMilliseconds: packetTime(section))
        return (writer.bytes, agreement)
    }

    /// What a peer's answer to our offer comes to.
    /// - Throws: `.refused` where it takes no sound, `.noCommonCodec` where it answers with what was not offered.
    package static func accept(_ answer: SDP, _ local: SDPLocal) throws(SDPError) -> SDPAgreement {
        guard let section = answer.sections.first, section.kind == "audio" else { throw SDPError(.mismatch) }
        guard section.port != 0 else { throw SDPError(.refused) }
        guard isUsable(section) else { throw SDPError(.mismatch) }
        guard let (codec, type) = firstCommon(section, local.codecs) else { throw SDPError(.noCommonCodec) }
        let connection = try connection(answer, section)
        let events = local.eventType == nil ? nil : events(in: section, rate: codec.clockRate)
        return SDPAgreement(
            remote: address(section, connection), remoteRTCP: rtcpAddress(section, connection), codec: codec,
            payloadTypeIn: codec.payloadType, payloadTypeOut: type, eventTypeIn: events == nil ? nil : local.eventType,
            eventTypeOut: events?.type, direction: ours(local, answer, section), isHeldByPeer: !theirs(answer, section).receives,
            packetMilliseconds: packetTime(section))
    }

    // MARK: Choosing

    /// The first section that has a codec of ours.
    private static func choose(_ offer: SDP, _ codecs: [SDPCodec]) throws(SDPError) -> (place: Int, codec: SDPCodec, type: UInt8)
    {
        var code = SDPError.Code.noAudio
        for (place, section) in offer.sections.enumerated() where isUsable(section) {
            if let (codec, type) = common(section, codecs) { return (place, codec, type) }
            code = .noCommonCodec
        }
        throw SDPError(code)
    }

    /// One clock goes into an offer: that of speech, unless no codec of ours has it.
    private static func offeredEvents(_ local: SDPLocal) -> SDPEvents? {
        let rates = local.codecs.map(\.clockRate)
        return local.eventType.map { SDPEvents(type: $0, clockRate: rates.contains(8000) ? 8000 : rates.first ?? 8000) }
    }

    // MARK: Reading

    /// Sound over plain RTP. SRTP is refused until it is spoken.
    private static func isUsable(_ section: SDP.Section) -> Bool {
        section.kind == "audio" && section.port != 0 && ["RTP/AVP", "RTP/AVPF"].contains(section.transport.uppercased())
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
            if let mapping = section.mapping(of: type), let codec = codecs.first(where: { $0.fits(mapping) }) {
                return (codec, type)
            }
        }
        return nil
    }

    /// Telephone events, with the codec's clock where there are such (RFC 4733 §2.4.1).
    private static func events(in section: SDP.Section, rate: UInt32) -> SDPEvents? {
        let known = section.payloadTypes.compactMap { section.mapping(of: $0) }.filter { $0.name == "telephone-event" }
        let best = known.first { $0.clockRate == rate } ?? known.first { $0.clockRate == 8000 }
        return best.map { SDPEvents(type: $0.payloadType, clockRate: $0.clockRate) }
    }

    /// What the peer does. An address of zeros receives nothing, whatever the attribute says (RFC 3264 §8.4).
    private static func theirs(_ description: SDP, _ section: SDP.Section) -> SDPDirection {
        let said = description.direction(of: section)
        let isNowhere = description.connection(of: section)?.isNowhere == true
        return SDPDirection(sends: said.sends, receives: said.receives && !isNowhere)
    }

    private static func ours(_ local: SDPLocal, _ description: SDP, _ section: SDP.Section) -> SDPDirection {
        let theirs = theirs(description, section)
        return SDPDirection(sends: local.direction.sends && theirs.receives, receives: local.direction.receives && theirs.sends)
    }

    /// There is one, for the section or for all of them (RFC 8866 §5.7); without it a call would be silent.
    private static func connection(_ description: SDP, _ section: SDP.Section) throws(SDPError) -> SDP.Connection {
        guard let connection = description.connection(of: section) else { throw SDPError(.address) }
        return connection
    }

    private static func address(_ section: SDP.Section, _ connection: SDP.Connection) -> SocketAddress? {
        guard let ip = connection.address, !connection.isNowhere else { return nil }
        return SocketAddress(ip, port: section.port)
    }

    private static func rtcpAddress(_ section: SDP.Section, _ connection: SDP.Connection) -> SocketAddress? {
        guard let remote = address(section, connection) else { return nil }
        if let port = section.rtcpPort { return SocketAddress(section.rtcpAddress ?? remote.ip, port: port) }
        return remote.port < 65_535 ? SocketAddress(remote.ip, port: remote.port + 1) : nil
    }

    private static func packetTime(_ section: SDP.Section) -> Int { min(max(section.packetMilliseconds ?? 20, 10), 120) }
}
