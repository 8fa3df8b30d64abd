import CSystem
import Network

/// Everything that carries sound: ports, relays, players, recorders.
///
/// Confined to the signalling loop: all methods are called there, and `onEvent` is. Each stream lives on one of the media loops,
/// to which commands go in order; what happens there comes back as events. Two streams that are bridged share a loop: one is moved where
/// they do not, and what is commanded meanwhile waits.
///
/// ```swift
/// let plane = try MediaPlane(loops: [loop], signalling: loop)
/// let caller = try plane.open(address: ours), callee = try plane.open(address: ours, near: caller.id)
/// plane.configure(caller.id, MediaTerms(remote: callersAddress))
/// plane.configure(callee.id, MediaTerms(remote: calleesAddress))
/// plane.bridge(caller.id, callee.id)
/// ```
///
/// `@unchecked Sendable`: the media loops carry it back to the signalling loop, where alone it is touched.
package final class MediaPlane: @unchecked Sendable {
    /// How many ports are tried before a stream is refused: others may have some of ours.
    private static let bindAttempts = 64
    /// Expedited forwarding: voice before the rest (RFC 4594).
    private static let voiceDSCP: UInt8 = 46

    /// Hears everything that happens, on the signalling loop.
    package var onEvent: (MediaEvent) -> Void = { _ in }

    let signalling: EventLoop
    let settings: MediaSettings
    let loops: [MediaLoop]
    let library: SoundLibrary
    let recorder: Recorder
    var table: StreamTable
    var recordings: [RecordingID: [RecordingMix.Side: RecordedSide]] = [:]
    private var ports: PortPool
    private var lastProgram: UInt64 = 0
    /// Commands that wait until a stream has moved; nil while none moves.
    private var waiting: [() -> Void]?
    private var onShutdown: (() -> Void)?
    private var isOver = false

    /// Raises the limit of open files to what the system allows: a call takes four.
    /// - Parameters:
    ///   - loops: where streams live, at least one; the signalling loop may be among them. All are started by the caller and stopped
    ///     after `shutdown`.
    ///   - signalling: where the plane's methods are called.
    /// - Throws: `.threads` where the system gives none for files and recordings.
    package init(loops: [EventLoop], signalling: EventLoop, settings: MediaSettings = MediaSettings()) throws(MediaError) {
        precondition(!loops.isEmpty, "a media plane needs a loop")
        _ = csys_raise_descriptor_limit()
        let teller = Teller(signalling)
        let tell: @Sendable (MediaEvent) -> Void = { teller.tell($0) }
        self.signalling = signalling
        self.settings = settings
        library = try SoundLibrary(settings)
        let recorder = try Recorder(
            limit: settings.maximumRecordings, batchLimit: settings.recordingBatches * loops.count, tell: tell)
        self.recorder = recorder
        self.loops = loops.map { MediaLoop($0, settings, recorder.courier(of: $0), tell: tell) }
        table = StreamTable(limit: settings.maximumStreams)
        ports = PortPool(settings.ports, quarantine: settings.quarantine)
        teller.plane = self
    }

    deinit {
        library.stop()
        recorder.stop()
    }

    /// Streams that are open, or closing.
    package var streamCount: Int { table.count }

    // MARK: Streams

    /// Opens a stream: binds its ports and begins to listen. Nothing is taken before `configure`.
    /// - Parameter near: a stream that it is likely to be bridged with: they then share a loop.
    /// - Throws: `.ports`, `.full`, `.over`.
    package func open(address: IPAddress, near: MediaStreamID? = nil) throws(MediaError) -> MediaPort {
        guard !isOver else { throw MediaError(.over, "opening a stream") }
        guard table.hasRoom else {
            throw MediaError(.full, "\(settings.maximumStreams) streams are open", hint: "raise the limit of streams")
        }
        let (sound, reports) = try bind(address)
        let index = near.flatMap { table[$0]?.loop } ?? leastLoaded
        guard let id = table.take(loop: index, port: sound.address.port) else { throw MediaError(.full, "opening a stream") }
        sound.setTrafficClass(dscp: Self.voiceDSCP)
        let stream = MediaStream(id, sound: sound, reports: reports, now: signalling.now)
        let loop = loops[index]
        inOrder { loop.loop.execute { loop.adopt(stream) } }
        return MediaPort(id: id, local: sound.address)
    }

    private var leastLoaded: Int {
        loops.indices.min { table.count(onLoop: $0) < table.count(onLoop: $1) } ?? 0
    }

    private func bind(_ address: IPAddress) throws(MediaError) -> (
        UDPSocket, UDPSocket
    ) {
        var last: NetworkError?
        for _ in 0..<Self.bindAttempts {
            guard let port = ports.take(at: signalling.now) else { break }
            do throws(NetworkError) {
                return try Self.bindPair(address, port)
            } catch {
                last = error
                ports.giveBack(port, at: signalling.now)
            }
        }
        throw MediaError(
            .ports, last?.context ?? "ports \(settings.ports.lowerBound) to \(settings.ports.upperBound) are all in use",
            errno: last?.errno,
            hint: "widen the range of RTP ports, or see who else uses it")
    }

    private static func bindPair(_ address: IPAddress, _ port: UInt16) throws(NetworkError) -> (UDPSocket, UDPSocket) {
        let sound = try UDPSocket(on: SocketAddress(address, port: port))
        do throws(NetworkError) {
            return (sound, try UDPSocket(on: SocketAddress(address, port: port + 1)))
        } catch {
            sound.close()
            throw error
        }
    }

    /// Sets what was agreed on; again after each change. The same terms once more change nothing for a stream that has sound.
    package func configure(_ id: MediaStreamID, _ terms: MediaTerms) {
        command(id) { $0.configure(id, terms) }
    }

    /// Says goodbye and closes. `.closed` is its last event.
    package func close(_ id: MediaStreamID) {
        guard let entry = table[id], !entry.isClosing else { return }
        table[id]?.isClosing = true
        command(id) { $0.close(id) }
    }

    // MARK: Bridges

    /// Relays between two streams both ways, instead of what they were bridged with before.
    package func bridge(_ first: MediaStreamID, _ second: MediaStreamID) {
        inOrder { [self] in
            guard let one = table[first], let other = table[second] else { return }
            let loop = loops[one.loop]
            guard one.loop != other.loop else { return loop.loop.execute { loop.bridge(first, second) } }
            table[second]?.loop = one.loop
            move(second, from: loops[other.loop], to: loop) { loop.bridge(first, second) }
        }
    }

    /// Ends a stream's bridge; the other side of it is without one, too.
    package func unbridge(_ id: MediaStreamID) {
        command(id) { $0.unbridge(id) }
    }

    private func move(_ id: MediaStreamID, from old: MediaLoop, to new: MediaLoop, then work: @escaping @Sendable () -> Void) {
        waiting = []
        old.loop.execute {
            let stream = old.release(id)
            new.loop.execute {
                if let stream { new.adopt(stream) }
                work()
                self.signalling.execute { self.moveEnded() }
            }
        }
    }

    private func moveEnded() {
        guard let work = waiting.take() else { return }
        for command in work { inOrder(command) }
    }

    // MARK: Sound of our own

    /// Plays into a stream, instead of what was played before. What is relayed to it waits meanwhile.
    package func play(_ id: MediaStreamID, _ program: AudioProgram) {
        guard table[id] != nil else { return }
        lastProgram += 1
        let number = lastProgram
        table[id]?.program = number
        library.fetch(program.source) { result in
            self.signalling.execute { self.found(result, program, number, for: id) }
        }
    }

    private func found(_ result: Result<AudioClip, MediaError>, _ program: AudioProgram, _ number: UInt64, for id: MediaStreamID)
    {
        guard let entry = table[id], entry.program == number else { return }
        switch result {
        case .success(let clip): command(id) { $0.play(id, clip, rounds: program.clipRounds) }
        case .failure(let error): onEvent(.playFailed(id, error))
        }
    }

    /// Stops what is played into a stream.
    package func stop(_ id: MediaStreamID) {
        table[id]?.program = 0
        command(id) { $0.stop(id) }
    }

    /// Sends keys, one after the other, behind those that are still to be sent; at most 64 wait.
    ///
    /// As telephone events where they were agreed on, else as tones. What is relayed or played waits meanwhile. Characters that are no
    /// keys are left out. `.digitsSent` tells when all have been.
    package func send(digits: String, to id: MediaStreamID) {
        let codes = digits.prefix(KeySender.maximumWaiting).compactMap { TelephoneEvent.code(of: $0) }
        command(id) { $0.send(codes, to: id) }
    }

    // MARK: Commands

    /// Has something done on the stream's loop, behind everything that was commanded before.
    func command(_ id: MediaStreamID, _ work: @escaping @Sendable (MediaLoop) -> Void) {
        inOrder { [self] in
            guard let entry = table[id] else { return }
            let loop = loops[entry.loop]
            loop.loop.execute { work(loop) }
        }
    }

    /// Does something now, or when the stream that is moving has arrived.
    func inOrder(_ work: @escaping () -> Void) {
        if waiting == nil { work() } else { waiting?.append(work) }
    }

    // MARK: Events

    fileprivate func hear(_ event: MediaEvent) {
        switch event {
        case .closed(let id, _): table.remove(id).map { ports.giveBack($0.port, at: signalling.now) }
        case .recorded(let name, _, _, _), .recordingFailed(let name, _): forget(name)
        default: break
        }
        onEvent(event)
        finishShutdown()
    }

    /// Tells an event that comes of a command at once, but not inside of it.
    func tellLater(_ event: MediaEvent) { signalling.execute { self.onEvent(event) } }

    // MARK: The end

    /// Closes all streams, ends all recordings, and calls `done` on the signalling loop when their files are whole. Nothing can be opened
    /// any more. All loops must run until then.
    package func shutdown(_ done: @escaping () -> Void) {
        isOver = true
        onShutdown = done
        for name in recordings.keys { finishRecording(name) }
        for id in table.openIDs { close(id) }
        signalling.execute { self.finishShutdown() }
    }

    private func finishShutdown() {
        guard isOver, table.count == 0, recordings.isEmpty, let done = onShutdown.take() else { return }
        library.stop()
        recorder.stop()
        done()
    }
}

/// Brings what happens on other threads to the signalling loop.
///
/// `@unchecked Sendable`: `plane` is set while the plane is made, and touched on the signalling loop from then on.
private final class Teller: @unchecked Sendable {
    private let signalling: EventLoop
    weak var plane: MediaPlane?

    init(_ signalling: EventLoop) { self.signalling = signalling }

    func tell(_ event: MediaEvent) { signalling.execute { self.plane?.hear(event) } }
}
