import CSystem
import Glibc

/// What a process writes, kept line by line while it runs.
///
/// `@unchecked Sendable`: `text` and `isOver` are touched with `mutex` held only; the pointers never change.
package final class CapturedLines: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let moved = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var bytes: [UInt8] = []
    private var isOver = false

    package init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(moved, &attributes)
    }

    deinit {
        pthread_cond_destroy(moved)
        pthread_mutex_destroy(mutex)
        moved.deallocate()
        mutex.deallocate()
    }

    /// Everything so far.
    package var text: String { locked { String(decoding: bytes, as: UTF8.self) } }

    /// Reads `descriptor` to its end and closes it; blocks.
    func drain(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            locked {
                bytes.append(contentsOf: buffer[..<count])
                pthread_cond_broadcast(moved)
            }
        }
        close(descriptor)
        locked {
            isOver = true
            pthread_cond_broadcast(moved)
        }
    }

    /// The first whole line that holds `mark`; waits for it.
    /// - Returns: `nil` where the writer ended without it, or `patience` is over.
    package func line(with mark: String, within patience: Duration) -> String? {
        var found: String?
        wait(patience) {
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            found = lines.first { $0.contains(mark) }.map(String.init)
            return found != nil
        }
        return found
    }

    /// How many times `mark` was written; waits until it is at least `count`, the writer ends, or `patience` is over.
    package func count(of mark: String, reaching count: Int, within patience: Duration) -> Int {
        var found = 0
        wait(patience) {
            found = bytes.ranges(of: Array(mark.utf8)).count
            return found >= count
        }
        return found
    }

    /// Waits for the writer's end.
    /// - Returns: whether it came within `patience`.
    package func waitForEnd(within patience: Duration) -> Bool {
        wait(patience) { false }
        return locked { isOver }
    }

    /// Until `isDone`, the end of the writer, or the end of patience.
    private func wait(_ patience: Duration, _ isDone: () -> Bool) {
        let nanoseconds = csys_monotonic() + patience.components.seconds * 1_000_000_000
        var deadline = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        locked {
            while !isDone(), !isOver {
                guard pthread_cond_timedwait(moved, mutex, &deadline) == 0 else { return }
            }
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
