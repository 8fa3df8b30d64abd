import CSystem
import Synchronization

/// A thread of the system's own, for work that blocks and so must stay off the shared pool.
///
/// ```swift
/// let thread = try SystemThread(named: "ledger", niceness: 10) { ledger.run() }
/// thread.join()       // or let go of it: it then ends on its own
/// ```
package final class SystemThread: Sendable {
    private let handle: pthread_t
    /// Whether somebody waited for its end, or will: a handle may be given back once.
    private let isGivenBack = Atomic<Bool>(false)

    /// Starts a thread that runs `body` once.
    /// - Parameters:
    ///   - name: as `ps` and debuggers show it; cut to 15 bytes.
    ///   - niceness: above 0 it gives way to other threads when the machine is busy; 0 leaves it as the process is.
    ///   - stackByteCount: `nil` for the system's standard (8 MB of addresses, of which only what is touched takes memory).
    /// - Throws: `ThreadError` where the system gives no thread, or none with such a stack.
    package init(
        named name: String, niceness: Int32 = 0, stackByteCount: Int? = nil, _ body: @escaping @Sendable () -> Void
    ) throws(ThreadError) {
        let work = Work(name: name, niceness: niceness, run: body)
        handle = try Self.start(work, stackByteCount: stackByteCount)
    }

    deinit {
        if !isGivenBack.load(ordering: .relaxed) { pthread_detach(handle) }
    }

    /// Waits for its end. The first call waits, further ones return at once; so does one on the thread itself.
    package func join() {
        guard pthread_equal(handle, pthread_self()) == 0 else { return }
        guard !isGivenBack.exchange(true, ordering: .relaxed) else { return }
        pthread_join(handle, nil)
    }

    // MARK: Starting

    /// What the new thread takes over.
    private final class Work: Sendable {
        let name: String
        let niceness: Int32
        let run: @Sendable () -> Void

        init(name: String, niceness: Int32, run: @escaping @Sendable () -> Void) {
            self.name = String(decoding: name.utf8.prefix(15), as: UTF8.self)
            self.niceness = niceness
            self.run = run
        }
    }

    private static func start(_ work: Work, stackByteCount: Int?) throws(ThreadError) -> pthread_t {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        if let stackByteCount {
            let refusal = pthread_attr_setstacksize(&attributes, max(0, stackByteCount))
            guard refusal == 0 else { throw ThreadError(work.name, errno: refusal, hint: "a stack has at least 16 KB") }
        }
        let boxed = Unmanaged.passRetained(work)
        var handle = pthread_t()
        let failure = pthread_create(
            &handle, &attributes,
            { argument in
                argument.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue() }.map(SystemThread.run)
                return nil
            }, boxed.toOpaque())
        guard failure == 0 else {
            boxed.release()
            throw ThreadError(work.name, errno: failure, hint: "raise the limit of processes")
        }
        return handle
    }

    /// On the new thread.
    private static func run(_ work: Work) {
        pthread_setname_np(pthread_self(), work.name)
        // On Linux niceness belongs to the thread; that it cannot be set costs nothing but order.
        if work.niceness != 0 { csys_set_thread_niceness(work.niceness) }
        work.run()
    }
}

/// Why there is no thread.
package struct ThreadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The thread's.
    package var name: String
    package var errno: Int32
    /// What an operator can do about it.
    package var hint: String

    init(_ name: String, errno: Int32, hint: String) {
        self.name = name
        self.errno = errno
        self.hint = hint
    }

    package var description: String { "thread \(name): \(String(cString: strerror(errno))) (\(hint))" }
}
