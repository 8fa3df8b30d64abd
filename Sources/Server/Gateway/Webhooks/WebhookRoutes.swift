import Connector
import HTTPServer
import Network

/// The providers' entrance: `POST|GET /hooks/{connection}[/{url_token}][/…]`.
///
/// A genuine request is answered after its raw record is on disk, and everything else at once. On the hot path: no task, no
/// lock, no closure per request; what a loop accepted in one turn goes to the journal in one call (engine.md, items 2 and 3).
package struct WebhookRoutes: DirectHandler {
    /// Bytes of a provider's body that are welcome: ten times what the largest of them sends.
    package static let maximumBody = 256 << 10

    let connections: ConnectionRegistry
    let journal: any Journal
    let metrics: WebhookMetrics
    let log: any GatewayLog
    let proxies: ProxyTrust
    /// `nil` where there is no CRM to ask whom to ring.
    let routing: CallRouting?

    /// - Parameter proxies: which peers are believed when they say who called them.
    package init(
        connections: ConnectionRegistry, journal: any Journal, metrics: WebhookMetrics, log: any GatewayLog = SilentLog(),
        proxies: ProxyTrust = ProxyTrust(), routing: CallRouting? = nil
    ) {
        self.connections = connections
        self.journal = journal
        self.metrics = metrics
        self.log = log
        self.proxies = proxies
        self.routing = routing
    }

    package func makeWorker(on loop: EventLoop, replies: ReplyDesk) -> any DirectWorker {
        let worker = WebhookWorker(routes: self, loop: loop, replies: replies)
        loop.onTurnEnd { worker.flush() }
        return worker
    }

    /// Adds the routes.
    package func register(in router: inout Router) {
        router.direct([.post, .get], "/hooks/{connection}/{rest...}", handler: self)
    }
}
