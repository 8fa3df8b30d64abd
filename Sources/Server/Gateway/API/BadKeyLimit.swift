import Connector
import Network
import Synchronization

/// Counts wrong keys per address and says when it is enough. Right keys are never held up.
///
/// Bounded: beyond `capacity` addresses those whose window has passed are forgotten, then any one.
final class BadKeyLimit: Sendable {
    private struct Count {
        var count: Int
        var since: Instant
    }

    static let window: Int64 = 60_000
    static let allowed = 20
    static let capacity = 10_000

    private let counts = Mutex<[IPAddress: Count]>([:])

    /// Counts one wrong key.
    /// - Returns: seconds to wait where there were too many; `nil` where there were not.
    func countBadKey(from address: IPAddress, at now: Instant) -> Int? {
        let address = address.isV4 ? address : address.masked(to: 64)
        return counts.withLock { counts in
            if counts[address] == nil, counts.count >= Self.capacity { Self.makeRoom(in: &counts, at: now) }
            var entry = counts[address] ?? Count(count: 0, since: now)
            if Self.isOver(entry, at: now) { entry = Count(count: 0, since: now) }
            entry.count += 1
            counts[address] = entry
            guard entry.count > Self.allowed else { return nil }
            return Int((Self.window - now.milliseconds(since: entry.since)) / 1000) + 1
        }
    }

    private static func isOver(_ entry: Count, at now: Instant) -> Bool { now.milliseconds(since: entry.since) >= window }

    private static func makeRoom(in counts: inout [IPAddress: Count], at now: Instant) {
        counts = counts.filter { !isOver($0.value, at: now) }
        if counts.count >= capacity, let any = counts.keys.first { counts[any] = nil }
    }
}
