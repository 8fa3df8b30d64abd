import Connector

/// A search of the call log as SQL: from which index to go, which conditions, which values.
///
/// Four ways, each newest first: the calls of a number (`call_number`), the calls of an employee (`participant_index`, sorted
/// afterwards: one person's calls), what was updated of late where that is little (`call_updated`, sorted afterwards), or all
/// calls of the tenant from the newest down (`call_started`). What the index does not know is checked row by row.
struct CallSearch {
    private enum Value {
        case number(Int64)
        case text(String)
        case call(CallID)
    }

    /// What stands before the join with `change`.
    private(set) var source = ""
    private(set) var conditions: [String] = []
    private var values: [Value] = []

    /// Takes over every condition of `query`.
    /// - Returns: `false` where nothing can match: a tenant or connection that no row names.
    mutating func add(_ query: CallQuery, in database: Database, names: inout NameTable) throws(JournalError) -> Bool {
        guard let tenant = try names.number(of: query.tenant.name) else { return false }
        start(query, tenant: tenant, updatedAreFew: try Self.updatedAreFew(query, tenant: tenant, in: database))
        conditions += ["call.merged_into IS NULL", "call.deleted = 0"]
        require("call.started_at >= ?", query.startedFrom?.milliseconds)
        require("call.started_at < ?", query.startedTo?.milliseconds)
        require("call.updated_at >= ?", query.updatedSince?.milliseconds)
        require("call.direction = ?", query.direction?.rawValue)
        require("call.disposition = ?", query.disposition?.rawValue)
        require("call.state = ?", query.state?.rawValue)
        require("call.line = ?", query.line)
        if let after = query.after {
            conditions.append("(call.started_at, call.id) < (?, ?)")
            values += [.number(after.startedAt.milliseconds), .call(after.id)]
        }
        guard let connection = query.connection else { return true }
        guard let number = try names.number(of: connection.name) else { return false }
        require("call.connection = ?", number)
        return true
    }

    /// Binds the values and the limit, in the order of the question marks.
    func bind(to statement: Statement, limit: Int) {
        for (index, value) in values.enumerated() {
            switch value {
            case .number(let number): statement.bind(Int32(index + 1), number)
            case .text(let text): statement.bind(Int32(index + 1), text)
            case .call(let call): statement.bind(Int32(index + 1), call)
            }
        }
        statement.bind(Int32(values.count + 1), Int64(max(0, limit)))
    }

    /// Whether so few calls were updated since the asked moment that sorting them beats looking for them from the newest call
    /// down: a CRM that polls asks for minutes, and most calls are older.
    private static func updatedAreFew(
        _ query: CallQuery, tenant: Int64, in database: Database
    ) throws(JournalError) -> Bool {
        guard let since = query.updatedSince else { return false }
        let statement = try database.kept(
            """
            SELECT count(*) FROM (SELECT 1 FROM call INDEXED BY call_updated WHERE tenant = ?1 AND updated_at >= ?2 LIMIT 2000)
            """)
        statement.bind(1, tenant)
        statement.bind(2, since.milliseconds)
        return try statement.first { $0.int(0) } ?? 0 < 2000
    }

    private mutating func start(_ query: CallQuery, tenant: Int64, updatedAreFew: Bool) {
        if let number = query.number {
            source = "call INDEXED BY call_number"
            require("call.tenant = ?", tenant)
            require("call.number = ?", number)
            guard let employee = query.employee else { return }
            conditions.append(
                "EXISTS (SELECT 1 FROM participant_index p WHERE p.tenant = call.tenant AND p.user_id = ? AND p.call = call.id)")
            values.append(.text(employee))
        } else if let employee = query.employee {
            source = "participant_index CROSS JOIN call ON call.id = participant_index.call"
            require("participant_index.tenant = ?", tenant)
            require("participant_index.user_id = ?", employee)
            require("call.tenant = ?", tenant)
        } else {
            source = updatedAreFew ? "call INDEXED BY call_updated" : "call INDEXED BY call_started"
            require("call.tenant = ?", tenant)
        }
    }

    private mutating func require(_ condition: String, _ value: Int64?) {
        guard let value else { return }
        conditions.append(condition)
        values.append(.number(value))
    }

    private mutating func require(_ condition: String, _ value: String?) {
        guard let value else { return }
        conditions.append(condition)
        values.append(.text(value))
    }
}
