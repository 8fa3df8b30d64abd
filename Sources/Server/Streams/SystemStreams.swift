import Connector
import Network
import Synchronization

/// Bounds of `SystemStreams`.
package struct SystemStreamsConfiguration: Sendable {
    /// A stream that nobody reads is read ahead up to so many bytes; then the other side waits.
    package var unreadLimit = 1 << 20
    /// What is taken from the socket at once, at most.
    package var readLimit = 256 << 10
    /// Names that are looked up at the same time; each takes a thread.
    package var lookUps = 8
    /// A PEM file of authorities to trust instead of the system's.
    package var certificateAuthorities: String?
    /// Finds a host's addresses; may block.
    package var lookUp: @Sendable (String, UInt16) throws(NetworkError) -> [SocketAddress] = { host, port throws(NetworkError) in
        try SocketAddress.lookUp(host, port: port)
    }

    package init() {}
}

/// The port `ByteStreams` made real: non-blocking sockets on an event loop of their own, which begins with the first stream.
///
/// Reading and writing are tried in the calling task first, so that a busy stream needs no change of threads; the loop is asked only
/// to wait (decision 050).
/// ```swift
/// let streams = SystemStreams()
/// let stream = try await streams.open(StreamAddress(host: "pbx.example.com", port: 5038), within: .seconds(5))
/// let bytes = try await stream.read(within: .seconds(20))
/// await streams.shutdown()
/// ```
package final class SystemStreams: ByteStreams {
    private enum Stage {
        case unused
        case running(StreamEngine)
        case over
    }

    private let configuration: SystemStreamsConfiguration
    private let stage = Mutex(Stage.unused)
    private let lookUps: LookUpDesk
    private let contexts: TLSContexts

    package init(_ configuration: SystemStreamsConfiguration = SystemStreamsConfiguration()) {
        self.configuration = configuration
        lookUps = LookUpDesk(atMost: configuration.lookUps, configuration.lookUp)
        contexts = TLSContexts(authorities: configuration.certificateAuthorities)
    }

    /// One address of the host after the other is tried; each gets its share of what is left of `patience`.
    package func open(_ address: StreamAddress, within patience: Duration) async throws(StreamFailure) -> any ByteStream {
        let end = MonotonicInstant.now.advanced(by: patience)
        let engine = try engine(for: address)
        let opening = StreamOpening(address, until: end, on: engine)
        let found = try await opening.addresses(from: lookUps)
        let descriptor = try await opening.connect(to: found)
        let tls = try await opening.secure(descriptor, with: contexts)
        let core = StreamCore(descriptor, tls, place: address.place, configuration, engine)
        guard await engine.add(core) else { throw StreamFailure(.ended, at: address.place, "the gateway ends") }
        return SystemStream(core)
    }

    /// Closes all streams, gives up those that are being opened, and ends the loop. Nothing can be opened afterwards.
    package func shutdown() async {
        let before = stage.withLock { stage in
            defer { stage = .over }
            return stage
        }
        if case .running(let engine) = before { await engine.shutdown() }
    }

    private func engine(for address: StreamAddress) throws(StreamFailure) -> StreamEngine {
        let engine: Result<StreamEngine, StreamFailure> = stage.withLock { stage in
            switch stage {
            case .running(let engine): return .success(engine)
            case .over: return .failure(StreamFailure(.ended, at: address.place, "the gateway ends"))
            case .unused:
                do {
                    let engine = try StreamEngine()
                    stage = .running(engine)
                    return .success(engine)
                } catch {
                    return .failure(StreamFailure(.connect, at: address.place, "\(error)"))
                }
            }
        }
        return try engine.get()
    }
}

/// What an adapter holds: letting go of it closes.
private final class SystemStream: ByteStream {
    private let core: StreamCore

    init(_ core: StreamCore) { self.core = core }

    deinit { core.close() }

    func read(within patience: Duration) async throws(StreamFailure) -> [UInt8] { try await core.read(within: patience) }

    func write(_ bytes: [UInt8], within patience: Duration) async throws(StreamFailure) {
        try await core.write(bytes, within: patience)
    }

    func close() { core.close() }
}
