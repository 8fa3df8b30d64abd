import Connector

extension SQLiteReader {
    private static let rawColumns =
        "raw.position, raw.id, raw.connection, raw.received_at, raw.source, raw.peer, raw.method, raw.path, raw.query, raw.headers, raw.body"
    private static let entryColumns = rawColumns + ", decoding.state, decoding.call, decoding.more, decoding.reason"

    package func rawRecords(after position: Int64, limit: Int) throws -> [RawRecord] {
        let statement = try database.kept(
            "SELECT \(Self.rawColumns) FROM raw WHERE position > ?1 ORDER BY position LIMIT ?2")
        statement.bind(1, position)
        statement.bind(2, Int64(max(0, limit)))
        return try statement.rows { row throws(JournalError) in try rawRecord(from: row) }
    }

    package func rawRecords(at positions: [Int64]) throws -> [RawRecord] {
        let statement = try database.kept("SELECT \(Self.rawColumns) FROM raw WHERE position = ?1")
        var records: [RawRecord] = []
        for position in positions {
            statement.bind(1, position)
            if let record = try statement.first({ row throws(JournalError) in try rawRecord(from: row) }) {
                records.append(record)
            }
        }
        return records
    }

    package func rawRecord(_ id: RawID) throws -> InboxEntry? {
        let statement = try database.kept(
            """
            SELECT \(Self.entryColumns) FROM raw LEFT JOIN decoding ON decoding.position = raw.position WHERE raw.id = ?1
            """)
        statement.bind(1, id)
        return try statement.first { row throws(JournalError) in try entry(from: row) }
    }

    package func keeps(_ id: RawID) throws -> Bool {
        let statement = try database.kept("SELECT 1 FROM raw WHERE id = ?1")
        statement.bind(1, id)
        return try statement.first { _ in true } ?? false
    }

    /// - Parameter connections: those whose records may be seen; with none, nothing is.
    package func inbox(
        state: DecodingState?, connections: [ConnectionID], before: Int64?, limit: Int
    ) throws -> [InboxEntry] {
        try database.snapshot { () throws(JournalError) in
            var entries: [InboxEntry] = []
            for connection in Set(connections) {
                guard let number = try names.number(of: connection.name) else { continue }
                entries += try inbox(state, of: number, before: before ?? .max, limit: max(0, limit))
            }
            return Array(entries.sorted { $0.raw.position > $1.raw.position }.prefix(max(0, limit)))
        }
    }

    /// A page of one connection, from the index that fits the state: noted states are few, the others nearly all.
    private func inbox(
        _ state: DecodingState?, of connection: Int64, before: Int64, limit: Int
    ) throws(JournalError) -> [InboxEntry] {
        let statement = try database.kept(Self.inboxQuery(state))
        statement.bind(1, connection)
        statement.bind(2, before)
        statement.bind(3, Int64(limit))
        return try statement.rows { row throws(JournalError) in try entry(from: row) }
    }

    private static func inboxQuery(_ state: DecodingState?) -> String {
        let page = "raw.connection = ?1 AND raw.position < ?2"
        return switch state {
        case .undecoded, .ignored:
            """
            SELECT \(entryColumns) FROM decoding INDEXED BY decoding_noted CROSS JOIN raw ON raw.position = decoding.position
            WHERE decoding.state = '\(state?.rawValue ?? "")' AND decoding.state <> 'decoded' AND decoding.position < ?2
                AND +raw.connection = ?1 ORDER BY decoding.position DESC LIMIT ?3
            """
        case .received:
            """
            SELECT \(entryColumns) FROM raw LEFT JOIN decoding ON decoding.position = raw.position
            WHERE \(page) AND raw.position > ifnull((SELECT value FROM meta WHERE name = 'derived'), 0)
                AND decoding.position IS NULL ORDER BY raw.position DESC LIMIT ?3
            """
        case .decoded:
            """
            SELECT \(entryColumns) FROM raw CROSS JOIN decoding ON decoding.position = raw.position
            WHERE \(page) AND +decoding.state = 'decoded' ORDER BY raw.position DESC LIMIT ?3
            """
        case nil:
            """
            SELECT \(entryColumns) FROM raw LEFT JOIN decoding ON decoding.position = raw.position
            WHERE \(page) ORDER BY raw.position DESC LIMIT ?3
            """
        }
    }

    // MARK: Rows

    private func entry(from row: Statement) throws(JournalError) -> InboxEntry {
        let raw = try rawRecord(from: row)
        guard !row.isNull(11) else { return InboxEntry(raw: raw, state: .received, calls: [], reason: nil) }
        let first: [CallID] = row.isNull(12) ? [] : [try row.identifier(12)]
        return InboxEntry(
            raw: raw, state: try row.word(11), calls: first + CallList.decode(row.bytes(13)), reason: row.optionalText(14))
    }

    private func rawRecord(from row: Statement) throws(JournalError) -> RawRecord {
        RawRecord(
            id: try row.identifier(1), position: row.int(0), connection: ConnectionID(try names.name(of: row.int(2))),
            receivedAt: Instant(milliseconds: row.int(3)), source: try row.word(4), peer: row.text(5), method: row.text(6),
            path: row.text(7), query: row.text(8), headers: try HeaderCoding.decode(row.bytes(9)), body: row.bytes(10))
    }
}
