import Glibc
import Network

/// Taking connections in, within the limits.
extension HTTPLoop {
    /// Connections taken in one turn; the rest waits, so that those already here are served.
    private static let acceptsPerTurn = 64
    private static let pauseWhenExhausted = Duration.milliseconds(100)
    private static let noRoom: StaticString = """
        HTTP/1.1 503 Service Unavailable\r
        Retry-After: 1\r
        Content-Type: text/plain; charset=utf-8\r
        Content-Length: 34\r
        Connection: close\r
        \r
        too many connections, come again\r

        """

    func watch(_ listener: TCPListener) {
        loop.watch(listener.descriptor, .readable) { [unowned self] _ in accept(from: listener, atMost: Self.acceptsPerTurn) }
    }

    func accept(from listener: TCPListener, atMost count: Int) {
        for _ in 0..<count {
            switch listener.accept() {
            case .connection(let descriptor, let peer): open(descriptor, peer)
            case .none: return
            case .exhausted: return pause(listener)
            }
        }
    }

    func closeListeners() {
        for listener in listeners {
            loop.unwatch(listener.descriptor)
            Glibc.close(listener.descriptor)
        }
        listeners.removeAll()
    }

    private func pause(_ listener: TCPListener) {
        loop.unwatch(listener.descriptor)
        evictOldestIdle()
        loop.schedule(after: Self.pauseWhenExhausted) { [unowned self] in
            if listeners.contains(where: { $0.descriptor == listener.descriptor }) { watch(listener) }
        }
    }

    private func open(_ descriptor: Int32, _ peer: SocketAddress) {
        counters.add(.accepted)
        if slab.openCount >= capacity - capacity / 10 { evictOldestIdle() }
        guard slab.openCount < capacity, addresses.admit(peer.ip) else {
            counters.add(.refused)
            return turnAway(descriptor)
        }
        let connection = slab.open()
        let events: ReadyEvents = [.readable, .writable, .peerEnded, .edgeTriggered]
        connection.pointee.descriptor = descriptor
        connection.pointee.peer = peer
        counters.add(.open)
        let isRegistered = loop.register(
            descriptor, events, source: source, slot: connection.pointee.slot, generation: connection.pointee.generation)
        guard isRegistered, begin(connection) else { return close(connection) }
    }

    /// Closes a connection there is no room for: without TLS with a word, as far as the socket takes it at once.
    ///
    /// Nothing is kept. What the client has sent already is read, so that the close is no reset that could overtake the word.
    private func turnAway(_ descriptor: Int32) {
        if tls == nil {
            withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 1) { _ = TCPSocket.receive(descriptor, into: $0) }
            let word = UnsafeRawBufferPointer(start: Self.noRoom.utf8Start, count: Self.noRoom.utf8CodeUnitCount)
            _ = TCPSocket.send(descriptor, word)
        }
        Glibc.close(descriptor)
    }

    private func begin(_ connection: ConnectionPointer) -> Bool {
        guard let tls else {
            becomeIdle(connection)
            return true
        }
        connection.pointee.phase = .handshake
        connection.pointee.tls = tls.makeStream(descriptor: connection.pointee.descriptor)
        setDeadline(connection, after: limits.headDeadline)
        return connection.pointee.tls != nil
    }

    // MARK: Handshakes

    func queueHandshake(_ connection: ConnectionPointer) {
        guard !connection.pointee.flags.contains(.isQueued) else { return }
        connection.pointee.flags.insert(.isQueued)
        handshakes.append(Waiting(slot: connection.pointee.slot, generation: connection.pointee.generation))
    }

    /// A few handshakes a turn, in order of arrival; the others wait for the next.
    func runHandshakes() {
        let batch = handshakes.prefix(max(1, limits.handshakesPerTurn))
        handshakes.removeFirst(batch.count)
        for waiting in batch {
            guard let connection = slab.find(waiting.slot, waiting.generation) else { continue }
            connection.pointee.flags.remove(.isQueued)
            shakeHands(connection)
        }
        if !handshakes.isEmpty { loop.requestTurn() }
    }

    private func shakeHands(_ connection: ConnectionPointer) {
        guard let stream = connection.pointee.tls else { return }
        switch stream.handshake() {
        case .pending: return
        case .failed:
            counters.add(.handshakeFailures)
            close(connection)
        case .done:
            counters.add(.handshakes)
            if stream.hasPending { connection.pointee.flags.insert(.tlsPending) }
            becomeIdle(connection)
            proceed(connection)
        }
    }

    // MARK: The idle list, oldest first

    func becomeIdle(_ connection: ConnectionPointer) {
        connection.pointee.phase = .idle
        connection.pointee.flags.insert(.isIdleListed)
        connection.pointee.idlePrevious = idleLast
        connection.pointee.idleNext = Connection.none
        if idleLast == Connection.none {
            idleFirst = connection.pointee.slot
        } else {
            slab[idleLast].pointee.idleNext = connection.pointee.slot
        }
        idleLast = connection.pointee.slot
        setDeadline(connection, after: limits.keepAliveIdle)
    }

    func leaveIdle(_ connection: ConnectionPointer) {
        guard connection.pointee.flags.contains(.isIdleListed) else { return }
        connection.pointee.flags.remove(.isIdleListed)
        let (previous, next) = (connection.pointee.idlePrevious, connection.pointee.idleNext)
        if previous == Connection.none { idleFirst = next } else { slab[previous].pointee.idleNext = next }
        if next == Connection.none { idleLast = previous } else { slab[next].pointee.idlePrevious = previous }
    }

    private func evictOldestIdle() {
        guard idleFirst != Connection.none else { return }
        counters.add(.evicted)
        close(slab[idleFirst])
    }
}
