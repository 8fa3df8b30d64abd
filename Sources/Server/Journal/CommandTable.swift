import Connector

/// Writes commands.
final class CommandTable {
    private let upsert: Statement

    init(_ database: Database) throws(JournalError) {
        upsert = try Statement(
            """
            INSERT INTO command(id, tenant, idempotency_key, request, is_open, created_at, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT(id) DO UPDATE SET is_open = ?5, body = ?7
            """, in: database)
    }

    func write(_ row: CommandRow, names: inout NameTable) throws(JournalError) {
        upsert.bind(1, row.id)
        upsert.bind(2, try names.numberOrNew(of: row.tenant.name))
        upsert.bind(3, row.idempotencyKey)
        upsert.bind(copying: 4, row.request)
        upsert.bind(5, row.isOpen ? 1 : 0)
        upsert.bind(6, row.createdAt.milliseconds)
        try upsert.run(binding: row.body, at: 7)
    }
}

extension SQLiteJournal: CommandStore {
    package func save(_ rows: [CommandRow], completion: @escaping @Sendable (AppendOutcome) -> Void) -> Bool {
        let byteCount = rows.reduce(0) { $0 + $1.body.count }
        let isTaken = queue.append(QueuedAppend(commands: rows, byteCount: byteCount, completion: completion))
        if !isTaken { meters.refused() }
        return isTaken
    }
}

extension SQLiteReader {
    private static let commandColumns = "id, tenant, idempotency_key, request, is_open, created_at, body"

    package func command(_ id: CommandID) throws -> CommandRow? {
        let statement = try database.kept("SELECT \(Self.commandColumns) FROM command WHERE id = ?1")
        statement.bind(1, id)
        return try statement.first { row throws(JournalError) in try commandRow(from: row) }
    }

    package func command(tenant: TenantID, key: String) throws -> CommandRow? {
        guard let tenant = try names.number(of: tenant.name) else { return nil }
        let statement = try database.kept(
            "SELECT \(Self.commandColumns) FROM command WHERE tenant = ?1 AND idempotency_key = ?2")
        statement.bind(1, tenant)
        statement.bind(2, key)
        return try statement.first { row throws(JournalError) in try commandRow(from: row) }
    }

    package func openCommands() throws -> [CommandRow] {
        try database.kept("SELECT \(Self.commandColumns) FROM command INDEXED BY command_open WHERE is_open ORDER BY id")
            .rows { row throws(JournalError) in try commandRow(from: row) }
    }

    private func commandRow(from row: Statement) throws(JournalError) -> CommandRow {
        CommandRow(
            id: try row.identifier(0), tenant: TenantID(try names.name(of: row.int(1))), idempotencyKey: row.text(2),
            request: row.bytes(3), isOpen: row.int(4) != 0, createdAt: Instant(milliseconds: row.int(5)), body: row.bytes(6))
    }
}
