import AdapterCatalog
import Connector
import DoubleServer
import HTTPClient
import HTTPServer
import Network
import Synchronization
import TestSupport
import Testing
import VendorSimulators

/// Client, double and gateway on three sockets of the loopback.
struct DoubleServerTests {
    private static let vendors = ["mango", "zadarma"]

    @Test(arguments: vendors)
    func `a call is ordered over a socket, and its webhooks reach the gateway, signed`(vendor: String) async throws {
        let expected = vendor == "mango" ? 11 : 4
        try await withStage(vendor) { client, hooks in
            _ = try await client.perform(Self.order())
            #expect(await hooks.first(expected) == Array(repeating: true, count: expected))
        }
    }

    @Test(arguments: vendors)
    func `all webhooks twice are twice as many`(vendor: String) async throws {
        let expected = vendor == "mango" ? 22 : 8
        try await withStage(vendor, DoubleFaults(repeatedShare: 1)) { client, hooks in
            _ = try await client.perform(Self.order())
            #expect(await hooks.first(expected).count == expected)
        }
    }

    @Test(arguments: vendors)
    func `lost webhooks never arrive`(vendor: String) async throws {
        let expected = vendor == "mango" ? 11 : 4
        let lost = Arrivals<Bool>()
        try await withStage(vendor, DoubleFaults(lostShare: 1), hear: { if case .lost = $0 { lost.yield(true) } }) {
            client, hooks in
            _ = try await client.perform(Self.order())
            _ = await lost.first(expected)
            #expect(hooks.count == 0)
        }
    }

    @Test(arguments: vendors)
    func `an answer that comes too late leaves it unknown whether there is a call`(vendor: String) async throws {
        try await withStage(vendor, DoubleFaults(delay: .seconds(300))) { client, _ in
            let failure = await failure { try await client.perform(Self.order(within: .milliseconds(50))) }
            #expect(failure?.kind == .unknown)
            #expect(failure?.code == "timeout")
        }
    }

    @Test(arguments: vendors)
    func `an error is an answer`(vendor: String) async throws {
        try await withStage(vendor, DoubleFaults(code: 429)) { client, _ in
            #expect(await failure { try await client.perform(Self.order()) }?.kind == .limited)
        }
    }

    private static func order(within deadline: Duration = .seconds(30)) -> ProviderOrder {
        ProviderOrder(
            id: CommandID(bits: 7), action: .originate(Command.Origination(from: "101", to: "79000000102")), deadline: deadline)
    }

    private func withStage(
        _ vendor: String, _ faults: DoubleFaults = .none, hear: @escaping @Sendable (DoubleNews) -> Void = { _ in },
        _ body: (any ProviderClient, Arrivals<Bool>) async throws -> Void
    ) async throws {
        let kind = try #require(AdapterCatalog.adapter(named: vendor))
        var settings = AdapterSettings(connection: ConnectionID("demo"), values: DemoSettings.values(for: vendor) ?? [:])
        let hooks = Arrivals<Bool>()
        let gateway = try Self.gateway(try kind.init(settings: settings), hooks)
        let address = try gateway.start()[0]
        let outgoing = try OutgoingHTTP(name: "double-tests")
        let double = try #require(VendorDoubles.double(for: vendor)).init(settings: settings, faults: faults, seed: 3)
        let stage = DoubleStage(
            double, faults: faults, gateway: "http://\(address)", over: outgoing, clock: ContinuousClock(),
            timekeeper: ManualClock(), speed: nil, seed: 3, tell: hear)
        let server = try DoubleServer(stage, on: SocketAddress("127.0.0.1:0"), timekeeper: ManualClock())
        let bases = Arrivals<String>()
        let serving = Task { try await server.run { bases.yield($0) } }
        settings.values["base_url"] = await bases.first(1)[0]
        let client = try #require(try kind.init(settings: settings).makeClient(outgoing))
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(client, hooks))
        } catch {
            outcome = .failure(error)
        }
        serving.cancel()
        try await serving.value
        await outgoing.shutdown()
        await gateway.shutdown(deadline: .milliseconds(200))
        try outcome.get()
    }

    /// Takes every webhook and tells whether it is genuine.
    private static func gateway(_ adapter: any TelephonyAdapter, _ hooks: Arrivals<Bool>) throws -> HTTPServer {
        var router = Router()
        router.post("/{rest...}") { request in
            let record = RawRecord(
                id: RawID(bits: 1), connection: ConnectionID("demo"), receivedAt: Instant(unixSeconds: 0), path: request.path,
                headers: request.headers.map { HeaderField(name: $0.name.lowercased(), value: $0.value) }, body: request.body)
            let judgement = record.withRequest { adapter.makeAuthenticator().authenticate($0) }
            if case .accept = judgement { hooks.yield(true) } else { hooks.yield(false) }
            return HTTPResponse(.ok)
        }
        return try HTTPServer(HTTPServerConfiguration(listen: [SocketAddress("127.0.0.1:0")]), router: router)
    }
}

/// What arrived, to be waited for.
final class Arrivals<Value: Sendable>: Sendable {
    private let values: AsyncStream<Value>
    private let arrival: AsyncStream<Value>.Continuation
    private let arrived = Mutex(0)

    init() { (values, arrival) = AsyncStream.makeStream() }

    var count: Int { arrived.withLock { $0 } }

    func yield(_ value: Value) {
        arrived.withLock { $0 += 1 }
        arrival.yield(value)
    }

    /// Waits for so many. Once.
    func first(_ count: Int) async -> [Value] {
        var found: [Value] = []
        for await value in values {
            found.append(value)
            if found.count == count { break }
        }
        return found
    }
}
