import CSystem

/// A thread of the journal's own: SQLite blocks, so it stays off the shared pool.
enum WorkerThread {
    /// Starts a detached thread named `name` (at most 15 bytes) that runs `body` once.
    nonisolated static func start(named name: String, _ body: @escaping @Sendable () -> Void) throws(JournalError) {
        let boxed = Unmanaged.passRetained(Body(name: name, run: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                pthread_setname_np(pthread_self(), body.name)
                body.run()
                return nil
            }, boxed.toOpaque())
        guard failure == 0 else {
            boxed.release()
            throw JournalError(.unavailable, "no thread can be started: error \(failure)")
        }
    }

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }
}
