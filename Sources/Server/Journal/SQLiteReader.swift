import Connector

/// A read-only connection with its kept statements; used by one thread at a time.
///
/// Readers never wait for the writer, and each reading is short: a long one would keep the log from starting anew.
package final class SQLiteReader: JournalReader {
    let database: Database
    var names: NameTable
    let expander = PackedJSONExpander()

    /// Opens the journal in `directory` for reading, whether a gateway runs there or not.
    package convenience init(directory: String) throws(JournalError) {
        try self.init(path: JournalDirectory.databasePath(in: directory), cacheKilobytes: 512)
    }

    init(path: String, cacheKilobytes: Int) throws(JournalError) {
        database = try Database(path: path, readOnly: true)
        // Only met where another process opens or closes the file for writing.
        try database.execute("PRAGMA busy_timeout = 1000")
        try database.execute("PRAGMA query_only = ON")
        try database.execute("PRAGMA cache_size = -\(cacheKilobytes)")
        try Schema.check(database)
        names = NameTable(database)
    }

    // MARK: Positions

    package func derivedPosition() throws -> Int64 {
        try database.kept("SELECT value FROM meta WHERE name = 'derived'").first { $0.int(0) } ?? 0
    }

    package func lastRawPosition() throws -> Int64 {
        try database.kept("SELECT max(position) FROM raw").first { $0.int(0) } ?? 0
    }

    package func lastChangePosition() throws -> Int64 {
        try database.kept("SELECT max(position) FROM change").first { $0.int(0) } ?? 0
    }

    // MARK: The change feed

    package func changes(tenant: TenantID, after position: Int64, limit: Int) throws -> [StoredChange] {
        guard let tenant = try names.number(of: tenant.name) else { return [] }
        let statement = try database.kept(
            "SELECT position, type, body FROM change WHERE tenant = ?1 AND position > ?2 ORDER BY position LIMIT ?3")
        statement.bind(1, tenant)
        statement.bind(2, position)
        statement.bind(3, Int64(max(0, limit)))
        return try statement.rows { [expander] row throws(JournalError) in
            StoredChange(position: row.int(0), type: row.text(1), body: try row.json(2, expander))
        }
    }

    /// The position up to which the tenant's changes were collapsed: a cursor below it has expired, 0 never does.
    package func changeHorizon(tenant: TenantID) throws -> Int64 {
        guard let tenant = try names.number(of: tenant.name) else { return 0 }
        let statement = try database.kept("SELECT position FROM change_horizon WHERE tenant = ?1")
        statement.bind(1, tenant)
        return try statement.first { $0.int(0) } ?? 0
    }
}
