import Network

/// A handler on the hot path: called on the loop's thread, with bytes that lie in the connection's buffer, without a task.
package protocol DirectHandler: Sendable {
    /// Makes the part that one loop owns. Called once per loop, before it serves.
    /// - Parameter replies: where deferred answers of this loop are given later.
    func makeWorker(on loop: EventLoop, replies: ReplyDesk) -> any DirectWorker
}

/// One loop's share of a direct handler; confined to the loop's thread.
package protocol DirectWorker: AnyObject {
    /// Called before the body is read: refuses early, or says how many bytes of body are welcome.
    func admit(_ head: borrowing RequestHead) -> Admission

    /// Called when the whole request is there.
    ///
    /// The request's bytes are valid during the call; when the answer is `.deferred`, they also stay where they are until the
    /// reply to `reply` has been given, even if the client goes away meanwhile.
    func handle(_ request: borrowing DirectRequest, _ reply: ReplyToken) -> DirectAnswer
}

/// Whether a body is worth reading.
package enum Admission: Sendable {
    /// At most so many bytes; more are answered 413.
    case accept(maxBody: Int)
    /// Answered at once; the body is not read.
    case refuse(HTTPResponse)
}

/// What a direct worker says to a request.
package enum DirectAnswer: Sendable {
    case respond(HTTPResponse)
    /// The answer comes through `ReplyDesk`, exactly once, within `HTTPLimits.replyDeadline`.
    case deferred
}

/// Names the request that a deferred answer belongs to. Trivial; may travel to other threads and back.
package struct ReplyToken: Hashable, Sendable {
    let slot: UInt32
    let generation: UInt32
    /// The number of the loop, from 0.
    package let loop: UInt16
}

/// Where direct workers give deferred answers; one per loop, used on its thread only.
package final class ReplyDesk {
    private var server: HTTPLoop?

    init(_ server: HTTPLoop) { self.server = server }

    /// Answers a deferred request. A token whose connection has ended, or that was answered before, is dropped and counted.
    package func respond(to token: ReplyToken, with response: HTTPResponse) { server?.reply(to: token, with: response) }

    func close() { server = nil }
}
