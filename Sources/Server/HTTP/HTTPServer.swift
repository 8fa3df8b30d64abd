import Network
import Synchronization

/// Where and how a server listens.
package struct HTTPServerConfiguration: Sendable {
    /// Port 0 takes a free port, the same for all loops.
    package var listen: [SocketAddress]
    /// TLS on every address when given.
    package var tls: TLSIdentity?
    /// Event loops, each with its own thread and listeners; at least 1.
    package var loops: Int
    package var limits: HTTPLimits

    package init(
        listen: [SocketAddress] = [SocketAddress(.loopbackV4, port: 8080)], tls: TLSIdentity? = nil, loops: Int = 1,
        limits: HTTPLimits = HTTPLimits()
    ) {
        self.listen = listen
        self.tls = tls
        self.loops = max(1, loops)
        self.limits = limits
    }
}

/// An HTTP/1.1 server over one or more event loops that share nothing but the count of connections per address.
package final class HTTPServer: Sendable {
    package let configuration: HTTPServerConfiguration
    /// The loops, for timers and work that belongs on them.
    package let loops: [EventLoop]
    private let shares: [HTTPLoop]
    /// Where it listens; `nil` while it does not run.
    private let running = Mutex<[SocketAddress]?>(nil)

    /// - Throws: `NetworkError.loop` when the process is out of descriptors.
    package init(_ configuration: HTTPServerConfiguration, router: Router) throws {
        self.configuration = configuration
        let addresses = AddressLedger(configuration.limits)
        let loops = try (0..<configuration.loops).map { try EventLoop(name: "http-\($0)") }
        self.loops = loops
        shares = loops.enumerated().map { number, loop in
            HTTPLoop(
                loop: loop, number: number, of: loops.count, limits: configuration.limits, router: router, addresses: addresses)
        }
    }

    /// Listens and serves. Once in a server's life.
    /// - Returns: the addresses listened on, in order, port 0 resolved.
    /// - Throws: `NetworkError` naming the address or the certificate file, `ThreadError`; nothing is left listening then.
    package func start() throws -> [SocketAddress] {
        let tls = try configuration.tls.map { try TLSContext($0) }
        var listeners = shares.map { _ in [TCPListener]() }
        do {
            for address in configuration.listen {
                let first = try TCPListener(on: address)
                listeners[0].append(first)
                for index in listeners.indices.dropFirst() {
                    listeners[index].append(try TCPListener(on: first.address, sharing: true))
                }
            }
        } catch {
            for listener in listeners.joined() { listener.close() }
            throw error
        }
        let addresses = listeners[0].map(\.address)
        for (share, own) in zip(shares, listeners) { share.attach(listeners: own, tls: tls) }
        do {
            for share in shares { try share.loop.start() }
        } catch {
            for share in shares { end(share) }
            for listener in listeners.joined() { listener.close() }
            throw error
        }
        running.withLock { $0 = addresses }
        return addresses
    }

    private func end(_ share: HTTPLoop) {
        share.loop.stop()
        share.detach()
    }

    /// Reads certificate and key again, for new connections; those that are open keep theirs.
    /// - Throws: `NetworkError` naming the file; the old certificate stays in use.
    package func reloadTLS() async throws {
        guard let identity = configuration.tls, running.withLock({ $0 != nil }) else { return }
        let fresh = try TLSContext(identity)
        for share in shares {
            await withCheckedContinuation { (taken: CheckedContinuation<Void, Never>) in
                share.loop.execute {
                    share.tls = fresh
                    taken.resume()
                }
            }
        }
    }

    /// Ends in order: listeners close, idle connections end, what was asked is answered with `Connection: close`.
    ///
    /// Asynchronous handlers still at work at half the deadline are cancelled; at the deadline all connections are cut.
    /// Returns when the loops have stopped; at once when the server does not run.
    package func shutdown(deadline: Duration) async {
        guard running.withLock({ $0.take() }) != nil else { return }
        await withTaskGroup(of: Void.self) { group in
            for share in shares { group.addTask { await self.drain(share, deadline) } }
        }
        for share in shares { end(share) }
    }

    private func drain(_ share: HTTPLoop, _ deadline: Duration) async {
        await withCheckedContinuation { (drained: CheckedContinuation<Void, Never>) in
            share.loop.execute {
                let ending = DrainEnd(drained)
                share.drain { ending.reached() }
                share.loop.schedule(after: deadline / 2) { share.cancelTasks() }
                share.loop.schedule(after: deadline) {
                    share.closeAll()
                    ending.reached()
                }
            }
        }
    }

    /// The addresses listened on, in order, port 0 resolved; none before the start and from the shutdown on.
    package var addresses: [SocketAddress] { running.withLock { $0 ?? [] } }

    /// Counters over all loops, since the start.
    package var statistics: HTTPStatistics {
        var sum = HTTPStatistics()
        for share in shares { share.counters.add(to: &sum) }
        return sum
    }
}

/// Resumes once, whichever comes first: all connections ended, or the deadline. Confined to its loop.
private final class DrainEnd {
    private var continuation: CheckedContinuation<Void, Never>?

    init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = continuation }

    func reached() { continuation.take()?.resume() }
}
