import Connector
import CSystem

/// API keys: few rows, read whole.
extension SQLiteJournal: KeyStore {
    package func keys() throws -> [APIKey] { try reader().keys() }

    package func insert(_ key: APIKey) throws {
        try perform { database throws(JournalError) in
            let statement = try database.kept(
                """
                INSERT INTO api_key(id, name, tenant, scopes, secret_hash, created_at, revoked_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                """)
            statement.bind(1, key.id)
            statement.bind(2, key.name)
            statement.bind(3, key.tenant.name)
            statement.bind(4, key.scopes.map(\.rawValue).joined(separator: ","))
            statement.bind(copying: 5, key.secretHash)
            statement.bind(6, key.createdAt.milliseconds)
            statement.bind(7, key.revokedAt?.milliseconds)
            try statement.run()
        }
    }

    package func revoke(id: String, at moment: Instant) throws -> Bool {
        let count = Monitor(Int32(0))
        try perform { database throws(JournalError) in
            let statement = try database.kept("UPDATE api_key SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL")
            statement.bind(1, id)
            statement.bind(2, moment.milliseconds)
            try statement.run()
            count.withLock { $0 = sqlite3_changes(database.handle) }
        }
        return count.withLock { $0 > 0 }
    }
}

extension SQLiteReader {
    /// Every key, revoked ones too, oldest first. Scopes that this version does not know are left out.
    package func keys() throws(JournalError) -> [APIKey] {
        try database.kept(
            "SELECT id, name, tenant, scopes, secret_hash, created_at, revoked_at FROM api_key ORDER BY created_at, id"
        ).rows { row in
            APIKey(
                id: row.text(0), name: row.text(1), tenant: TenantID(row.text(2)),
                scopes: row.text(3).split(separator: ",").compactMap { APIKey.Scope(rawValue: String($0)) },
                secretHash: row.bytes(4), createdAt: Instant(milliseconds: row.int(5)),
                revokedAt: row.optionalInt(6).map(Instant.init(milliseconds:)))
        }
    }
}
