/// One asynchronous handler at work for one connection. Loop-confined: every member is used on the loop's thread.
final class AsyncExchange: @unchecked Sendable {
    private var task: Task<Void, Never>?
    private var isCancelled = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func begin(_ task: Task<Void, Never>) {
        self.task = task
        if isCancelled { task.cancel() }
    }

    /// The client has gone, or the server ends.
    func cancel() {
        isCancelled = true
        task?.cancel()
        drained()
    }

    /// Lets waiting writers go on.
    func drained() {
        let waiting = waiters
        waiters.removeAll()
        for waiter in waiting { waiter.resume() }
    }

    func add(_ waiter: CheckedContinuation<Void, Never>) { isCancelled ? waiter.resume() : waiters.append(waiter) }
}
