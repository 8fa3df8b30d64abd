import Connector

/// Writes raw records; gives them their positions.
final class RawTable {
    private let insert: Statement
    private let delete: Statement
    private(set) var lastPosition: Int64

    init(_ database: Database) throws(JournalError) {
        insert = try Statement(
            """
            INSERT INTO raw(position, id, connection, received_at, source, peer, method, path, query, headers, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """, in: database)
        delete = try Statement("DELETE FROM raw WHERE position > ?1", in: database)
        lastPosition = try Self.newestPosition(database)
    }

    /// The newest position ever given.
    static func newestPosition(_ database: Database) throws(JournalError) -> Int64 {
        try database.number(
            "SELECT max(ifnull((SELECT max(position) FROM raw), 0), ifnull((SELECT value FROM meta WHERE name = 'derived'), 0))")
            ?? 0
    }

    /// Writes the records of one append and sets their positions; none of them where one breaks a rule.
    func write(_ records: inout [RawRecord], names: inout NameTable) throws(JournalError) {
        let first = lastPosition
        do {
            for index in records.indices { try write(&records[index], names: &names) }
        } catch {
            guard error.code == .constraint else { throw error }
            delete.bind(1, first)
            try delete.run()
            lastPosition = first
            throw error
        }
    }

    /// Starts again at what is committed, after a transaction was undone.
    func reload(_ database: Database) throws(JournalError) { lastPosition = try Self.newestPosition(database) }

    private func write(_ record: inout RawRecord, names: inout NameTable) throws(JournalError) {
        insert.bind(1, lastPosition + 1)
        insert.bind(2, record.id)
        insert.bind(3, try names.numberOrNew(of: record.connection.name))
        insert.bind(4, record.receivedAt.milliseconds)
        insert.bind(5, record.source.rawValue)
        insert.bind(6, record.peer)
        insert.bind(7, record.method)
        insert.bind(8, record.path)
        insert.bind(9, record.query)
        insert.bind(copying: 10, HeaderCoding.encode(record.headers))
        try insert.run(binding: record.body, at: 11)
        lastPosition += 1
        record.position = lastPosition
    }
}
