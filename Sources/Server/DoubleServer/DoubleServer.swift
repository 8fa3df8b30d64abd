import AdapterKit
import Connector
import HTTPServer
import Network
import VendorSimulators

/// A vendor's double behind a socket: our own HTTP server, with a stage that answers.
package struct DoubleServer<Time: Clock>: Sendable where Time.Duration == Duration {
    private let server: HTTPServer
    private let stage: DoubleStage<Time>

    /// - Parameter address: port 0 takes a free port.
    /// - Throws: `NetworkError.loop` when the process is out of descriptors.
    package init(_ stage: DoubleStage<Time>, on address: SocketAddress, timekeeper: any Timekeeper) throws {
        self.stage = stage
        var router = Router()
        for method in [HTTPMethod.get, .post, .put, .patch, .delete] {
            router.on(method, "/{rest...}") { request in
                Self.response(await stage.answer(Self.request(request, at: timekeeper.now())))
            }
        }
        server = try HTTPServer(HTTPServerConfiguration(listen: [address]), router: router)
    }

    /// Listens, and serves until the task is cancelled.
    /// - Parameter ready: is told the address as soon as it listens: `http://127.0.0.1:8090`.
    /// - Throws: `NetworkError`, `ThreadError`.
    package func run(_ ready: @Sendable (String) -> Void) async throws {
        for address in try server.start() { ready("http://\(address)") }
        await stage.run()
        await server.shutdown(deadline: .seconds(1))
    }

    /// The query is written anew from its fields: as vendors do before they check a signature.
    private static func request(_ request: HTTPRequest, at now: Instant) -> DoubleRequest {
        DoubleRequest(
            request.method.name, request.path, query: FormEncoding.encode(request.query.items),
            headers: request.headers.map { HeaderField(name: $0.name, value: $0.value) }, body: request.body, receivedAt: now,
            origin: "http://" + (request.headers["host"] ?? "127.0.0.1"))
    }

    private static func response(_ answer: DoubleAnswer) -> HTTPResponse {
        HTTPResponse(
            HTTPStatus(answer.status), headers: HTTPHeaders(answer.headers.map { ($0.name, $0.value) }),
            body: answer.body.isEmpty ? .none : .bytes(answer.body))
    }
}
