import Connector

/// Retention of changes: superseded revisions older than `cutoff` go, each call's latest stays.
///
/// The horizon of a tenant moves in the same transaction as its slice.
struct CollapseRequest: Maintenance {
    let kind = MaintenanceKind.collapse
    /// Changes looked at in one slice.
    static let sliceSize: Int64 = 500

    private let cutoff: Instant
    let completion: @Sendable (Result<Int, JournalError>) -> Void
    private(set) var removedCount = 0
    /// Tenants that are still to do; `nil` before the first slice.
    private var tenants: [Int64]?

    init(cutoff: Instant, completion: @escaping @Sendable (Result<Int, JournalError>) -> Void) {
        self.cutoff = cutoff
        self.completion = completion
    }

    mutating func runSlice(in database: Database, _ derived: DerivedTables) throws(JournalError) -> Bool {
        var waiting = if let tenants { tenants } else { try Self.tenants(in: database) }
        guard let tenant = waiting.last else { return false }
        let examined = try examine(tenant, in: database, derived)
        if examined < Self.sliceSize { waiting.removeLast() }
        tenants = waiting
        return !waiting.isEmpty
    }

    /// - Returns: how many changes were looked at; fewer than a slice at the tenant's end.
    private mutating func examine(
        _ tenant: Int64, in database: Database, _ derived: DerivedTables
    ) throws(JournalError) -> Int64 {
        let start = try Self.horizon(of: tenant, in: database)
        let found = try Self.slice(of: tenant, after: start, before: cutoff, in: database)
        guard let end = found.last?.position else { return 0 }
        let removal = try database.kept("DELETE FROM change WHERE tenant = ?1 AND position = ?2")
        for change in found where !change.isLatest {
            removal.bind(1, tenant)
            removal.bind(2, change.position)
            try removal.run()
            removedCount += 1
        }
        let horizon = try database.kept("INSERT OR REPLACE INTO change_horizon(tenant, position) VALUES (?1, ?2)")
        horizon.bind(1, tenant)
        horizon.bind(2, end)
        try horizon.run()
        derived.collapsed(tenant: tenant, through: end)
        return Int64(found.count)
    }

    private static func tenants(in database: Database) throws(JournalError) -> [Int64] {
        try database.kept("SELECT number FROM name").rows { $0.int(0) }
    }

    private static func horizon(of tenant: Int64, in database: Database) throws(JournalError) -> Int64 {
        let statement = try database.kept("SELECT position FROM change_horizon WHERE tenant = ?1")
        statement.bind(1, tenant)
        return try statement.first { $0.int(0) } ?? 0
    }

    /// The oldest changes behind `position`, up to the first one that is too young: times grow with positions.
    private static func slice(
        of tenant: Int64, after position: Int64, before cutoff: Instant, in database: Database
    ) throws(JournalError) -> [(position: Int64, isLatest: Bool)] {
        let statement = try database.kept(
            """
            SELECT change.position, change.changed_at, ifnull(call.change_position = change.position, 0)
            FROM change LEFT JOIN call ON call.id = change.call
            WHERE change.tenant = ?1 AND change.position > ?2 ORDER BY change.position LIMIT ?3
            """)
        statement.bind(1, tenant)
        statement.bind(2, position)
        statement.bind(3, sliceSize)
        let rows = try statement.rows { ($0.int(0), $0.int(1), $0.int(2) != 0) }
        return rows.prefix { $0.1 < cutoff.milliseconds }.map { ($0.0, $0.2) }
    }
}
