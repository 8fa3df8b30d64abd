import Connector
import HTTPServer

/// `/connections`: what is configured, and how it is doing. Settings are shown without secrets.
struct ConnectionRoutes: Sendable {
    let services: APIServices

    var routes: [APIRoute] { [list, one] }

    private var list: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/connections", scope: .read, summary: "All connections and how they are",
            answer: APIAnswer(description: "Connections by name", schema: "ConnectionList", example: Examples.connectionList)
        ) { call in
            try call.query.finish()
            let connections = services.connections.current.of(call.tenant)
            let traces = try await traces(of: connections)
            return .json { json in
                json.beginObject()
                json.beginArray("connections")
                for (connection, traces) in zip(connections, traces) {
                    json.beginObject()
                    write(connection, traces, to: &json)
                    json.endObject()
                }
                json.endArray()
                json.endObject()
            }
        }
    }

    private var one: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/connections/{id}", scope: .read, summary: "One connection with its settings",
            parameters: [
                APIParameter(name: "id", place: .path, isRequired: true, schema: .text, description: "Its name in adapters.d")
            ],
            answer: APIAnswer(description: "The connection", schema: "Connection", example: Examples.connection),
            otherStatuses: [404: "No such connection of this tenant"]
        ) { call in
            try call.query.finish()
            guard let connection = services.connections.current[call.http.parameters["id"] ?? ""],
                connection.tenant == call.tenant
            else { throw APIProblem.notFound("connection") }
            let traces = try await traces(of: [connection]).first ?? ConnectionHealth.Traces()
            let refusals = services.webhookMetrics.refusals.rows(of: connection.id).prefix(50)
            return .json { json in
                json.beginObject()
                write(connection, traces, withItems: true, to: &json)
                Self.writeDetails(connection, to: &json)
                services.reconciliation?.reconciliation(of: connection.id)?.write(to: &json)
                Self.write(refusals, to: &json)
                json.endObject()
            }
        }
    }

    private func traces(of connections: [ProviderConnection]) async throws -> [ConnectionHealth.Traces] {
        let ids = connections.map(\.id)
        return try await services.readers.read { reader in
            try ids.map { id in
                let unread = try reader.inbox(state: .undecoded, connections: [id], before: nil, limit: 1).first
                return ConnectionHealth.Traces(
                    lastReceivedAt: try reader.lastWebhook(of: id), lastUndecodedAt: unread?.raw.receivedAt)
            }
        }
    }

    // MARK: Writing

    private func write(
        _ connection: ProviderConnection, _ traces: ConnectionHealth.Traces, withItems: Bool = false, to json: inout JSONWriter
    ) {
        let upkeep = connection.adapter == nil ? nil : services.upkeep(connection.id)
        let silence = services.reconciliation?.reconciliation(of: connection.id)?.silence
        let health = ConnectionHealth(of: connection, traces, upkeep, isSilent: silence?.state == .silent)
        json.field("id", connection.id.name)
        json.field("enabled", connection.settings.isEnabled)
        json.name("adapter")
        if let descriptor = connection.descriptor {
            json.beginObject()
            json.field("name", descriptor.name)
            json.field("title", descriptor.title)
            json.field("version", descriptor.version)
            json.endObject()
        } else {
            json.null()
        }
        json.beginArray("capabilities")
        for capability in connection.descriptor?.capabilities ?? [] {
            json.value(capability.rawValue)
        }
        json.endArray()
        json.beginObject("health")
        json.field("status", health.status.rawValue)
        json.field("reason", health.reason)
        json.endObject()
        json.field("webhook_path", "/hooks/\(connection.id.name)\(connection.urlToken == nil ? "" : "/{url_token}")")
        json.field("last_event_at", (traces.lastReceivedAt ?? connection.counters.lastAcceptedAt)?.description)
        Self.write(connection.counters, to: &json)
        Self.write(connection.problems, to: &json)
        json.name("upkeep")
        if let upkeep { Self.write(upkeep, withItems: withItems, to: &json) } else { json.null() }
    }

    /// What is kept alive at the provider; names of people and numbers only where one connection is asked for.
    private static func write(_ status: UpkeepStatus, withItems: Bool, to json: inout JSONWriter) {
        json.beginObject()
        json.field("condition", status.condition.rawValue)
        json.field("summary", status.summary)
        json.field("remedy", status.remedy)
        json.field("since", status.since.description)
        json.field("wanted", status.upkeep.wanted)
        json.field("kept", status.upkeep.kept)
        json.field("restarts", status.restarts)
        json.field("next_attempt_at", status.nextAttemptAt?.description)
        if withItems {
            json.beginArray("items")
            for item in status.upkeep.items {
                json.beginObject()
                json.field("name", item.name)
                json.field("kept", item.isKept)
                json.field("until", item.until?.description)
                json.field("problem", item.problem)
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
    }

    private static func write(_ counters: ConnectionCounters, to json: inout JSONWriter) {
        json.beginObject("counters")
        json.field("accepted", counters.accepted.load(ordering: .relaxed))
        json.field("handshakes", counters.handshakes.load(ordering: .relaxed))
        json.field("refused", counters.refused.load(ordering: .relaxed))
        json.field("overloaded", counters.overloaded.load(ordering: .relaxed))
        json.field("failed", counters.failed.load(ordering: .relaxed))
        json.endObject()
    }

    private static func write(_ problems: [ConfigurationProblem], to json: inout JSONWriter) {
        json.beginArray("problems")
        for problem in problems {
            json.beginObject()
            json.field("file", problem.file)
            json.field("line", problem.line)
            json.field("column", problem.column)
            json.field("problem", problem.problem)
            json.field("hint", problem.hint)
            json.endObject()
        }
        json.endArray()
    }

    private static func writeDetails(_ connection: ProviderConnection, to json: inout JSONWriter) {
        json.beginObject("settings")
        for setting in connection.settings.shownSettings {
            json.name(dynamic: setting.name)
            json.value(setting.value)
        }
        json.endObject()
        json.beginObject("limits")
        json.field("stale_after_ms", connection.profile.staleAfter.milliseconds)
        json.field("settle_after_ms", connection.profile.settleAfter.milliseconds)
        json.field("finalize_after_ms", connection.profile.finalizeAfter.milliseconds)
        json.endObject()
    }

    private static func write(_ refusals: ArraySlice<RefusalTable.Row>, to json: inout JSONWriter) {
        json.beginArray("refusals")
        for row in refusals {
            json.beginObject()
            json.field("peer", row.key.peer?.description)
            json.field("reason", row.key.reason)
            json.field("count", row.count)
            json.field("last_at", row.lastAt.description)
            json.endObject()
        }
        json.endArray()
    }
}
