import AdapterKit
import Connector

/// The gatekeeper of Beeline's events, which carry no signature and no header of ours: who knows the address may post.
///
/// The secret is the address itself. The gateway compares its `url_token` in constant time, and the sender with `allow_from`, before a
/// request comes here. XSI asks for nothing but a 200; what stands in the answer is not read.
final class BeelineAuthenticator: WebhookAuthenticator {
    private var tree = XMLTree()

    func authenticate(_ request: WebhookRequest) -> Authentication {
        guard request.method == "POST" else { return .refuse(status: 405, reason: "an event is posted") }
        guard !request.body.isEmpty else { return .refuse(status: 400, reason: "the body is empty") }
        return .accept(.ok)
    }

    /// A call from outside reaches a phone: whom the caller's next call should ring is written into Beeline's table.
    func routingQuestion(_ request: WebhookRequest) -> RoutingQuestion? {
        // Most events tell of something else: they need not be read here, for the decoder reads them anyway.
        guard request.body.holds("CallReceivedEvent") else { return nil }
        do {
            try tree.parse(request.body)
        } catch {
            // The decoder says so.
            return nil
        }
        return tree.root.isNamed("Event") ? RoutingQuestion(beeline: tree.root["eventData"]) : nil
    }
}
