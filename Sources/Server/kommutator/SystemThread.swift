import CSystem
import Glibc
import Network

/// A thread for work that blocks and so must stay off the shared pool.
enum SystemThread {
    /// Starts a detached thread that runs `body` once.
    /// - Parameters:
    ///   - name: at most 15 bytes.
    ///   - niceness: above 0 it gives way to the event loops when the machine is busy.
    /// - Throws: `NetworkError` where the system gives no thread.
    nonisolated static func start(named name: String, niceness: Int32 = 0, _ body: @escaping @Sendable () -> Void) throws {
        let boxed = Unmanaged.passRetained(Body(name: name, niceness: niceness, run: body))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                pthread_detach(pthread_self())
                pthread_setname_np(pthread_self(), body.name)
                // On Linux niceness belongs to the thread; that it cannot be set costs nothing but order.
                if body.niceness > 0 { csys_set_thread_niceness(body.niceness) }
                body.run()
                return nil
            }, boxed.toOpaque())
        guard failure == 0 else {
            boxed.release()
            throw NetworkError(.loop, "thread \(name)", errno: failure, hint: "raise the limit of processes")
        }
    }

    private final class Body: Sendable {
        let name: String
        let niceness: Int32
        let run: @Sendable () -> Void

        init(name: String, niceness: Int32, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.niceness = niceness
            self.run = run
        }
    }
}
