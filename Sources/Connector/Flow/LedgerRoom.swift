/// What lives on the ledger's thread, and what can be done there.
package struct LedgerRoom {
    let ledger: CallLedger
    let decoder: RawDecoder
    let reader: any JournalReader
    let journal: any Journal
    /// The setbacks of the journal that memory has taken into account.
    let setbacks: Int
    /// Hears of stored events that cannot be read.
    private let onUnreadable: (UnreadableEvent) -> Void
    /// Hears of late answers to commands.
    private let onReport: (CommandReport) -> Void
    /// Hears of news for keepers.
    private let onSignal: (AdapterSignal) -> Void
    /// The newest batch handed to the journal.
    private(set) var lastTicket: Int
    /// A job failed half-way: memory and journal may differ, so memory is thrown away.
    var isSpoiled = false
    private var promises: [Promise] = []
    /// Open calls of connections that were not loaded in this generation of the roster.
    private var unwatched: (calls: [CallID], generation: Int) = ([], 0)

    /// Somebody who is told when a batch is committed.
    private struct Promise {
        let ticket: Int
        let answer: @Sendable (Result<Void, LedgerError>) -> Void
    }

    init(
        ledger: CallLedger, decoder: RawDecoder, reader: any JournalReader, journal: any Journal, setbacks: Int, lastTicket: Int,
        onUnreadable: @escaping (UnreadableEvent) -> Void, onReport: @escaping (CommandReport) -> Void,
        onSignal: @escaping (AdapterSignal) -> Void
    ) {
        self.ledger = ledger
        self.decoder = decoder
        self.reader = reader
        self.journal = journal
        self.setbacks = setbacks
        self.lastTicket = lastTicket
        self.onUnreadable = onUnreadable
        self.onReport = onReport
        self.onSignal = onSignal
    }

    /// Whether memory follows from what the journal holds and was handed.
    var isSound: Bool { !isSpoiled && journal.setback.count == setbacks }

    /// Decodes and folds committed records, and hands in what follows as one batch.
    mutating func fold(_ records: [RawRecord]) throws {
        guard let last = records.last else { return }
        var batch = DerivedBatch(through: last.position)
        var touched: [CallID] = []
        for raw in records {
            var reading = Reading(decoder.decode(raw))
            if !reading.events.isEmpty, let profile = decoder.profile(raw.connection) {
                let applied = try ledger.apply(reading.events, of: raw, profile: profile, into: &batch)
                reading.note(applied)
                if let unreadable = applied.unreadable { onUnreadable(unreadable) }
            }
            touched += reading.calls
            reading.reports.forEach(onReport)
            for signal in reading.signals {
                onSignal(
                    AdapterSignal(connection: raw.connection, name: signal.name, fields: signal.fields, path: raw.path))
            }
            batch.decodings.append(reading.row(at: raw.position))
        }
        submit(batch, touching: touched)
    }

    mutating func submit(_ batch: DerivedBatch, touching calls: [CallID]) {
        var batch = batch
        batch.setbacks = setbacks
        lastTicket = journal.submit(batch)
        ledger.mark(calls, ticket: lastTicket)
        ledger.makeRoom(committedTicket: journal.committedTicket)
    }

    // MARK: Open calls

    /// Calls that had not ended at the last shutdown come back into memory, so that their age is watched.
    mutating func recallOpenCalls() throws { try recall(try reader.openCalls()) }

    /// Recalls open calls whose connections were loaded meanwhile.
    mutating func recallUnwatched() throws {
        guard !unwatched.calls.isEmpty, unwatched.generation != decoder.currentGeneration else { return }
        try recall(unwatched.calls)
    }

    private mutating func recall(_ calls: [CallID]) throws {
        unwatched = ([], decoder.currentGeneration)
        for id in calls {
            guard let stored = try reader.call(id) else { continue }
            guard let profile = decoder.profile(stored.connection) else {
                unwatched.calls.append(id)
                continue
            }
            do {
                _ = try ledger.load(id, profile: profile)
                ledger.mark([], ticket: lastTicket)
                ledger.makeRoom(committedTicket: journal.committedTicket)
            } catch let unreadable as UnreadableEvent {
                onUnreadable(unreadable)
            }
        }
    }

    // MARK: Age

    func staleCalls(at now: Instant) -> [StaleCall] { ledger.staleCalls(at: now, profiles: decoder.profile) }

    func reopen(_ stale: [StaleCall]) { stale.forEach(ledger.reopen) }

    func evict(at now: Instant) { ledger.evict(at: now, committedTicket: journal.committedTicket, profiles: decoder.profile) }

    // MARK: Promises

    /// Calls `answer` once everything handed in so far is committed, or will not be.
    mutating func whenCommitted(_ answer: @escaping @Sendable (Result<Void, LedgerError>) -> Void) {
        promises.append(Promise(ticket: lastTicket, answer: answer))
    }

    /// Answers those whose batch is committed.
    mutating func keepPromises() {
        guard !promises.isEmpty else { return }
        // In this order: what was dropped counts as committed only once the setback shows.
        let committed = journal.committedTicket
        guard isSound else { return }
        for promise in promises where promise.ticket <= committed { promise.answer(.success(())) }
        promises.removeAll { $0.ticket <= committed }
    }

    /// Answers everybody who still waits: nobody looks after them any more.
    mutating func breakPromises(_ error: LedgerError) {
        for promise in promises { promise.answer(.failure(error)) }
        promises = []
    }
}
