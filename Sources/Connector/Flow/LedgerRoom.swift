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

/// What a decoder said of one raw record, sorted.
struct Reading {
    private(set) var events: [CallEvent] = []
    /// The calls that its events belong to.
    private(set) var calls: [CallID] = []
    private(set) var state = DecodingState.ignored
    /// Why it was ignored or could not be read.
    private(set) var reason: String?

    /// One unreadable part makes the record `undecoded`; one readable part makes it `decoded`.
    init(_ decoded: [Decoded]) {
        for part in decoded {
            switch part {
            case .call(let event): events.append(event)
            case .command(let report): note("answer to command: \(report.code)")
            case .signal(let name, _): note("signal \(name)")
            case .ignored(let reason): note(reason)
            case .undecoded(let reason):
                state = .undecoded
                self.reason = reason
            }
        }
        if state != .undecoded, !events.isEmpty {
            state = .decoded
            reason = nil
        }
    }

    /// Takes in what the ledger did with the events.
    mutating func note(_ applied: CallLedger.Application) {
        calls = applied.calls
        guard applied.refused > 0 else { return }
        state = .undecoded
        reason = "the call has \(CallLedger.eventLimit) events already"
    }

    func row(at position: Int64) -> DecodingRow {
        DecodingRow(position: position, state: state, calls: calls, reason: reason)
    }

    private mutating func note(_ reason: String) {
        if state != .undecoded { self.reason = reason }
    }
}
