/// The tables, version by version. A file is only ever migrated forward.
///
/// Words of enumerations are stored as the text of the public record, identifiers as 16 bytes that sort by age, times as
/// milliseconds since 1970. Names of connections and tenants are numbers of the table `name`.
///
/// Wide rows (`raw`, `event`, `change`) are rowid tables that only grow at the end, with narrow indexes beside them. As
/// `WITHOUT ROWID` tables, `event` and `change` cost 36 µs of the writer's CPU for one derived set of 4 KB at pages of 8 KB
/// instead of 15, since rows beyond a quarter of a page overflow and neighbours are moved at each insert; at 16 KB there is
/// no difference. (2 shared virtual cores, SQLite 3.40, release build, batches of 256 sets, each one decoding, one event,
/// one call row and one change.)
enum Schema {
    /// One entry a version; an entry that was once released never changes.
    static let migrations: [String] = [version1, version2, version3]

    private static let version1 = """
        CREATE TABLE name(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

        CREATE TABLE raw(
            position INTEGER PRIMARY KEY, id BLOB NOT NULL, connection INTEGER NOT NULL, received_at INTEGER NOT NULL,
            source TEXT NOT NULL, peer TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
            headers BLOB NOT NULL, body BLOB NOT NULL);
        CREATE UNIQUE INDEX raw_id ON raw(id);
        CREATE INDEX raw_connection ON raw(connection);

        CREATE TABLE decoding(
            position INTEGER PRIMARY KEY, state TEXT NOT NULL, call BLOB, more BLOB, reason TEXT);
        CREATE INDEX decoding_noted ON decoding(state) WHERE state <> 'decoded';

        CREATE TABLE event(
            call BLOB NOT NULL, id BLOB NOT NULL, raw_position INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE UNIQUE INDEX event_id ON event(call, id);

        CREATE TABLE call(
            id BLOB PRIMARY KEY, tenant INTEGER NOT NULL, started_at INTEGER NOT NULL, number TEXT,
            is_open INTEGER NOT NULL, state TEXT NOT NULL, connection INTEGER NOT NULL, revision INTEGER NOT NULL,
            updated_at INTEGER NOT NULL, direction TEXT, disposition TEXT, line TEXT, merged_into BLOB,
            deleted INTEGER NOT NULL, change_position INTEGER) WITHOUT ROWID;
        CREATE INDEX call_started ON call(tenant, started_at);
        CREATE INDEX call_number ON call(tenant, number, started_at);
        CREATE INDEX call_updated ON call(tenant, updated_at);
        CREATE INDEX call_open ON call(id) WHERE is_open;

        CREATE TABLE external_key(
            connection INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, call BLOB NOT NULL,
            PRIMARY KEY(connection, kind, value)) WITHOUT ROWID;

        CREATE TABLE participant_index(
            tenant INTEGER NOT NULL, user_id TEXT NOT NULL, call BLOB NOT NULL,
            PRIMARY KEY(tenant, user_id, call)) WITHOUT ROWID;

        CREATE TABLE change(
            position INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, changed_at INTEGER NOT NULL, call BLOB NOT NULL,
            type TEXT NOT NULL, revision INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE INDEX change_tenant ON change(tenant);

        CREATE TABLE change_horizon(tenant INTEGER PRIMARY KEY, position INTEGER NOT NULL);

        CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

        CREATE TABLE api_key(
            id TEXT PRIMARY KEY, name TEXT NOT NULL, tenant TEXT NOT NULL, scopes TEXT NOT NULL, secret_hash BLOB NOT NULL,
            created_at INTEGER NOT NULL, revoked_at INTEGER) WITHOUT ROWID;
        """

    private static let version2 = """
        CREATE TABLE command(
            id BLOB PRIMARY KEY, tenant INTEGER NOT NULL, idempotency_key TEXT NOT NULL, request BLOB NOT NULL,
            is_open INTEGER NOT NULL, created_at INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
        CREATE UNIQUE INDEX command_key ON command(tenant, idempotency_key);
        CREATE INDEX command_open ON command(id) WHERE is_open;
        """

    /// `seen`: 1 while it happened, 2 in the provider's history. Calls from before this version came by webhook.
    private static let version3 = """
        ALTER TABLE call ADD COLUMN seen INTEGER NOT NULL DEFAULT 1;

        CREATE TABLE pull_state(
            connection INTEGER PRIMARY KEY, since INTEGER, through INTEGER, reach INTEGER, wide_at INTEGER,
            succeeded_at INTEGER, failed_at INTEGER, failure TEXT, failure_count INTEGER NOT NULL, row_count INTEGER NOT NULL);
        """

    /// Brings `database` to the newest version, one transaction a version.
    /// - Throws: `.newerSchema` where a newer program wrote the file; nothing is changed then.
    static func migrate(_ database: Database) throws(JournalError) {
        let version = Int(try database.number("PRAGMA user_version") ?? 0)
        guard version <= migrations.count else { throw newer(version) }
        for (index, migration) in migrations.enumerated().dropFirst(version) {
            try database.transaction { () throws(JournalError) in
                try database.execute(migration)
                try database.execute("PRAGMA user_version = \(index + 1)")
            }
        }
    }

    /// Checks that `database` is readable by this version.
    static func check(_ database: Database) throws(JournalError) {
        let version = Int(try database.number("PRAGMA user_version") ?? 0)
        guard version <= migrations.count else { throw newer(version) }
        guard version == migrations.count else {
            throw JournalError(
                .unavailable, "the journal has version \(version) of \(migrations.count)", hint: "start the gateway once")
        }
    }

    private static func newer(_ version: Int) -> JournalError {
        JournalError(
            .newerSchema, "the journal has version \(version), this program knows up to \(migrations.count)",
            hint: "run the newer program that wrote it, or restore a backup")
    }
}
