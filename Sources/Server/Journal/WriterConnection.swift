import CSystem
import Connector

/// The one connection that writes, with its prepared statements and its counters. Lives on the writer's thread.
final class WriterConnection {
    let database: Database
    private let configuration: JournalConfiguration
    private let raws: RawTable
    private let commands: CommandTable
    private let derived: DerivedTables
    private var names: NameTable
    private let log: LogSize
    /// The log's size at which it is to be started anew.
    private var logBound: Int

    /// Opens or makes the file, migrates it, and proves that it keeps what is committed.
    init(path: String, configuration: JournalConfiguration) throws(JournalError) {
        self.configuration = configuration
        logBound = configuration.logByteCount
        database = try Database(path: path)
        try Self.prepare(database, configuration)
        try Schema.migrate(database)
        try Self.requireDurability(database)
        raws = try RawTable(database)
        commands = try CommandTable(database)
        derived = try DerivedTables(database)
        names = NameTable(database)
        log = LogSize(database, pageByteCount: Int(try database.number("PRAGMA page_size") ?? 0))
    }

    var lastRawPosition: Int64 { raws.lastPosition }
    var lastChangePosition: Int64 { derived.lastChange }
    /// Raw records whose derived rows are not committed.
    var lag: Int64 { raws.lastPosition - derived.through }
    /// Bytes in the write-ahead log after the last commit.
    var logByteCount: Int { log.byteCount }

    /// Commits `appends`, then `batches`, in one transaction. Sets the positions of the records.
    /// - Returns: one error an append that broke a rule; its neighbours are committed.
    func commit(
        _ appends: inout [QueuedAppend], _ batches: [DerivedBatch]
    ) throws(JournalError) -> [Int: JournalError] {
        var poisoned: [Int: JournalError] = [:]
        try transaction { () throws(JournalError) in
            for index in appends.indices {
                do throws(JournalError) {
                    try raws.write(&appends[index].records, names: &names)
                    for row in appends[index].commands { try commands.write(row, names: &names) }
                } catch {
                    guard error.code == .constraint else { throw error }
                    poisoned[index] = error
                }
            }
            let now = configuration.clock.now()
            for batch in batches { try derived.write(batch, at: now, names: &names) }
        }
        return poisoned
    }

    /// Runs something rare in a transaction of its own.
    func perform(_ task: WriterTask) throws(JournalError) {
        try transaction { () throws(JournalError) in try task.run(database) }
    }

    /// Runs one slice of `maintenance`.
    /// - Returns: whether there is more to do.
    func perform(_ maintenance: inout any Maintenance) throws(JournalError) -> Bool {
        var slice = maintenance
        let isUnfinished = try transaction { () throws(JournalError) in try slice.runSlice(in: database, derived) }
        maintenance = slice
        return isUnfinished
    }

    /// Starts the log anew where it has outgrown its bound. Where a reader still needs it, the next try waits until it has
    /// grown by another eighth: each one syncs the file, and acknowledgements wait for it.
    func boundLog() {
        guard log.byteCount > logBound else { return }
        let isRestarted = checkpoint(SQLITE_CHECKPOINT_RESTART)
        logBound = isRestarted ? configuration.logByteCount : log.byteCount + configuration.logByteCount / 8
    }

    /// Folds the whole log into the file and leaves it empty, where no reader needs it.
    func emptyLog() { _ = checkpoint(SQLITE_CHECKPOINT_TRUNCATE) }

    private func checkpoint(_ mode: Int32) -> Bool {
        guard sqlite3_wal_checkpoint_v2(database.handle, nil, mode, nil, nil) == SQLITE_OK else { return false }
        log.restarted()
        return true
    }

    // MARK: Transactions

    private func transaction<Result>(_ body: () throws(JournalError) -> Result) throws(JournalError) -> Result {
        do {
            return try database.transaction(body)
        } catch {
            try reload()
            throw error
        }
    }

    /// Takes the counters and names back to what is committed.
    private func reload() throws(JournalError) {
        names.forget()
        try raws.reload(database)
        try derived.reload()
    }

    // MARK: Opening

    private static func prepare(_ database: Database, _ configuration: JournalConfiguration) throws(JournalError) {
        // A reader may just be recovering the log of a crash; later on nobody else writes.
        try database.execute("PRAGMA busy_timeout = 2000")
        try database.execute("PRAGMA page_size = \(configuration.pageByteCount)")
        try database.execute("PRAGMA journal_mode = WAL")
        try database.execute("PRAGMA synchronous = FULL")
        try database.execute("PRAGMA wal_autocheckpoint = 0")
        try database.execute("PRAGMA journal_size_limit = \(configuration.logByteCount)")
        try database.execute("PRAGMA cache_size = -\(configuration.writerCacheKilobytes)")
        // Debian builds SQLite to overwrite what is deleted; the records are no secrets of this file's owner.
        try database.execute("PRAGMA secure_delete = OFF")
        try database.execute("PRAGMA temp_store = MEMORY")
        try database.execute("PRAGMA busy_timeout = 0")
        if configuration.pageLimit > 0 { try database.execute("PRAGMA max_page_count = \(configuration.pageLimit)") }
    }

    /// - Throws: `.notDurable` unless the connection syncs each commit of a write-ahead log.
    static func requireDurability(_ database: Database) throws(JournalError) {
        let mode = try database.text("PRAGMA journal_mode")
        let synchronous = try database.number("PRAGMA synchronous")
        guard mode == "wal", synchronous == 2 else {
            throw JournalError(
                .notDurable, "journal_mode is \(mode ?? "unknown"), synchronous is \(synchronous ?? -1); wal and 2 are needed",
                hint: "use a local file system that supports shared memory")
        }
    }
}

/// The size of the write-ahead log, as SQLite reports it after each commit.
private final class LogSize {
    private let pages = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    private let pageByteCount: Int
    private let database: Database

    init(_ database: Database, pageByteCount: Int) {
        self.database = database
        self.pageByteCount = pageByteCount + 24
        pages.initialize(to: 0)
        sqlite3_wal_hook(
            database.handle,
            { pages, _, _, count in
                pages?.assumingMemoryBound(to: Int.self).pointee = Int(count)
                return SQLITE_OK
            }, pages)
    }

    deinit {
        sqlite3_wal_hook(database.handle, nil, nil)
        pages.deallocate()
    }

    var byteCount: Int { pages.pointee * pageByteCount }

    func restarted() { pages.pointee = 0 }
}
