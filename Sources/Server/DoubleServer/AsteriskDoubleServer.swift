import Connector
import Glibc
import Network
import VendorSimulators

/// An Asterisk's double behind a plain TCP socket, on a loop of its own.
///
/// `@unchecked Sendable`: everything but `loop` and `listener` is touched on the loop's thread only, or before it starts.
package final class AsteriskDoubleServer: @unchecked Sendable {
    /// A client that lets so much pile up is dropped in any case.
    private static let mostUnsent = 64 << 20

    private final class Connection {
        let descriptor: Int32
        var unsent: [UInt8] = []
        var sent = 0
        /// Since when the client takes nothing.
        var stuckSince: MonotonicInstant?
        /// Closed as soon as all is sent.
        var isClosing = false

        init(_ descriptor: Int32) { self.descriptor = descriptor }
    }

    private let loop: EventLoop
    private let listener: TCPListener
    private let timekeeper: any Timekeeper
    private let plan: DoublePlan?
    private let writeTimeout: Duration?
    private let tell: @Sendable (AsteriskNews) -> Void
    private var double: AsteriskDouble
    private var connections: [Int: Connection] = [:]
    private var timer: TimerID?
    private var started: MonotonicInstant
    private var nextCall = 0
    private var scratch = [UInt8](repeating: 0, count: 64 << 10)

    /// Listens; clients are served from `start` on.
    /// - Parameters:
    ///   - plan: calls that nobody orders.
    ///   - tell: hears what happens; called on the loop.
    /// - Throws: `NetworkError`.
    package init(
        _ double: AsteriskDouble, on address: SocketAddress, faults: AsteriskOptions.Faults = AsteriskOptions.Faults(),
        playing plan: DoublePlan? = nil, timekeeper: any Timekeeper, tell: @escaping @Sendable (AsteriskNews) -> Void = { _ in }
    ) throws {
        self.double = double
        self.plan = plan
        self.timekeeper = timekeeper
        self.tell = tell
        writeTimeout = faults.writeTimeout
        started = .now
        loop = try EventLoop(name: "asterisk")
        listener = try TCPListener(on: address)
    }

    /// Where it listens.
    package var address: SocketAddress { listener.address }

    /// - Throws: `ThreadError`.
    package func start() throws {
        loop.watch(listener.descriptor, .readable) { [unowned self] _ in accept() }
        started = loop.now
        loop.execute { self.turn() }
        try loop.start()
    }

    /// Closes all connections and ends the loop.
    package func shutdown() async {
        await withCheckedContinuation { done in
            loop.execute {
                for session in self.connections.keys { self.drop(session) }
                self.loop.unwatch(self.listener.descriptor)
                self.listener.close()
                done.resume()
            }
        }
        loop.stop()
    }

    /// Has something happen to the double: a restart, a call.
    package func change(_ body: @escaping @Sendable (inout AsteriskDouble, Instant) -> Void) {
        loop.execute {
            body(&self.double, self.timekeeper.now())
            self.turn()
        }
    }

    // MARK: On the loop

    private func accept() {
        while case .connection(let descriptor, _) = listener.accept() {
            switch double.connect(at: timekeeper.now()) {
            case .refused:
                Self.reset(descriptor)
                tell(.refused)
            case .taken(let session):
                connections[session] = Connection(descriptor)
                watch(session)
                tell(.connected(session))
            }
        }
        turn()
    }

    private func watch(_ session: Int) {
        guard let connection = connections[session] else { return }
        let events: ReadyEvents = connection.unsent.isEmpty ? .readable : [.readable, .writable]
        loop.watch(connection.descriptor, events) { [unowned self] ready in
            if !ready.isDisjoint(with: [.readable, .hangUp, .failed]) { receive(session) }
            if ready.contains(.writable) { send(session) }
            turn()
        }
    }

    private func receive(_ session: Int) {
        guard let connection = connections[session] else { return }
        switch scratch.withUnsafeMutableBytes({ TCPSocket.receive(connection.descriptor, into: $0) }) {
        case .bytes(let count): double.receive(Array(scratch[..<count]), from: session, at: timekeeper.now())
        case .wouldBlock: return
        case .ended, .failed: lose(session, "the client has gone")
        }
    }

    /// Does what is due, sends what has become of it, and sees to it that it is called again.
    private func turn() {
        let now = timekeeper.now()
        begin(at: now)
        double.advance(to: now)
        var written: Set<Int> = []
        for output in double.takeOutput() {
            guard let connection = connections[output.session] else { continue }
            connection.isClosing = connection.isClosing || output.isClose
            connection.unsent += output.bytes
            written.insert(output.session)
        }
        for session in written { send(session) }
        for truth in double.takeTruths() { tell(.ended(truth)) }
        dropTheStuck()
        wakeAgain(from: now)
    }

    /// The calls of the plan whose time has come.
    private func begin(at now: Instant) {
        guard let plan else { return }
        let since = loop.now.duration(since: started)
        while nextCall < plan.calls, plan.beginning(of: nextCall) <= since {
            let (scenario, seed) = plan.call(nextCall)
            double.begin(scenario, seed: seed, at: now)
            nextCall += 1
        }
    }

    private func send(_ session: Int) {
        guard let connection = connections[session] else { return }
        let wasEmpty = connection.stuckSince == nil
        while connection.sent < connection.unsent.count {
            let outcome = connection.unsent.withUnsafeBytes {
                TCPSocket.send(connection.descriptor, UnsafeRawBufferPointer(rebasing: $0[connection.sent...]))
            }
            switch outcome {
            case .bytes(let count):
                connection.sent += count
                connection.stuckSince = nil
            case .wouldBlock:
                connection.stuckSince = connection.stuckSince ?? .now
                connection.unsent.removeFirst(connection.sent)
                connection.sent = 0
                if wasEmpty { watch(session) }
                if connection.unsent.count > Self.mostUnsent { lose(session, "too much is unsent") }
                return
            case .ended, .failed: return lose(session, "the client has gone")
            }
        }
        connection.unsent.removeAll(keepingCapacity: connection.unsent.count < 1 << 20)
        connection.sent = 0
        connection.stuckSince = nil
        if connection.isClosing { return lose(session, "closed") }
        if !wasEmpty { watch(session) }
    }

    private func dropTheStuck() {
        guard let writeTimeout else { return }
        for (session, connection) in connections {
            // Not the loop's moment: what it does in a turn may have taken long.
            guard let since = connection.stuckSince, MonotonicInstant.now.duration(since: since) >= writeTimeout else { continue }
            lose(session, "it took nothing in time")
        }
    }

    private func wakeAgain(from now: Instant) {
        if let timer { loop.cancel(timer) }
        timer = nil
        var pauses: [Duration] = []
        if let due = double.nextDue { pauses.append(now.duration(to: due)) }
        if let plan, nextCall < plan.calls {
            pauses.append(plan.beginning(of: nextCall) - loop.now.duration(since: started))
        }
        if let writeTimeout {
            let moment = MonotonicInstant.now
            pauses += connections.values.compactMap { $0.stuckSince.map { writeTimeout - moment.duration(since: $0) } }
        }
        guard let pause = pauses.min() else { return }
        timer = loop.schedule(after: max(.milliseconds(1), pause)) { [unowned self] in turn() }
    }

    private func lose(_ session: Int, _ reason: String) {
        drop(session)
        double.disconnect(session)
        tell(.closed(session, reason))
    }

    private func drop(_ session: Int) {
        guard let connection = connections.removeValue(forKey: session) else { return }
        loop.unwatch(connection.descriptor)
        Glibc.close(connection.descriptor)
    }

    /// As nobody who listens: the client's connection is reset.
    private static func reset(_ descriptor: Int32) {
        var hard = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
        Glibc.close(descriptor)
    }
}

/// What happens at an Asterisk's double. Connections are numbered.
package enum AsteriskNews: Sendable, Equatable, CustomStringConvertible {
    case connected(Int)
    /// It is away.
    case refused
    case closed(Int, String)
    case ended(CallTruth)

    package var description: String {
        switch self {
        case .connected(let session): "connection \(session): taken"
        case .refused: "a connection is refused: the PBX is away"
        case .closed(let session, let reason): "connection \(session): \(reason)"
        case .ended(let truth): "a call is over: \(truth.direction.rawValue), \(truth.disposition.rawValue)"
        }
    }
}
