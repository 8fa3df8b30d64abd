import Connector

/// How far the pulling of each connection's history has come: a few rows, written a few times an hour.
extension SQLiteJournal: PullStateStore {
    package func save(_ state: PullState, completion: @escaping @Sendable (AppendOutcome) -> Void) -> Bool {
        let task = WriterTask(
            run: { database throws(JournalError) in try Self.write(state, to: database) },
            completion: { error in completion(error.map { .failed(reason: $0.description) } ?? .committed) })
        return add(task)
    }

    private static func write(_ state: PullState, to database: Database) throws(JournalError) {
        let name = try database.kept("INSERT OR IGNORE INTO name(name) VALUES (?1)")
        name.bind(1, state.connection.name)
        try name.run()
        let statement = try database.kept(
            """
            INSERT OR REPLACE INTO pull_state(connection, since, through, reach, wide_at, succeeded_at, failed_at, failure,
                failure_count, row_count)
            VALUES ((SELECT number FROM name WHERE name = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """)
        statement.bind(1, state.connection.name)
        let moments = [state.since, state.through, state.reach, state.wideAt, state.succeededAt, state.failure?.at]
        for (index, moment) in moments.enumerated() { statement.bind(Int32(index) + 2, moment?.milliseconds) }
        statement.bind(8, state.failure?.reason)
        statement.bind(9, Int64(state.failure?.count ?? 0))
        statement.bind(10, Int64(state.rowCount))
        try statement.run()
    }
}

extension SQLiteReader {
    package func pullState(of connection: ConnectionID) throws -> PullState? {
        guard let number = try names.number(of: connection.name) else { return nil }
        let statement = try database.kept(
            """
            SELECT since, through, reach, wide_at, succeeded_at, failed_at, failure, failure_count, row_count
            FROM pull_state WHERE connection = ?1
            """)
        statement.bind(1, number)
        return try statement.first { row in
            func moment(_ column: Int32) -> Instant? { row.optionalInt(column).map(Instant.init(milliseconds:)) }
            var state = PullState(
                connection: connection, since: moment(0), through: moment(1), reach: moment(2), wideAt: moment(3),
                succeededAt: moment(4), rowCount: Int(row.int(8)))
            if let at = moment(5) { state.failure = .init(at: at, reason: row.text(6), count: Int(row.int(7))) }
            return state
        }
    }

    package func seenCalls(_ query: SeenQuery) throws -> [SeenCalls] {
        guard let tenant = try names.number(of: query.tenant.name), let connection = try names.number(of: query.connection.name)
        else { return [] }
        let statement = try database.kept(
            """
            SELECT started_at / ?5, count(*) FILTER (WHERE seen & 1), count(*) FILTER (WHERE seen & 2),
                count(*) FILTER (WHERE seen & 3 = 2),
                count(*) FILTER (WHERE seen & 3 = 1 AND NOT is_open AND started_at >= ?6 AND started_at < ?7)
            FROM call INDEXED BY call_started
            WHERE tenant = ?1 AND started_at >= ?3 AND started_at < ?4 AND connection = ?2 AND merged_into IS NULL AND deleted = 0
            GROUP BY 1 ORDER BY 1
            """)
        statement.bind(1, tenant)
        statement.bind(2, connection)
        let unit = query.unit.rawValue
        let known = query.known.map { ($0.lowerBound.milliseconds, $0.upperBound.milliseconds) } ?? (0, 0)
        let numbers = [query.from.milliseconds, query.to.milliseconds, unit, known.0, known.1]
        for (index, number) in numbers.enumerated() { statement.bind(Int32(index) + 3, number) }
        return try statement.rows { row in
            SeenCalls(
                begin: Instant(milliseconds: row.int(0) * unit), seenByWebhook: Int(row.int(1)), seenByHistory: Int(row.int(2)),
                recovered: Int(row.int(3)), missingInHistory: Int(row.int(4)))
        }
    }

    package func unreadRows(of connection: ConnectionID, from: Instant, to: Instant) throws -> [Instant: Int] {
        guard let number = try names.number(of: connection.name) else { return [:] }
        let statement = try database.kept(
            """
            SELECT raw.received_at / ?4, count(*)
            FROM decoding INDEXED BY decoding_noted CROSS JOIN raw ON raw.position = decoding.position
            WHERE decoding.state = 'undecoded' AND decoding.state <> 'decoded' AND +raw.connection = ?1
                AND raw.source = 'history' AND raw.received_at >= ?2 AND raw.received_at < ?3
            GROUP BY 1
            """)
        let day = SeenQuery.Unit.day.rawValue
        for (index, value) in [number, from.milliseconds, to.milliseconds, day].enumerated() {
            statement.bind(Int32(index) + 1, value)
        }
        let rows = try statement.rows { row in (Instant(milliseconds: row.int(0) * day), Int(row.int(1))) }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    package func lastWebhook(of connection: ConnectionID) throws -> Instant? {
        guard let number = try names.number(of: connection.name) else { return nil }
        let statement = try database.kept(
            """
            SELECT received_at FROM raw INDEXED BY raw_connection WHERE connection = ?1 AND source = 'webhook'
            ORDER BY position DESC LIMIT 1
            """)
        statement.bind(1, number)
        return try statement.first { Instant(milliseconds: $0.int(0)) }
    }
}
