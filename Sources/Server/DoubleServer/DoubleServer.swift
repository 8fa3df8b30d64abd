import AdapterKit
import Connector
import HTTPServer
import Network
import VendorSimulators

/// A vendor's double behind a socket: our own HTTP server, with a stage that answers.
package struct DoubleServer<Time: Clock>: Sendable where Time.Duration == Duration {
    private let server: HTTPServer
    private let stage: DoubleStage<Time>
    private let scheme: String

    /// - Parameters:
    ///   - address: port 0 takes a free port.
    ///   - tls: speaks TLS with this certificate.
    /// - Throws: `NetworkError.loop` when the process is out of descriptors.
    package init(
        _ stage: DoubleStage<Time>, on address: SocketAddress, tls: TLSIdentity? = nil, timekeeper: any Timekeeper
    ) throws {
        self.stage = stage
        let scheme = tls == nil ? "http" : "https"
        self.scheme = scheme
        var router = Router()
        for method in [HTTPMethod.get, .post, .put, .patch, .delete] {
            router.on(method, "/{rest...}") { request in
                await Self.response(to: Self.request(request, scheme, at: timekeeper.now()), stage)
            }
        }
        var limits = HTTPLimits()
        // Who is never answered is not told so either.
        limits.replyDeadline = .seconds(4000)
        server = try HTTPServer(HTTPServerConfiguration(listen: [address], tls: tls, limits: limits), router: router)
    }

    /// Listens, and serves until the task is cancelled.
    /// - Parameters:
    ///   - plan: calls that nobody orders.
    ///   - ready: is told the address as soon as it listens: `http://127.0.0.1:8090`.
    /// - Throws: `NetworkError`, `ThreadError`.
    package func run(playing plan: DoublePlan? = nil, _ ready: @Sendable (String) -> Void) async throws {
        let origins = try server.start().map { "\(scheme)://\($0)" }
        for origin in origins { ready(origin) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await stage.run() }
            if let plan, let origin = origins.first { group.addTask { await stage.play(plan, origin: origin) } }
        }
        await server.shutdown(deadline: .seconds(1))
    }

    /// The query is written anew from its fields: as vendors do before they check a signature.
    private static func request(_ request: HTTPRequest, _ scheme: String, at now: Instant) -> DoubleRequest {
        DoubleRequest(
            request.method.name, request.path, query: FormEncoding.encode(request.query.items),
            headers: request.headers.map { HeaderField(name: $0.name, value: $0.value) }, body: request.body, receivedAt: now,
            origin: "\(scheme)://" + (request.headers["host"] ?? "127.0.0.1"))
    }

    private static func response(to request: DoubleRequest, _ stage: DoubleStage<Time>) async -> HTTPResponse {
        let answer = await stage.answer(request)
        var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
        let status = HTTPStatus(answer.status)
        switch answer.manner {
        case .whole: return HTTPResponse(status, headers: headers, body: answer.body.isEmpty ? .none : .bytes(answer.body))
        case .never:
            await silence()
            return HTTPResponse(status)
        case .half:
            // A body of at least one byte is promised: half of nothing would be all of it.
            if answer.body.isEmpty { headers = [:] }
            let half = Array(answer.body.prefix(answer.body.count / 2))
            return HTTPResponse(
                status, headers: headers,
                body: .measured(max(1, answer.body.count)) { writer in
                    if !half.isEmpty { try await writer.write(half) }
                    await silence()
                    throw CancellationError()
                })
        }
    }

    /// An hour, or until the server ends: longer than any client waits.
    private static func silence() async {
        do {
            try await Task.sleep(for: .seconds(3600))
        } catch {
            // The server ends.
        }
    }
}
