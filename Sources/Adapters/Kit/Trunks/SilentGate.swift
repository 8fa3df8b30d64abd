import Connector

/// The gatekeeper of a connection to which nobody posts: it hears of calls otherwise, or not at all.
package final class SilentGate: WebhookAuthenticator {
    private let reason: String

    /// - Parameter reason: who tells instead.
    package init(_ reason: String) { self.reason = reason }

    package func authenticate(_ request: WebhookRequest) -> Authentication { .refuse(status: 403, reason: reason) }
}

/// The decoder of a connection that tells of no calls.
package final class SilentDecoder: EventDecoder {
    package init() {}

    package func decode(_ raw: RawRecord) -> [Decoded] { [.ignored(reason: "a trunk tells of no calls: its PBX does")] }
}
