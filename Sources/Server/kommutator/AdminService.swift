import Connector
import Gateway
import Glibc

/// What an operator may ask of a gateway, whether it runs (through `admin.sock`) or not (in this process).
///
/// One JSON object in, one out: `{"do": "key.create", "name": …}` → `{"ok": true, …}` or `{"ok": false, "error": …}`.
struct AdminService: Sendable {
    let house: House

    func answer(_ request: [UInt8]) async -> [UInt8] {
        do {
            return try await perform(try JSONValue(parsing: request)).encoded
        } catch {
            return JSONValue.object([.init("ok", .bool(false)), .init("error", .string("\(error)"))]).encoded
        }
    }

    private func perform(_ request: JSONValue) async throws -> JSONValue {
        switch request["do"]?.string {
        case "ping": return ping
        case "key.create": return try await createKey(request)
        case "key.list": return try listKeys()
        case "key.revoke": return try await revokeKey(request)
        case "replay": return try await replay(request)
        default: throw AdminError("unknown request")
        }
    }

    // MARK: Ping

    /// Who runs here, and what it works with: what `doctor` begins with. Asks neither the disk nor anybody else.
    private var ping: JSONValue {
        let connections = house.registry.current
        return [
            "ok": true, "version": .string(Kommutator.version), "pid": .number("\(getpid())"),
            "listen": .array(house.server.addresses.map { .string("\($0)") }), "tls": .bool(house.settings.tls != nil),
            "adapters": .string(Self.absolute(house.settings.adapters)),
            "connections": .array(connections.all.map(describe)),
            "problems": .array((connections.problems + connections.all.flatMap(\.problems)).map { .string($0.description) }),
        ]
    }

    /// Without anything secret: of an extra segment of the path only that there is one.
    private func describe(_ connection: ProviderConnection) -> JSONValue {
        let counters = connection.counters
        return [
            "id": .string(connection.id.name), "is_live": .bool(connection.adapter != nil),
            "has_url_token": .bool(connection.settings.urlToken != nil),
            "last_refused_at": counters.lastRefusedAt.map { .string("\($0)") } ?? .null,
            "refusal": counters.refusalReason.map { .string($0) } ?? .null,
            "upkeep": house.upkeep[connection.id].map(Self.describe) ?? .null,
        ]
    }

    private static func describe(_ status: UpkeepStatus) -> JSONValue {
        [
            "condition": .string(status.condition.rawValue), "summary": .string(status.summary),
            "remedy": status.remedy.map { .string($0) } ?? .null,
        ]
    }

    /// A path as it is from everywhere: whoever asks may stand in another folder.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return "\(String(cString: folder))/\(path)"
    }

    // MARK: Keys

    private func createKey(_ request: JSONValue) async throws -> JSONValue {
        let name = request["name"]?.string ?? ""
        let tenant = request["tenant"]?.string ?? TenantID.standard.name
        let words = (request["scopes"]?.string ?? "read").split(separator: ",").map(String.init)
        let scopes = words.compactMap(APIKey.Scope.init)
        guard !name.isEmpty, name.utf8.count <= 100 else { throw AdminError("--name must have 1 to 100 characters") }
        guard ConnectionID.isSlug(tenant) else { throw AdminError("--tenant must be 1 to 64 of a-z, 0-9, - and _") }
        guard scopes.count == words.count, !scopes.isEmpty else { throw AdminError("--scope takes read, command and admin") }
        let (secret, hash) = KeyDesk.makeSecret()
        let now = SystemClock().now()
        let id = "key_" + RawID(time: now, rest: UInt128.random(in: .min ... .max)).description.dropFirst("raw_".count)
        try house.journal.insert(
            APIKey(id: id, name: name, tenant: TenantID(tenant), scopes: scopes, secretHash: hash, createdAt: now))
        try await house.keys.refresh()
        return ["ok": true, "id": .string(id), "secret": .string(secret)]
    }

    private func listKeys() throws -> JSONValue {
        let keys = try house.journal.keys().map { key -> JSONValue in
            [
                "id": .string(key.id), "name": .string(key.name), "tenant": .string(key.tenant.name),
                "scopes": .string(key.scopes.map(\.rawValue).joined(separator: ",")),
                "created_at": .string("\(key.createdAt)"),
                "revoked_at": key.revokedAt.map { .string("\($0)") } ?? .null,
            ]
        }
        return ["ok": true, "keys": .array(keys)]
    }

    private func revokeKey(_ request: JSONValue) async throws -> JSONValue {
        let id = request["id"]?.string ?? ""
        guard try house.journal.revoke(id: id, at: SystemClock().now()) else {
            throw AdminError("no key \(id) that is not revoked; see `kommutator key list`")
        }
        try await house.keys.refresh()
        return ["ok": true]
    }

    // MARK: Replay

    private func replay(_ request: JSONValue) async throws -> JSONValue {
        let known = house.registry.current.live.map(\.id)
        let wanted = request["connection"]?.string.map(ConnectionID.init)
        if let wanted, !known.contains(wanted) { throw AdminError("no live connection \(wanted)") }
        var selection = ReplaySelection(connections: wanted.map { [$0] } ?? known)
        if let id = request["record"]?.string {
            guard let record = RawID(id) else { throw AdminError("\(id) is no raw record's id (raw_…)") }
            selection.record = record
        }
        if let word = request["state"]?.string {
            guard let state = DecodingState(rawValue: word) else {
                throw AdminError("--state takes \(DecodingState.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            selection.state = state
        }
        let report = try await house.ledger.replay(selection, dryRun: request["dry_run"]?.bool ?? false)
        return [
            "ok": true, "records": .number("\(report.records)"),
            "decoded": .number("\(report.states[.decoded] ?? 0)"), "ignored": .number("\(report.states[.ignored] ?? 0)"),
            "undecoded": .number("\(report.states[.undecoded] ?? 0)"),
            "changed_calls": .array(report.differences.map { .string("\($0.call)") }),
        ]
    }
}

/// A request that cannot be done, in words for the operator.
struct AdminError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
