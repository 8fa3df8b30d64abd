import Network
import Synchronization

@testable import HTTPServer

/// Runs a server on a free loopback port for the length of `body`.
func withServer(
    _ router: Router = .sample(), limits: HTTPLimits = HTTPLimits(), loops: Int = 1, listen: String = "127.0.0.1:0",
    tls: TLSIdentity? = nil, _ body: (HTTPServer, SocketAddress) async throws -> Void
) async throws {
    let configuration = HTTPServerConfiguration(listen: [try SocketAddress(listen)], tls: tls, loops: loops, limits: limits)
    let server = try HTTPServer(configuration, router: router)
    let address = try server.start()[0]
    do {
        try await body(server, address)
    } catch {
        await server.shutdown(deadline: .zero)
        throw error
    }
    await server.shutdown(deadline: .zero)
}

extension Router {
    /// Routes that the tests share: an echo of either kind, a parameter, something large.
    static func sample() -> Router {
        var router = Router { status, code, detail in .text("\(code): \(detail)", status: status) }
        router.get("/hello") { _ in .text("hello") }
        router.post("/echo") { HTTPResponse(200, headers: ["X-Length": "\($0.body.count)"], body: .bytes($0.body)) }
        router.get("/calls/{id}/events") { .text($0.parameters["id"] ?? "none") }
        router.get("/query") { request in .text(request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ";")) }
        router.get("/fails") { _ in throw HTTPProblem(409, code: "conflict", detail: "As asked.") }
        router.direct([.post], "/direct/{rest...}", handler: EchoHandler())
        return router
    }
}

/// A direct handler that answers with what it was sent.
struct EchoHandler: DirectHandler {
    var maxBody = 1 << 20
    func makeWorker(on loop: EventLoop, replies: ReplyDesk) -> any DirectWorker { Worker(maxBody) }

    private final class Worker: DirectWorker {
        let maxBody: Int
        init(_ maxBody: Int) { self.maxBody = maxBody }
        func admit(_ head: borrowing RequestHead) -> Admission {
            head.header("x-unwelcome") == nil ? .accept(maxBody: maxBody) : .refuse(.text("unwelcome", status: 503))
        }
        func handle(_ request: borrowing DirectRequest, _ reply: ReplyToken) -> DirectAnswer {
            .respond(HTTPResponse(200, headers: ["X-Rest": request.parameter(0).string], body: .bytes(request.body.array)))
        }
    }
}

/// A direct handler whose answers are given by the test, in order of arrival.
final class DeferringHandler: DirectHandler {
    /// A request that waits for its answer.
    struct Held: Sendable {
        var token: ReplyToken
        var body: String
        var loop: EventLoop
        fileprivate var desk: UnsafeDesk
        /// Where the body lies, which must stay as it is until the answer.
        fileprivate var bytes: UnsafeRawView

        func answer(_ text: String) {
            loop.execute { desk.desk.respond(to: token, with: .text(text)) }
        }

        /// Returns when the answers given before have been acted upon.
        func settled() async {
            await withCheckedContinuation { done in loop.execute { done.resume() } }
        }

        /// The body as it is in memory now.
        func bodyNow() async -> String {
            await withCheckedContinuation { done in loop.execute { done.resume(returning: bytes.view.string) } }
        }
    }

    /// Loop-confined things on their way back to their loop.
    fileprivate struct UnsafeDesk: @unchecked Sendable { let desk: ReplyDesk }
    fileprivate struct UnsafeRawView: @unchecked Sendable { let view: ByteView }

    let arrivals: AsyncStream<Held>
    private let source: AsyncStream<Held>.Continuation

    init() { (arrivals, source) = AsyncStream.makeStream() }

    func makeWorker(on loop: EventLoop, replies: ReplyDesk) -> any DirectWorker { Worker(loop, replies, source) }

    private final class Worker: DirectWorker {
        let loop: EventLoop
        let desk: ReplyDesk
        let source: AsyncStream<Held>.Continuation
        init(_ loop: EventLoop, _ desk: ReplyDesk, _ source: AsyncStream<Held>.Continuation) {
            (self.loop, self.desk, self.source) = (loop, desk, source)
        }
        func admit(_ head: borrowing RequestHead) -> Admission { .accept(maxBody: 1 << 20) }
        func handle(_ request: borrowing DirectRequest, _ reply: ReplyToken) -> DirectAnswer {
            source.yield(
                Held(
                    token: reply, body: request.body.string, loop: loop, desk: UnsafeDesk(desk: desk),
                    bytes: UnsafeRawView(view: request.body)))
            return .deferred
        }
    }
}
