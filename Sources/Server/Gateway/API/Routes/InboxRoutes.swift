import Connector
import Digests
import HTTPServer

/// `/inbox`: raw requests as they came, secrets and whole numbers masked, and reading them again.
struct InboxRoutes: Sendable {
    static let standardLimit = 50

    let services: APIServices

    var routes: [APIRoute] { [list, one, replayOne, replayMany] }

    private static let id = APIParameter(
        name: "id", place: .path, isRequired: true, schema: .text, description: "The raw request, as in `raw_…`")
    private static let dryRun = APIParameter(
        name: "dry_run", schema: .flag, description: "`true`: say what would change, and change nothing")
    private static let idempotencyKey = APIParameter(
        name: "Idempotency-Key", place: .header, schema: .text,
        description: "Needed unless `dry_run`: the same key and body give the same answer for a day, or until a restart")

    // MARK: Reading

    private var list: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/inbox", scope: .read, summary: "Raw requests, newest first",
            parameters: [
                APIParameter(name: "state", schema: .oneOf(DecodingState.self), description: "Only those in this state"),
                APIParameter(name: "connection", schema: .text, description: "Only those of this connection"),
                APIParameter(name: "cursor", schema: .text, description: "`next_cursor` of the page before"),
                APIParameter(
                    name: "limit", schema: .integer(1...200, standard: Self.standardLimit), description: "Requests in a page"),
            ],
            answer: APIAnswer(description: "A page of raw requests", schema: "InboxPage", example: Examples.inboxPage)
        ) { call in
            var query = call.query
            let state = query.choice("state", DecodingState.self)
            let name = query.text("connection")
            let limit = query.integer("limit", in: 1...200) ?? Self.standardLimit
            let before = Self.position(query.cursor("cursor", for: call.tenant), in: &query)
            try query.finish()
            let connections = try self.connections(of: call.tenant, named: name)
            let tenant = call.tenant
            return .json(
                try await services.readers.read { reader in
                    // No connection is none, not all.
                    let entries =
                        connections.isEmpty
                        ? [] : try reader.inbox(state: state, connections: connections, before: before, limit: limit + 1)
                    return Self.page(entries, limit: limit, tenant)
                })
        }
    }

    private var one: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/inbox/{id}", scope: .read, summary: "One raw request", parameters: [Self.id],
            answer: APIAnswer(description: "The request", schema: "InboxEntry", example: Examples.inboxEntry),
            otherStatuses: Self.absentStatuses
        ) { call in
            try call.query.finish()
            let entry = try await found(call)
            return .json { InboxEncoding.write(entry, to: &$0) }
        }
    }

    private static func position(_ cursor: Cursor?, in query: inout QueryReading) -> Int64? {
        guard let cursor else { return nil }
        if case .inbox(let position) = cursor { return position }
        query.note("cursor", "This is a cursor of another list.")
        return nil
    }

    private static func page(_ entries: [InboxEntry], limit: Int, _ tenant: TenantID) -> [UInt8] {
        let shown = entries.prefix(limit)
        let hasMore = entries.count > limit
        var json = JSONWriter()
        json.beginObject()
        json.beginArray("requests")
        for entry in shown { InboxEncoding.write(entry, to: &json) }
        json.endArray()
        let next = hasMore ? shown.last.map { Cursor.inbox(position: $0.raw.position).text(for: tenant) } : nil
        json.field("next_cursor", next)
        json.field("has_more", hasMore)
        json.endObject()
        return json.finish()
    }

    private func found(_ call: APICall) async throws -> InboxEntry {
        let id = try call.identifier(RawID.self, "request")
        let entry = try await services.readers.read { try $0.rawRecord(id) }
        let own = try connections(of: call.tenant, named: nil)
        guard let entry, own.contains(entry.raw.connection) else { throw absent(id) }
        return entry
    }

    private static let absentStatuses = [
        404: "No such request of this tenant", 410: "`request-removed`: it would be older than requests are kept",
    ]

    /// By its age alone, so that nobody learns what another tenant has.
    private func absent(_ id: RawID) -> APIProblem {
        guard let retention = services.rawRetention, id.time.advanced(by: retention) <= services.clock.now() else {
            return .notFound("request")
        }
        return .requestRemoved
    }

    /// The tenant's connections. A connection that was taken out of `adapters.d` is nobody's: its requests are not shown.
    private func connections(of tenant: TenantID, named name: String?) throws -> [ConnectionID] {
        let own = services.connections.current.of(tenant).map(\.id)
        guard let name else { return own }
        guard own.contains(ConnectionID(name)) else { throw APIProblem.notFound("connection") }
        return [ConnectionID(name)]
    }

    // MARK: Replay

    private var replayOne: APIRoute {
        APIRoute(
            method: .post, pattern: "/api/v1/inbox/{id}/replay", scope: .admin, summary: "Read one raw request again",
            parameters: [Self.id, Self.dryRun, Self.idempotencyKey],
            answer: APIAnswer(description: "What changed", schema: "ReplayReport", example: Examples.replayReport),
            otherStatuses: Self.actingStatuses.merging(Self.absentStatuses) { one, _ in one }
        ) { call in
            guard call.http.body.isEmpty || call.http.body == Array("{}".utf8) else {
                throw APIProblem.badBody([.init("body", "This request takes no body.")])
            }
            let id = try await found(call).raw.id
            let own = try connections(of: call.tenant, named: nil)
            return try await replay(ReplaySelection(connections: own, record: id), call)
        }
    }

    private var replayMany: APIRoute {
        APIRoute(
            method: .post, pattern: "/api/v1/inbox/replay", scope: .admin, summary: "Read a selection of raw requests again",
            parameters: [Self.dryRun, Self.idempotencyKey], body: "ReplaySelection",
            answer: APIAnswer(description: "What changed", schema: "ReplayReport", example: Examples.replayReport),
            otherStatuses: Self.actingStatuses
        ) { call in
            try await replay(try selection(call), call)
        }
    }

    private static let actingStatuses = [
        400: "`idempotency-key-missing`, `bad-body`, `bad-parameter`", 409: "`in-progress`: the first is under way",
        422: "`idempotency-key-reused`", 503: "`ledger-busy`: nothing is known to be done; ask again with the same key",
    ]

    private func selection(_ call: APICall) throws -> ReplaySelection {
        var body = try BodyReading(call.http.body, known: ["connection", "state", "received_from", "received_to"])
        let name = body.text("connection")
        let state = body.choice("state", DecodingState.self)
        let from = body.instant("received_from")
        let to = body.instant("received_to")
        try body.finish()
        return ReplaySelection(
            connections: try connections(of: call.tenant, named: name), state: state, receivedFrom: from, receivedTo: to)
    }

    private func replay(_ selection: ReplaySelection, _ call: APICall) async throws -> HTTPResponse {
        var query = call.query
        let isDryRun = query.flag("dry_run") ?? false
        try query.finish()
        let replayer = services.replayer
        let act = { () async throws -> HTTPResponse in
            let report = try await replayer.replay(selection, dryRun: isDryRun)
            return .json { Self.write(report, isDryRun: isDryRun, to: &$0) }
        }
        guard !isDryRun else { return try await act() }
        return try await once(call, act)
    }

    private func once(_ call: APICall, _ act: () async throws -> HTTPResponse) async throws -> HTTPResponse {
        let key = try ActionKey(call)
        return try await services.idempotency.once(
            "\(call.tenant.name)\n\(key.key)", request: key.request, at: services.clock.now(), act)
    }

    private static func write(_ report: ReplayReport, isDryRun: Bool, to json: inout JSONWriter) {
        json.beginObject()
        json.field("dry_run", isDryRun)
        json.field("records", report.records)
        json.beginObject("states")
        for state in DecodingState.allCases {
            json.name(dynamic: state.rawValue)
            json.value(report.states[state] ?? 0)
        }
        json.endObject()
        json.beginArray("differences")
        for difference in report.differences {
            json.beginObject()
            json.field("call_id", difference.call.description)
            json.name("before")
            if let before = difference.before { json.value(json: before) } else { json.null() }
            json.name("after")
            if let after = difference.after { json.value(json: after) } else { json.null() }
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }
}
