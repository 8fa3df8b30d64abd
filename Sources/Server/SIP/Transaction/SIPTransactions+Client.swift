import NetworkTypes

/// Requests of ours (RFC 3261 §17.1, RFC 6026 §7).
extension SIPTransactions {
    /// Sends a request. What becomes of it is told with `owner`.
    package func begin(
        _ draft: SIPRequestDraft, over flow: SIPFlow, owner: UInt64, now: MonotonicInstant
    ) throws(SIPWriteError) -> SIPTransactionID {
        advanceClock(to: now)
        let id = makeID()
        let branch = SIPBranch.written(shard: shard, id, chance: chance())
        let bytes: [UInt8]
        do {
            bytes = try written(draft, over: flow, branch: branch)
        } catch {
            discard(id)
            throw error
        }
        let transaction = SIPTransaction(
            client: id, isInvite: draft.method == "INVITE", flow: flow, owner: owner, branch: branch, bytes: bytes,
            interval: settings.t1)
        keep(transaction)
        emit(.send(bytes, flow))
        if !transaction.isReliable { setRepetition(transaction, after: settings.t1) }
        setEnd(transaction, after: settings.patience)
        return id
    }

    /// A request that is no transaction: the ACK for a 2xx, with a branch of its own.
    package func bytes(ofStateless draft: SIPRequestDraft, over flow: SIPFlow) throws(SIPWriteError) -> [UInt8] {
        let name = SIPTransactionID(slot: .max, generation: UInt32(truncatingIfNeeded: chance()))
        return try written(draft, over: flow, branch: SIPBranch.written(shard: shard, name, chance: chance()))
    }

    // MARK: Answers

    func receive(response: SIPMessage, over flow: SIPFlow) {
        guard let branch = response.topVia.branch, let id = SIPBranch.transaction(in: branch, shard: shard),
            let transaction = self[id],
            transaction.isClient, branch.elementsEqual(transaction.branch)
        else {
            if response.method == .invite, (200...299).contains(response.status) { emit(.strayResponse(response, flow)) }
            return
        }
        if response.method == .cancel {
            cancelAnswered(transaction, response)
        } else if (response.method == .invite) == transaction.isInvite {
            transaction.isInvite ? inviteAnswered(transaction, response) : requestAnswered(transaction, response)
        }
    }

    private func inviteAnswered(_ transaction: SIPTransaction, _ response: SIPMessage) {
        switch (transaction.state, response.status) {
        case (.trying, ..<200), (.proceeding, ..<200):
            if transaction.state == .trying {
                transaction.state = .proceeding
                stopRepetition(transaction)
                if transaction.cancel == nil, !transaction.isHurried { setEnd(transaction, after: nil) }
                sendCancel(transaction)
            }
            tell(transaction, response)
        case (.trying, 200...299), (.proceeding, 200...299):
            stopRepetition(transaction)
            stopCancel(transaction)
            transaction.state = .accepted
            setEnd(transaction, after: settings.patience)
            tell(transaction, response)
        case (.accepted, 200...299): tell(transaction, response)
        case (.trying, 300...), (.proceeding, 300...): inviteRefused(transaction, response)
        case (.completed, 300...): emit(.send(transaction.ack, transaction.flow))
        default: break
        }
    }

    private func inviteRefused(_ transaction: SIPTransaction, _ response: SIPMessage) {
        stopRepetition(transaction)
        stopCancel(transaction)
        transaction.state = .completed
        transaction.ack = written(.ack, of: transaction, to: response)
        emit(.send(transaction.ack, transaction.flow))
        tell(transaction, response)
        setEnd(transaction, after: transaction.isReliable ? .zero : .seconds(32))
    }

    private func requestAnswered(_ transaction: SIPTransaction, _ response: SIPMessage) {
        guard transaction.state == .trying || transaction.state == .proceeding else { return }
        if response.status < 200 {
            transaction.state = .proceeding
            tell(transaction, response)
            return
        }
        stopRepetition(transaction)
        transaction.state = .completed
        tell(transaction, response)
        setEnd(transaction, after: transaction.isReliable ? .zero : settings.t4)
    }

    private func tell(_ transaction: SIPTransaction, _ response: SIPMessage) {
        emit(.response(response, transaction.id, owner: transaction.owner))
    }

    /// A and E: twice as long each time; of others than INVITE up to T2, and T2 once there was a provisional answer.
    func repeatRequest(_ transaction: SIPTransaction) {
        guard transaction.state == .trying || transaction.state == .proceeding else { return }
        emit(.send(transaction.bytes, transaction.flow))
        transaction.interval = transaction.interval * 2
        if !transaction.isInvite {
            transaction.interval = transaction.state == .proceeding ? settings.t2 : min(transaction.interval, settings.t2)
        }
        setRepetition(transaction, after: transaction.interval)
    }

    // MARK: CANCEL

    /// Takes an INVITE of ours back: at once where it has a provisional answer, else as soon as it has. Its final answer is told as ever.
    /// - Parameter fields: Reason, as a whole line.
    package func cancel(_ id: SIPTransactionID, fields: [UInt8] = [], now: MonotonicInstant) {
        advanceClock(to: now)
        guard let transaction = self[id], transaction.isClient, transaction.isInvite, transaction.cancel == nil,
            transaction.state == .trying || transaction.state == .proceeding
        else { return }
        transaction.cancel = SIPCancelling(fields: fields, interval: settings.t1)
        if transaction.state == .proceeding { sendCancel(transaction) }
    }

    /// Waits for the final answer to an INVITE no longer than for that to any other request: nobody needs it any more.
    package func hurry(_ id: SIPTransactionID, now: MonotonicInstant) {
        advanceClock(to: now)
        guard let transaction = self[id], transaction.isClient, transaction.isInvite, !transaction.isHurried,
            transaction.state == .trying || transaction.state == .proceeding
        else { return }
        transaction.isHurried = true
        if transaction.state == .proceeding, transaction.cancel == nil { setEnd(transaction, after: settings.patience) }
    }

    private func sendCancel(_ transaction: SIPTransaction) {
        guard var cancel = transaction.cancel, !cancel.isSent else { return }
        cancel.isSent = true
        cancel.bytes = written(.cancel, of: transaction, to: nil, adding: cancel.fields)
        emit(.send(cancel.bytes, transaction.flow))
        if !transaction.isReliable { cancel.repetition = timer(transaction, .cancel, after: settings.t1) }
        transaction.cancel = cancel
        // Should neither CANCEL nor INVITE be answered any more (§9.1).
        setEnd(transaction, after: settings.patience)
    }

    func repeatCancel(_ transaction: SIPTransaction) {
        guard var cancel = transaction.cancel else { return }
        emit(.send(cancel.bytes, transaction.flow))
        cancel.interval = min(cancel.interval * 2, settings.t2)
        cancel.repetition = timer(transaction, .cancel, after: cancel.interval)
        transaction.cancel = cancel
    }

    private func cancelAnswered(_ transaction: SIPTransaction, _ response: SIPMessage) {
        if response.status >= 200 { stopCancel(transaction) }
    }

    private func stopCancel(_ transaction: SIPTransaction) {
        if let timer = transaction.cancel?.repetition { cancel(timer) }
        transaction.cancel?.repetition = nil
    }

    // MARK: Writing

    /// ACK or CANCEL of an INVITE: its Request-URI, Via, From, Call-ID, Route and number; To of the answer (§9.1, §17.1.1.3).
    private func written(
        _ method: SIPMethod, of transaction: SIPTransaction, to response: SIPMessage?, adding fields: [UInt8] = []
    )
        -> [UInt8]
    {
        var parser = SIPParser()
        // What we wrote ourselves can be read.
        let bytes = transaction.bytes
        guard let parsed = try? parser.parse(datagram: bytes.span).message, let uri = parsed.requestURI else { return [] }
        var lines = SIPFieldLines()
        for name in [SIPHeaderName.from, .to, .callID] {
            let source = name == .to ? response ?? parsed : parsed
            if let value = source.value(name) { lines.add(name, parsed: value) }
        }
        lines.add(.cseq, parsed: Array("\(parsed.cseq) \(method.rawValue)".utf8)[...])
        lines.add(.maxForwards, fixed: "70")
        for range in parsed.ranges(.route) { lines.add(.route, parsed: parsed.bytes[range]) }
        let draft = SIPRequestDraft(method: method.rawValue, uri: uri, fields: lines.bytes + fields)
        return (try? written(draft, over: transaction.flow, branch: transaction.branch)) ?? []
    }
}
