import Synchronization

/// Work for the ledger's thread.
package struct LedgerJob: Sendable {
    /// Does it.
    let run: @Sendable (inout LedgerRoom) -> Void
    /// Is called instead where it will never be done.
    let refuse: @Sendable (LedgerError) -> Void

    package init(run: @escaping @Sendable (inout LedgerRoom) -> Void, refuse: @escaping @Sendable (LedgerError) -> Void) {
        self.run = run
        self.refuse = refuse
    }
}

/// Jobs that wait for the ledger's thread: bounded, and answered one way or the other.
final class LedgerJobs: Sendable {
    /// Jobs that may wait.
    static let capacity = 256

    private struct State {
        var waiting: [LedgerJob] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Queues `job`, or refuses it at once.
    func add(_ job: LedgerJob) {
        let refusal = state.withLock { state -> LedgerError? in
            if state.isClosed { return .ending }
            guard state.waiting.count < Self.capacity else { return .overloaded }
            state.waiting.append(job)
            return nil
        }
        if let refusal { job.refuse(refusal) }
    }

    /// Everything that waits, in order; it waits no more.
    func takeAll() -> [LedgerJob] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// Refuses what waits, and whatever comes.
    func close() {
        state.withLock { $0.isClosed = true }
        for job in takeAll() { job.refuse(.ending) }
    }
}

/// The answer to somebody who asked the ledger: the first one that is given counts.
final class LedgerAnswer<Value: Sendable>: Sendable {
    private struct State {
        var outcome: Result<Value, any Error>?
        var waiter: CheckedContinuation<Value, any Error>?
    }

    private let state = Mutex(State())

    var isSettled: Bool { state.withLock { $0.outcome != nil } }

    func settle(_ outcome: Result<Value, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(with: outcome)
    }

    /// Waits for the answer; a cancelled task's answer is `CancellationError`. For one task.
    var value: Value {
        get async throws {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let outcome = state.withLock { state in
                        if state.outcome == nil { state.waiter = continuation }
                        return state.outcome
                    }
                    if let outcome { continuation.resume(with: outcome) }
                }
            } onCancel: {
                settle(.failure(CancellationError()))
            }
        }
    }
}
