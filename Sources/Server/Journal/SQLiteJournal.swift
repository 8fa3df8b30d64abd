import Connector
import Threading

/// The journal in one SQLite file: `DIRECTORY/journal.sqlite`, in WAL mode, each commit synced.
///
/// One writer thread commits in groups, a second one folds the log into the file, readers have connections of their own.
package final class SQLiteJournal: Journal {
    private let configuration: JournalConfiguration
    private let directory: JournalDirectory
    let queue: WriteQueue
    private let handOff: HandOff
    let meters = Meters()
    private let ledger: LedgerFeed
    private let ending = Monitor(false)

    /// Opens or makes the journal and starts its threads.
    /// - Parameters:
    ///   - onChanges: is told the newest change position after each commit that had changes.
    ///   - onNews: is told what the operator should know.
    ///
    ///   Both are called on the writer's thread and must not block.
    /// - Throws: `JournalError`: the directory is held by another process, the file is newer than this program or does not
    ///   sync its commits.
    package init(
        _ configuration: JournalConfiguration, onNews: @escaping @Sendable (JournalNews) -> Void = { _ in },
        onChanges: @escaping @Sendable (Int64) -> Void = { _ in }
    ) throws(JournalError) {
        self.configuration = configuration
        directory = try JournalDirectory(path: configuration.directory)
        try directory.createDatabaseFile()
        let path = directory.databasePath
        let connection = try WriterConnection(path: path, configuration: configuration)
        queue = WriteQueue(bounds: configuration)
        handOff = HandOff(newest: connection.lastRawPosition, bounds: configuration)
        ledger = LedgerFeed(handOff: handOff, path: path, configuration: configuration)
        let checkpointer = try Checkpointer(path: path, interval: configuration.checkpointInterval, meters: meters)
        let writer = Handed(
            Writer(
                connection, path: path, configuration: configuration, queue: queue, handOff: handOff, meters: meters,
                checkpointer: checkpointer, onNews: onNews, onChanges: onChanges))
        do throws(ThreadError) {
            _ = try SystemThread(named: "journal") { [ending, directory] in
                writer.value.run()
                // Not before: where `close()` gave up waiting, the directory stays locked as long as the writer lives.
                directory.unlock()
                ending.withLock { $0 = true }
                ending.wake()
            }
        } catch {
            checkpointer.stop()
            throw JournalError(error)
        }
    }

    /// Does not wait: the last reference may go on the writer's own thread.
    deinit {
        queue.close()
        handOff.close()
    }

    // MARK: Journal

    package func append(_ records: consuming [RawRecord], completion: @escaping @Sendable (AppendOutcome) -> Void) -> Bool {
        let byteCount = records.reduce(0) { $0 + $1.body.count }
        let isTaken = queue.append(QueuedAppend(records: records, byteCount: byteCount, completion: completion))
        if !isTaken { meters.refused() }
        return isTaken
    }

    package var hasRoom: Bool { queue.hasRoom }

    @discardableResult
    package func submit(_ batch: DerivedBatch) -> Int { queue.submit(batch) }

    package var committedTicket: Int { queue.committedTicket }

    package var setback: Setback { queue.setback }

    package func committedRecords(after position: Int64, limit: Int, timeout: Duration) throws -> [RawRecord] {
        try ledger.records(after: position, limit: limit, timeout: timeout)
    }

    package func wakeLedger() { handOff.wakeReader() }

    package func makeReader() throws -> any JournalReader { try reader() }

    // MARK: Beyond the port

    /// A reader with what only this journal offers.
    package func reader() throws(JournalError) -> SQLiteReader {
        try SQLiteReader(path: directory.databasePath, cacheKilobytes: configuration.readerCacheKilobytes)
    }

    /// Removes superseded revisions that were committed before `moment`, while nothing else is to be written.
    /// - Parameter completion: is called once, on the writer's thread, with how many went.
    /// - Returns: `false`, with no completion, where one is under way already or the journal is closing.
    package func collapseChanges(
        olderThan moment: Instant, completion: @escaping @Sendable (Result<Int, JournalError>) -> Void = { _ in }
    ) -> Bool {
        queue.add(CollapseRequest(cutoff: moment, completion: completion))
    }

    /// Removes raw records that were received before `moment`, while nothing else is to be written. Those of open calls stay,
    /// and those that the ledger has not read.
    /// - Parameter completion: is called once, on the writer's thread, with how many went.
    /// - Returns: `false`, with no completion, where one is under way already or the journal is closing.
    package func removeRawRecords(
        olderThan moment: Instant, completion: @escaping @Sendable (Result<Int, JournalError>) -> Void = { _ in }
    ) -> Bool {
        queue.add(RawRemoval(cutoff: moment, completion: completion))
    }

    /// A reader beside a gateway that runs: needs no lock.
    /// - Throws: `JournalError` where `directory` holds no journal.
    package static func reader(directory: String) throws(JournalError) -> SQLiteReader {
        try SQLiteReader(
            path: JournalDirectory.databasePath(in: directory),
            cacheKilobytes: 512)
    }

    package var statistics: JournalStatistics {
        var statistics = meters.statistics
        let depth = queue.depth
        statistics.queuedRecords = depth.records
        statistics.queuedBytes = depth.bytes
        statistics.queuedDerivedSets = depth.derivedSets
        statistics.handOffOverflows = handOff.overflowCount
        return statistics
    }

    /// Commits what is queued, completes every append, folds the log into the file and ends the threads. Any number of times.
    /// - Returns: `false` where that took longer than `closeDeadline`; the writer goes on and keeps the directory locked.
    @discardableResult
    package func close() -> Bool {
        queue.close()
        handOff.close()
        return ending.wait(until: .now + configuration.closeDeadline) { $0 ? () : nil } != nil
    }

    /// Hands `task` to the writer.
    /// - Returns: `false` where the journal is closing.
    func add(_ task: WriterTask) -> Bool { queue.add(task) }

    /// Runs `body` in a transaction on the writer's thread and waits for its commit.
    func perform(_ body: @escaping @Sendable (Database) throws(JournalError) -> Void) throws(JournalError) {
        let answer = Monitor<Result<Void, JournalError>?>(nil)
        let task = WriterTask(run: body) { error in
            answer.withLock { $0 = error.map { .failure($0) } ?? .success(()) }
            answer.wake()
        }
        guard add(task), let result = answer.wait({ $0 }) else { throw .closed }
        try result.get()
    }
}

extension JournalError {
    static let closed = JournalError(.closed, "the journal is closing")

    init(_ error: ThreadError) { self.init(.unavailable, "\(error)") }
}

/// Hands a value to the one thread that uses it from then on, which proves `@unchecked Sendable`.
private final class Handed<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
