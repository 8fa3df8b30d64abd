/// Leaves somebody alone who fails again and again. A value without a clock: everybody says what time it is.
struct CircuitBreaker: Sendable {
    /// Failures in a row after which he is left alone.
    static let patience = 5
    /// For how long, at first; each further failure doubles it.
    static let shortestRest = Duration.seconds(10)
    static let longestRest = Duration.seconds(300)

    private var failures = 0
    private var closedUntil: Instant?

    /// He answered, whatever he said.
    mutating func succeeded() {
        failures = 0
        closedUntil = nil
    }

    /// He did not answer, or said that he is not well.
    mutating func failed(at now: Instant) {
        failures += 1
        guard failures >= Self.patience else { return }
        let doublings = min(failures - Self.patience, 5)
        rest(until: now.advanced(by: min(Self.shortestRest * (1 << doublings), Self.longestRest)))
    }

    /// He said when he may be asked again.
    mutating func rest(until moment: Instant) { closedUntil = max(closedUntil ?? moment, moment) }

    /// Until when he is not to be asked; `nil` where he may be.
    func closed(at now: Instant) -> Instant? { closedUntil.flatMap { now < $0 ? $0 : nil } }

    /// He may be asked, and has not answered since he failed too often: one question is enough to find out.
    func isOnTrial(at now: Instant) -> Bool { closedUntil != nil && closed(at: now) == nil }
}
