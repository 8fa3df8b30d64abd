import CSystem
import Glibc

/// Lets threads sleep until something has happened that others do.
///
/// `@unchecked Sendable`: the pointers never change, and what they point at is made for several threads.
package final class Bell: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let rung = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(rung, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(rung)
        pthread_mutex_destroy(mutex)
        rung.deallocate()
        mutex.deallocate()
    }

    /// Lets everybody who waits look again.
    package func ring() {
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(rung)
        pthread_mutex_unlock(mutex)
    }

    /// Looks after each ring whether it `isDone`.
    /// - Returns: whether it was within `patience`.
    @discardableResult
    package func wait(within patience: Duration = .seconds(20), until isDone: () -> Bool) -> Bool {
        let (seconds, attoseconds) = patience.components
        let nanoseconds = csys_monotonic() + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        var deadline = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isDone() {
            guard pthread_cond_timedwait(rung, mutex, &deadline) == 0 else { return isDone() }
        }
        return true
    }
}
