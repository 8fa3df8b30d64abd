/// What lives on the ledger's thread, and what can be done there.
package struct LedgerRoom {
    let ledger: CallLedger
    let decoder: RawDecoder
    let reader: any JournalReader
    let journal: any Journal
    /// The newest batch handed to the journal.
    private(set) var lastTicket: Int
    /// A job failed half-way: memory and journal may differ, so memory is thrown away.
    var isSpoiled = false

    init(ledger: CallLedger, decoder: RawDecoder, reader: any JournalReader, journal: any Journal, lastTicket: Int) {
        self.ledger = ledger
        self.decoder = decoder
        self.reader = reader
        self.journal = journal
        self.lastTicket = lastTicket
    }

    /// Decodes and folds committed records, and hands in what follows as one batch.
    mutating func fold(_ records: [RawRecord]) throws {
        guard let last = records.last else { return }
        var batch = DerivedBatch(through: last.position)
        var touched: Set<CallID> = []
        for raw in records {
            var reading = Reading(decoder.decode(raw))
            if !reading.events.isEmpty, let profile = decoder.profile(raw.connection) {
                reading.note(try ledger.apply(reading.events, of: raw, profile: profile, into: &batch))
            }
            touched.formUnion(reading.calls)
            batch.decodings.append(reading.row(at: raw.position))
        }
        submit(batch, touching: touched)
    }

    mutating func submit(_ batch: DerivedBatch, touching calls: Set<CallID>) {
        lastTicket = journal.submit(batch)
        ledger.mark(calls, ticket: lastTicket)
    }

    /// Calls that had not ended at the last shutdown come back into memory, so that their age is watched.
    func recallOpenCalls() throws {
        for id in try reader.openCalls() {
            guard let stored = try reader.call(id), let profile = decoder.profile(stored.connection) else { continue }
            _ = try ledger.load(id, profile: profile)
        }
    }

    func staleCalls(at now: Instant) -> [StaleCall] { ledger.staleCalls(at: now, profiles: decoder.profile) }

    func reopen(_ stale: [StaleCall]) { stale.forEach(ledger.reopen) }

    func evict(at now: Instant) { ledger.evict(at: now, committedTicket: journal.committedTicket, profiles: decoder.profile) }
}
