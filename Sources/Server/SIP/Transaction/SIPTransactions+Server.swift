import NetworkTypes

/// Requests of peers (RFC 3261 §17.2, RFC 6026 §7).
extension SIPTransactions {
    func advanceClock(to now: MonotonicInstant) { self.now = max(self.now, now) }

    func receive(request: SIPMessage, over flow: SIPFlow) {
        switch request.method {
        case .ack: receive(ack: request, over: flow)
        case .cancel: receive(cancel: request, over: flow)
        default: receive(other: request, over: flow)
        }
    }

    private func receive(other request: SIPMessage, over flow: SIPFlow) {
        let key = Self.key(of: request)
        if let known = byKey[key] { return absorb(request, known) }
        let mergeKey = Self.mergeKey(of: request)
        if request.toTag == nil, byMergeKey[mergeKey] != nil {
            return refuse(request, over: flow, 482)
        }
        guard let transaction = makeServer(request, flow, key: key, mergeKey: mergeKey) else { return }
        if transaction.isInvite { setRepetition(transaction, after: settings.tryingDelay) }
        emit(.request(request, transaction.id, flow))
    }

    /// A repetition gets the last answer once more; an INVITE with a 2xx gets nothing (RFC 6026 §7.1).
    private func absorb(_ request: SIPMessage, _ transaction: SIPTransaction) {
        switch transaction.state {
        case .proceeding, .completed: if !transaction.bytes.isEmpty { emit(.send(transaction.bytes, transaction.replyFlow)) }
        case .trying, .accepted, .confirmed: break
        }
    }

    private func makeServer(_ request: SIPMessage, _ flow: SIPFlow, key: Int, mergeKey: Int) -> SIPTransaction? {
        let source = Self.source(flow)
        guard count < settings.total else {
            refusedCount += 1
            refuse(request, over: flow, 503)
            return nil
        }
        guard strangers[source, default: 0] < settings.perStranger else {
            refusedCount += 1
            return nil
        }
        let transaction = SIPTransaction(
            server: makeID(), request: request, flow: flow, replyFlow: Self.replyFlow(to: request, over: flow), key: key,
            mergeKey: mergeKey, interval: settings.t1)
        transaction.isStrangers = true
        strangers[source, default: 0] += 1
        keep(transaction)
        byKey[key] = transaction
        if request.toTag == nil { byMergeKey[mergeKey] = transaction }
        return transaction
    }

    func forgetKeys(of transaction: SIPTransaction) {
        if byKey[transaction.key] === transaction { byKey[transaction.key] = nil }
        if byMergeKey[transaction.mergeKey] === transaction { byMergeKey[transaction.mergeKey] = nil }
        trust(transaction)
    }

    // MARK: Owners

    package func own(_ id: SIPTransactionID, by owner: UInt64) { self[id]?.owner = owner }

    /// Whoever sent it has proved himself: it does not count against his address any more.
    package func trust(_ id: SIPTransactionID) { if let transaction = self[id] { trust(transaction) } }

    private func trust(_ transaction: SIPTransaction) {
        guard transaction.isStrangers else { return }
        transaction.isStrangers = false
        let source = Self.source(transaction.flow)
        let rest = strangers[source, default: 1] - 1
        strangers[source] = rest > 0 ? rest : nil
    }

    /// As if the request had never come: no answer, no trace.
    package func forget(_ id: SIPTransactionID) { if let transaction = self[id], !transaction.isClient { end(transaction) } }

    package func arrival(of id: SIPTransactionID) -> SIPArrival? { self[id].map { Self.arrival(over: $0.flow) } }

    // MARK: Answers

    /// Sends an answer, and repeats it as the rules want.
    /// - Parameter bytes: the whole answer.
    package func respond(_ id: SIPTransactionID, status: UInt16, _ bytes: [UInt8], now: MonotonicInstant) {
        advanceClock(to: now)
        guard let transaction = self[id], !transaction.isClient, transaction.state == .trying || transaction.state == .proceeding
        else {
            return
        }
        stopRepetition(transaction)
        transaction.bytes = bytes
        emit(.send(bytes, transaction.replyFlow))
        switch (transaction.isInvite, status) {
        case (_, ..<200): transaction.state = .proceeding
        case (true, 200...299):
            transaction.state = .accepted
            setEnd(transaction, after: settings.patience)
        case (true, _):
            transaction.state = .completed
            if !transaction.isReliable { setRepetition(transaction, after: settings.t1) }
            setEnd(transaction, after: settings.patience)
        case (false, _):
            transaction.state = .completed
            setEnd(transaction, after: transaction.isReliable ? .zero : settings.patience)
        }
    }

    /// Sends the 2xx of an INVITE once more: its session does so until the ACK comes.
    package func repeatFinal(_ id: SIPTransactionID, now: MonotonicInstant) {
        advanceClock(to: now)
        guard let transaction = self[id], transaction.state == .accepted else { return }
        emit(.send(transaction.bytes, transaction.replyFlow))
    }

    /// The server's 100, and timer G.
    func repeatAnswer(_ transaction: SIPTransaction) {
        switch transaction.state {
        case .trying:
            guard let request = transaction.request else { return }
            transaction.state = .proceeding
            transaction.bytes = Self.answer(100, to: request, over: transaction.flow, toTag: [])
            emit(.send(transaction.bytes, transaction.replyFlow))
        case .completed:
            emit(.send(transaction.bytes, transaction.replyFlow))
            transaction.interval = min(transaction.interval * 2, settings.t2)
            setRepetition(transaction, after: transaction.interval)
        case .proceeding, .accepted, .confirmed: break
        }
    }

    // MARK: ACK and CANCEL

    private func receive(ack: SIPMessage, over flow: SIPFlow) {
        guard let transaction = byKey[Self.key(of: ack)], transaction.isInvite else { return emit(.ack(ack, flow)) }
        switch transaction.state {
        case .completed:
            stopRepetition(transaction)
            transaction.state = .confirmed
            emit(.acknowledged(transaction.id, owner: transaction.owner))
            setEnd(transaction, after: transaction.isReliable ? .zero : settings.t4)
        case .accepted:
            // Some peers give the ACK of a 2xx the branch of its INVITE.
            emit(.ack(ack, flow))
        case .trying, .proceeding, .confirmed: break
        }
    }

    private func receive(cancel: SIPMessage, over flow: SIPFlow) {
        guard let transaction = byKey[Self.key(of: cancel)], transaction.isInvite else { return refuse(cancel, over: flow, 481) }
        refuse(cancel, over: flow, 200)
        guard transaction.state == .trying || transaction.state == .proceeding else { return }
        emit(.cancelled(transaction.id, owner: transaction.owner))
    }

    // MARK: Without a transaction

    /// Answers without keeping anything. A repetition is answered again, and alike but for the tag.
    private func refuse(_ request: SIPMessage, over flow: SIPFlow, _ status: UInt16) {
        var tag: [UInt8] = []
        HexDigits.append(chance(), count: 16, to: &tag)
        emit(.send(Self.answer(status, to: request, over: flow, toTag: tag), Self.replyFlow(to: request, over: flow)))
    }

    /// Answers a request that could not be read, where it deserves an answer.
    package func refuse(_ refusal: SIPRefusal, over flow: SIPFlow) {
        guard let request = refusal.request, let status = refusal.answer.status, request.method != .ack else { return }
        var tag = ""
        tag = String(chance(), radix: 16)
        guard
            let writer = try? SIPMessageWriter.response(to: refusal, toTag: tag, arrival: Self.arrival(over: flow)),
            let bytes = try? writer.finish(), status >= 400
        else { return }
        emit(.send(bytes, Self.replyFlow(to: request, over: flow)))
    }

    private static func answer(_ status: UInt16, to request: SIPMessage, over flow: SIPFlow, toTag: [UInt8]) -> [UInt8] {
        SIPMessageWriter.answer(
            status, to: request, toTag: toTag, arrival: arrival(over: flow), SIPFieldLines(), contentType: nil, body: [])
    }

    private static func arrival(over flow: SIPFlow) -> SIPArrival {
        SIPArrival(address: flow.remote.ip.description, port: flow.remote.port)
    }

    /// Where an answer goes: over a stream back, over UDP to the source, at its port where it asked for that, else at the port of its Via
    /// (RFC 3261 §18.2.2, RFC 3581 §4). `maddr` and a `received` that the peer wrote are not believed.
    static func replyFlow(to request: SIPMessage, over flow: SIPFlow) -> SIPFlow {
        guard flow.transport == .udp, !request.topVia.hasRport else { return flow }
        var reply = flow
        reply.remote.port = request.topVia.port ?? 5060
        return reply
    }

    /// One customer has a whole IPv6 /64.
    private static func source(_ flow: SIPFlow) -> IPAddress {
        flow.remote.ip.isV4 ? flow.remote.ip : flow.remote.ip.masked(to: 64)
    }
}
