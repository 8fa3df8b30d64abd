import Network

/// From a whole request to its handler, and from the handler's answer to the next request.
extension HTTPLoop {
    func dispatch(
        _ connection: ConnectionPointer, _ head: ParsedHead, _ method: HTTPMethod, _ target: Router.Target, _ match: RouteMatch
    ) {
        let bodyEnd = head.length + connection.pointee.bodyLength
        let body = connection.pointee.input.view(head.length..<bodyEnd)
        switch target {
        case .async(let handler, _): startTask(connection, ownedRequest(connection, head, method, match, body), handler)
        case .direct(let index):
            let request = DirectRequest(head: requestHead(connection, head, method, match), body: body)
            connection.pointee.phase = .deferred
            switch workers[index].handle(request, token(of: connection)) {
            case .respond(let response): answer(connection, response)
            case .deferred: setDeadline(connection, after: limits.replyDeadline)
            }
        }
    }

    func token(of connection: ConnectionPointer) -> ReplyToken {
        ReplyToken(slot: connection.pointee.slot, generation: connection.pointee.generation, loop: number)
    }

    private func ownedRequest(
        _ connection: ConnectionPointer, _ head: ParsedHead, _ method: HTTPMethod, _ match: RouteMatch, _ body: ByteView
    ) -> HTTPRequest {
        let view = requestHead(connection, head, method, match)
        var parameters: [String: String] = [:]
        for (index, name) in router.routes[match.route].names.enumerated() {
            parameters[name] = view.parameter(index).percentDecoded()
        }
        let fields = (0..<view.headerCount).map { index in
            let (name, value) = view.header(at: index)
            return (name: name.string, value: value.string)
        }
        return HTTPRequest(
            method: method, path: view.path.string, parameters: parameters, query: QueryItems(view.query),
            headers: HTTPHeaders(fields), body: body.array, peer: view.peer, isSecure: view.isSecure)
    }

    // MARK: Deferred answers

    func reply(to token: ReplyToken, with response: HTTPResponse) {
        guard let connection = slab.find(token.slot, token.generation) else { return counters.add(.repliesDropped) }
        switch connection.pointee.phase {
        case .deferred:
            answer(connection, response)
            resume(connection)
        case .orphaned:
            counters.add(.repliesDropped)
            release(connection)
        default: counters.add(.repliesDropped)
        }
    }

    /// Goes on behind an answer that came from outside the connection's own turn: no new edge will come for what is there already.
    func resume(_ connection: ConnectionPointer) {
        guard connection.pointee.phase == .idle || connection.pointee.phase == .head else { return }
        if !connection.pointee.input.isEmpty || connection.pointee.flags.contains(.readable) { enqueue(connection) }
    }

    // MARK: Refusals

    /// Refuses what could not be parsed: nobody knows where the next request would begin, so the connection ends.
    func refuse(_ connection: ConnectionPointer, _ error: HTTPParseError) {
        counters.count(error)
        endRefused(connection, router.errorResponse(error.status, error.rawValue, error.detail))
    }

    func refuse(
        _ connection: ConnectionPointer, _ head: ParsedHead, _ status: HTTPStatus, _ code: String, _ detail: String,
        allow: String? = nil
    ) {
        var response = router.errorResponse(status, code, detail)
        if let allow { response.headers["Allow"] = allow }
        refuse(connection, head, response)
    }

    /// Refuses a parsed head: goes on when its body is here or empty, else the body is not waited for.
    func refuse(_ connection: ConnectionPointer, _ head: ParsedHead, _ response: HTTPResponse) {
        let length = head.contentLength ?? 0
        guard !head.isChunked, connection.pointee.input.count - head.length >= length else {
            return endRefused(connection, response)
        }
        connection.pointee.requestLength = head.length + length
        answer(connection, response)
    }

    func endRefused(_ connection: ConnectionPointer, _ response: HTTPResponse) {
        leaveIdle(connection)
        connection.pointee.flags.remove(.keepsAlive)
        connection.pointee.flags.insert(.lingers)
        connection.pointee.requestLength = connection.pointee.input.count
        answer(connection, response)
    }

    // MARK: Answers

    /// Sends an answer that is whole, and turns to the next request or the end.
    func answer(_ connection: ConnectionPointer, _ response: HTTPResponse) {
        connection.pointee.phase = .finishing
        encode(connection, response)
        guard transmitScratch(connection) else { return }
        finishRequest(connection)
    }

    func finishRequest(_ connection: ConnectionPointer) {
        connection.pointee.input.consume(connection.pointee.requestLength)
        connection.pointee.requestLength = 0
        connection.pointee.scanned = 0
        connection.pointee.flags.remove(.isHead)
        guard connection.pointee.flags.contains(.keepsAlive) else { return end(connection) }
        if connection.pointee.input.isEmpty { pool.give(&connection.pointee.input) }
        becomeIdle(connection)
        if !connection.pointee.output.isEmpty { setDeadline(connection, after: limits.writeStall) }
    }
}
