import Connector

/// Retention of raw records: those received before `cutoff` go, with what is noted of their decoding. What was derived from
/// them stays.
///
/// A record stays while the ledger has not read it, and while a call that it tells of is open.
struct RawRemoval: Maintenance {
    /// Records looked at in one slice. Each may have a page or two of its own.
    static let sliceSize: Int64 = 250

    let kind = MaintenanceKind.removal
    let completion: @Sendable (Result<Int, JournalError>) -> Void
    private(set) var removedCount = 0
    private let cutoff: Instant
    /// The position up to which records were looked at.
    private var position: Int64 = 0

    init(cutoff: Instant, completion: @escaping @Sendable (Result<Int, JournalError>) -> Void) {
        self.cutoff = cutoff
        self.completion = completion
    }

    mutating func runSlice(in database: Database, _ derived: DerivedTables) throws(JournalError) -> Bool {
        let found = try candidates(in: database)
        guard let last = found.last else { return false }
        position = last.position
        let old = found.filter { $0.receivedAt < cutoff.milliseconds }
        for record in old where try !isOfOpenCall(record, in: database) { try remove(record.position, in: database) }
        // Times grow with positions, but for a clock that was set: a slice without an old record is the end.
        return !old.isEmpty && Int64(found.count) == Self.sliceSize
    }

    // MARK: Records

    private struct Candidate {
        var position: Int64
        var receivedAt: Int64
        var calls: [CallID]
    }

    /// The next records whose derived rows are in, oldest first.
    private func candidates(in database: Database) throws(JournalError) -> [Candidate] {
        let statement = try database.kept(
            """
            SELECT raw.position, raw.received_at, decoding.call, decoding.more
            FROM raw LEFT JOIN decoding ON decoding.position = raw.position
            WHERE raw.position > ?1 AND raw.position <= (SELECT value FROM meta WHERE name = 'derived')
            ORDER BY raw.position LIMIT ?2
            """)
        statement.bind(1, position)
        statement.bind(2, Self.sliceSize)
        return try statement.rows { row throws(JournalError) in
            let first: [CallID] = row.isNull(2) ? [] : [try row.identifier(2)]
            return Candidate(position: row.int(0), receivedAt: row.int(1), calls: first + CallList.decode(row.bytes(3)))
        }
    }

    private mutating func remove(_ position: Int64, in database: Database) throws(JournalError) {
        for table in ["raw", "decoding"] {
            let statement = try database.kept("DELETE FROM \(table) WHERE position = ?1")
            statement.bind(1, position)
            try statement.run()
        }
        removedCount += 1
    }

    // MARK: Calls

    private func isOfOpenCall(_ record: Candidate, in database: Database) throws(JournalError) -> Bool {
        for call in record.calls where try isOpen(call, in: database) { return true }
        return false
    }

    /// A call that was merged is as open as the one that survived; a deleted one is not.
    private func isOpen(_ call: CallID, in database: Database) throws(JournalError) -> Bool {
        let statement = try database.kept("SELECT is_open, deleted, merged_into FROM call WHERE id = ?1")
        var next: CallID? = call
        for _ in 0..<8 {
            guard let id = next else { return false }
            statement.bind(1, id)
            let found = try statement.first { row throws(JournalError) -> (isOpen: Bool, survivor: CallID?) in
                (row.int(0) != 0 && row.int(1) == 0, try row.optionalIdentifier(2))
            }
            guard let found else { return false }
            guard let survivor = found.survivor else { return found.isOpen }
            next = survivor
        }
        return true
    }
}
