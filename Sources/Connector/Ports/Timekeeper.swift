/// Where the time comes from: a real clock at the root, a hand-moved one in tests.
package protocol Timekeeper: Sendable {
    /// The present moment in UTC.
    func now() -> Instant
}

/// Waits for a while; ends early with an error where the task is cancelled. `Task.sleep` at the root, a hand-moved one in tests.
package typealias Pause = @Sendable (Duration) async throws -> Void
