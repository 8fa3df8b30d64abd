import Connector

/// The one thread that writes: takes what waits, commits it as one group, tells everybody.
///
/// There is no linger timer: a group forms by itself while the one before it is being synced. A failed commit fails the
/// appends of its group and keeps the derived rows, which are tried again with growing pauses; the next group is tried as
/// usual, so that the journal recovers by itself. Derived rows that break a rule for good are set aside (`Writer+SettingAside`).
final class Writer {
    let queue: WriteQueue
    let handOff: HandOff
    let meters: Meters
    let onNews: @Sendable (JournalNews) -> Void
    private let path: String
    private let configuration: JournalConfiguration
    private let checkpointer: Checkpointer
    private let onChanges: @Sendable (Int64) -> Void
    /// `nil` after a failure that the connection did not survive; opened again at the next turn.
    private var connection: WriterConnection?
    /// Derived rows whose commit failed, and when they are tried again.
    private(set) var kept: [DerivedBatch] = []
    private var retryAt: ContinuousClock.Instant?
    private var pause = Writer.shortestPause
    /// What is kept broke a rule twice: waiting will not mend it.
    var breaksRule = false
    private var commitTrouble = TroublePace()
    var setAsideTrouble = TroublePace()

    private static let shortestPause = Duration.milliseconds(20)
    private static let longestPause = Duration.seconds(2)

    init(
        _ connection: WriterConnection, path: String, configuration: JournalConfiguration, queue: WriteQueue, handOff: HandOff,
        meters: Meters, checkpointer: Checkpointer, onNews: @escaping @Sendable (JournalNews) -> Void,
        onChanges: @escaping @Sendable (Int64) -> Void
    ) {
        self.connection = connection
        self.path = path
        self.configuration = configuration
        self.queue = queue
        self.handOff = handOff
        self.meters = meters
        self.checkpointer = checkpointer
        self.onNews = onNews
        self.onChanges = onChanges
    }

    /// Works until the queue is closed and empty; then the log is folded into the file.
    func run() {
        drain()
        if !kept.isEmpty {
            commitDerived([])
            if kept.isEmpty { drain() }
        }
        checkpointer.stop()
        connection?.emptyLog()
        connection = nil
    }

    private func drain() {
        while let group = queue.next(retry: retryAt) { turn(group) }
    }

    /// Takes the group over: records that nobody else holds get their positions where they are, without a copy.
    private func turn(_ group: consuming WriteGroup) {
        if group.appends.isEmpty {
            commitDerived(group.derived)
        } else {
            commit(&group)
        }
        if breaksRule { sortOut() }
        for task in group.tasks { perform(task) }
        if let maintenance = group.maintenance { perform(maintenance) }
        connection?.boundLog()
    }

    // MARK: Groups

    /// Commits the group with its derived rows; where that fails, tries the raw records alone.
    private func commit(_ group: inout WriteGroup) {
        defer { queue.release(group.appends) }
        let batches = dueBatches(group.derived)
        do throws(JournalError) {
            try write(&group.appends, batches)
            return
        } catch {
            keep(batches, after: error)
            if batches.isEmpty { return fail(group.appends, error) }
        }
        do throws(JournalError) {
            try write(&group.appends, [])
        } catch {
            fail(group.appends, error)
        }
    }

    private func commitDerived(_ fresh: [DerivedBatch]) {
        let batches = dueBatches(fresh)
        guard !batches.isEmpty else { return }
        var none: [QueuedAppend] = []
        do throws(JournalError) {
            try write(&none, batches)
        } catch {
            keep(batches, after: error)
        }
    }

    /// One transaction, then the completions, the ledger and the feed.
    func write(_ appends: inout [QueuedAppend], _ batches: [DerivedBatch]) throws(JournalError) {
        let start = ContinuousClock.now
        let connection = try openConnection()
        let changesBefore = connection.lastChangePosition
        let poisoned: [Int: JournalError]
        do throws(JournalError) {
            poisoned = try connection.commit(&appends, batches)
        } catch {
            recover(from: error)
            throw error
        }
        let changes = connection.lastChangePosition - changesBefore
        settle(batches.count)
        let committed = appends.indices.filter { poisoned[$0] == nil }.map { appends[$0].records }
        // Counted before anybody is told, so that who was answered finds himself counted.
        meters.committed(
            Meters.Commit(
                rawRecords: committed.reduce(0) { $0 + $1.count }, poisonedAppends: poisoned.count,
                derivedSets: batches.reduce(0) { $0 + $1.setCount }, changes: Int(changes),
                logByteCount: connection.logByteCount, time: .now - start, isWhole: kept.isEmpty))
        queue.noteCommitted(batches: batches.count, behind: connection.lag)
        // The ledger waits for nothing else than the commit of a replay: somebody waits for its answer.
        if batches.contains(where: { $0.through == nil }) { handOff.wakeReader() }
        for (index, append) in appends.enumerated() {
            append.completion(poisoned[index].map { .failed(reason: $0.description) } ?? .committed)
        }
        handOff.push(committed)
        if changes > 0 { onChanges(connection.lastChangePosition) }
        checkpointer.noteCommit()
    }

    // MARK: Failures

    private func fail(_ appends: [QueuedAppend], _ error: JournalError) {
        for append in appends { append.completion(.failed(reason: error.description)) }
    }

    /// The batches to write now: those that failed before come first, and alone until they are in.
    private func dueBatches(_ fresh: [DerivedBatch]) -> [DerivedBatch] {
        guard let retryAt else { return fresh }
        return retryAt <= .now || queue.isClosing ? kept : []
    }

    func keep(_ batches: [DerivedBatch], after error: JournalError) {
        guard !batches.isEmpty else { return }
        breaksRule = error.code == .constraint && !kept.isEmpty
        kept = batches
        retryAt = .now + pause
        pause = min(pause * 2, Self.longestPause)
        if let failures = commitTrouble.failed(at: now) {
            onNews(.derivedFailing(reason: error.description, failures: failures))
        }
    }

    /// The first `count` of the kept batches are in. With the last one: on as usual.
    private func settle(_ count: Int) {
        guard !kept.isEmpty else { return }
        kept.removeFirst(min(count, kept.count))
        if kept.isEmpty { settleAll() }
    }

    /// Nothing is kept back any more.
    func settleAll() {
        kept = []
        retryAt = nil
        pause = Self.shortestPause
        breaksRule = false
        if commitTrouble.recovered() { onNews(.derivedRecovered) }
    }

    var now: Instant { configuration.clock.now() }

    /// After a failure that may have left the connection unsure of its file, a new one is made.
    private func recover(from error: JournalError) {
        meters.failed(error)
        let isSure = error.code == .full || error.code == .constraint
        if !isSure || connection?.database.isInTransaction == true { connection = nil }
    }

    private func openConnection() throws(JournalError) -> WriterConnection {
        if let connection { return connection }
        do throws(JournalError) {
            let opened = try WriterConnection(path: path, configuration: configuration)
            connection = opened
            return opened
        } catch {
            meters.failed(error)
            throw error
        }
    }

    // MARK: Tasks

    private func perform(_ task: WriterTask) {
        do throws(JournalError) {
            try openConnection().perform(task)
            task.completion(nil)
            checkpointer.noteCommit()
        } catch {
            if error.code != .constraint { recover(from: error) }
            task.completion(error)
        }
    }

    /// One slice; the rest waits for the next idle turn.
    private func perform(_ maintenance: any Maintenance) {
        var maintenance = maintenance
        do throws(JournalError) {
            let isUnfinished = try openConnection().perform(&maintenance)
            checkpointer.noteCommit()
            if queue.goOn(with: maintenance, isUnfinished: isUnfinished) { return }
            maintenance.completion(isUnfinished ? .failure(.closed) : .success(maintenance.removedCount))
        } catch {
            recover(from: error)
            _ = queue.goOn(with: maintenance, isUnfinished: false)
            maintenance.completion(.failure(error))
        }
    }
}
