import Connector
import HTTPServer

/// What the routes of the API work with; put together once, at the root.
package struct APIServices: Sendable {
    package let journal: any Journal
    package let readers: ReaderPool
    package let keys: KeyDesk
    package let connections: ConnectionRegistry
    package let signal: ChangeSignal
    package let explainer: any CallExplainer
    package let replayer: any Replayer
    package let webhookMetrics: WebhookMetrics
    package let clock: any Timekeeper
    package let log: any GatewayLog
    /// The gateway's version, as `/openapi.json` and `/healthz` tell it.
    package let version: String
    let badKeys = BadKeyLimit()
    let idempotency = IdempotencyStore()
    let metrics = APIMetrics()
    /// Which peers are believed when they say who called them.
    package var proxies = ProxyTrust()
    /// Why the journal does not take commits now; `nil` where it does.
    package var journalTrouble: @Sendable () -> String? = { nil }
    /// How long raw requests are kept; `nil` for good.
    package var rawRetention: Duration?
    /// Takes commands; `nil` where the API only tells.
    package var desk: CommandDesk?
    /// Who knows which way calls would take; `nil` where there can be no PBX.
    package var previews: (any RoutePreviewing)?
    /// Who asks the CRM whom to ring; `nil` where nobody does.
    package var routing: CallRouting?
    /// Where fetched recordings are; `nil` where none are kept.
    package var recordings: (any RecordingStore)?
    /// Who of a connection's employees can be reached now, by short numbers; empty where its provider does not tell.
    package var presence: @Sendable (ConnectionID) -> [String: EmployeePresence] = { _ in [:] }
    /// How a connection's long-lived work stands; `nil` where it has none.
    package var upkeep: @Sendable (ConnectionID) -> UpkeepStatus? = { _ in nil }
    /// How the reconciling with the providers' histories stands; `nil` where nothing is reconciled.
    package var reconciliation: (any ReconciliationView)?
    /// Further lines for `/metrics`, such as the server's own counters.
    package var moreMetrics: @Sendable (inout PrometheusText) -> Void = { _ in }

    package init(
        journal: any Journal, readers: ReaderPool, keys: KeyDesk, connections: ConnectionRegistry, signal: ChangeSignal,
        explainer: any CallExplainer, replayer: any Replayer, webhookMetrics: WebhookMetrics, clock: any Timekeeper,
        log: any GatewayLog, version: String
    ) {
        self.journal = journal
        self.readers = readers
        self.keys = keys
        self.connections = connections
        self.signal = signal
        self.explainer = explainer
        self.replayer = replayer
        self.webhookMetrics = webhookMetrics
        self.clock = clock
        self.log = log
        self.version = version
    }
}
