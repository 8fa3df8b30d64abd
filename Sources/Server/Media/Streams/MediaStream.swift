import Network

/// One stream: its two sockets and everything that is known of what comes and goes there.
///
/// Fixed fields, nothing allocated for a packet.
///
/// `@unchecked Sendable`: confined to the loop that it lives on; made by the plane and handed from loop to loop as a whole, and whoever
/// hands it over keeps nothing of it.
final class MediaStream: @unchecked Sendable {
    /// A payload type that no packet has.
    static let noType: UInt8 = 0xFF
    /// How many keys a second are told: nobody presses more, and whoever sends more only makes work.
    static let maximumKeysASecond = 20
    /// How many keys may wait to be sounded.
    static let maximumKeyTones = 64

    /// What happens to sound on its way to the other side of the bridge.
    enum Way {
        case none, asItIs, converted
        /// The sides cannot understand one another.
        case blocked
    }

    let id: MediaStreamID
    let sound: UDPSocket
    let reports: UDPSocket
    let reporter: RTCPWriter

    // What was agreed on. The fields beside `terms` are its own, for the hot path.
    var terms = MediaTerms(remote: nil, maySend: false, mayReceive: false)
    var isConfigured = false
    var soundTypeIn = noType
    var eventTypeIn = noType
    var eventTypeOut = noType
    var law: G711?

    // Coming in.
    var latch = RemoteLatch()
    var receiver = RTPReceiver()
    var keysIn = KeyReceiver()
    var detector: KeyToneDetector?
    var keysThisSecond = 0
    var keySecond: Int64 = 0
    var bytesReceived = 0
    var refused = 0
    var heardAt: MonotonicInstant
    var silencesTold = 0
    var lane: RecordingLane?

    // Going out.
    var splice: RTPSplice
    var peer: MediaStream?
    var way = Way.none
    var player: AudioPlayer?
    var keysOut = KeySender()
    var keyTones: [AudioPlayer] = []
    var tellsKeysSent = false
    var isTicking = false
    /// The source of what we make ourselves, counted on with each new beginning; its own sequence numbers and timestamps.
    var ownOrigin: UInt64 = 1 << 63
    var ownSequence: UInt16 = 0
    var ownTimestamp: UInt32 = 0
    var packetsSent = 0
    var bytesSent = 0

    // RTCP.
    var reportTarget: SocketAddress?
    var nextReport: MonotonicInstant
    var packetsSentAtReport = 0
    var lastSenderReport: UInt32 = 0
    var lastSenderReportAt: MonotonicInstant?
    var remoteLost = 0
    var remoteJitter: UInt32 = 0
    var roundTrip: UInt32?
    /// Whether its RTCP has said goodbye.
    var isGone = false

    /// Begins with random numbers, that nobody can guess.
    init(_ id: MediaStreamID, sound: UDPSocket, reports: UDPSocket, now: MonotonicInstant) {
        self.id = id
        self.sound = sound
        self.reports = reports
        let ssrc = UInt32.random(in: 1 ... .max)
        splice = RTPSplice(ssrc: ssrc, sequence: .random(in: .min ... .max), timestamp: .random(in: .min ... .max))
        reporter = RTCPWriter(ssrc: ssrc, name: Array(String(UInt64.random(in: .min ... .max), radix: 36).utf8))
        heardAt = now
        nextReport = now
    }

    /// The source that its sound is for the other side of a bridge.
    var origin: UInt64 { UInt64(id.generation) << 28 | UInt64(id.slot) }

    /// Whether something of ours is being sent, for which what is relayed waits.
    var isBusy: Bool { player != nil || !keyTones.isEmpty || keysOut.isActive }

    /// Where its packets go; nil while it may not send, or nobody knows where.
    var target: SocketAddress? { isConfigured && terms.maySend ? latch.address : nil }

    /// Takes over what was agreed on.
    func apply(_ terms: MediaTerms) {
        self.terms = terms
        isConfigured = true
        soundTypeIn = terms.payloadTypeIn
        eventTypeIn = terms.eventTypeIn ?? Self.noType
        eventTypeOut = terms.eventTypeOut ?? Self.noType
        law = terms.codec.law
        let listens = terms.listensForKeys && terms.eventTypeIn == nil && law != nil
        detector = listens ? detector ?? KeyToneDetector() : nil
    }

    /// Decides how its sound reaches the other side of the bridge.
    func findWay() {
        guard let peer else {
            way = .none
            return
        }
        let isSame = terms.codec == peer.terms.codec
        way = isSame ? .asItIs : law != nil && peer.law != nil ? .converted : .blocked
    }

    /// Begins a source of our own.
    func beginOwnSource() { ownOrigin &+= 1 }

    var statistics: MediaStatistics {
        let rate = Double(terms.codec.clockRate)
        return MediaStatistics(
            packetsReceived: receiver.received, bytesReceived: bytesReceived, packetsSent: packetsSent, bytesSent: bytesSent,
            packetsLost: receiver.lost, packetsRefused: refused, jitterMilliseconds: Double(receiver.jitter) * 1000 / rate,
            remotePacketsLost: remoteLost, remoteJitterMilliseconds: Double(remoteJitter) * 1000 / rate,
            roundTripMilliseconds: roundTrip.map { Double($0) * 1000 / 65_536 })
    }
}
