/// Where the time comes from: a real clock at the root, a hand-moved one in tests.
package protocol Timekeeper: Sendable {
    /// The present moment in UTC.
    func now() -> Instant
}
