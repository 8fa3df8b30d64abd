import NetworkTypes

/// What two sides agreed on for one stream: what offer and answer came to, seen from us.
package struct MediaTerms: Equatable, Sendable {
    /// Where the other side's description says it receives RTP; nil while nothing is known, or for a hold by `0.0.0.0`.
    package var remote: SocketAddress?
    /// Where it receives RTCP; nil for the port behind `remote`.
    package var remoteRTCP: SocketAddress?
    /// Where its signalling comes from: media from that host is taken where none comes from `remote`.
    package var signallingSource: IPAddress?
    /// Whether a host between us changes its addresses (a private address in its description, or a Via with another one than the
    /// packet's): media from any host may then be the first.
    package var isBehindNAT: Bool
    /// Whether it may move on to another address while it talks, proven by its SSRC and sequence numbers.
    package var mayRoam: Bool
    package var codec: AudioCodec
    /// The codec's payload type in what we receive.
    package var payloadTypeIn: UInt8
    /// The codec's payload type in what we send.
    package var payloadTypeOut: UInt8
    /// The payload type of telephone events in what we receive; nil where none was agreed on.
    package var eventTypeIn: UInt8?
    package var eventTypeOut: UInt8?
    /// Whether we may send: not while the other side has us on hold.
    package var maySend: Bool
    /// Whether what comes is taken.
    package var mayReceive: Bool
    /// Whether keys are listened for in the sound itself. Only where no telephone events were agreed on.
    package var listensForKeys: Bool
    /// Whether a key of the other side of the bridge is heard as a tone where no telephone events were agreed on: not where it goes beside
    /// the sound.
    package var takesKeyTones: Bool

    package init(
        remote: SocketAddress?, codec: AudioCodec = .pcma, payloadTypeIn: UInt8 = 8, payloadTypeOut: UInt8? = nil,
        eventTypeIn: UInt8? = nil, eventTypeOut: UInt8? = nil, signallingSource: IPAddress? = nil, isBehindNAT: Bool = false,
        mayRoam: Bool = true, remoteRTCP: SocketAddress? = nil, maySend: Bool = true, mayReceive: Bool = true,
        listensForKeys: Bool = false, takesKeyTones: Bool = true
    ) {
        self.remote = remote
        self.remoteRTCP = remoteRTCP
        self.signallingSource = signallingSource
        self.isBehindNAT = isBehindNAT
        self.mayRoam = mayRoam
        self.codec = codec
        self.payloadTypeIn = payloadTypeIn & 0x7F
        self.payloadTypeOut = (payloadTypeOut ?? payloadTypeIn) & 0x7F
        self.eventTypeIn = eventTypeIn.map { $0 & 0x7F }
        self.eventTypeOut = (eventTypeOut ?? eventTypeIn).map { $0 & 0x7F }
        self.maySend = maySend
        self.mayReceive = mayReceive
        self.listensForKeys = listensForKeys
        self.takesKeyTones = takesKeyTones
    }
}
