import Connector
import HTTPServer

/// What machines ask: is it alive, may it have work, how is it doing. No key is asked for, and nothing secret told.
struct HealthRoutes: Sendable {
    let services: APIServices

    var routes: [APIRoute] { [alive, ready, metrics] }

    private var alive: APIRoute {
        APIRoute(
            method: .get, pattern: "/healthz", scope: nil, summary: "The process answers",
            answer: APIAnswer(description: "It does", schema: "Health", example: ["status": "ok", "version": "0.1.0"])
        ) { _ in
            .json { json in
                json.beginObject()
                json.field("status", "ok")
                json.field("version", services.version)
                json.endObject()
            }
        }
    }

    private var ready: APIRoute {
        APIRoute(
            method: .get, pattern: "/readyz", scope: nil, summary: "Webhooks would be taken, and the journal can be read",
            answer: APIAnswer(
                description: "All is ready", schema: "Readiness",
                example: [
                    "status": "ok",
                    "checks": ["journal_has_room": true, "journal_is_readable": true, "journal_is_writable": true],
                ]),
            otherStatuses: [503: "Something is not; `checks` says what"]
        ) { _ in
            let hasRoom = services.journal.hasRoom
            let isReadable = await isJournalReadable()
            let isWritable = services.journalTrouble() == nil
            let isReady = hasRoom && isReadable && isWritable
            var response = HTTPResponse.json { json in
                json.beginObject()
                json.field("status", isReady ? "ok" : "not ready")
                json.beginObject("checks")
                json.field("journal_has_room", hasRoom)
                json.field("journal_is_readable", isReadable)
                json.field("journal_is_writable", isWritable)
                json.endObject()
                json.endObject()
            }
            if !isReady { response.status = .serviceUnavailable }
            return response
        }
    }

    private func isJournalReadable() async -> Bool {
        do {
            _ = try await services.readers.read { try $0.lastRawPosition() }
            return true
        } catch {
            services.log.warning("journal.unreadable", LogField("cause", String(describing: error)))
            return false
        }
    }

    private var metrics: APIRoute {
        APIRoute(
            method: .get, pattern: "/metrics", scope: nil, summary: "Metrics for Prometheus",
            answer: APIAnswer(description: "Text format 0.0.4", schema: nil, mediaType: "text/plain")
        ) { _ in
            let positions = try await services.readers.read { reader in
                (
                    raw: try reader.lastRawPosition(), derived: try reader.derivedPosition(),
                    change: try reader.lastChangePosition()
                )
            }
            var text = PrometheusText()
            writeConnections(to: &text)
            writeJournal(positions, to: &text)
            writeRequests(to: &text)
            if let routing = services.routing { text.routing(routing.plan, services.webhookMetrics) }
            services.moreMetrics(&text)
            return .text(text.text, type: "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    private func writeConnections(to text: inout PrometheusText) {
        let connections = services.connections.current.all
        text.family("kommutator_webhooks_total", .counter, "Webhooks by connection and outcome.")
        for connection in connections {
            let counters = connection.counters
            for (outcome, count) in [
                ("accepted", counters.accepted.load(ordering: .relaxed)),
                ("handshake", counters.handshakes.load(ordering: .relaxed)),
                ("refused", counters.refused.load(ordering: .relaxed)),
                ("overloaded", counters.overloaded.load(ordering: .relaxed)),
                ("failed", counters.failed.load(ordering: .relaxed)),
            ] {
                text.sample(
                    "kommutator_webhooks_total", labels: [("connection", connection.id.name), ("outcome", outcome)], count)
            }
        }
        text.family("kommutator_connection_up", .gauge, "1 where a connection takes webhooks.")
        for connection in connections {
            text.sample(
                "kommutator_connection_up", labels: [("connection", connection.id.name)], connection.adapter == nil ? 0 : 1)
        }
        text.histogram(
            "kommutator_webhook_ack_seconds", "From a whole webhook to its answer.",
            services.webhookMetrics.acknowledgement.snapshot)
    }

    private func writeJournal(_ positions: (raw: Int64, derived: Int64, change: Int64), to text: inout PrometheusText) {
        text.family("kommutator_raw_position", .gauge, "Newest raw record.")
        text.sample("kommutator_raw_position", positions.raw)
        text.family("kommutator_ledger_lag_records", .gauge, "Raw records that the ledger has not derived yet.")
        text.sample("kommutator_ledger_lag_records", max(0, positions.raw - positions.derived))
        text.family("kommutator_change_position", .gauge, "Newest change.")
        text.sample("kommutator_change_position", positions.change)
    }

    private func writeRequests(to text: inout PrometheusText) {
        text.family("kommutator_api_requests_total", .counter, "Requests of the API by route and status.")
        for (key, count) in services.metrics.snapshot {
            text.sample(
                "kommutator_api_requests_total",
                labels: [("method", key.method), ("route", key.pattern), ("status", String(key.status))], count)
        }
    }
}
