import CSystem
import Threading

/// Copies committed pages from the log into the file, beside the writer and without stopping it.
///
/// A passive checkpoint in each interval in which something was committed; asleep otherwise.
final class Checkpointer: Sendable {
    private struct State {
        var isDirty = false
        var isAsleep = false
        var isStopping = false
        var hasEnded = false
    }

    private let state = Monitor(State())
    private let meters: Meters

    init(path: String, interval: Duration, meters: Meters) throws(JournalError) {
        self.meters = meters
        let connection = try CheckpointConnection(path: path)
        do throws(ThreadError) {
            _ = try SystemThread(named: "checkpoint") { [self] in run(connection, every: interval) }
        } catch {
            throw JournalError(error)
        }
    }

    /// Tells that the log has grown.
    func noteCommit() {
        let wakes = state.withLock { state in
            state.isDirty = true
            return state.isAsleep
        }
        if wakes { state.wake() }
    }

    /// Ends the thread and waits for it.
    func stop() {
        state.withLock { $0.isStopping = true }
        state.wake()
        _ = state.wait { $0.hasEnded ? () : nil }
    }

    private func run(_ connection: CheckpointConnection, every interval: Duration) {
        while waitForCommits() {
            let isStopping = state.wait(until: .now + interval) { $0.isStopping ? () : nil } != nil
            if isStopping { break }
            if connection.checkpoint() { meters.checkpointed() }
        }
        connection.close()
        state.withLock { $0.hasEnded = true }
        state.wake()
    }

    /// - Returns: `false` when stopping.
    private func waitForCommits() -> Bool {
        state.wait { state -> Bool? in
            state.isAsleep = false
            if state.isStopping { return false }
            guard state.isDirty else {
                state.isAsleep = true
                return nil
            }
            state.isDirty = false
            return true
        } ?? false
    }
}

/// The checkpointer's connection. `@unchecked Sendable`: made on one thread, then used by the checkpointer's alone.
private final class CheckpointConnection: @unchecked Sendable {
    private var database: Database?

    init(path: String) throws(JournalError) {
        let database = try Database(path: path)
        try database.execute("PRAGMA synchronous = FULL")
        try database.execute("PRAGMA wal_autocheckpoint = 0")
        // Pages are copied through one buffer; a cache would never be read.
        try database.execute("PRAGMA cache_size = 16")
        self.database = database
    }

    /// - Returns: whether it could run; where another checkpoint runs or the disk is full, the next one does its work.
    func checkpoint() -> Bool {
        guard let database else { return false }
        return sqlite3_wal_checkpoint_v2(database.handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil) == SQLITE_OK
    }

    func close() { database = nil }
}
