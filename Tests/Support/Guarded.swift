import Glibc

/// A value behind a lock that ThreadSanitizer understands.
///
/// It knows nothing of `Mutex`, whose slow path lies in a library it does not see: contended ones look like races to it.
///
/// `@unchecked Sendable`: `value` is touched with `mutex` held only; the pointer never changes.
package final class Guarded<Value>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    package init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
