import CSystem

/// One connection to the file. Used by one thread at a time: it is opened without SQLite's own locks.
final class Database {
    let handle: OpaquePointer
    private var statements: [String: Statement] = [:]

    /// Opens `path`, makes it when missing unless `readOnly`.
    init(path: String, readOnly: Bool = false) throws(JournalError) {
        _ = Self.isConfigured
        let access = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard let opened else { throw JournalError(.unavailable, "no memory for a connection") }
        handle = opened
        guard code == SQLITE_OK else { throw error(code) }
    }

    deinit {
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    /// Once in the process, before SQLite is first used.
    private static let isConfigured: Bool = csqlite_disable_memory_statistics() == SQLITE_OK

    /// Runs statements that give no rows.
    func execute(_ sql: String) throws(JournalError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code) }
    }

    /// The first column of the first row of `sql`; `nil` where there is none.
    func number(_ sql: String) throws(JournalError) -> Int64? {
        let statement = try Statement(sql, in: self)
        return try statement.step() ? statement.int(0) : nil
    }

    /// The first column of the first row of `sql`, as text.
    func text(_ sql: String) throws(JournalError) -> String? {
        let statement = try Statement(sql, in: self)
        return try statement.step() ? statement.text(0) : nil
    }

    /// A statement that is kept for the next time. At most 64 are: a search with new conditions is a new statement.
    func kept(_ sql: String) throws(JournalError) -> Statement {
        if let statement = statements[sql] { return statement }
        if statements.count >= 64 { statements.removeAll() }
        let statement = try Statement(sql, in: self)
        statements[sql] = statement
        return statement
    }

    /// Whether a transaction is open; SQLite itself ends one after some errors.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Runs `body` in one transaction that may write; undone where it throws.
    func transaction<Result>(_ body: () throws(JournalError) -> Result) throws(JournalError) -> Result {
        try transaction(beginning: "BEGIN IMMEDIATE", body)
    }

    /// Runs several readings on one state of the file.
    func snapshot<Result>(_ body: () throws(JournalError) -> Result) throws(JournalError) -> Result {
        try transaction(beginning: "BEGIN", body)
    }

    private func transaction<Result>(
        beginning begin: String, _ body: () throws(JournalError) -> Result
    ) throws(JournalError) -> Result {
        try kept(begin).run()
        do {
            let result = try body()
            try kept("COMMIT").run()
            return result
        } catch {
            if isInTransaction { try execute("ROLLBACK") }
            throw error
        }
    }

    /// The error that SQLite reports with `code`.
    func error(_ code: Int32) -> JournalError {
        let text = String(cString: sqlite3_errmsg(handle))
        let kind: (JournalError.Code, String?) =
            switch code & 0xFF {
            case SQLITE_FULL: (.full, "make room on the disk that holds the data directory")
            case SQLITE_IOERR: (.inputOutput, "check the disk that holds the data directory")
            case SQLITE_CONSTRAINT: (.constraint, nil)
            case SQLITE_CORRUPT, SQLITE_NOTADB: (.corrupt, "restore the data directory from a backup")
            case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY: (.unavailable, "check the data directory's owner and rights")
            case SQLITE_BUSY, SQLITE_LOCKED: (.locked, "another program writes to the file")
            default: (.database, nil)
            }
        return JournalError(kind.0, "\(text) [SQLite \(code)]", hint: kind.1, sqliteCode: code)
    }
}
