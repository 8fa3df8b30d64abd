import CSystem

/// State under a lock, with a condition to wait on: a mutex and a condition variable of the C library.
///
/// `Mutex` of Synchronization has no condition variable, and the journal's threads sleep for work; nor does ThreadSanitizer
/// see it (Swift 6.3 on Linux), so that it reports what it guards as races.
/// `@unchecked Sendable`: `state` is only touched while `lock` is held.
final class Monitor<State>: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    init(_ state: sending State) {
        self.state = state
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(lock)
        condition.deallocate()
        lock.deallocate()
    }

    /// Runs `body` with the lock held.
    func withLock<Result, Failure: Error>(_ body: (inout State) throws(Failure) -> Result) throws(Failure) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&state)
    }

    /// Asks `body`, with the lock held, until it gives a value or `deadline` has passed; sleeps in between until `wake()`.
    /// - Returns: the value, or `nil` at the deadline.
    @discardableResult
    func wait<Result>(until deadline: ContinuousClock.Instant? = nil, _ body: (inout State) -> Result?) -> Result? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while true {
            if let result = body(&state) { return result }
            guard sleep(until: deadline) else { return body(&state) }
        }
    }

    /// Lets every waiting thread ask again.
    func wake() { pthread_cond_broadcast(condition) }

    /// - Returns: `false` once `deadline` has passed.
    private func sleep(until deadline: ContinuousClock.Instant?) -> Bool {
        guard let deadline else { return pthread_cond_wait(condition, lock) == 0 }
        let left = deadline - .now
        guard left > .zero else { return false }
        var moment = timespec()
        clock_gettime(CLOCK_MONOTONIC, &moment)
        let (seconds, attoseconds) = left.components
        let nanoseconds = moment.tv_nsec + Int(attoseconds / 1_000_000_000)
        moment.tv_sec += Int(min(seconds, 1_000_000_000)) + nanoseconds / 1_000_000_000
        moment.tv_nsec = nanoseconds % 1_000_000_000
        pthread_cond_timedwait(condition, lock, &moment)
        return true
    }
}
