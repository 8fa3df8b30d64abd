import Connector
import HTTPServer
import Network

/// A provider's question under way: its answer waits for the commit of the request and for the decision.
///
/// `@unchecked Sendable`: used on its loop's thread only; closures that carry it elsewhere hand it back to `loop.execute`.
final class RoutingExchange: @unchecked Sendable {
    let question: RoutingQuestion
    let ability: RoutingAbility
    let connection: ProviderConnection
    let reply: ReplyToken
    let since: MonotonicInstant
    /// What is said where there is no decision.
    let neutral: PreparedResponse
    var deadline: TimerID?
    var decision: RoutingDecision?
    var isCommitted = false
    /// It has been answered.
    var isOver = false

    init(
        _ question: RoutingQuestion, _ ability: RoutingAbility, _ connection: ProviderConnection, reply: ReplyToken,
        since: MonotonicInstant, neutral: PreparedResponse
    ) {
        self.question = question
        self.ability = ability
        self.connection = connection
        self.reply = reply
        self.since = since
        self.neutral = neutral
    }
}
