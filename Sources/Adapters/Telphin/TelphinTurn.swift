import Synchronization

/// A place for one at a time; whoever finds it taken does not wait.
final class TelphinTurn: Sendable {
    private let isTaken = Mutex(false)

    /// False where it is taken; else `end` must follow.
    func begin() -> Bool {
        isTaken.withLock { isTaken in
            defer { isTaken = true }
            return !isTaken
        }
    }

    func end() { isTaken.withLock { $0 = false } }
}
