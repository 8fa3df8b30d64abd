import Connector
import Dispatch
import Synchronization
import Threading

/// A few threads that may wait for the disk, each with its own journal reader: event loops never do.
///
/// Work waits in one queue with a bound; beyond it callers are told to come again.
package final class ReaderPool: JournalReading {
    /// Runs on one of the threads, with that thread's reader.
    private typealias Work = @Sendable (_ reader: () throws -> any JournalReader) -> Void

    private struct State {
        var queue: [Work] = []
        var first = 0
        var isClosed = false

        var count: Int { queue.count - first }

        mutating func take() -> Work? {
            guard first < queue.count else { return nil }
            let work = queue[first]
            first += 1
            if first == queue.count || first >= 1024 {
                queue.removeFirst(first)
                first = 0
            }
            return work
        }
    }

    private let state = Mutex(State())
    private let available = DispatchSemaphore(value: 0)
    private let journal: any Journal
    private let bound: Int
    private let threads = Mutex<[SystemThread]>([])

    /// - Parameter bound: how much work may wait.
    /// - Throws: `ThreadError` where the system does not give as many threads.
    package init(journal: any Journal, threads count: Int = 2, bound: Int = 256) throws {
        self.journal = journal
        self.bound = bound
        do {
            for number in 0..<max(1, count) {
                let thread = try SystemThread(named: "reader-\(number)") { self.work() }
                threads.withLock { $0.append(thread) }
            }
        } catch {
            close()
            throw error
        }
    }

    /// Runs `body` with a reader.
    /// - Throws: what `body` throws; `APIProblem.overloaded` where too much waits already.
    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (any JournalReader) throws -> Result
    ) async throws -> Result {
        try await submit { reader in try body(reader()) }
    }

    /// Runs `body`, which may block.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await submit { _ in try body() }
    }

    /// Ends the threads after what waits now; for the end of the process.
    package func close() {
        state.withLock { $0.isClosed = true }
        let ending = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for _ in ending { available.signal() }
        for thread in ending { thread.join() }
    }

    private func submit<Result: Sendable>(
        _ body: @escaping @Sendable (() throws -> any JournalReader) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let work: Work = { reader in continuation.resume(with: Swift.Result { try body(reader) }) }
            let isTaken = state.withLock { state in
                guard !state.isClosed, state.count < bound else { return false }
                state.queue.append(work)
                return true
            }
            guard isTaken else { return continuation.resume(throwing: APIProblem.overloaded) }
            available.signal()
        }
    }

    // MARK: Threads

    private func work() {
        var kept: (any JournalReader)?
        let reader: () throws -> any JournalReader = {
            if let kept { return kept }
            let made = try self.journal.makeReader()
            kept = made
            return made
        }
        while true {
            available.wait()
            let (work, isClosed) = state.withLock { ($0.take(), $0.isClosed) }
            if let work {
                work(reader)
            } else if isClosed {
                return
            }
        }
    }
}
