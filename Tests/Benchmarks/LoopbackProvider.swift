import HTTPServer
import Network
import Synchronization

/// A provider on the loopback that says yes to everything, at once, on one thread of its own; or nothing at all.
final class LoopbackProvider: Sendable {
    /// `http://127.0.0.1:PORT`.
    let address: String
    private let server: HTTPServer
    private let answers: Answers

    init(isSilent: Bool = false) throws {
        answers = Answers(isSilent: isSilent)
        var router = Router()
        router.direct([.get, .post], "/{rest...}", handler: answers)
        server = try HTTPServer(HTTPServerConfiguration(listen: [SocketAddress("127.0.0.1:0")]), router: router)
        address = "http://\(try server.start()[0])"
    }

    var loop: EventLoop { server.loops[0] }

    /// Requests that have come.
    var openCount: Int { answers.count.load(ordering: .relaxed) }

    func stop() async { await server.shutdown(deadline: .milliseconds(100)) }
}

private final class Answers: DirectHandler {
    let count = Atomic<Int>(0)
    private let isSilent: Bool

    init(isSilent: Bool) { self.isSilent = isSilent }

    func makeWorker(on loop: EventLoop, replies: ReplyDesk) -> any DirectWorker { Worker(self, isSilent: isSilent) }

    private final class Worker: DirectWorker {
        private let owner: Answers
        private let isSilent: Bool
        private let yes = HTTPResponse.text(
            #"{"status":"success","from":"101","to":"79000010000","time":1790000000}"#, type: "application/json")

        init(_ owner: Answers, isSilent: Bool) {
            self.owner = owner
            self.isSilent = isSilent
        }

        func admit(_ head: borrowing RequestHead) -> Admission { .accept(maxBody: 4096) }

        func handle(_ request: borrowing DirectRequest, _ reply: ReplyToken) -> DirectAnswer {
            owner.count.wrappingAdd(1, ordering: .relaxed)
            return isSilent ? .deferred : .respond(yes)
        }
    }
}
