// Only where tests are built: the benchmarks use this room too.
#if canImport(Testing)
import Testing

/// Runs each test of a suite on threads of its own: one that blocks for long would take a thread of the shared pool, which
/// has as many as the machine has cores, from the tests beside it.
package struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    package let isRecursive = true

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        try await withTaskExecutorPreference(ThreadEachExecutor()) { try await function() }
    }
}

extension Trait where Self == OwnThread {
    /// The tests block.
    package static var onItsOwnThread: OwnThread { OwnThread() }
}

/// Gives each job a thread.
private final class ThreadEachExecutor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Threads.start { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
#endif
