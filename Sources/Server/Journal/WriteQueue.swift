import Connector
import Synchronization

/// One append that waits for its commit, and whom to tell.
struct QueuedAppend: Sendable {
    var records: [RawRecord] = []
    var commands: [CommandRow] = []
    var byteCount: Int
    var completion: @Sendable (AppendOutcome) -> Void
}

/// Something rare that the writer does in a transaction of its own: a key, a migration of data.
struct WriterTask: Sendable {
    var run: @Sendable (Database) throws(JournalError) -> Void
    var completion: @Sendable (JournalError?) -> Void
}

/// What the writer does in one turn.
struct WriteGroup {
    var appends: [QueuedAppend] = []
    var derived: [DerivedBatch] = []
    var tasks: [WriterTask] = []
    /// A slice of it is done in a turn that has nothing else.
    var maintenance: (any Maintenance)?
}

/// What waits for the writer, bounded by records, bytes and derived sets. Raw records go before derived rows.
final class WriteQueue: Sendable {
    /// How the queue stands, for `/metrics`.
    struct Depth { var records: Int, bytes: Int, derivedSets: Int }

    private struct State {
        var appends: [QueuedAppend] = []
        var derived: ArraySlice<DerivedBatch> = []
        var derivedSets = 0
        /// Since when the oldest of them waits.
        var derivedSince = ContinuousClock.now
        /// So many raw records wait for their derived rows that the load is more than the machine can do at once.
        var isLagging = false
        /// Raw records in a commit, on average over the last ones.
        var usualRecords = 0.0
        /// When the writer last took appends, and how long after the time before.
        var lastAppendAt = ContinuousClock.now
        var appendGap = Duration.seconds(3600)
        /// Raw records committed without the derived sets that they earned.
        var derivedCredit = 0
        /// Derived batches handed in so far; the newest one's ticket.
        var lastTicket = 0
        var setback = Setback()
        var tasks: [WriterTask] = []
        /// Maintenance that is under way or waits, at most one of a kind; the first one is next.
        var maintenance: [any Maintenance] = []
        /// Records and bytes that wait or are being committed.
        var records = 0
        var bytes = 0
        var isWriterWaiting = false
        var isClosing = false

        /// Until when derived rows wait for more of their kind, or for the next raw records; `nil` where they are to go at once:
        /// nothing comes in, there are many of them, they lag, or a task is to find them committed.
        func derivedDue(within bounds: JournalConfiguration) -> ContinuousClock.Instant? {
            guard !derived.isEmpty, tasks.isEmpty, !isLagging, !isClosing,
                derivedSets < bounds.derivedSetsPerBusyCommit, appendGap < bounds.derivedPatience
            else { return nil }
            let due = derivedSince + bounds.derivedPatience
            let now = ContinuousClock.now
            return due > now && lastAppendAt + bounds.derivedPatience > now ? due : nil
        }
    }

    private let state = Monitor(State())
    private let bounds: JournalConfiguration
    private let committed = Atomic(0)

    init(bounds: JournalConfiguration) { self.bounds = bounds }

    // MARK: The callers' side

    var hasRoom: Bool {
        state.withLock { !$0.isClosing && $0.records < bounds.queuedRecords && $0.bytes < bounds.queuedBytes }
    }

    var depth: Depth { state.withLock { Depth(records: $0.records, bytes: $0.bytes, derivedSets: $0.derivedSets) } }

    /// - Returns: `false` where the queue is full or closing. An append larger than the queue is taken when nothing waits.
    func append(_ append: QueuedAppend) -> Bool {
        let (isTaken, wakes) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosing else { return (false, false) }
            let fits =
                state.records + append.records.count <= bounds.queuedRecords
                && state.bytes + append.byteCount <= bounds.queuedBytes
            guard fits || state.records == 0 else { return (false, false) }
            state.appends.append(append)
            state.records += append.records.count
            state.bytes += append.byteCount
            return (true, state.isWriterWaiting)
        }
        if wakes { state.wake() }
        return isTaken
    }

    /// Blocks while too many sets wait; drops the batch when closing and after a setback, as it will be derived again.
    /// - Returns: the batch's ticket.
    func submit(_ batch: DerivedBatch) -> Int {
        var wakes = false
        let ticket = state.wait { state -> Int? in
            if state.isClosing { return state.lastTicket + 1 }
            guard batch.setbacks == state.setback.count else { return self.drop(in: &state) }
            guard state.derivedSets < bounds.queuedDerivedSets else { return nil }
            let isFirst = state.derived.isEmpty
            if isFirst { state.derivedSince = .now }
            state.derived.append(batch)
            state.derivedSets += batch.setCount
            state.lastTicket += 1
            // The others change nothing for a writer that waits for more of them.
            wakes = state.isWriterWaiting && (isFirst || state.derivedDue(within: self.bounds) == nil)
            return state.lastTicket
        }
        if wakes { state.wake() }
        return ticket ?? 0
    }

    /// Nobody comes between: only the ledger's thread submits, and everything before was dropped at the setback.
    private func drop(in state: inout State) -> Int {
        state.lastTicket += 1
        committed.store(state.lastTicket, ordering: .releasing)
        return state.lastTicket
    }

    /// The ticket of the newest derived batch that is committed or was dropped.
    var committedTicket: Int { committed.load(ordering: .acquiring) }

    var setback: Setback { state.withLock { $0.setback } }

    /// - Returns: `false` where the journal is closing.
    func add(_ task: WriterTask) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosing else { return false }
            state.tasks.append(task)
            return true
        }
        state.wake()
        return isTaken
    }

    /// - Returns: `false` where the journal is closing or maintenance of that kind is under way.
    func add(_ maintenance: any Maintenance) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosing, !state.maintenance.contains(where: { $0.kind == maintenance.kind }) else { return false }
            state.maintenance.append(maintenance)
            return true
        }
        state.wake()
        return isTaken
    }

    func close() {
        state.withLock { $0.isClosing = true }
        state.wake()
    }

    // MARK: The writer's side

    /// Waits for work.
    /// - Parameter retry: when the writer wants its turn although nothing came: it holds derived rows that failed, and
    ///   takes no new ones before.
    /// - Returns: `nil` once the queue is closing and empty.
    func next(retry: ContinuousClock.Instant?) -> WriteGroup? {
        if retry == nil, let group = nextAppends() { return group }
        let deadline = retry ?? derivedDue
        let turn = state.wait(until: deadline) { state -> WriteGroup?? in
            state.isWriterWaiting = false
            if let group = self.take(from: &state, takesDerived: retry == nil) { return .some(group) }
            if state.isClosing { return .some(nil) }
            if let deadline, deadline <= .now { return .some(WriteGroup()) }
            // Derived rows came that wait for more: so does the writer, but not for ever.
            if deadline == nil, state.derivedDue(within: self.bounds) != nil { return .some(WriteGroup()) }
            state.isWriterWaiting = true
            return nil
        }
        state.wake()
        return turn ?? WriteGroup()
    }

    /// While the ledger lags, a gap between two appends is no pause: whoever waits for an acknowledgement goes first.
    /// - Returns: `nil` where nobody came for `bounds.pause`.
    private func nextAppends() -> WriteGroup? {
        let end = state.withLock { $0.isLagging ? $0.lastAppendAt + bounds.pause : nil }
        guard let end, end > .now else { return nil }
        let group = state.wait(until: end) { state -> WriteGroup?? in
            state.isWriterWaiting = false
            if state.isClosing { return .some(nil) }
            if !state.appends.isEmpty { return .some(self.take(from: &state, takesDerived: true)) }
            state.isWriterWaiting = true
            return nil
        }
        return group ?? nil
    }

    var isClosing: Bool { state.withLock { $0.isClosing } }

    /// Says that the next `count` derived batches are committed, and how many raw records now wait for theirs.
    func noteCommitted(batches count: Int, behind lag: Int64) {
        committed.add(count, ordering: .acquiringAndReleasing)
        state.withLock { state in
            state.isLagging = lag >= (state.isLagging ? bounds.laggingRecords / 4 : bounds.laggingRecords)
        }
    }

    /// Drops every derived batch that was handed in so far: they rest on one that cannot be committed.
    func setBack(carefulThrough position: Int64) {
        state.withLock { state in
            state.derived = []
            state.derivedSets = 0
            state.setback.count += 1
            state.setback.carefulThrough = max(position, state.setback.carefulThrough)
            committed.store(state.lastTicket, ordering: .releasing)
        }
        state.wake()
    }

    /// Notes how far the maintenance of that kind has come; where others wait, it is their turn now.
    /// - Returns: `false` where it ends here, since it is done or the journal is closing.
    func goOn(with maintenance: any Maintenance, isUnfinished: Bool) -> Bool {
        state.withLock { state in
            state.maintenance.removeAll { $0.kind == maintenance.kind }
            guard isUnfinished, !state.isClosing else { return false }
            state.maintenance.append(maintenance)
            return true
        }
    }

    /// Gives back the room of appends that were committed or failed.
    func release(_ appends: [QueuedAppend]) {
        state.withLock { state in
            for append in appends {
                state.records -= append.records.count
                state.bytes -= append.byteCount
            }
        }
    }

    /// Until when derived rows wait for more of their kind; `nil` where none do.
    var derivedDue: ContinuousClock.Instant? { state.withLock { $0.derivedDue(within: bounds) } }

    private func take(from state: inout State, takesDerived: Bool) -> WriteGroup? {
        var group = WriteGroup()
        swap(&group.appends, &state.appends)
        if takesDerived {
            group.derived =
                group.appends.isEmpty ? takeDerivedAlone(from: &state) : takeDerived(from: &state, beside: group.appends)
        }
        swap(&group.tasks, &state.tasks)
        guard group.isEmpty else { return group }
        group.maintenance = state.maintenance.first
        return group.maintenance == nil ? nil : group
    }

    /// Nobody waits for an acknowledgement: as many as a commit may hold, one batch at least.
    private func takeDerivedAlone(from state: inout State) -> [DerivedBatch] {
        guard state.derivedDue(within: bounds) == nil else { return [] }
        let batches = takeDerived(from: &state, upTo: bounds.derivedSetsPerIdleCommit, oneAtLeast: true)
        state.derivedCredit = 0
        return batches
    }

    /// Somebody waits for an acknowledgement: a bounded number, and not before there are enough of them to be worth it.
    private func takeDerived(from state: inout State, beside appends: [QueuedAppend]) -> [DerivedBatch] {
        let now = ContinuousClock.now
        state.appendGap = state.lastAppendAt.duration(to: now)
        state.lastAppendAt = now
        let records = appends.reduce(0) { $0 + $1.records.count }
        state.usualRecords += (Double(records) - state.usualRecords) / 16
        if state.isLagging, state.usualRecords >= Double(bounds.pressingRecords) { return takeEarned(from: &state, by: records) }
        let isDue =
            state.isLagging || state.derivedSets >= bounds.derivedSetsPerBusyCommit
            || state.derivedSince.duration(to: now) >= bounds.derivedPatience
        return isDue ? takeDerived(from: &state, upTo: bounds.derivedSetsPerBusyCommit, oneAtLeast: true) : []
    }

    /// The machine is saturated: derived rows get only the share that raw records earn them, until there is a pause.
    private func takeEarned(from state: inout State, by records: Int) -> [DerivedBatch] {
        let most = bounds.derivedSetsPerBusyCommit * bounds.recordsPerDerivedSet
        state.derivedCredit = min(state.derivedCredit + records, most)
        let batches = takeDerived(
            from: &state, upTo: state.derivedCredit / bounds.recordsPerDerivedSet, oneAtLeast: state.derivedCredit == most)
        let sets = batches.reduce(0) { $0 + $1.setCount }
        state.derivedCredit = max(0, state.derivedCredit - sets * bounds.recordsPerDerivedSet)
        return batches
    }

    /// Whole batches up to `limit` sets: a batch is never split.
    private func takeDerived(from state: inout State, upTo limit: Int, oneAtLeast: Bool) -> [DerivedBatch] {
        var sets = 0
        let batches = state.derived.prefix { batch in
            guard sets + batch.setCount <= limit || (oneAtLeast && sets == 0) else { return false }
            sets += batch.setCount
            return true
        }
        state.derived.removeFirst(batches.count)
        if state.derived.isEmpty { state.derived = [] }
        state.derivedSince = .now
        state.derivedSets -= sets
        return Array(batches)
    }
}

extension WriteGroup {
    /// Nothing that must be done; maintenance aside.
    var isEmpty: Bool { appends.isEmpty && derived.isEmpty && tasks.isEmpty }
}

extension DerivedBatch {
    /// How many raw records' worth of rows it holds, at least 1: what the bounds count.
    var setCount: Int { max(1, decodings.count, events.count, changes.count) }
}
