import Connector

/// Committed raw records on their way to the ledger, bounded: what does not fit is read back from the table.
///
/// What is held is consecutive. Once something was dropped, nothing is taken until the ledger has emptied it, so that the
/// only gap is between what the ledger has and the first record held.
final class HandOff: Sendable {
    private struct State {
        var records: ArraySlice<RawRecord> = []
        var bytes = 0
        /// The newest committed position, held or not.
        var newest: Int64
        var isOverflowing = false
        var isWoken = false
        var isClosed = false
        var overflows = 0
    }

    /// What the ledger finds.
    enum Turn: Equatable {
        case records([RawRecord])
        /// Committed records behind the asked position are not held: read the table.
        case table
        /// Nothing came in time.
        case nothing
    }

    private let state: Monitor<State>
    private let bounds: JournalConfiguration

    init(newest: Int64, bounds: JournalConfiguration) {
        state = Monitor(State(newest: newest))
        self.bounds = bounds
    }

    /// How often records had to be dropped.
    var overflowCount: Int { state.withLock { $0.overflows } }

    /// Takes records that were just committed, in the order of their positions.
    func push(_ records: [RawRecord]) {
        guard let last = records.last else { return }
        state.withLock { state in
            state.newest = last.position
            if state.records.isEmpty { state.isOverflowing = false }
            for record in records where !state.isOverflowing {
                guard state.records.count < bounds.handedOffRecords, state.bytes < bounds.handedOffBytes else {
                    state.isOverflowing = true
                    state.overflows += 1
                    break
                }
                state.records.append(record)
                state.bytes += record.body.count
            }
        }
        state.wake()
    }

    /// Records behind `position`, at most `limit`; waits up to `timeout` for the first.
    func next(after position: Int64, limit: Int, timeout: Duration) -> Turn {
        let turn = state.wait(until: .now + timeout) { state -> Turn? in
            Self.forget(upTo: position, in: &state)
            if state.records.first?.position == position + 1 { return .records(Self.take(limit, from: &state)) }
            if state.newest > position { return .table }
            guard state.isWoken || state.isClosed else { return nil }
            state.isWoken = false
            return .nothing
        }
        return turn ?? .nothing
    }

    /// Ends the present wait, or the next one.
    func wakeReader() {
        state.withLock { $0.isWoken = true }
        state.wake()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        state.wake()
    }

    /// Drops what the ledger already has from the table.
    private static func forget(upTo position: Int64, in state: inout State) {
        while let first = state.records.first, first.position <= position {
            state.bytes -= first.body.count
            state.records.removeFirst()
        }
        if state.records.isEmpty { state.records = [] }
    }

    private static func take(_ limit: Int, from state: inout State) -> [RawRecord] {
        let taken = Array(state.records.prefix(limit))
        state.records.removeFirst(taken.count)
        for record in taken { state.bytes -= record.body.count }
        if state.records.isEmpty { state.records = [] }
        return taken
    }
}
