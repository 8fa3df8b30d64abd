import Network

/// Deadlines: one number per connection, looked over by a sweep; setting one costs a store.
extension HTTPLoop {
    /// Often enough for the shortest limit, at most four times a second.
    private var sweepInterval: Duration {
        let shortest = [
            limits.headDeadline, limits.bodyGrace, limits.keepAliveIdle, limits.writeStall, limits.linger, limits.replyDeadline,
        ]
        return max(.milliseconds(5), min(.milliseconds(250), (shortest.min() ?? .seconds(1)) / 4))
    }

    func scheduleSweep() {
        loop.schedule(after: sweepInterval) { [weak self] in
            self?.sweep()
            self?.scheduleSweep()
        }
    }

    private func sweep() {
        for slot in slab.slots where slab.deadlines[Int(slot)] <= loop.now { expire(slab[slot]) }
    }

    private func expire(_ connection: ConnectionPointer) {
        setDeadline(connection, .distantFuture)
        switch connection.pointee.phase {
        case .free, .orphaned, .handling: return
        case .idle, .lingering: return close(connection)
        case .handshake, .finishing, .streaming:
            counters.add(.timeouts)
            close(connection)
        case .head: giveUp(connection, 408, "The request took too long.")
        case .body: checkRate(connection)
        case .deferred: abandon(connection)
        }
    }

    private func giveUp(_ connection: ConnectionPointer, _ status: HTTPStatus, _ detail: String) {
        counters.add(.timeouts)
        endRefused(connection, router.errorResponse(status, "timeout", detail))
    }

    /// Too slow on average since the body began: given up; else looked at again when the bytes so far would be too few.
    private func checkRate(_ connection: ConnectionPointer) {
        let received = connection.pointee.input.count - connection.pointee.headLength
        let earned = Duration.seconds(1) * received / max(1, limits.minimumBodyRate)
        let due = connection.pointee.bodyStartedAt.advanced(by: max(earned, limits.bodyGrace))
        guard due > loop.now else { return giveUp(connection, 408, "The body came too slowly.") }
        setDeadline(connection, due)
    }

    /// A worker has not answered: the client is told, the worker's bytes stay until it does.
    private func abandon(_ connection: ConnectionPointer) {
        counters.add(.timeouts)
        connection.pointee.flags.remove(.keepsAlive)
        encode(connection, router.errorResponse(503, "timeout", "The answer took too long."))
        if transmitScratch(connection) { close(connection) }
    }

    // MARK: Draining

    /// No new connections, idle ones end now, every further answer is the connection's last; `done` when all have ended.
    func drain(_ done: @escaping () -> Void) {
        onDrained = done
        for listener in listeners { accept(from: listener, atMost: 4096) }
        closeListeners()
        isDraining = true
        for slot in slab.slots where slab[slot].pointee.phase == .idle { endIdle(slab[slot]) }
        for slot in slab.slots where slab[slot].pointee.phase == .handshake { close(slab[slot]) }
        checkDrained()
    }

    /// A request that has reached the socket is served yet.
    private func endIdle(_ connection: ConnectionPointer) {
        guard connection.pointee.output.isEmpty else { return end(connection) }
        connection.pointee.flags.insert(.readable)
        proceed(connection)
        if connection.pointee.phase == .idle { end(connection) }
    }

    /// Cancels the asynchronous handlers that are still at work.
    func cancelTasks() {
        for slot in slab.slots { slab[slot].pointee.exchange?.takeUnretainedValue().cancel() }
    }

    func closeAll() {
        for slot in slab.slots { close(slab[slot]) }
    }

    func checkDrained() {
        guard isDraining, slab.usedCount == 0, let done = onDrained else { return }
        onDrained = nil
        done()
    }
}
