import Connector
import Network
import Synchronization

/// What the entrance measured over all connections since the start.
package final class WebhookMetrics: Sendable {
    package let acknowledgement = LatencyHistogram()
    /// From a whole question of a provider to its answer.
    package let routing = LatencyHistogram()
    /// How long the CRM took for its answers.
    package let lookup = LatencyHistogram()
    package let refusals = RefusalTable()

    package init() {}
}

/// How long things took, in buckets that Prometheus reads.
package final class LatencyHistogram: Sendable {
    /// Upper bounds of the buckets in microseconds; one more bucket takes the rest.
    static let bounds: [Int64] = [250, 500, 1000, 2000, 3000, 5000, 10_000, 20_000, 50_000, 100_000, 500_000, 2_000_000]

    struct Snapshot: Sendable {
        var buckets = [Int](repeating: 0, count: LatencyHistogram.bounds.count + 1)
        var count = 0
        var sumMicroseconds: Int64 = 0
    }

    private let state = Mutex(Snapshot())

    var snapshot: Snapshot { state.withLock { $0 } }

    /// Notes a whole batch under one lock.
    package func record(_ durations: some Sequence<Duration>) {
        state.withLock { state in
            for duration in durations {
                let microseconds = max(0, duration.clampedNanoseconds / 1000)
                let bucket = Self.bounds.firstIndex { microseconds <= $0 } ?? Self.bounds.count
                state.buckets[bucket] += 1
                state.count += 1
                state.sumMicroseconds &+= microseconds
            }
        }
    }
}

/// Who was refused, by connection, address and reason. Holds a thousand; further ones are counted under no address.
package final class RefusalTable: Sendable {
    struct Key: Hashable, Sendable {
        var connection: ConnectionID
        var peer: IPAddress?
        var reason: String
    }

    struct Row: Sendable {
        var key: Key
        var count: Int
        var lastAt: Instant
    }

    private static let capacity = 1000
    private let rows = Mutex<[Key: (count: Int, lastAt: Instant)]>([:])

    /// Counts one refusal.
    /// - Returns: how many of that kind there were.
    func count(_ connection: ConnectionID, peer: IPAddress, reason: String, at now: Instant) -> Int {
        rows.withLock { rows in
            var key = Key(connection: connection, peer: peer, reason: reason)
            if rows[key] == nil, rows.count >= Self.capacity { key.peer = nil }
            let count = (rows[key]?.count ?? 0) + 1
            rows[key] = (count, now)
            return count
        }
    }

    /// The refusals of a connection, the latest first.
    func rows(of connection: ConnectionID) -> [Row] {
        let own = rows.withLock { rows in rows.filter { $0.key.connection == connection } }
        return own.map { Row(key: $0.key, count: $0.value.count, lastAt: $0.value.lastAt) }.sorted { $0.lastAt > $1.lastAt }
    }
}
