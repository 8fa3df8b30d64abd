import Connector
import Gateway

/// What the reconciling counts, for `/metrics`: of each connection its pulls, its silence, and how complete its last two days are.
struct ReconciliationGauges: Sendable {
    let reconciler: Reconciler
    let registry: ConnectionRegistry

    func write(to text: inout PrometheusText) {
        let all = registry.current.live.compactMap { reconciler.reconciliation(of: $0.id) }
        let active = all.filter(\.isActive)
        family("kommutator_history_rows_total", .counter, "Rows of the provider's history that were new", active, &text) {
            $0.state.rowCount
        }
        family("kommutator_history_failures", .gauge, "Pulls of the history that failed since a good one", active, &text) {
            $0.state.failure?.count ?? 0
        }
        family(
            "kommutator_history_known_until_seconds", .gauge, "Up to when the history is known, in Unix time", active, &text
        ) { $0.state.through.map { $0.milliseconds / 1000 } ?? 0 }
        family("kommutator_connection_silent", .gauge, "1 where a connection is silent against its usual rate", all, &text) {
            $0.silence.state == .silent ? 1 : 0
        }
        writeDays(active, to: &text)
    }

    private func family(
        _ name: String, _ kind: PrometheusText.Kind, _ help: String, _ all: [ReconciliationStatus], _ text: inout PrometheusText,
        _ value: (ReconciliationStatus) -> some FixedWidthInteger
    ) {
        text.family(name, kind, help)
        for status in all { text.sample(name, labels: [("connection", status.connection.name)], value(status)) }
    }

    private func writeDays(_ all: [ReconciliationStatus], to text: inout PrometheusText) {
        let name = "kommutator_completeness_calls"
        text.family(name, .gauge, "Calls by the day they began (UTC; the last two), and by how they were seen")
        for status in all {
            for day in status.days {
                let counts = [
                    ("seen_by_webhook", day.seenByWebhook), ("seen_by_history", day.seenByHistory), ("recovered", day.recovered),
                    ("missing_in_history", day.missingInHistory),
                ]
                for (kind, count) in counts {
                    let labels = [
                        ("connection", status.connection.name), ("day", String(day.begin.description.prefix(10))), ("kind", kind),
                    ]
                    text.sample(name, labels: labels, count)
                }
            }
        }
    }
}
