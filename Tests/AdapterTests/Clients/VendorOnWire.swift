import AdapterKit
import Connector
import HTTPClient
import HTTPServer
import Network
import TestSupport
import VendorSimulators

/// A vendor's double behind a real socket, and a client's way to it.
final class VendorOnWire<Double: VendorDouble>: Sendable {
    let outgoing: OutgoingHTTP
    /// The double's clock; the test moves it.
    let clock = Guarded(Instant(unixSeconds: 1_795_000_000))
    private let state: Guarded<(double: Double, seen: [DoubleRequest], effects: [DoubleEffect])>
    private let server: Guarded<HTTPServer?> = Guarded(nil)
    private let place: Guarded<String> = Guarded("")

    init(_ double: Double) throws {
        state = Guarded((double, [], []))
        outgoing = try OutgoingHTTP()
    }

    /// `http://127.0.0.1:PORT`.
    var origin: String { place.withLock { $0 } }
    var seen: [DoubleRequest] { state.withLock { $0.seen } }
    /// Method and path of each request, in their order.
    var log: [String] { seen.map { "\($0.method) \($0.path)" } }
    var steps: [SimulatedStep] {
        state.withLock { $0.effects }.flatMap { if case .play(_, let steps) = $0 { steps } else { [SimulatedStep]() } }
    }

    func change(_ body: (inout Double) -> Void) { state.withLock { body(&$0.double) } }

    func advance(by duration: Duration) { clock.withLock { $0 = $0.advanced(by: duration) } }

    fileprivate func start() throws {
        var router = Router()
        for method in [HTTPMethod.get, .post, .put, .delete] {
            router.on(method, "/{rest...}") { [self] request in answer(request) }
        }
        let listening = try HTTPServer(HTTPServerConfiguration(listen: [try SocketAddress("127.0.0.1:0")]), router: router)
        let address = try listening.start()[0]
        server.withLock { $0 = listening }
        place.withLock { $0 = "http://\(address)" }
    }

    fileprivate func stop() async {
        await outgoing.shutdown()
        await server.withLock { $0 }?.shutdown(deadline: .zero)
    }

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        let request = DoubleRequest(
            request.method.name, request.path, query: FormEncoding.encode(request.query.items),
            headers: request.headers.map { HeaderField(name: $0.name, value: $0.value) }, body: request.body,
            receivedAt: clock.withLock { $0 }, origin: origin)
        let answer = state.withLock { state in
            state.seen.append(request)
            let answer = state.double.answer(request)
            state.effects += answer.effects
            return answer
        }
        return HTTPResponse(
            HTTPStatus(answer.status), headers: HTTPHeaders(answer.headers.map { ($0.name, $0.value) }), body: .bytes(answer.body)
        )
    }
}

/// Runs a double for the length of `body`.
func withVendor<Double: VendorDouble>(
    _ double: Double, _ body: (VendorOnWire<Double>) async throws -> Void
) async throws {
    let vendor = try VendorOnWire(double)
    do {
        try vendor.start()
        try await body(vendor)
    } catch {
        await vendor.stop()
        throw error
    }
    await vendor.stop()
}

extension TelephonyAdapter {
    /// What the adapter makes of webhooks that it lets in; one that it refuses says nothing.
    func events(of steps: [SimulatedStep]) -> [CallEvent] {
        let (authenticator, decoder) = (makeAuthenticator(), makeDecoder())
        return steps.enumerated().flatMap { number, step -> [CallEvent] in
            let raw = RawRecord(
                id: RawID(bits: UInt128(number + 1)), connection: ConnectionID("c"),
                receivedAt: Instant(unixSeconds: 1_795_000_000 + Int64(number)), source: .webhook, method: step.method, query: "",
                body: step.body)
            guard case .accept = raw.withRequest({ authenticator.authenticate($0) }) else { return [] }
            return decoder.decode(raw).calls
        }
    }

    /// What the adapter reads in pages of the log.
    func events(of page: HistoryPage) -> [CallEvent] {
        let decoder = makeDecoder()
        return page.bodies.flatMap { body in
            decoder.decode(
                RawRecord(
                    id: RawID(bits: 1), connection: ConnectionID("c"), receivedAt: Instant(unixSeconds: 1_795_009_000),
                    source: .history, method: "GET", query: "", body: body)
            ).calls
        }
    }
}

extension [Decoded] {
    fileprivate var calls: [CallEvent] { compactMap { if case .call(let event) = $0 { event } else { nil } } }
}
