import Network

/// The streams of one event loop, and what is done with them there.
///
/// `@unchecked Sendable`: everything but `loop`, `settings` and `tell` is touched on the loop's thread only. Streams come and go as wholes:
/// whoever hands one over keeps nothing of it.
final class MediaLoop: EventSource, @unchecked Sendable {
    /// More than any packet on the way has.
    static let packetBytes = 2048

    let loop: EventLoop
    let settings: MediaSettings
    let courier: RecordingCourier
    let tell: @Sendable (MediaEvent) -> Void
    private var place = EventSourceID.unset
    private(set) var streams: [MediaStream?] = []
    private(set) var count = 0
    /// Where packets are received, changed and sent from.
    let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: packetBytes)

    // The 20 ms of players and keys.
    var ticking: [MediaStream] = []
    var tickTimer: TimerID?
    var tickDue: MonotonicInstant?
    // Reports and silence.
    var watchTimer: TimerID?
    var watchPhase = 0

    /// Takes a place on the loop; what follows happens there.
    init(
        _ loop: EventLoop, _ settings: MediaSettings, _ courier: RecordingCourier,
        tell: @escaping @Sendable (MediaEvent) -> Void
    ) {
        self.loop = loop
        self.courier = courier
        self.settings = settings
        self.tell = tell
        packet.initialize(repeating: 0)
        loop.execute { self.place = loop.addSource(self) }
    }

    deinit { packet.deallocate() }

    // MARK: Coming and going

    /// Begins to listen for a stream that is new here.
    func adopt(_ stream: MediaStream) {
        let slot = Int(stream.id.slot)
        while streams.count <= slot { streams.append(nil) }
        streams[slot] = stream
        count += 1
        guard register(stream.sound, stream, 0), register(stream.reports, stream, 1) else {
            return tell(
                .failed(
                    stream.id, MediaError(.ports, "listening on \(stream.sound.address)", hint: "raise the limit of open files")))
        }
        keepTicking(stream)
        keepWatching()
    }

    private func register(_ socket: UDPSocket, _ stream: MediaStream, _ kind: UInt32) -> Bool {
        loop.register(
            socket.descriptor, .readable, source: place, slot: stream.id.slot << 1 | kind, generation: stream.id.generation)
    }

    /// Lets go of a stream, alone and no longer listened for; nil where it is not here.
    func release(_ id: MediaStreamID) -> MediaStream? {
        guard let stream = stream(id) else { return nil }
        unbridge(stream)
        loop.unregister(stream.sound.descriptor)
        loop.unregister(stream.reports.descriptor)
        stopTicking(stream)
        // Another loop may go on with its lane.
        if stream.lane != nil { courier.handOver() }
        streams[Int(id.slot)] = nil
        count -= 1
        return stream
    }

    /// Ends a stream: goodbye, sockets closed, its last word told.
    func close(_ id: MediaStreamID) {
        guard let stream = release(id) else { return }
        seal(stream)
        sendReport(of: stream, isGoodbye: true)
        stream.sound.close()
        stream.reports.close()
        tell(.closed(id, stream.statistics))
    }

    func stream(_ id: MediaStreamID) -> MediaStream? {
        guard streams.indices.contains(Int(id.slot)), let stream = streams[Int(id.slot)], stream.id == id else { return nil }
        return stream
    }

    func ready(slot: UInt32, generation: UInt32, events: ReadyEvents) {
        let index = Int(slot >> 1)
        guard index < streams.count, let stream = streams[index], stream.id.generation == generation else { return }
        if slot & 1 == 0 { receiveSound(stream) } else { receiveReport(stream) }
    }

    // MARK: Commands

    func configure(_ id: MediaStreamID, _ terms: MediaTerms) {
        guard let stream = stream(id) else { return }
        let isNews = !stream.isConfigured || stream.terms != terms
        guard isNews || stream.latch.rank == .none else { return }
        let isNewAddress = stream.terms.remote != terms.remote
        stream.apply(terms)
        tellForeign(stream)
        stream.latch.open(
            signalled: terms.remote, isNewAddress: isNewAddress, until: loop.now.advanced(by: settings.latchingWindow))
        if isNewAddress || stream.reportTarget == nil { stream.reportTarget = Self.reportTarget(terms) }
        (stream.heardAt, stream.silencesTold) = (loop.now, 0)
        findWays(stream)
        keepTicking(stream)
    }

    private static func reportTarget(_ terms: MediaTerms) -> SocketAddress? {
        if let remote = terms.remoteRTCP { return remote }
        guard let remote = terms.remote, remote.port < .max else { return nil }
        return SocketAddress(remote.ip, port: remote.port + 1)
    }

    func bridge(_ first: MediaStreamID, _ second: MediaStreamID) {
        guard first != second, let one = stream(first), let other = stream(second), one.peer !== other else { return }
        unbridge(one)
        unbridge(other)
        (one.peer, other.peer) = (other, one)
        findWays(one)
    }

    func unbridge(_ id: MediaStreamID) {
        if let stream = stream(id) { unbridge(stream) }
    }

    private func unbridge(_ stream: MediaStream) {
        guard let peer = stream.peer else { return }
        (stream.peer, peer.peer) = (nil, nil)
        (stream.way, peer.way) = (.none, .none)
    }

    private func findWays(_ stream: MediaStream) {
        guard let peer = stream.peer else { return }
        let wasBlocked = stream.way == .blocked
        stream.findWay()
        peer.findWay()
        let areKnown = stream.isConfigured && peer.isConfigured
        if areKnown, stream.way == .blocked, !wasBlocked { tell(.incompatible(stream.id, peer.id)) }
    }

    /// Has a stream's sound go to a lane, or nowhere; the lane of before is sealed.
    func attach(_ lane: RecordingLane?, to id: MediaStreamID) {
        guard let stream = stream(id) else {
            if let lane { courier.seal(lane) }
            return
        }
        seal(stream)
        stream.lane = lane
        if stream.isConfigured { tellForeign(stream) }
    }

    private func seal(_ stream: MediaStream) {
        if let lane = stream.lane.take() { courier.seal(lane) }
    }

    /// A codec that cannot be written down ends the recording.
    private func tellForeign(_ stream: MediaStream) {
        if stream.law == nil, let lane = stream.lane { courier.tellForeign(lane) }
    }

    /// Takes a lane away, unless another one took its place.
    func detach(_ lane: RecordingLane, from id: MediaStreamID) {
        if let stream = stream(id), stream.lane === lane { attach(nil, to: id) }
    }
}
