import Connector

/// Pauses on a `ManualClock`: they end when a test moves the clock, and nobody sleeps.
package final class ManualPause: Sendable {
    private struct Sleeper {
        let end: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var sleepers: [Int: Sleeper] = [:]
        var serial = 0
        /// Ended before they had begun.
        var cancelled: Set<Int> = []
    }

    package let clock: ManualClock
    private let state = Guarded(State())

    package init(_ clock: ManualClock = ManualClock()) { self.clock = clock }

    /// When the sleepers want to be woken, the first one first.
    package var ends: [Instant] { state.withLock { $0.sleepers.values.map(\.end).sorted() } }

    /// What takes the place of `Task.sleep`.
    @Sendable package func pause(_ time: Duration) async throws {
        let id = state.withLock { state in
            state.serial += 1
            return state.serial
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return true }
                    state.sleepers[id] = Sleeper(end: clock.now().advanced(by: time), continuation: continuation)
                    return false
                }
                if isOver { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                if state.sleepers[id] == nil { state.cancelled.insert(id) }
                return state.sleepers.removeValue(forKey: id)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves the clock and wakes whose time is over.
    package func advance(by duration: Duration) {
        clock.advance(by: duration)
        let now = clock.now()
        let woken = state.withLock { state in
            let due = state.sleepers.filter { $0.value.end <= now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.end < $1.end }
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    /// Lets other tasks work until `count` of them sleep.
    /// - Returns: whether it came to that.
    package func waitForSleepers(_ count: Int = 1) async -> Bool { await eventually { self.ends.count >= count } }
}

/// Lets other tasks work until `condition` is true.
/// - Returns: whether it came true.
package func eventually(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<1_000_000 {
        if condition() { return true }
        await Task.yield()
    }
    return false
}
