import Synchronization

/// The ledger's thread: reads what the journal committed, folds it, hands back what follows.
///
/// Goes on behind the last raw record whose derived rows are committed, so that a crash loses nothing and repeats nothing.
/// Work from other threads (a replay) is queued and done between two batches.
package final class LedgerService: Sendable {
    /// Work on the ledger's thread.
    package typealias Job = @Sendable (inout LedgerRoom) -> Void

    private let journal: any Journal
    private let roster: any ConnectionRoster
    private let numbering: any NumberingPlan
    private let timekeeper: any Timekeeper
    private let makeRawID: @Sendable (Instant) -> RawID
    private let report: @Sendable (LedgerNews) -> Void
    private let jobs = Mutex<[Job]>([])
    private let isStopping = Atomic(false)
    private let position = Atomic<Int64>(0)

    /// Raw records folded into one batch. A batch is one piece of a commit, and whoever waits for an acknowledgement waits for
    /// it too: small enough not to be felt, large enough to be worth its hand-over.
    private static let batchLimit = 128
    /// How often age is looked at.
    private static let housekeepingInterval = Duration.seconds(1)

    /// - Parameters:
    ///   - makeRawID: names the records that the gateway itself writes.
    ///   - report: hears of what the operator should know; called on the ledger's thread.
    package init(
        journal: any Journal, roster: any ConnectionRoster, numbering: any NumberingPlan, timekeeper: any Timekeeper,
        makeRawID: @escaping @Sendable (Instant) -> RawID, report: @escaping @Sendable (LedgerNews) -> Void
    ) {
        self.journal = journal
        self.roster = roster
        self.numbering = numbering
        self.timekeeper = timekeeper
        self.makeRawID = makeRawID
        self.report = report
    }

    /// The raw position up to which records are folded; for metrics.
    package var foldedPosition: Int64 { position.load(ordering: .relaxed) }

    /// Works until `stop()`; blocks its thread. A journal that cannot be read is reported and tried again.
    package func run() {
        var submitted = 0
        while !isStopping.load(ordering: .acquiring) {
            do {
                try work(after: &submitted)
            } catch {
                report(.readFailed(reason: "\(error)"))
                pause()
            }
        }
    }

    /// Folds until `stop()` or an error; what is in memory is then thrown away and read again from the journal.
    /// - Parameter submitted: the newest batch handed over; it must be committed before the journal is the truth again.
    private func work(after submitted: inout Int) throws {
        while journal.committedTicket < submitted {
            if isStopping.load(ordering: .acquiring) { return }
            pause()
        }
        let reader = try journal.makeReader()
        var room = LedgerRoom(
            ledger: CallLedger(reader: reader, numbering: numbering), decoder: RawDecoder(roster: roster),
            reader: reader, journal: journal, lastTicket: submitted)
        defer { submitted = room.lastTicket }
        var next = try reader.derivedPosition()
        try room.recallOpenCalls()
        var lastHousekeeping = timekeeper.now()
        while !isStopping.load(ordering: .acquiring), !room.isSpoiled {
            position.store(next, ordering: .relaxed)
            let records = try journal.committedRecords(after: next, limit: Self.batchLimit, timeout: Self.housekeepingInterval)
            if let last = records.last {
                try room.fold(records)
                next = last.position
            }
            runJobs(in: &room)
            let now = timekeeper.now()
            if now >= lastHousekeeping.advanced(by: Self.housekeepingInterval) {
                lastHousekeeping = now
                keepHouse(in: room, at: now)
            }
        }
    }

    /// Waits a moment, or for `stop()`: nothing lies behind the last position there is.
    ///
    /// That ask never reaches the table, so it has no error of its own; the trouble before it has been reported.
    private func pause() {
        _ = try? journal.committedRecords(after: .max - 1, limit: 1, timeout: Self.housekeepingInterval)
    }

    /// Ends `run()` after the present batch; from any thread.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        journal.wakeLedger()
    }

    /// Queues work for the ledger's thread; from any thread.
    package func perform(_ job: @escaping Job) {
        jobs.withLock { $0.append(job) }
        journal.wakeLedger()
    }

    private func runJobs(in room: inout LedgerRoom) {
        let due = jobs.withLock { queue in
            defer { queue.removeAll() }
            return queue
        }
        for job in due { job(&room) }
    }

    /// Closes what is stale, forgets what is settled.
    private func keepHouse(in room: borrowing LedgerRoom, at now: Instant) {
        let stale = room.staleCalls(at: now)
        if !stale.isEmpty {
            let records = stale.map { SystemRecord.closing($0, id: makeRawID(now), at: now) }
            let queued = journal.append(records) { [self] outcome in
                if case .failed = outcome { perform { room in room.reopen(stale) } }
            }
            if !queued { room.reopen(stale) }
        }
        room.evict(at: now)
    }
}

/// What the ledger's thread tells the operator.
package enum LedgerNews: Sendable {
    /// The journal could not be read; it is tried again.
    case readFailed(reason: String)
}
