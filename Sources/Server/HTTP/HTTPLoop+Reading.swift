import Network

/// From bytes to a whole request.
extension HTTPLoop {
    private static let goOn: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
    /// The most that is read at once beyond what is known to be needed.
    private static let bodyStep = 64 * 1024

    // MARK: Bytes

    /// Reads once, with room for at least `room` bytes; false when nothing more is there, or the connection has ended.
    private func fill(_ connection: ConnectionPointer, room: Int) -> Bool {
        guard connection.pointee.flags.contains(.readable) else {
            releaseEmptyInput(connection)
            return false
        }
        pool.reserve(room, in: &connection.pointee.input)
        let free = connection.pointee.input.free
        switch receive(connection, into: free) {
        case .bytes(let count):
            counters.add(.received, count)
            connection.pointee.input.end += count
            if hasEmptiedSocket(connection, count, of: free.count) { connection.pointee.flags.remove(.readable) }
            return true
        case .wouldBlock:
            connection.pointee.flags.remove(.readable)
            if connection.pointee.tls?.hasPending == true { connection.pointee.flags.insert(.tlsPending) }
            releaseEmptyInput(connection)
        case .ended, .failed:
            close(connection)
        }
        return false
    }

    /// A short read has emptied the socket; the end of the stream would raise an edge of its own.
    ///
    /// Through TLS it shows when one small record was all that OpenSSL had: had its buffer been filled to the brim, or had the
    /// record been left over from an earlier read, there would be more. Saves a read that fails with EAGAIN on every request.
    private func hasEmptiedSocket(_ connection: ConnectionPointer, _ count: Int, of room: Int) -> Bool {
        guard !connection.pointee.flags.contains(.peerEnded) else { return false }
        guard let tls = connection.pointee.tls else { return count < room }
        let hadPending = connection.pointee.flags.contains(.tlsPending)
        let hasPending = tls.hasPending
        if hasPending { connection.pointee.flags.insert(.tlsPending) } else { connection.pointee.flags.remove(.tlsPending) }
        return count < room && count < BufferPool.pageSize && !hadPending && !hasPending
    }

    private func receive(_ connection: ConnectionPointer, into free: UnsafeMutableRawBufferPointer) -> IOOutcome {
        guard let tls = connection.pointee.tls else { return TCPSocket.receive(connection.pointee.descriptor, into: free) }
        return tls.receive(into: free)
    }

    private func releaseEmptyInput(_ connection: ConnectionPointer) {
        if connection.pointee.input.isEmpty { pool.give(&connection.pointee.input) }
    }

    /// Reads once and forgets what a refused client still sends; false when nothing is there, or at its end, which closes.
    func discard(_ connection: ConnectionPointer) -> Bool {
        connection.pointee.input.consume(connection.pointee.input.count)
        return fill(connection, room: BufferPool.pageSize)
    }

    // MARK: Head

    /// Looks for a whole head and begins its request; false when bytes are missing.
    func takeHead(_ connection: ConnectionPointer) -> Bool {
        while true {
            skipEmptyLines(connection)
            if !connection.pointee.input.isEmpty {
                if connection.pointee.phase == .idle { enterHead(connection) }
                do {
                    if let head = try parseHead(connection) {
                        begin(connection, head)
                        return true
                    }
                } catch {
                    refuse(connection, error)
                    return true
                }
            }
            guard fill(connection, room: 1) else { return false }
        }
    }

    private func enterHead(_ connection: ConnectionPointer) {
        leaveIdle(connection)
        connection.pointee.phase = .head
        setDeadline(connection, after: limits.headDeadline)
    }

    /// Empty lines before a request are overlooked (RFC 9112 §2.2).
    private func skipEmptyLines(_ connection: ConnectionPointer) {
        while connection.pointee.input.count >= 2, connection.pointee.scanned <= 1 {
            let start = connection.pointee.input.filled
            guard start[0] == .carriageReturn, start[1] == .lineFeed else { return }
            connection.pointee.input.consume(2)
            connection.pointee.scanned = 0
        }
    }

    private func parseHead(_ connection: ConnectionPointer) throws(HTTPParseError) -> ParsedHead? {
        let view = ByteView(connection.pointee.input.filled)
        var scanned = connection.pointee.scanned
        let limit = limits.boundedHeadBytes
        let result = view.withSpan { bytes -> Result<ParsedHead?, HTTPParseError> in
            do throws(HTTPParseError) {
                guard let end = try HeadScanner.end(of: bytes, scanned: &scanned, limit: limit) else { return .success(nil) }
                return .success(try parser.parse(bytes.extracting(0..<end)))
            } catch {
                return .failure(error)
            }
        }
        connection.pointee.scanned = scanned
        return try result.get()
    }

    private func begin(_ connection: ConnectionPointer, _ head: ParsedHead) {
        connection.pointee.headLength = head.length
        note(head, connection)
        let method = HTTPMethod(connection.pointee.input.view(head.method))
        if method == .head { connection.pointee.flags.insert(.isHead) }
        let path = connection.pointee.input.view(head.path)
        switch router.decide(method, path: path, pathStart: head.path.lowerBound) {
        case .found(let target, let match): admit(connection, head, method, target, match)
        case .notFound: refuse(connection, head, 404, "not_found", "Nothing is here.")
        case .methodNotAllowed(let allow):
            refuse(connection, head, 405, "method_not_allowed", "This path takes other methods.", allow: allow)
        }
    }

    private func note(_ head: ParsedHead, _ connection: ConnectionPointer) {
        connection.pointee.flags.remove([.isHead, .isHTTP10, .isChunked, .keepsAlive, .lingers])
        if head.keepsAlive { connection.pointee.flags.insert(.keepsAlive) }
        if head.isHTTP10 { connection.pointee.flags.insert(.isHTTP10) }
        if head.isChunked { connection.pointee.flags.insert(.isChunked) }
    }

    /// Asks whether the request is welcome before its body is read.
    private func admit(
        _ connection: ConnectionPointer, _ head: ParsedHead, _ method: HTTPMethod, _ target: Router.Target, _ match: RouteMatch
    ) {
        var limit = limits.bodyBytes
        switch target {
        case .async(_, let maxBody): limit = maxBody ?? limit
        case .direct(let index):
            switch workers[index].admit(requestHead(connection, head, method, match)) {
            case .accept(let maxBody): limit = maxBody
            case .refuse(let response): return refuse(connection, head, response)
            }
        }
        let length = head.contentLength ?? 0
        guard length <= limit else {
            counters.count(.bodyTooLarge)
            return refuse(connection, head, 413, "body_too_large", HTTPParseError.bodyTooLarge.detail)
        }
        connection.pointee.bodyLength = length
        connection.pointee.bodyLimit = limit
        let isWhole = !head.isChunked && connection.pointee.input.count - head.length >= length
        guard isWhole else { return awaitBody(connection, head) }
        connection.pointee.requestLength = head.length + length
        dispatch(connection, head, method, target, match)
    }

    func requestHead(_ connection: ConnectionPointer, _ head: ParsedHead, _ method: HTTPMethod, _ match: RouteMatch)
        -> RequestHead
    {
        RequestHead(
            method: method, peer: connection.pointee.peer, isSecure: connection.pointee.tls != nil, now: loop.now,
            wallClockNanoseconds: loop.wallClockNanoseconds, bytes: connection.pointee.input.view(0..<head.length), head: head,
            slots: parser.headers, match: match)
    }

    // MARK: Body

    private func awaitBody(_ connection: ConnectionPointer, _ head: ParsedHead) {
        connection.pointee.phase = .body
        connection.pointee.chunks = ChunkedBody()
        connection.pointee.bodyStartedAt = loop.now
        setDeadline(connection, after: limits.bodyGrace)
        guard head.expectsContinue, !head.isHTTP10, connection.pointee.input.count == head.length else { return }
        transmit(connection, UnsafeRawBufferPointer(start: Self.goOn.utf8Start, count: Self.goOn.utf8CodeUnitCount))
    }

    /// Looks for a whole body and hands its request over; false when bytes are missing.
    func takeBody(_ connection: ConnectionPointer) -> Bool {
        while true {
            do {
                if try bodyIsWhole(connection) {
                    try dispatchAgain(connection)
                    return true
                }
            } catch {
                refuse(connection, error)
                return true
            }
            let missing = connection.pointee.headLength + connection.pointee.bodyLength - connection.pointee.input.count
            let step = min(max(connection.pointee.input.count, BufferPool.pageSize), Self.bodyStep)
            let room = connection.pointee.flags.contains(.isChunked) ? 1 : min(missing, step)
            guard fill(connection, room: max(room, 1)) else { return false }
        }
    }

    private func bodyIsWhole(_ connection: ConnectionPointer) throws(HTTPParseError) -> Bool {
        let headLength = connection.pointee.headLength
        guard connection.pointee.flags.contains(.isChunked) else {
            connection.pointee.requestLength = headLength + connection.pointee.bodyLength
            return connection.pointee.input.count >= connection.pointee.requestLength
        }
        let raw = connection.pointee.input.view(headLength..<connection.pointee.input.count)
        var chunks = connection.pointee.chunks
        let limit = connection.pointee.bodyLimit
        let result = raw.withSpan { bytes -> Result<Int?, HTTPParseError> in
            do throws(HTTPParseError) { return .success(try chunks.end(of: bytes, limit: limit)) } catch {
                return .failure(error)
            }
        }
        connection.pointee.chunks = chunks
        guard let end = try result.get() else { return false }
        connection.pointee.requestLength = headLength + end
        connection.pointee.bodyLength = ChunkedBody.decode(UnsafeMutableRawBufferPointer(mutating: raw[0..<end].buffer))
        return true
    }

    /// The head is parsed a second time: its slots served other connections while the body arrived.
    private func dispatchAgain(_ connection: ConnectionPointer) throws(HTTPParseError) {
        connection.pointee.scanned = 0
        guard let head = try parseHead(connection) else { throw .requestLine }
        let method = HTTPMethod(connection.pointee.input.view(head.method))
        let path = connection.pointee.input.view(head.path)
        guard case .found(let target, let match) = router.decide(method, path: path, pathStart: head.path.lowerBound) else {
            throw .target
        }
        dispatch(connection, head, method, target, match)
    }
}
