/// How fast one connection's provider may be asked, and whether it is well: a token bucket and a circuit breaker.
///
/// Commands keep a place in the queue; questions (the log, a recording's address, what a connection keeps alive) take only what commands
/// leave over. A value without a clock: everybody says what time it is.
struct ProviderLane: Sendable {
    /// What a command that wants to leave is told.
    enum Turn: Equatable {
        case now
        /// Its place is kept; it leaves at that moment.
        case at(Instant)
        /// The provider failed again and again: nothing is sent before that moment.
        case closed(until: Instant)
    }

    let limit: RateLimit
    let historyLimit: RateLimit?
    /// When the bucket was last full, or will have been refilled: tokens are counted in time.
    private var fullAt: Instant
    /// The same of the log's own bucket.
    private var historyFullAt: Instant
    private var circuit = CircuitBreaker()
    private var questionsRestUntil: Instant?

    /// - Parameter historyLimit: how often the log may be asked for, where that is less often than anything else.
    init(_ limit: RateLimit, history historyLimit: RateLimit? = nil, at now: Instant) {
        self.limit = limit
        self.historyLimit = historyLimit
        fullAt = now
        historyFullAt = now
    }

    // MARK: Commands

    /// Takes a place in the queue; a place beyond `deadline` is not taken.
    mutating func take(at now: Instant, deadline: Instant) -> Turn {
        if let moment = circuit.closed(at: now) { return .closed(until: moment) }
        let filled = max(fullAt, now)
        let leaves = limit.leaving(filled, at: now)
        if leaves <= deadline { fullAt = filled.advanced(by: limit.interval) }
        return leaves <= now ? .now : .at(leaves)
    }

    /// Gives back a place that was taken; those behind it keep theirs.
    mutating func giveBack() { fullAt = fullAt.advanced(by: .zero - limit.interval) }

    /// Something left without asking: a further request of a command. What follows is put off by it.
    mutating func note(at now: Instant) { fullAt = max(fullAt, now).advanced(by: limit.interval) }

    /// The provider answered, whatever it said.
    mutating func succeeded() { circuit.succeeded() }

    /// The provider did not answer, or said that it is not well. Commands are let through after each rest.
    mutating func failed(at now: Instant) { circuit.failed(at: now) }

    /// The provider said when it may be asked again.
    mutating func rest(until moment: Instant) { circuit.rest(until: moment) }

    /// Until when nothing is sent; `nil` where commands may go.
    func closed(at now: Instant) -> Instant? { circuit.closed(at: now) }

    /// Whether a new lane would let as much through: the bucket is full, and nobody wants to be left alone.
    func isAsNew(at now: Instant) -> Bool {
        fullAt <= now && historyFullAt <= now && circuit.closed(at: now) == nil && (questionsRestUntil ?? now) <= now
    }

    // MARK: Questions

    /// Lets a question leave, if it may now: half of the burst stays for commands, and no command waits.
    /// - Parameter isHistory: it asks for the log.
    /// - Returns: `now`, or when to ask again; no place is kept.
    mutating func ask(isHistory: Bool, at now: Instant) -> Instant {
        let filled = max(fullAt, now)
        let historyFilled = max(historyFullAt, now)
        var leaves = max(now, limit.leaving(filled, at: now, leaving: limit.burst / 2))
        if isHistory, let historyLimit { leaves = max(leaves, historyLimit.leaving(historyFilled, at: now)) }
        leaves = [circuit.closed(at: now), questionsRestUntil].compactMap(\.self).reduce(leaves, max)
        guard leaves <= now else { return leaves }
        fullAt = filled.advanced(by: limit.interval)
        if isHistory, let historyLimit { historyFullAt = historyFilled.advanced(by: historyLimit.interval) }
        return now
    }

    /// The provider does not want to be asked for a while. Commands go on: their limits are often others.
    mutating func restQuestions(until moment: Instant) { questionsRestUntil = max(questionsRestUntil ?? moment, moment) }
}

extension RateLimit {
    /// When one more may leave.
    /// - Parameters:
    ///   - filled: when the bucket will be full.
    ///   - reserve: tokens that must stay in it.
    fileprivate func leaving(_ filled: Instant, at now: Instant, leaving reserve: Int = 0) -> Instant {
        max(now, filled.advanced(by: interval * -(max(burst, 1) - 1 - reserve)))
    }
}
