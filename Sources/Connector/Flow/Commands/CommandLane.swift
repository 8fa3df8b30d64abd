/// How fast one connection's commands may go, and whether its provider is well: a token bucket and a circuit breaker.
///
/// A value without a clock: everybody says what time it is.
struct CommandLane: Sendable {
    /// What a command that wants to leave is told.
    enum Turn: Equatable {
        case now
        /// Its place is kept; it leaves at that moment.
        case at(Instant)
        /// The provider failed again and again: nothing is sent before that moment.
        case closed(until: Instant)
    }

    /// Failures in a row after which the provider is left alone.
    static let patience = 5
    /// For how long, at first; each further failure doubles it.
    static let shortestRest = Duration.seconds(10)
    static let longestRest = Duration.seconds(300)

    private let limit: RateLimit
    /// When the bucket was last full, or will have been refilled: tokens are counted in time.
    private var fullAt: Instant
    private var failures = 0
    private var closedUntil: Instant?

    init(_ limit: RateLimit, at now: Instant) {
        self.limit = limit
        fullAt = now
    }

    /// Takes a place in the queue; a place beyond `deadline` is not taken.
    mutating func take(at now: Instant, deadline: Instant) -> Turn {
        if let closedUntil, now < closedUntil { return .closed(until: closedUntil) }
        let filled = max(fullAt, now)
        let leaves = max(now, filled.advanced(by: limit.interval * -(limit.burst - 1)))
        if leaves <= deadline { fullAt = filled.advanced(by: limit.interval) }
        return leaves <= now ? .now : .at(leaves)
    }

    /// The provider answered, whatever it said.
    mutating func succeeded() {
        failures = 0
        closedUntil = nil
    }

    /// The provider did not answer, or said that it is not well. One command is let through after each rest.
    mutating func failed(at now: Instant) {
        failures += 1
        guard failures >= Self.patience else { return }
        let doublings = min(failures - Self.patience, 5)
        closedUntil = now.advanced(by: min(Self.shortestRest * (1 << doublings), Self.longestRest))
    }

    /// The provider said when it may be asked again.
    mutating func rest(until moment: Instant) { closedUntil = max(closedUntil ?? moment, moment) }

    /// Until when nothing is sent; `nil` where commands may go.
    func closed(at now: Instant) -> Instant? { closedUntil.flatMap { now < $0 ? $0 : nil } }
}
