import Glibc
import Network

/// Putting answers together, sending them, and ending connections.
extension HTTPLoop {
    /// Puts a whole answer into `scratch`, as this connection must see it.
    func encode(_ connection: ConnectionPointer, _ response: HTTPResponse) {
        date.update(toNanoseconds: loop.wallClockNanoseconds)
        if isDraining { connection.pointee.flags.remove(.keepsAlive) }
        counters.countResponse(response.status)
        scratch.removeAll(keepingCapacity: true)
        switch response.body {
        case .preserialized(let prepared): encode(connection, prepared)
        case .none: encode(connection, response, [])
        case .bytes(let bytes): encode(connection, response, bytes)
        case .measured(let count, _) where connection.pointee.flags.contains(.isHead):
            encodeHead(connection, response, byteCount: count)
        case .stream, .measured: encode(connection, router.errorResponse(500, "internal", "This handler cannot stream."))
        }
    }

    private func encode(_ connection: ConnectionPointer, _ prepared: PreparedResponse) {
        let source = connection.pointee.flags.contains(.keepsAlive) ? prepared.keepAlive : prepared.closing
        let isHead = connection.pointee.flags.contains(.isHead)
        scratch.append(contentsOf: isHead ? source[..<(source.count - prepared.bodyLength)] : source[...])
        scratch.replaceSubrange(prepared.dateStart..<prepared.dateStart + DateStamp.length, with: date.bytes)
    }

    private func encodeHead(_ connection: ConnectionPointer, _ response: HTTPResponse, byteCount: Int) {
        let length: ResponseFraming.Length = response.status.forbidsBody ? .none : .known(byteCount)
        let framing = ResponseFraming(length: length, keepsAlive: connection.pointee.flags.contains(.keepsAlive))
        ResponseHead.append(response, framing, date: date.bytes, to: &scratch)
    }

    private func encode(_ connection: ConnectionPointer, _ response: HTTPResponse, _ body: [UInt8]) {
        encodeHead(connection, response, byteCount: body.count)
        if !connection.pointee.flags.contains(.isHead), !response.status.forbidsBody { scratch += body }
    }

    @discardableResult
    func transmitScratch(_ connection: ConnectionPointer) -> Bool { scratch.withUnsafeBytes { transmit(connection, $0) } }

    /// Sends in one call what the socket takes and keeps the rest; false when the connection has ended over it.
    @discardableResult
    func transmit(_ connection: ConnectionPointer, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var sent = 0
        while connection.pointee.output.isEmpty, sent < bytes.count {
            switch send(connection, UnsafeRawBufferPointer(rebasing: bytes[sent...])) {
            case .bytes(let count): sent += count
            case .wouldBlock:
                pool.append(UnsafeRawBufferPointer(rebasing: bytes[sent...]), to: &connection.pointee.output)
                setDeadline(connection, after: limits.writeStall)
                return true
            case .ended, .failed:
                close(connection)
                return false
            }
        }
        if sent < bytes.count { pool.append(UnsafeRawBufferPointer(rebasing: bytes[sent...]), to: &connection.pointee.output) }
        return true
    }

    /// Sends what was kept; false when the connection has ended.
    func flush(_ connection: ConnectionPointer) -> Bool {
        while !connection.pointee.output.isEmpty {
            switch send(connection, connection.pointee.output.filled) {
            case .bytes(let count):
                connection.pointee.output.consume(count)
                setDeadline(connection, after: limits.writeStall)
            case .wouldBlock: return true
            case .ended, .failed:
                close(connection)
                return false
            }
        }
        pool.give(&connection.pointee.output)
        return flushed(connection)
    }

    private func flushed(_ connection: ConnectionPointer) -> Bool {
        switch connection.pointee.phase {
        case .finishing: end(connection)
        case .idle: setDeadline(connection, after: limits.keepAliveIdle)
        case .streaming:
            setDeadline(connection, .distantFuture)
            connection.pointee.exchange?.takeUnretainedValue().drained()
        default: break
        }
        return connection.pointee.phase != .free
    }

    private func send(_ connection: ConnectionPointer, _ bytes: UnsafeRawBufferPointer) -> IOOutcome {
        let outcome = connection.pointee.tls?.send(bytes) ?? TCPSocket.send(connection.pointee.descriptor, bytes)
        if case .bytes(let count) = outcome { counters.add(.sent, count) }
        return outcome
    }

    // MARK: Ends

    /// Ends a connection in order: what is owed is sent first, and a refused client gets the time to read it.
    func end(_ connection: ConnectionPointer) {
        leaveIdle(connection)
        guard connection.pointee.output.isEmpty else {
            connection.pointee.phase = .finishing
            return setDeadline(connection, after: limits.writeStall)
        }
        guard connection.pointee.flags.contains(.lingers), !connection.pointee.flags.contains(.peerEnded) else {
            return close(connection)
        }
        connection.pointee.phase = .lingering
        connection.pointee.tls?.shutDown()
        Glibc.shutdown(connection.pointee.descriptor, Int32(SHUT_WR))
        setDeadline(connection, after: limits.linger)
        enqueue(connection)
    }

    /// Closes at once. The slot is free afterwards, unless a direct worker still holds its bytes.
    func close(_ connection: ConnectionPointer) {
        guard connection.pointee.descriptor >= 0 else { return }
        leaveIdle(connection)
        connection.pointee.tls?.end()
        connection.pointee.tls = nil
        Glibc.close(connection.pointee.descriptor)
        connection.pointee.descriptor = -1
        addresses.release(connection.pointee.peer.ip)
        counters.add(.open, -1)
        slab.noteClosed()
        pool.give(&connection.pointee.output)
        if let exchange = connection.pointee.exchange {
            connection.pointee.exchange = nil
            exchange.takeRetainedValue().cancel()
        }
        guard connection.pointee.phase != .deferred else {
            connection.pointee.phase = .orphaned
            return setDeadline(connection, .distantFuture)
        }
        release(connection)
    }

    func release(_ connection: ConnectionPointer) {
        pool.give(&connection.pointee.input)
        slab.release(connection)
        if isDraining { checkDrained() }
    }
}
