import Network

/// Asynchronous handlers and the bodies they stream.
extension HTTPLoop {
    func startTask(_ connection: ConnectionPointer, _ request: HTTPRequest, _ handler: @escaping HTTPHandler) {
        let token = token(of: connection)
        let exchange = AsyncExchange()
        connection.pointee.phase = .handling
        connection.pointee.exchange = .passRetained(exchange)
        setDeadline(connection, .distantFuture)
        let task = Task.immediate(executorPreference: loop) { [self] in
            await deliver(run(handler, request), to: token)
        }
        exchange.begin(task)
    }

    private func run(_ handler: HTTPHandler, _ request: HTTPRequest) async -> HTTPResponse {
        do {
            return try await handler(request)
        } catch let problem as HTTPProblem {
            return router.errorResponse(problem.status, problem.code, problem.detail)
        } catch {
            counters.add(.handlerErrors)
            return router.errorResponse(500, "internal", "The server failed at this request.")
        }
    }

    private func deliver(_ response: HTTPResponse, to token: ReplyToken) async {
        switch response.body {
        case .stream(let body): await stream(response, byteCount: nil, body, to: token)
        case .measured(let count, let body): await stream(response, byteCount: count, body, to: token)
        case .none, .bytes, .preserialized: finish(response, token)
        }
    }

    private func stream(
        _ response: HTTPResponse, byteCount: Int?, _ body: @Sendable (HTTPBodyWriter) async throws -> Void, to token: ReplyToken
    ) async {
        guard beginStream(response, byteCount: byteCount, token) else { return }
        do {
            try await body(HTTPBodyWriter(self, token))
            endStream(token, isWhole: true)
        } catch {
            endStream(token, isWhole: false)
        }
    }

    private func finish(_ response: HTTPResponse, _ token: ReplyToken) {
        guard let connection = slab.find(token.slot, token.generation), connection.pointee.phase == .handling else { return }
        releaseExchange(connection)
        answer(connection, response)
        resume(connection)
    }

    private func releaseExchange(_ connection: ConnectionPointer) {
        connection.pointee.exchange?.release()
        connection.pointee.exchange = nil
    }

    // MARK: Streams

    /// Sends the head; false when there is nobody to send a body to.
    /// - Parameter byteCount: of a body whose length is known.
    private func beginStream(_ response: HTTPResponse, byteCount: Int?, _ token: ReplyToken) -> Bool {
        guard let connection = slab.find(token.slot, token.generation), connection.pointee.phase == .handling else {
            return false
        }
        if response.status.forbidsBody || connection.pointee.flags.contains(.isHead) {
            let body: HTTPResponse.Body = byteCount == nil ? .none : response.body
            finish(HTTPResponse(response.status, headers: response.headers, body: body), token)
            return false
        }
        let isHTTP10 = connection.pointee.flags.contains(.isHTTP10)
        if isDraining { connection.pointee.flags.remove(.keepsAlive) }
        let keepsAlive = connection.pointee.flags.contains(.keepsAlive)
        date.update(toNanoseconds: loop.wallClockNanoseconds)
        counters.countResponse(response.status)
        scratch.removeAll(keepingCapacity: true)
        let unmeasured: ResponseFraming.Length = isHTTP10 ? .untilClose : .chunked
        let framing = ResponseFraming(length: byteCount.map { .known($0) } ?? unmeasured, keepsAlive: keepsAlive)
        ResponseHead.append(response, framing, date: date.bytes, to: &scratch)
        connection.pointee.phase = .streaming
        connection.pointee.owedBytes = byteCount
        return transmitScratch(connection)
    }

    /// What became of a piece of a stream.
    enum StreamState {
        case ready, full, gone
    }

    func writeStream(_ bytes: [UInt8], _ token: ReplyToken) -> StreamState {
        guard let connection = streaming(token) else { return .gone }
        guard !bytes.isEmpty else { return .ready }
        scratch.removeAll(keepingCapacity: true)
        if let owed = connection.pointee.owedBytes {
            // More than was announced would be taken for the next answer.
            guard bytes.count <= owed else {
                close(connection)
                return .gone
            }
            connection.pointee.owedBytes = owed - bytes.count
        }
        let isChunked = isChunkedStream(connection)
        if isChunked { scratch += (String(bytes.count, radix: 16) + "\r\n").utf8 }
        scratch += bytes
        if isChunked { scratch += "\r\n".utf8 }
        guard transmitScratch(connection) else { return .gone }
        return connection.pointee.output.count > limits.writeHighWater ? .full : .ready
    }

    func awaitDrain(_ token: ReplyToken, _ waiter: CheckedContinuation<Void, Never>) {
        guard let exchange = streaming(token)?.pointee.exchange else { return waiter.resume() }
        exchange.takeUnretainedValue().add(waiter)
    }

    private func streaming(_ token: ReplyToken) -> ConnectionPointer? {
        guard let connection = slab.find(token.slot, token.generation), connection.pointee.phase == .streaming else { return nil }
        return connection
    }

    private func endStream(_ token: ReplyToken, isWhole: Bool) {
        guard let connection = streaming(token) else { return }
        releaseExchange(connection)
        guard isWhole, connection.pointee.owedBytes ?? 0 == 0 else { return close(connection) }
        if isChunkedStream(connection) {
            scratch.removeAll(keepingCapacity: true)
            scratch += "0\r\n\r\n".utf8
            guard transmitScratch(connection) else { return }
        }
        connection.pointee.owedBytes = nil
        finishRequest(connection)
        resume(connection)
    }

    private func isChunkedStream(_ connection: ConnectionPointer) -> Bool {
        connection.pointee.owedBytes == nil && !connection.pointee.flags.contains(.isHTTP10)
    }
}
