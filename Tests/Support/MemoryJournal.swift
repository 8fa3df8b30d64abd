import Connector
import Synchronization

/// The journal port in memory: commits at once, or when a test lets it. Readers see what is committed.
///
/// Appends call their completion on the caller's thread; with `holdsAppends` when `releaseAppends` is called.
package final class MemoryJournal: Journal, CommandStore, PullStateStore {
    typealias Completion = @Sendable (AppendOutcome) -> Void

    struct State {
        var raw: [RawRecord] = []
        var decodings: [Int64: DecodingRow] = [:]
        var events: [EventRow] = []
        var calls: [CallID: CallRow] = [:]
        var bodies: [CallID: [UInt8]] = [:]
        var keyRows: [KeyRow] = []
        var participants: [ParticipantRow] = []
        var changes: [(position: Int64, row: ChangeRow)] = []
        var lastChange: Int64 = 0
        var horizon: Int64 = 0
        var derived: Int64 = 0
        var batches = 0
        var setback = Setback()
        var heldBatches: [DerivedBatch] = []
        var holdsBatches = false
        var isLedgerWoken = false
        var keys: [APIKey] = []
        var commands: [CommandID: CommandRow] = [:]
        var pullStates: [ConnectionID: PullState] = [:]
        var held: [(records: [RawRecord], completion: Completion)] = []
        var isFull = false
        var refusesAppends = false
        var holdsAppends = false
        var failure: String?
    }

    let state = Mutex(State())
    private let bell = Bell()
    private let onChange: @Sendable (Int64) -> Void

    /// - Parameter onChange: told the newest change position after each commit of changes.
    package init(onChange: @escaping @Sendable (Int64) -> Void = { _ in }) { self.onChange = onChange }

    // MARK: For tests

    /// Whether `hasRoom` says no.
    package var isFull: Bool {
        get { state.withLock { $0.isFull } }
        set { state.withLock { $0.isFull = newValue } }
    }

    /// Whether `append` says no, though there seemed to be room.
    package var refusesAppends: Bool {
        get { state.withLock { $0.refusesAppends } }
        set { state.withLock { $0.refusesAppends = newValue } }
    }

    /// Why the next commits fail; `nil` lets them succeed.
    package var failure: String? {
        get { state.withLock { $0.failure } }
        set { state.withLock { $0.failure = newValue } }
    }

    /// Whether appends wait for `releaseAppends`.
    package var holdsAppends: Bool {
        get { state.withLock { $0.holdsAppends } }
        set { state.withLock { $0.holdsAppends = newValue } }
    }

    /// Whether derived batches wait for `releaseBatches`.
    package var holdsBatches: Bool {
        get { state.withLock { $0.holdsBatches } }
        set { state.withLock { $0.holdsBatches = newValue } }
    }

    /// Commits the derived batches that are held.
    package func releaseBatches() {
        let held = state.withLock { state in
            defer { state.heldBatches = [] }
            state.holdsBatches = false
            return state.heldBatches
        }
        for batch in held { commit(batch) }
        wakeLedger()
    }

    /// Begins with what `former` holds, as after a new start.
    package func takeOver(_ former: MemoryJournal) {
        let content = former.state.withLock { $0 }
        state.withLock { $0 = content }
    }

    package var rawRecords: [RawRecord] { state.withLock { $0.raw } }
    package var heldCount: Int { state.withLock { $0.held.count } }

    /// Commits what is held.
    package func releaseAppends() {
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        for (records, completion) in held { completion(commit(records)) }
    }

    /// The oldest change position from which none is missing.
    package func setHorizon(_ position: Int64) { state.withLock { $0.horizon = position } }

    // MARK: Journal

    package func append(_ records: [RawRecord], completion: @escaping @Sendable (AppendOutcome) -> Void) -> Bool {
        let (isTaken, isHeld) = state.withLock { state in
            guard !state.isFull, !state.refusesAppends else { return (false, false) }
            if state.holdsAppends { state.held.append((records, completion)) }
            return (true, state.holdsAppends)
        }
        if isTaken, !isHeld { completion(commit(records)) }
        return isTaken
    }

    private func commit(_ records: [RawRecord]) -> AppendOutcome {
        defer { bell.ring() }
        return state.withLock { state in
            if let failure = state.failure { return .failed(reason: failure) }
            for record in records {
                var record = record
                record.position = Int64(state.raw.count) + 1
                state.raw.append(record)
            }
            return .committed
        }
    }

    package func save(_ rows: [CommandRow], completion: @escaping @Sendable (AppendOutcome) -> Void) -> Bool {
        let outcome = state.withLock { state -> AppendOutcome? in
            guard !state.isFull else { return nil }
            if let failure = state.failure { return .failed(reason: failure) }
            let isTaken = rows.contains { row in
                state.commands.values.contains {
                    $0.id != row.id && $0.tenant == row.tenant && $0.idempotencyKey == row.idempotencyKey
                }
            }
            if isTaken { return .failed(reason: "the key is taken") }
            for row in rows { state.commands[row.id] = row }
            return .committed
        }
        guard let outcome else { return false }
        completion(outcome)
        return true
    }

    package func save(_ state: PullState, completion: @escaping @Sendable (AppendOutcome) -> Void) -> Bool {
        let outcome = self.state.withLock { memory -> AppendOutcome? in
            guard !memory.isFull else { return nil }
            if let failure = memory.failure { return .failed(reason: failure) }
            memory.pullStates[state.connection] = state
            return .committed
        }
        guard let outcome else { return false }
        completion(outcome)
        return true
    }

    /// What is kept of a connection's pulls.
    package func pullState(of connection: ConnectionID) -> PullState? { state.withLock { $0.pullStates[connection] } }

    package var hasRoom: Bool { state.withLock { !$0.isFull } }

    package var committedTicket: Int { state.withLock { $0.batches } }

    package var setback: Setback { state.withLock { $0.setback } }

    @discardableResult
    package func submit(_ batch: DerivedBatch) -> Int {
        let (ticket, isHeld) = state.withLock { state in
            if state.holdsBatches { state.heldBatches.append(batch) }
            return (state.batches + max(1, state.heldBatches.count), state.holdsBatches)
        }
        if !isHeld { commit(batch) }
        return ticket
    }

    private func commit(_ batch: DerivedBatch) {
        let position = state.withLock { state in
            state.batches += 1
            state.derived = batch.through ?? state.derived
            for row in batch.decodings { state.decodings[row.position] = row }
            state.events.removeAll { event in
                batch.removedEvents.contains(RemovedEvent(id: event.id, call: event.call))
                    || batch.events.contains { $0.id == event.id && $0.call == event.call }
            }
            state.events += batch.events
            for row in batch.calls { state.calls[row.id] = row }
            state.keyRows += batch.keys
            state.participants += batch.participants
            for row in batch.changes {
                state.lastChange += 1
                state.changes.append((state.lastChange, row))
                state.bodies[row.call] = row.body
            }
            return state.lastChange
        }
        if !batch.changes.isEmpty { onChange(position) }
    }

    package func committedRecords(after position: Int64, limit: Int, timeout: Duration) throws -> [RawRecord] {
        var records: [RawRecord] = []
        bell.wait(within: timeout) {
            state.withLock { state in
                records = Array(state.raw.filter { $0.position > position }.prefix(limit))
                defer { state.isLedgerWoken = false }
                return state.isLedgerWoken || !records.isEmpty
            }
        }
        return records
    }

    package func wakeLedger() {
        state.withLock { $0.isLedgerWoken = true }
        bell.ring()
    }

    package func makeReader() throws -> any JournalReader { MemoryJournalReader(self) }
}

extension MemoryJournal: KeyStore {
    package func keys() throws -> [APIKey] { state.withLock { $0.keys } }

    package func insert(_ key: APIKey) throws { state.withLock { $0.keys.append(key) } }

    package func revoke(id: String, at moment: Instant) throws -> Bool {
        state.withLock { state in
            guard let index = state.keys.firstIndex(where: { $0.id == id && $0.revokedAt == nil }) else { return false }
            state.keys[index].revokedAt = moment
            return true
        }
    }
}
