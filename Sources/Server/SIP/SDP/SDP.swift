import NetworkTypes

/// How much a session description may hold; one more is refused, never grown for (sip.md "Limits").
package struct SDPLimits: Sendable {
    package var byteCount = 16 << 10
    package var sections = 8
    /// Of one section.
    package var formats = 64
    package var attributes = 256

    package init() {}
}

/// Why a session description is not understood, or nothing can be agreed on.
package struct SDPError: Error, Sendable, Equatable {
    package enum Code: String, Sendable {
        case tooLong = "too_long"
        case tooManySections = "too_many_sections"
        case tooManyFormats = "too_many_formats"
        case tooManyAttributes = "too_many_attributes"
        case line, version, origin, address, media, port
        /// There is no sound in it that we speak the transport of.
        case noAudio = "no_audio"
        case noCommonCodec = "no_common_codec"
        /// The peer refused our offer's sound.
        case refused
        /// The answer is none to the offer.
        case mismatch
    }

    package let code: Code
    /// From the first byte of the description.
    package let offset: Int

    package init(_ code: Code, at offset: Int = 0) {
        self.code = code
        self.offset = offset
    }
}

/// Who may send, as the one says who wrote the description (RFC 8866 §6.7).
package enum SDPDirection: String, Sendable, CaseIterable {
    case sendrecv, sendonly, recvonly, inactive

    init(sends: Bool, receives: Bool) {
        self = sends ? (receives ? .sendrecv : .sendonly) : receives ? .recvonly : .inactive
    }

    package var sends: Bool { self == .sendrecv || self == .sendonly }
    package var receives: Bool { self == .sendrecv || self == .recvonly }
}

/// A session description (RFC 8866), as far as calls need it.
package struct SDP: Sendable {
    /// Where one of its lines says that packets are to go; nil for a name, which nobody here resolves.
    package struct Connection: Sendable, Equatable {
        package var address: IPAddress?
        /// `0.0.0.0` or `::`: a hold as RFC 2543 knew it.
        package var isNowhere: Bool { address == IPAddress(v4: 0) || address == IPAddress(high: 0, low: 0) }
    }

    /// `a=rtpmap`.
    package struct Mapping: Sendable, Equatable {
        package var payloadType: UInt8
        /// In lower case.
        package var name: String
        package var clockRate: UInt32
        package var channels: Int
    }

    /// One `m=` and what belongs to it.
    package struct Section: Sendable {
        /// `audio`, `video`, `image`, …: a token.
        package var kind: String
        package var port: UInt16
        /// `RTP/AVP`, `RTP/SAVPF`, `udptl`, …: as written, since an answer repeats it.
        package var transport: String
        /// As written, in the peer's order.
        package var formats: [String] = []
        package var mappings: [Mapping] = []
        package var connection: Connection?
        package var direction: SDPDirection?
        package var packetMilliseconds: Int?
        /// `a=rtcp` (RFC 3605).
        package var rtcpPort: UInt16?
        package var rtcpAddress: IPAddress?
        package var multiplexesRTCP = false

        package var payloadTypes: [UInt8] { formats.compactMap { UInt8($0) }.filter { $0 < 128 } }

        /// What a payload type stands for, by its mapping or by RFC 3551 table 4.
        package func mapping(of type: UInt8) -> Mapping? {
            if let mapping = mappings.first(where: { $0.payloadType == type }) { return mapping }
            switch type {
            case 0: return Mapping(payloadType: 0, name: "pcmu", clockRate: 8000, channels: 1)
            case 3: return Mapping(payloadType: 3, name: "gsm", clockRate: 8000, channels: 1)
            case 8: return Mapping(payloadType: 8, name: "pcma", clockRate: 8000, channels: 1)
            case 9: return Mapping(payloadType: 9, name: "g722", clockRate: 8000, channels: 1)
            case 18: return Mapping(payloadType: 18, name: "g729", clockRate: 8000, channels: 1)
            default: return nil
            }
        }
    }

    package var connection: Connection?
    package var direction: SDPDirection?
    package var sections: [Section] = []

    package func connection(of section: Section) -> Connection? { section.connection ?? connection }
    package func direction(of section: Section) -> SDPDirection { section.direction ?? direction ?? .sendrecv }
}
