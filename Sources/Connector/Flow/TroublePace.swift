/// Says when trouble that goes on is worth a line in the log: at once, then after pauses that grow, and when it is over.
///
/// Trouble that comes and goes counts as one until nothing has been wrong for the longest pause.
package struct TroublePace: Sendable {
    private static let shortestPause = Duration.seconds(10)
    private static let longestPause = Duration.seconds(600)

    private var untold = 0
    private var toldAt: Instant?
    private var failedAt: Instant?
    private var pause = shortestPause
    private var isToldOf = false

    package init() {}

    /// Notes that something failed.
    /// - Returns: how often it did since this was last told, where it is to be told now.
    package mutating func failed(times: Int = 1, at now: Instant) -> Int? {
        untold += times
        let isCalmBefore = failedAt.map { !Self.isWithin(Self.longestPause, of: $0, now) } ?? true
        failedAt = now
        if let toldAt, Self.isWithin(pause, of: toldAt, now) { return nil }
        pause = isCalmBefore ? Self.shortestPause : min(pause * 2, Self.longestPause)
        toldAt = now
        isToldOf = true
        defer { untold = 0 }
        return untold
    }

    /// Notes that all is well.
    /// - Returns: whether that is to be told: the trouble was.
    package mutating func recovered() -> Bool {
        defer { isToldOf = false }
        return isToldOf
    }

    /// A clock that was set back makes nobody wait.
    private static func isWithin(_ pause: Duration, of moment: Instant, _ now: Instant) -> Bool {
        (0..<pause.milliseconds).contains(now.milliseconds(since: moment))
    }
}
