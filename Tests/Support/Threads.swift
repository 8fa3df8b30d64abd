import Glibc

/// Threads for tests that block: the shared pool has one for each core only.
package enum Threads {
    /// Runs `body` on a thread of its own.
    package static func start(_ body: @escaping @Sendable () -> Void) -> JoinableThread {
        let boxed = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                argument.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue() }?.run()
                return nil
            }, boxed.toOpaque())
        precondition(failure == 0, "the system gives no thread")
        return JoinableThread(thread: thread)
    }

    /// Runs `body` for 0 ..< `count`, each on a thread of its own, and waits for all.
    /// - Returns: what they gave, in order.
    package static func gather<Result: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Result) -> [Result] {
        let results = Results<Result>()
        let threads = (0..<count).map { index in start { results.put(body(index), at: index) } }
        for thread in threads { thread.join() }
        return results.inOrder
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private final class Results<Result: Sendable>: Sendable {
        private let byIndex = Guarded<[Int: Result]>([:])

        func put(_ result: Result, at index: Int) { byIndex.withLock { $0[index] = result } }
        var inOrder: [Result] { byIndex.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } }
    }
}

/// A thread to wait for, or to let go.
package struct JoinableThread: @unchecked Sendable {
    // Unchecked: an opaque handle that is only handed back to the system.
    fileprivate let thread: pthread_t

    /// Waits for its end; once.
    package func join() { pthread_join(thread, nil) }

    /// Lets it end on its own.
    package func detach() { pthread_detach(thread) }
}
