import Connector

/// Committed raw records on their way to the ledger, bounded: what does not fit is read back from the table.
///
/// Appends are handed on as they came, one array each: records change hands, and nobody copies them. What is held is
/// consecutive. Once something was dropped, nothing is taken until the ledger has emptied it, so that the
/// only gap is between what the ledger has and the first record held.
final class HandOff: Sendable {
    private struct State {
        var pieces = Pieces()
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

    /// Takes records that were just committed, in the order of their positions. An append is held whole or not at all.
    func push(_ appends: [[RawRecord]]) {
        guard let last = appends.last(where: { !$0.isEmpty })?.last else { return }
        state.withLock { state in
            state.newest = last.position
            if state.pieces.isEmpty { state.isOverflowing = false }
            for records in appends where !records.isEmpty && !state.isOverflowing {
                if state.pieces.add(records, within: bounds) { continue }
                state.isOverflowing = true
                state.overflows += 1
            }
        }
        state.wake()
    }

    /// Records behind `position`, at most `limit`; waits up to `timeout` for the first.
    func next(after position: Int64, limit: Int, timeout: Duration) -> Turn {
        let turn = state.wait(until: .now + timeout) { state -> Turn? in
            state.pieces.forget(upTo: position)
            if state.pieces.nextPosition == position + 1 { return .records(state.pieces.take(limit)) }
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
}

/// Committed appends in a row, the oldest first; their positions are consecutive.
private struct Pieces {
    private var pieces: [[RawRecord]] = []
    /// The oldest piece that is not taken, and how many of its records are.
    private var first = 0
    private var taken = 0
    private var recordCount = 0
    private var byteCount = 0

    var isEmpty: Bool { first == pieces.count }

    /// The position of the next record to take.
    var nextPosition: Int64? { isEmpty ? nil : pieces[first][taken].position }

    /// - Returns: `false`, with nothing held, where that would be too much.
    mutating func add(_ records: [RawRecord], within bounds: JournalConfiguration) -> Bool {
        let bytes = Self.byteCount(records)
        guard recordCount + records.count <= bounds.handedOffRecords, byteCount + bytes <= bounds.handedOffBytes else {
            return false
        }
        pieces.append(records)
        recordCount += records.count
        byteCount += bytes
        return true
    }

    /// Drops what the ledger already has from the table.
    mutating func forget(upTo position: Int64) {
        while let next = nextPosition, next <= position {
            drop(min(Int(position - next) + 1, pieces[first].count - taken))
        }
    }

    /// The next records, at most `limit`; there must be some. A large append is given as it is.
    mutating func take(_ limit: Int) -> [RawRecord] {
        var records: [RawRecord] = []
        while !isEmpty, records.count < max(1, limit) {
            let piece = pieces[first]
            let count = min(max(1, limit) - records.count, piece.count - taken)
            if records.isEmpty, count == piece.count { records = piece } else { records += piece[taken..<taken + count] }
            drop(count)
            if records.count >= limit / 2 { break }
        }
        return records
    }

    private mutating func drop(_ count: Int) {
        recordCount -= count
        byteCount -= Self.byteCount(pieces[first][taken..<taken + count])
        taken += count
        guard taken == pieces[first].count else { return }
        pieces[first] = []
        taken = 0
        first += 1
        guard first == pieces.count || first >= Self.mostTaken else { return }
        pieces.removeFirst(first)
        first = 0
    }

    /// So many taken pieces may lie in front of the others.
    private static let mostTaken = 256

    private static func byteCount(_ records: some Sequence<RawRecord>) -> Int { records.reduce(0) { $0 + $1.body.count } }
}
