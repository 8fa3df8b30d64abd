import Connector
import Digests
import FoundationEssentials
import HTTPServer
import Network
import Synchronization
import Testing
import TestSupport

@testable import Gateway

/// A gateway over a memory journal, with a folder of connections of its own and a key of each kind.
final class GatewayWorkbench: Sendable {
    static let secret = "km_" + String(repeating: "r", count: 43)
    static let commandSecret = "km_" + String(repeating: "c", count: 43)
    static let adminSecret = "km_" + String(repeating: "a", count: 43)
    static let otherSecret = "km_" + String(repeating: "o", count: 43)

    let folder: String
    let journal: MemoryJournal
    let signal = ChangeSignal()
    let clock = ManualClock()
    let registry: ConnectionRegistry
    let replayer = RecordingReplayer()
    let metrics = WebhookMetrics()
    let readers: ReaderPool
    let log = RecordingLog()
    let provider = ScriptedOutgoing()
    let desk: CommandDesk
    /// How every connection's long-lived work stands.
    let upkeep = Guarded<UpkeepStatus?>(nil)
    let recordings = Guarded<(any RecordingStore)?>(nil)
    private let routing = Guarded<CallRouting?>(nil)
    let previews = Guarded<(any RoutePreviewing)?>(nil)
    let reconciliation = Guarded<(any ReconciliationView)?>(nil)
    private let proxies: ProxyTrust

    init(
        _ files: [String: String] = ["bell": "adapter: bell\nsettings: {key: env:BELL_KEY}"], proxies: [IPNetwork] = []
    ) throws {
        self.proxies = ProxyTrust(proxies)
        folder = FileManager.default.temporaryDirectory.appending(path: "gateway-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let signal = signal
        journal = MemoryJournal { signal.publish($0) }
        registry = ConnectionRegistry(
            directory: ConnectionDirectory(
                path: folder, adapters: [BellAdapter.self], environment: ["BELL_KEY": "hush", "HOOK": "0123456789abcdef"]),
            log: log)
        readers = try ReaderPool(journal: journal)
        desk = CommandDesk(
            store: journal, reading: readers,
            providers: ProviderClients(roster: registry, outgoing: provider, clock: clock), numbering: PlainNumbering(),
            clock: clock,
            makeID: { CommandID(time: $0, rest: UInt128.random(in: .min ... .max)) })
        for (name, text) in files { try write(text, to: name) }
        try addKey("crm", Self.commandSecret, [.read, .command])
        try addKey("read", Self.secret, [.read])
        try addKey("admin", Self.adminSecret, [.read, .admin])
        try addKey("other", Self.otherSecret, [.read, .admin], tenant: "other")
        registry.reload()
    }

    /// Lets the connections' questions be put to `lookup`.
    func ask(_ lookup: any ContactLookup) {
        let plan = RingPlan(
            lookup: lookup, numbering: PlainNumbering(), clock: clock, observe: { [metrics] in metrics.lookup.record([$0]) })
        let dispatch = RouteDispatch(
            plan: plan, journal: journal, client: { _ in nil }, clock: clock, makeRawID: { RawID(time: $0, rest: 1) })
        routing.withLock { $0 = CallRouting(plan: plan, dispatch: dispatch) }
    }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(folder)/\(name).yaml", atomically: true, encoding: .utf8)
    }

    func addKey(_ id: String, _ secret: String, _ scopes: [APIKey.Scope], tenant: String = "default") throws {
        try journal.insert(
            APIKey(
                id: id, name: id, tenant: TenantID(tenant), scopes: scopes, secretHash: KeyDesk.hash(of: secret),
                createdAt: clock.now()))
    }

    /// How long raw requests are kept.
    static let rawRetention = Duration.seconds(90 * 86_400)

    var services: APIServices {
        var services = APIServices(
            journal: journal, readers: readers, keys: KeyDesk(store: journal, readers: readers, clock: clock),
            connections: registry, signal: signal, explainer: FixedExplainer(), replayer: replayer, webhookMetrics: metrics,
            clock: clock, log: log, version: "0.0.0")
        services.proxies = proxies
        services.rawRetention = Self.rawRetention
        services.desk = desk
        services.recordings = recordings.withLock { $0 }
        services.routing = routing.withLock { $0 }
        services.previews = previews.withLock { $0 }
        services.upkeep = { [upkeep] _ in upkeep.withLock { $0 } }
        services.reconciliation = reconciliation.withLock { $0 }
        return services
    }

    func serve(loops: Int = 1, _ body: (SocketAddress) async throws -> Void) async throws {
        var router = GatewayAPI.makeRouter(log: log)
        GatewayAPI(services).register(in: &router)
        WebhookRoutes(
            connections: registry, journal: journal, metrics: metrics, log: log, proxies: proxies,
            routing: routing.withLock { $0 }
        ).register(in: &router)
        defer { close() }
        try await withServer(router, loops: loops) { _, address in try await body(address) }
    }

    /// Ends the threads and takes the folder away; `serve` does it by itself.
    func close() {
        readers.close()
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            Issue.record("the folder of connections stays: \(error)")
        }
    }

    /// Puts a call into the journal, as its latest change.
    @discardableResult
    func addCall(
        _ number: Int, revision: Int = 1, tenant: String = "default", mergedInto: CallID? = nil, isDeleted: Bool = false,
        direction: Direction = .inbound, external: String = "+79000001234", name: String = "Anna", isOpen: Bool = false
    ) -> CallID {
        let started = Instant(milliseconds: 1_772_442_000_000 + Int64(number) * 1000)
        let id = CallID(time: started, rest: UInt128(number))
        var json = JSONWriter()
        Examples.call.write(to: &json)
        var call = json.finish()
        call = Array(
            String(decoding: call, as: UTF8.self)
                .replacing("call_01932f0a-7d3c-7abc-9def-0123456789ab", with: id.description)
                .replacing("\"revision\":4", with: "\"revision\":\(revision)")
                .replacing("\"state\":\"ended\"", with: isOpen ? "\"state\":\"in_progress\"" : "\"state\":\"ended\"")
                .replacing("\"name\":null", with: "\"name\":\"\(name)\"").utf8)
        var batch = DerivedBatch()
        batch.calls = [
            CallRow(
                id: id, tenant: TenantID(tenant), connection: ConnectionID("bell"), revision: revision, startedAt: started,
                updatedAt: started, direction: direction, disposition: .answered, state: .ended, line: "+74950000001",
                number: external, mergedInto: mergedInto, isDeleted: isDeleted)
        ]
        batch.changes = [ChangeRow(tenant: TenantID(tenant), call: id, type: .ended, revision: revision, body: call)]
        journal.submit(batch)
        return id
    }
}

/// Notes what it was asked to do.
final class RecordingReplayer: Replayer {
    let requests = Mutex<[(selection: ReplaySelection, dryRun: Bool)]>([])
    /// Why it does nothing.
    let refusal = Mutex<LedgerError?>(nil)

    func replay(_ selection: ReplaySelection, dryRun: Bool) async throws -> ReplayReport {
        if let refusal = refusal.withLock({ $0 }) { throw refusal }
        let count = requests.withLock { requests in
            requests.append((selection, dryRun))
            return requests.count
        }
        return ReplayReport(records: count, states: [.decoded: count])
    }
}

struct FixedExplainer: CallExplainer {
    func explain(_ call: CallID) throws -> [UInt8]? { Array("{\"call_id\":\"\(call)\"}".utf8) }
}

/// Keeps every line.
final class RecordingLog: GatewayLog {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    func write(_ level: LogLevel, _ event: StaticString, _ fields: [LogField]) {
        let line = "\(level.rawValue) \(event) " + fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        lines.withLock { $0.append(line) }
    }
}

extension RawClient.Answer {
    /// The body as JSON.
    func json() throws -> JSONValue { try JSONValue(parsing: body) }

    /// The `code` of a problem.
    var code: String? {
        get throws { try json()["code"]?.string }
    }
}

extension RawClient {
    /// Asks with a key, on a connection of its own.
    static func get(
        _ address: SocketAddress, _ path: String, key: String? = GatewayWorkbench.secret, headers: String = ""
    ) throws -> Answer {
        try ask(address, "GET \(path) HTTP/1.1\r\nHost: h\r\n\(authorization(key))\(headers)\r\n")
    }

    static func post(
        _ address: SocketAddress, _ path: String, body: String = "", key: String? = GatewayWorkbench.adminSecret,
        headers: String = ""
    ) throws -> Answer {
        try ask(
            address,
            "POST \(path) HTTP/1.1\r\nHost: h\r\n\(authorization(key))\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    private static func authorization(_ key: String?) -> String { key.map { "Authorization: Bearer \($0)\r\n" } ?? "" }
}

/// Other people's servers, as the test wants them: notes what is sent.
final class ScriptedOutgoing: Outgoing {
    private let state = Mutex<(sent: [OutgoingRequest], answer: OutgoingResponse)>(([], OutgoingResponse(status: 200)))

    var sent: [OutgoingRequest] { state.withLock { $0.sent } }

    func answer(_ status: Int, _ body: String = "") {
        state.withLock { $0.answer = OutgoingResponse(status: status, body: Array(body.utf8)) }
    }

    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        state.withLock { state in
            state.sent.append(request)
            return state.answer
        }
    }
}
