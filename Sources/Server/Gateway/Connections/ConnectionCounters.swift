import Connector
import Synchronization

/// What the entrance counted for one connection since the gateway started. Written by all event loops without a lock.
package final class ConnectionCounters: Sendable {
    package let accepted = Atomic<Int>(0)
    package let handshakes = Atomic<Int>(0)
    package let refused = Atomic<Int>(0)
    /// Answered 503 because the journal's queue was full.
    package let overloaded = Atomic<Int>(0)
    /// Answered 500 because the commit failed.
    package let failed = Atomic<Int>(0)
    private let lastAccepted = Atomic<Int64>(0)
    private let lastRefused = Atomic<Int64>(0)
    private let lastFailed = Atomic<Int64>(0)
    private let lastRefusalReason = Mutex<String?>(nil)

    package init() {}

    package var lastAcceptedAt: Instant? { Self.instant(lastAccepted) }
    package var lastRefusedAt: Instant? { Self.instant(lastRefused) }
    package var lastFailedAt: Instant? { Self.instant(lastFailed) }
    package var refusalReason: String? { lastRefusalReason.withLock { $0 } }

    package func countAccepted(_ count: Int, at time: Instant) {
        accepted.add(count, ordering: .relaxed)
        lastAccepted.store(time.milliseconds, ordering: .relaxed)
    }

    func countRefused(reason: String, at time: Instant) {
        refused.add(1, ordering: .relaxed)
        lastRefused.store(time.milliseconds, ordering: .relaxed)
        lastRefusalReason.withLock { $0 = reason }
    }

    func countFailed(at time: Instant) {
        failed.add(1, ordering: .relaxed)
        lastFailed.store(time.milliseconds, ordering: .relaxed)
    }

    private static func instant(_ atomic: borrowing Atomic<Int64>) -> Instant? {
        let milliseconds = atomic.load(ordering: .relaxed)
        return milliseconds == 0 ? nil : Instant(milliseconds: milliseconds)
    }
}
