import Connector
import CSystem

/// Writes the rows that the call log is searched by.
///
/// Most revisions change nothing that is indexed, and SQLite rewrites the entries of every index whose column an UPDATE
/// names: so the narrow update is tried first, and the whole row is written only where it found nothing.
final class CallTable {
    private let database: Database
    private let update: Statement
    private let upsert: Statement
    private let pointer: Statement
    private let oldChange: Statement
    private let changeRemoval: Statement
    /// Up to where each tenant's changes were collapsed; empty until retention has run.
    private var horizons: [Int64: Int64]

    init(_ database: Database) throws(JournalError) {
        self.database = database
        update = try Statement(
            """
            UPDATE call SET state = ?6, connection = ?7, revision = ?8, updated_at = ?9, direction = ?10, disposition = ?11,
                line = ?12, merged_into = ?13, deleted = ?14, change_position = ifnull(?15, change_position), seen = ?16
            WHERE id = ?1 AND tenant = ?2 AND started_at = ?3 AND number IS ?4 AND is_open = ?5
            """, in: database)
        upsert = try Statement(
            """
            INSERT INTO call(id, tenant, started_at, number, is_open, state, connection, revision, updated_at, direction,
                disposition, line, merged_into, deleted, change_position, seen)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
            ON CONFLICT(id) DO UPDATE SET
                tenant = ?2, started_at = ?3, number = ?4, is_open = ?5, state = ?6, connection = ?7, revision = ?8,
                updated_at = ?9, direction = ?10, disposition = ?11, line = ?12, merged_into = ?13, deleted = ?14,
                change_position = ifnull(?15, change_position), seen = ?16
            """, in: database)
        pointer = try Statement("UPDATE call SET change_position = ?2 WHERE id = ?1", in: database)
        oldChange = try Statement("SELECT tenant, change_position FROM call WHERE id = ?1", in: database)
        changeRemoval = try Statement("DELETE FROM change WHERE tenant = ?1 AND position = ?2", in: database)
        horizons = try Self.horizons(database)
    }

    /// Writes `row`, which then points at the change at `change`; `nil` leaves it where it points.
    func write(_ row: CallRow, change: Int64?, names: inout NameTable) throws(JournalError) {
        if change != nil { try dropCollapsedChange(of: row.id) }
        let tenant = try names.numberOrNew(of: row.tenant.name)
        let connection = try names.numberOrNew(of: row.connection.name)
        if row.revision > 1 {
            bind(row, tenant, connection, change, to: update)
            try update.run()
            if sqlite3_changes(database.handle) > 0 { return }
        }
        bind(row, tenant, connection, change, to: upsert)
        try upsert.run()
    }

    /// Points a call whose row stays as it is at a new change.
    func point(_ call: CallID, to change: Int64) throws(JournalError) {
        try dropCollapsedChange(of: call)
        pointer.bind(1, call)
        pointer.bind(2, change)
        try pointer.run()
    }

    func reload() throws(JournalError) { horizons = try Self.horizons(database) }

    func collapsed(tenant: Int64, through position: Int64) { horizons[tenant] = position }

    /// A call's latest change that stands in the collapsed part is superseded now: nothing would remove it later.
    private func dropCollapsedChange(of call: CallID) throws(JournalError) {
        guard !horizons.isEmpty else { return }
        oldChange.bind(1, call)
        guard let (tenant, position) = try oldChange.first({ ($0.int(0), $0.int(1)) }),
            position <= horizons[tenant] ?? 0
        else { return }
        changeRemoval.bind(1, tenant)
        changeRemoval.bind(2, position)
        try changeRemoval.run()
    }

    private func bind(_ row: CallRow, _ tenant: Int64, _ connection: Int64, _ change: Int64?, to statement: Statement) {
        statement.bind(1, row.id)
        statement.bind(2, tenant)
        statement.bind(3, row.startedAt.milliseconds)
        statement.bind(4, row.number)
        statement.bind(5, row.state == .ended ? 0 : 1)
        statement.bind(6, row.state.rawValue)
        statement.bind(7, connection)
        statement.bind(8, Int64(row.revision))
        statement.bind(9, row.updatedAt.milliseconds)
        statement.bind(10, row.direction?.rawValue)
        statement.bind(11, row.disposition?.rawValue)
        statement.bind(12, row.line)
        statement.bind(13, row.mergedInto)
        statement.bind(14, row.isDeleted ? 1 : 0)
        statement.bind(15, change)
        statement.bind(16, (row.isSeenLive ? 1 : 0) | (row.isSeenInHistory ? 2 : 0))
    }

    private static func horizons(_ database: Database) throws(JournalError) -> [Int64: Int64] {
        let rows = try database.kept("SELECT tenant, position FROM change_horizon").rows { ($0.int(0), $0.int(1)) }
        return Dictionary(uniqueKeysWithValues: rows)
    }
}
