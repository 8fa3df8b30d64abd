import Threading

/// Threads for tests that block: the shared pool has one for each core only.
package enum Threads {
    /// Runs `body` on a thread of its own; it may be waited for, or let go.
    @discardableResult
    package static func start(_ body: @escaping @Sendable () -> Void) -> SystemThread {
        do {
            return try SystemThread(named: "test", body)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// Runs `body` for 0 ..< `count`, each on a thread of its own, and waits for all.
    /// - Returns: what they gave, in order.
    package static func gather<Result: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Result) -> [Result] {
        let results = Results<Result>()
        let threads = (0..<count).map { index in start { results.put(body(index), at: index) } }
        for thread in threads { thread.join() }
        return results.inOrder
    }

    private final class Results<Result: Sendable>: Sendable {
        private let byIndex = Guarded<[Int: Result]>([:])

        func put(_ result: Result, at index: Int) { byIndex.withLock { $0[index] = result } }
        var inOrder: [Result] { byIndex.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } }
    }
}
