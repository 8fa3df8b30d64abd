import Connector

extension SQLiteReader {
    private static let callColumns =
        "call.id, call.tenant, call.connection, call.revision, call.started_at, call.merged_into, call.deleted, change.body"
    private static let callTables =
        "call JOIN change ON change.position = call.change_position"

    package func call(of key: ExternalKey, in connection: ConnectionID) throws -> CallID? {
        guard let connection = try names.number(of: connection.name) else { return nil }
        let statement = try database.kept(
            "SELECT call FROM external_key WHERE connection = ?1 AND kind = ?2 AND value = ?3")
        statement.bind(1, connection)
        statement.bind(2, key.kind.rawValue)
        statement.bind(3, key.value)
        return try statement.first { row throws(JournalError) in try row.identifier(0) }
    }

    package func events(of call: CallID) throws -> [EventRow] {
        let statement = try database.kept(
            "SELECT id, raw_position, body FROM event WHERE call = ?1 ORDER BY raw_position, id")
        statement.bind(1, call)
        return try statement.rows { row throws(JournalError) in
            EventRow(id: try row.identifier(0), call: call, rawPosition: row.int(1), body: row.bytes(2))
        }
    }

    package func call(_ id: CallID) throws -> StoredCall? {
        let statement = try database.kept("SELECT \(Self.callColumns) FROM \(Self.callTables) WHERE call.id = ?1")
        statement.bind(1, id)
        return try statement.first { row throws(JournalError) in try storedCall(from: row) }
    }

    package func openCalls() throws -> [CallID] {
        try database.kept("SELECT id FROM call INDEXED BY call_open WHERE is_open ORDER BY id")
            .rows { row throws(JournalError) in try row.identifier(0) }
    }

    package func calls(_ query: CallQuery) throws -> [StoredCall] {
        var search = CallSearch()
        guard try search.add(query, in: database, names: &names) else { return [] }
        let statement = try database.kept(Self.sql(of: search))
        search.bind(to: statement, limit: query.limit)
        return try statement.rows { row throws(JournalError) in try storedCall(from: row) }
    }

    /// The statement of a search; `CROSS JOIN` keeps the call's index in front.
    static func sql(of search: CallSearch) -> String {
        """
        SELECT \(callColumns) FROM \(search.source) CROSS JOIN change ON change.position = call.change_position
        WHERE \(search.conditions.joined(separator: " AND ")) ORDER BY call.started_at DESC, call.id DESC LIMIT ?
        """
    }

    private func storedCall(from row: Statement) throws(JournalError) -> StoredCall {
        StoredCall(
            id: try row.identifier(0), tenant: TenantID(try names.name(of: row.int(1))),
            connection: ConnectionID(try names.name(of: row.int(2))), revision: Int(row.int(3)),
            startedAt: Instant(milliseconds: row.int(4)), mergedInto: try row.optionalIdentifier(5),
            isDeleted: row.int(6) != 0, body: try row.json(7, expander))
    }
}
