import CSystem
import Network

/// The server's share of one event loop: listeners, connections, buffers, direct workers. Everything that happens to a connection
/// happens here, on the loop's thread.
///
/// `@unchecked Sendable`: confined to the loop's thread once started; other threads hold it only to pass it to `loop.execute`.
/// `counters` and `addresses` are safe by themselves.
final class HTTPLoop: EventSource, @unchecked Sendable {
    /// A connection to go on with at the end of the turn.
    struct Waiting {
        var slot: UInt32
        var generation: UInt32
    }

    /// Requests, bodies or discarded reads of one connection in a row.
    private static let stepsPerTurn = 64

    let loop: EventLoop
    let number: UInt16
    let limits: HTTPLimits
    let router: Router
    let counters = HTTPCounters()
    let addresses: AddressLedger
    /// This loop's share of `limits.connections`.
    let capacity: Int

    var source = EventSourceID.unset
    var tls: TLSContext?
    var listeners: [TCPListener] = []
    var workers: [any DirectWorker] = []
    private var desk: ReplyDesk?

    var slab = ConnectionSlab()
    var pool = BufferPool()
    var parser: HeadParser
    var date = DateStamp()
    /// Where answers are put together before they are sent.
    var scratch: [UInt8] = []

    var idleFirst = Connection.none
    var idleLast = Connection.none
    private var queue: [Waiting] = []
    var handshakes: [Waiting] = []
    var isDraining = false
    var onDrained: (() -> Void)?

    init(loop: EventLoop, number: Int, of count: Int, limits: HTTPLimits, router: Router, addresses: AddressLedger) {
        self.loop = loop
        self.number = UInt16(truncatingIfNeeded: number)
        self.limits = limits
        self.router = router
        self.addresses = addresses
        capacity = max(1, limits.connections / count)
        parser = HeadParser(maximumHeaders: limits.headers)
        scratch.reserveCapacity(16 * 1024)
    }

    /// Takes its place on the loop and makes the direct workers; before the loop starts.
    func attach(listeners: [TCPListener], tls: TLSContext?) {
        self.listeners = listeners
        self.tls = tls
        source = loop.addSource(self)
        loop.onTurnEnd { [unowned self] in endTurn() }
        let desk = ReplyDesk(self)
        self.desk = desk
        workers = router.directHandlers.map { $0.makeWorker(on: loop, replies: desk) }
        for listener in listeners { watch(listener) }
        scheduleSweep()
    }

    /// Lets go of the workers, which hold the desk, which holds this; after the loop's thread has ended.
    func detach() {
        workers.removeAll()
        desk?.close()
        desk = nil
    }

    // MARK: Events

    // The hot path looks at bits: set operations on another module's option set are not specialised.
    func ready(slot: UInt32, generation: UInt32, events: ReadyEvents) {
        guard let connection = slab.find(slot, generation) else { return }
        let bits = events.rawValue
        if bits & (csys_epollhup | csys_epollerr) != 0 { return close(connection) }
        if bits & (csys_epollin | csys_epollrdhup) != 0 { connection.pointee.flags.insert(.readable) }
        if bits & csys_epollout != 0, !connection.pointee.output.isEmpty, !flush(connection) { return }
        if bits & csys_epollrdhup != 0 {
            connection.pointee.flags.insert(.peerEnded)
            connection.pointee.exchange?.takeUnretainedValue().cancel()
        }
        proceed(connection)
    }

    /// Does what can be done with a connection until it needs bytes, an answer or room to send.
    ///
    /// A client that sends faster than it is served gets its steps of this turn, and goes on in the next.
    func proceed(_ connection: ConnectionPointer) {
        for _ in 0..<Self.stepsPerTurn {
            switch connection.pointee.phase {
            case .idle, .head:
                guard connection.pointee.output.isEmpty, takeHead(connection) else { return }
            case .body:
                guard takeBody(connection) else { return }
            case .handshake: return queueHandshake(connection)
            case .lingering:
                guard discard(connection) else { return }
            case .free, .deferred, .orphaned, .handling, .streaming, .finishing: return
            }
        }
        enqueue(connection)
    }

    /// Goes on with a connection at the end of this turn, or in the next: never from within a worker's call.
    func enqueue(_ connection: ConnectionPointer) {
        guard !connection.pointee.flags.contains(.isQueued) else { return }
        connection.pointee.flags.insert(.isQueued)
        queue.append(Waiting(slot: connection.pointee.slot, generation: connection.pointee.generation))
        loop.requestTurn()
    }

    private func endTurn() {
        if !handshakes.isEmpty { runHandshakes() }
        guard !queue.isEmpty else { return }
        var batch: [Waiting] = []
        swap(&batch, &queue)
        for waiting in batch {
            guard let connection = slab.find(waiting.slot, waiting.generation) else { continue }
            connection.pointee.flags.remove(.isQueued)
            proceed(connection)
        }
    }

    func setDeadline(_ connection: ConnectionPointer, _ deadline: MonotonicInstant) {
        slab.deadlines[Int(connection.pointee.slot)] = deadline
    }

    func setDeadline(_ connection: ConnectionPointer, after duration: Duration) {
        setDeadline(connection, loop.now.advanced(by: duration))
    }
}
