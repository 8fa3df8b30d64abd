import NetworkTypes

/// All transactions of one event loop (RFC 3261 §17 with RFC 6026): what is sent again, what is a repetition, and what is new.
///
/// Sans-IO: messages and the time come in, `takeOutput` gives what comes out. Answers find their transaction by the branch that we
/// wrote; requests by a hash of what the peer wrote, seeded at random (`Hasher`), so that nobody can make them collide.
package final class SIPTransactions {
    let settings: SIPTransactionSettings
    let shard: UInt8
    let chance: () -> UInt64
    private let sentBy: (SIPFlow) -> (host: String, port: UInt16?)
    private var slots: [SIPTransaction?] = []
    private var generations: [UInt32] = []
    private var freeSlots: [UInt32] = []
    private var wheel: TimerWheel<SIPTransactionTimer>
    var byKey: [Int: SIPTransaction] = [:]
    var byMergeKey: [Int: SIPTransaction] = [:]
    var strangers: [IPAddress: Int] = [:]
    private var output: [SIPTransactionOutput] = []
    var now: MonotonicInstant
    package private(set) var count = 0
    /// Requests that were not taken because there are too many.
    package var refusedCount = 0

    /// - Parameters:
    ///   - chance: unguessable numbers; of a seed in simulations.
    ///   - sentBy: host and port of our Via over a flow.
    /// Whole lines that every request of ours has, a User-Agent or nothing.
    var product: [UInt8] = []

    package init(
        settings: SIPTransactionSettings = SIPTransactionSettings(), shard: UInt8 = 0, now: MonotonicInstant,
        chance: @escaping () -> UInt64, sentBy: @escaping (SIPFlow) -> (host: String, port: UInt16?)
    ) {
        self.settings = settings
        self.shard = shard
        self.now = now
        self.chance = chance
        self.sentBy = sentBy
        wheel = TimerWheel(startingAt: Self.tick(now))
    }

    package var isEmpty: Bool {
        count == 0 && byKey.isEmpty && byMergeKey.isEmpty && strangers.isEmpty && wheel.count == 0 && output.isEmpty
    }

    package func takeOutput() -> [SIPTransactionOutput] {
        if output.isEmpty { return [] }
        defer { output.removeAll(keepingCapacity: true) }
        return output
    }

    func emit(_ event: SIPTransactionOutput) { output.append(event) }

    // MARK: In

    package func receive(_ message: SIPMessage, over flow: SIPFlow, now: MonotonicInstant) {
        self.now = max(self.now, now)
        if message.isRequest { receive(request: message, over: flow) } else { receive(response: message, over: flow) }
    }

    package func advance(to now: MonotonicInstant) {
        self.now = max(self.now, now)
        while let timer = wheel.takeDue(at: Self.tick(now)) {
            guard let transaction = self[timer.id] else { continue }
            switch timer.kind {
            case .repetition:
                transaction.repetition = nil
                transaction.isClient ? repeatRequest(transaction) : repeatAnswer(transaction)
            case .end:
                transaction.end = nil
                patienceEnded(transaction)
            case .cancel: repeatCancel(transaction)
            }
        }
    }

    package var nextDeadline: MonotonicInstant? { wheel.nextTick.map { MonotonicInstant(nanoseconds: $0 * 1_000_000) } }

    /// A peer cannot be reached over this flow, or the connection is gone.
    package func transportFailed(_ flow: SIPFlow, now: MonotonicInstant) {
        self.now = max(self.now, now)
        for case let transaction? in slots where transaction.flow == flow {
            if transaction.isClient, transaction.state == .trying || transaction.state == .proceeding {
                fail(transaction, .transport)
            } else if !transaction.isClient, flow.transport.isReliable {
                end(transaction)
            }
        }
    }

    /// B, F and H, and the end of every rest.
    private func patienceEnded(_ transaction: SIPTransaction) {
        switch transaction.state {
        case .trying, .proceeding: fail(transaction, transaction.isClient ? .timeout : .noACK)
        case .completed where !transaction.isClient && transaction.isInvite: fail(transaction, .noACK)
        case .completed, .accepted, .confirmed: end(transaction)
        }
    }

    func fail(_ transaction: SIPTransaction, _ failure: SIPTransactionFailure) {
        emit(.failed(transaction.id, owner: transaction.owner, failure))
        end(transaction)
    }

    // MARK: Slots

    subscript(id: SIPTransactionID) -> SIPTransaction? {
        guard slots.indices.contains(Int(id.slot)), let transaction = slots[Int(id.slot)], transaction.id == id else {
            return nil
        }
        return transaction
    }

    func makeID() -> SIPTransactionID {
        if let slot = freeSlots.popLast() { return SIPTransactionID(slot: slot, generation: generations[Int(slot)]) }
        slots.append(nil)
        generations.append(0)
        return SIPTransactionID(slot: UInt32(slots.count - 1), generation: 0)
    }

    /// Puts a name back that was made and not used.
    func discard(_ id: SIPTransactionID) { freeSlots.append(id.slot) }

    func keep(_ transaction: SIPTransaction) {
        slots[Int(transaction.id.slot)] = transaction
        count += 1
    }

    /// Forgets a transaction and says so.
    func end(_ transaction: SIPTransaction) {
        guard self[transaction.id] != nil else { return }
        for timer in [transaction.repetition, transaction.end, transaction.cancel?.repetition] {
            if let timer { wheel.cancel(timer) }
        }
        let slot = Int(transaction.id.slot)
        slots[slot] = nil
        generations[slot] &+= 1
        freeSlots.append(transaction.id.slot)
        count -= 1
        if !transaction.isClient { forgetKeys(of: transaction) }
        emit(.ended(transaction.id, owner: transaction.owner))
    }

    // MARK: Timers

    func setRepetition(_ transaction: SIPTransaction, after delay: Duration) {
        stopRepetition(transaction)
        transaction.repetition = timer(transaction, .repetition, after: delay)
    }

    func stopRepetition(_ transaction: SIPTransaction) {
        if let timer = transaction.repetition { wheel.cancel(timer) }
        transaction.repetition = nil
    }

    /// What ends the state that begins; `nil` waits for ever, zero ends the transaction now.
    func setEnd(_ transaction: SIPTransaction, after delay: Duration?) {
        if let timer = transaction.end { wheel.cancel(timer) }
        transaction.end = nil
        guard let delay else { return }
        if delay == .zero { end(transaction) } else { transaction.end = timer(transaction, .end, after: delay) }
    }

    func timer(_ transaction: SIPTransaction, _ kind: SIPTransactionTimer.Kind, after delay: Duration) -> TimerID {
        wheel.insert(
            SIPTransactionTimer(id: transaction.id, kind: kind), due: Self.tick(now.advanced(by: delay + .microseconds(999))))
    }

    func cancel(_ timer: TimerID) { wheel.cancel(timer) }

    private static func tick(_ moment: MonotonicInstant) -> Int64 { moment.nanoseconds / 1_000_000 }

    // MARK: Writing

    /// A whole request with our Via on top.
    /// - Throws: `.token` for a method that is none.
    func written(_ draft: SIPRequestDraft, over flow: SIPFlow, branch: [UInt8]) throws(SIPWriteError) -> [UInt8] {
        guard !draft.method.isEmpty, draft.method.utf8.allSatisfy(\.isToken) else { throw SIPWriteError(code: .token, name: nil) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(draft.fields.count + draft.body.count + draft.uri.written.count + 256)
        bytes += draft.method.utf8
        bytes.append(.space)
        bytes += draft.uri.written
        bytes.append(fixed: " SIP/2.0\r\nVia: SIP/2.0/")
        bytes.append(fixed: flow.transport.name)
        let (host, port) = sentBy(flow)
        bytes.append(.space)
        bytes += host.utf8
        if let port { bytes += ":\(port)".utf8 }
        bytes.append(fixed: ";branch=")
        bytes += branch
        bytes.append(fixed: ";rport\r\n")
        bytes += draft.fields
        bytes += product
        if let contentType = draft.contentType, !draft.body.isEmpty {
            bytes.append(fixed: "Content-Type: ")
            bytes += contentType.utf8
            bytes += [.carriageReturn, .lineFeed]
        }
        bytes += "Content-Length: \(draft.body.count)\r\n\r\n".utf8
        bytes += draft.body
        return bytes
    }
}

extension [UInt8] {
    /// A text of this program.
    mutating func append(fixed text: StaticString) {
        self += UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}
