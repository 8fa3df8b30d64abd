import Synchronization

/// The ledger's thread: reads what the journal committed, folds it, hands back what follows.
///
/// Goes on behind the last raw record whose derived rows are committed, so that a crash loses nothing and repeats nothing.
/// Work from other threads (a replay) is queued and done between two batches.
package final class LedgerService: Sendable {
    /// How long somebody waits for the ledger and for the commit of what it did for him.
    let patience: Duration
    private let journal: any Journal
    private let roster: any ConnectionRoster
    private let numbering: any NumberingPlan
    private let timekeeper: any Timekeeper
    private let makeRawID: @Sendable (Instant) -> RawID
    private let report: @Sendable (LedgerNews) -> Void
    private let onReport: @Sendable (CommandReport) -> Void
    private let onSignal: @Sendable (AdapterSignal) -> Void
    private let jobs = LedgerJobs()
    private let unreadableEvents = Mutex(TroublePace())
    private let isStopping = Atomic(false)
    private let position = Atomic<Int64>(0)

    package static let standardPatience = Duration.seconds(15)
    /// Raw records folded into one batch. A batch is one piece of a commit, and whoever waits for an acknowledgement waits for
    /// it too: small enough not to be felt, large enough to be worth its hand-over.
    private static let batchLimit = 128
    /// How often age is looked at.
    private static let housekeepingInterval = Duration.seconds(1)

    /// - Parameters:
    ///   - makeRawID: names the records that the gateway itself writes.
    ///   - onReport: hears of providers' late answers to commands; called on the ledger's thread, must not block.
    ///   - onSignal: hears of decoders' news for their connections' keepers, as `onReport` does. What is replayed is no news.
    ///   - report: hears of what the operator should know; called on the ledger's thread.
    package init(
        journal: any Journal, roster: any ConnectionRoster, numbering: any NumberingPlan, timekeeper: any Timekeeper,
        patience: Duration = standardPatience, makeRawID: @escaping @Sendable (Instant) -> RawID,
        onReport: @escaping @Sendable (CommandReport) -> Void = { _ in },
        onSignal: @escaping @Sendable (AdapterSignal) -> Void = { _ in },
        report: @escaping @Sendable (LedgerNews) -> Void
    ) {
        self.journal = journal
        self.roster = roster
        self.numbering = numbering
        self.timekeeper = timekeeper
        self.patience = patience
        self.makeRawID = makeRawID
        self.report = report
        self.onReport = onReport
        self.onSignal = onSignal
    }

    /// The raw position up to which records are folded; for metrics.
    package var foldedPosition: Int64 { position.load(ordering: .relaxed) }

    /// What goes on from one room to the next.
    private struct Continuity {
        /// The newest batch handed over; it must be committed before the journal is the truth again.
        var submitted = 0
        var closings: [CallID: Instant] = [:]
        var readTrouble = TroublePace()
    }

    /// Works until `stop()`; blocks its thread. A journal that cannot be read is reported and tried again.
    package func run() {
        var continuity = Continuity()
        while !isStopping.load(ordering: .acquiring) {
            do {
                try work(&continuity)
            } catch {
                if let failures = continuity.readTrouble.failed(at: timekeeper.now()) {
                    report(.readFailing(reason: "\(error)", failures: failures))
                }
                pause()
            }
        }
    }

    /// Folds until `stop()`, an error or a setback; what is in memory is then thrown away and read again from the journal.
    private func work(_ continuity: inout Continuity) throws {
        while journal.committedTicket < continuity.submitted {
            if isStopping.load(ordering: .acquiring) { return }
            pause()
        }
        let setback = journal.setback
        let reader = try journal.makeReader()
        var room = LedgerRoom(
            ledger: CallLedger(reader: reader, numbering: numbering, closings: continuity.closings),
            decoder: RawDecoder(roster: roster), reader: reader, journal: journal, setbacks: setback.count,
            lastTicket: continuity.submitted, onUnreadable: tell, onReport: onReport, onSignal: onSignal)
        defer {
            room.breakPromises(isStopping.load(ordering: .acquiring) ? .ending : .begunAnew)
            continuity.submitted = room.lastTicket
            continuity.closings = room.ledger.closings
        }
        try work(in: &room, carefulThrough: setback.carefulThrough, &continuity)
    }

    private func work(in room: inout LedgerRoom, carefulThrough: Int64, _ continuity: inout Continuity) throws {
        var lastHousekeeping = timekeeper.now()
        var next = try room.reader.derivedPosition()
        try room.recallOpenCalls()
        if continuity.readTrouble.recovered() { report(.readRecovered) }
        while !isStopping.load(ordering: .acquiring), room.isSound {
            position.store(next, ordering: .relaxed)
            let limit = next < carefulThrough ? 1 : Self.batchLimit
            let records = try journal.committedRecords(after: next, limit: limit, timeout: Self.housekeepingInterval)
            if let last = records.last {
                try room.fold(records)
                next = last.position
            }
            for job in jobs.takeAll() { job.run(&room) }
            room.keepPromises()
            let now = timekeeper.now()
            if now >= lastHousekeeping.advanced(by: Self.housekeepingInterval) {
                lastHousekeeping = now
                try keepHouse(in: &room, at: now)
            }
        }
    }

    private func tell(_ unreadable: UnreadableEvent) {
        guard let times = unreadableEvents.withLock({ $0.failed(at: timekeeper.now()) }) else { return }
        report(.unreadable(unreadable, times: times))
    }

    /// Waits a moment, or for `stop()`: nothing lies behind the last position there is.
    ///
    /// That ask never reaches the table, so it has no error of its own; the trouble before it has been reported.
    private func pause() {
        _ = try? journal.committedRecords(after: .max - 1, limit: 1, timeout: Self.housekeepingInterval)
    }

    /// Ends `run()` after the present batch, and refuses what waits; from any thread.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        jobs.close()
        journal.wakeLedger()
    }

    /// Queues work for the ledger's thread, or refuses it; from any thread.
    package func perform(_ job: LedgerJob) {
        jobs.add(job)
        journal.wakeLedger()
    }

    /// Closes what is stale, forgets what is settled.
    private func keepHouse(in room: inout LedgerRoom, at now: Instant) throws {
        try room.recallUnwatched()
        let stale = room.staleCalls(at: now)
        if !stale.isEmpty {
            let records = stale.map { SystemRecord.closing($0, id: makeRawID(now), at: now) }
            let queued = journal.append(records) { [self] outcome in
                guard case .failed = outcome else { return }
                // Where that is refused, the calls are asked for again when `stale_after` has passed once more.
                perform(LedgerJob(run: { room in room.reopen(stale) }, refuse: { _ in }))
            }
            if !queued { room.reopen(stale) }
        }
        room.evict(at: now)
    }
}

/// What the ledger's thread tells the operator. Trouble that goes on is told at the pace of `TroublePace`.
package enum LedgerNews: Sendable, Equatable {
    /// The journal could not be read, so often since this was last told; it is tried again.
    case readFailing(reason: String, failures: Int)
    /// It can be read again.
    case readRecovered
    /// A stored event cannot be read back; news of its call is kept as `undecoded`. So often since this was last told.
    case unreadable(UnreadableEvent, times: Int)
}
