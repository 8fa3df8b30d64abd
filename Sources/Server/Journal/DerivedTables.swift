import Connector

/// Writes what the ledger derived: a batch in one transaction, its changes in the order of the batch.
final class DerivedTables {
    private let database: Database
    private let decoding: Statement
    private let event: Statement
    private let eventRemoval: Statement
    private let key: Statement
    private let participant: Statement
    private let change: Statement
    private let cursor: Statement
    private let calls: CallTable
    private(set) var lastChange: Int64
    /// The raw position up to which derived rows are in.
    private(set) var through: Int64

    init(_ database: Database) throws(JournalError) {
        self.database = database
        decoding = try Statement(
            "INSERT OR REPLACE INTO decoding(position, state, call, more, reason) VALUES (?1, ?2, ?3, ?4, ?5)", in: database)
        event = try Statement(
            "INSERT OR REPLACE INTO event(call, id, raw_position, body) VALUES (?1, ?2, ?3, ?4)", in: database)
        eventRemoval = try Statement("DELETE FROM event WHERE call = ?1 AND id = ?2", in: database)
        key = try Statement(
            "INSERT OR REPLACE INTO external_key(connection, kind, value, call) VALUES (?1, ?2, ?3, ?4)", in: database)
        participant = try Statement(
            "INSERT OR IGNORE INTO participant_index(tenant, user_id, call) VALUES (?1, ?2, ?3)", in: database)
        change = try Statement(
            """
            INSERT INTO change(tenant, position, changed_at, call, type, revision, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """, in: database)
        cursor = try Statement("INSERT OR REPLACE INTO meta(name, value) VALUES ('derived', ?1)", in: database)
        calls = try CallTable(database)
        lastChange = try Self.newestChange(database)
        through = try Self.derivedPosition(database)
    }

    /// The newest change position of all tenants. A call's latest change is never removed, so this never goes back.
    static func newestChange(_ database: Database) throws(JournalError) -> Int64 {
        try database.number("SELECT max(position) FROM change") ?? 0
    }

    private static func derivedPosition(_ database: Database) throws(JournalError) -> Int64 {
        try database.number("SELECT value FROM meta WHERE name = 'derived'") ?? 0
    }

    /// Writes `batch`; changes get the time `now`.
    func write(_ batch: DerivedBatch, at now: Instant, names: inout NameTable) throws(JournalError) {
        for row in batch.decodings { try write(row) }
        for row in batch.removedEvents { try remove(row) }
        for row in batch.events { try write(row) }
        var latest: [CallID: Int64] = [:]
        for row in batch.changes { latest[row.call] = try write(row, at: now, names: &names) }
        for row in batch.calls { try calls.write(row, change: latest.removeValue(forKey: row.id), names: &names) }
        for (call, position) in latest { try calls.point(call, to: position) }
        for row in batch.keys { try write(row, names: &names) }
        for row in batch.participants { try write(row, names: &names) }
        guard let end = batch.through else { return }
        cursor.bind(1, end)
        try cursor.run()
        through = end
    }

    /// Starts again at what is committed, after a transaction was undone.
    func reload() throws(JournalError) {
        lastChange = try Self.newestChange(database)
        through = try Self.derivedPosition(database)
        try calls.reload()
    }

    /// Notes that changes of `tenant` up to `position` were collapsed.
    func collapsed(tenant: Int64, through position: Int64) { calls.collapsed(tenant: tenant, through: position) }

    // MARK: Rows

    private func write(_ row: DecodingRow) throws(JournalError) {
        decoding.bind(1, row.position)
        decoding.bind(2, row.state.rawValue)
        decoding.bind(3, row.calls.first)
        if row.calls.count > 1 {
            decoding.bind(copying: 4, CallList.encode(row.calls.dropFirst()))
        } else {
            decoding.bind(4, nil as String?)
        }
        decoding.bind(5, row.reason)
        try decoding.run()
    }

    private func write(_ row: EventRow) throws(JournalError) {
        event.bind(1, row.call)
        event.bind(2, row.id)
        event.bind(3, row.rawPosition)
        try event.run(binding: row.body, at: 4)
    }

    private func remove(_ row: RemovedEvent) throws(JournalError) {
        eventRemoval.bind(1, row.call)
        eventRemoval.bind(2, row.id)
        try eventRemoval.run()
    }

    private func write(_ row: KeyRow, names: inout NameTable) throws(JournalError) {
        key.bind(1, try names.numberOrNew(of: row.connection.name))
        key.bind(2, row.key.kind.rawValue)
        key.bind(3, row.key.value)
        key.bind(4, row.call)
        try key.run()
    }

    private func write(_ row: ParticipantRow, names: inout NameTable) throws(JournalError) {
        participant.bind(1, try names.numberOrNew(of: row.tenant.name))
        participant.bind(2, row.userID)
        participant.bind(3, row.call)
        try participant.run()
    }

    /// - Returns: the change's position.
    private func write(_ row: ChangeRow, at now: Instant, names: inout NameTable) throws(JournalError) -> Int64 {
        change.bind(1, try names.numberOrNew(of: row.tenant.name))
        change.bind(2, lastChange + 1)
        change.bind(3, now.milliseconds)
        change.bind(4, row.call)
        change.bind(5, row.type.rawValue)
        change.bind(6, Int64(row.revision))
        try change.run(binding: row.body, at: 7)
        lastChange += 1
        return lastChange
    }
}

/// Several call identifiers in one blob, 16 bytes each.
enum CallList {
    static func encode(_ calls: some Sequence<CallID>) -> [UInt8] {
        calls.flatMap { call in (0..<16).map { UInt8(truncatingIfNeeded: call.bits >> UInt128(8 * (15 - $0))) } }
    }

    static func decode(_ bytes: [UInt8]) -> [CallID] {
        stride(from: 0, to: bytes.count - bytes.count % 16, by: 16).map { start in
            CallID(bits: bytes[start..<start + 16].reduce(0) { $0 << 8 | UInt128($1) })
        }
    }
}
