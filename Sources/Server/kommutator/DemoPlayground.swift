import AdapterCatalog
import Connector
import DoubleServer
import Gateway
import Glibc
import HTTPClient
import Network
import VendorSimulators

/// `--demo`: connections of its own in `DATA/demo`, and vendors' doubles behind them, so that a newcomer sees calls at once, can order
/// some himself and hear their recordings.
///
/// Everything goes through the real entrances: the connections are files, the vendors post webhooks over HTTP, signed if they sign, and
/// answer on ports of the loopback.
struct DemoPlayground: Sendable {
    /// The folder of the demo's connections.
    let adapters: String

    /// Where the vendors are until they listen: a port of this machine on which nobody does.
    private static let nobody = "http://127.0.0.1:9"
    private static let vendors = VendorSimulators.simulators.map { $0.adapter }.filter { DemoSettings.values(for: $0) != nil }
    /// A new call of each vendor every other second, at the pace of life: times and durations then look as they will.
    private static let callsPerSecond = 0.5
    private static let speed = 1.0

    /// Writes the demo's connections, with made-up keys.
    /// - Throws: `AdminError` naming the file that cannot be written.
    init(data: String) throws {
        adapters = data + "/demo"
        for folder in [data, adapters, adapters + "/secrets"] {
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Self.failure(folder) }
        }
        for vendor in Self.vendors { try write(vendor, at: Self.nobody) }
    }

    private func write(_ vendor: String, at origin: String) throws {
        var file = "# Made by `kommutator serve --demo`.\nadapter: \(vendor)\nsettings:\n"
        let known = AdapterCatalog.adapter(named: vendor)?.descriptor.settings ?? []
        let secrets = known.filter { $0.kind == .secret }.map(\.name)
        if known.contains(where: { $0.name == "base_url" }) {
            file += "  base_url: \(origin)      # a made-up vendor's, in this process\n"
        }
        for (name, value) in (DemoSettings.values(for: vendor) ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard secrets.contains(name) else {
                file += "  \(name): \(value)\n"
                continue
            }
            try Self.write(value + "\n", to: "\(adapters)/secrets/\(vendor)-\(name)")
            file += "  \(name): file:secrets/\(vendor)-\(name)\n"
        }
        file += """
            lines:
              "+74950000001": {label: "site", channel: "yandex-direct"}
            employees:
              "101": {name: "Иван Петров", crm_id: "17"}
              "102": {name: "Анна Смирнова", crm_id: "23"}
              "9000000101": {name: "Иван Петров", crm_id: "17"}      # Beeline knows people by their numbers
              "9000000102": {name: "Анна Смирнова", crm_id: "23"}

            """
        try Self.write(file, to: "\(adapters)/demo-\(vendor).yaml")
    }

    private static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var text = text
        let written = text.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written == text.utf8.count else { throw failure(path) }
    }

    private static func failure(_ path: String) -> AdminError {
        AdminError("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }

    /// Tells the newcomer what to look at, with a key that works.
    func welcome(to house: House, at base: String) async throws {
        for old in try house.journal.keys() where old.name == "demo" && old.revokedAt == nil {
            _ = try house.journal.revoke(id: old.id, at: SystemClock().now())
        }
        let request: JSONValue = ["do": "key.create", "name": "demo", "scopes": "read,command,admin"]
        let answer = try JSONValue(parsing: await AdminService(house: house).answer(request.encoded))
        guard let key = answer["secret"]?.string else { throw AdminError(answer["error"]?.string ?? "no key could be made") }
        Console.say(
            """

            Kommutator is running. Demo calls of \(Self.vendors.joined(separator: ", ")) are coming in.

              Health   \(base)/healthz
              API      \(base)/openapi.json
              Log      curl -H 'Authorization: Bearer \(key)' '\(base)/api/v1/changes?wait=20'
              Calls    curl -H 'Authorization: Bearer \(key)' -H 'Accept: text/csv' '\(base)/api/v1/calls'
              Order    curl -H 'Authorization: Bearer \(key)' -H 'Idempotency-Key: 1' \\
                         -d '{"from": {"extension": "101"}, "to": "+79000000102", "connection": "demo-mango"}' \(base)/api/v1/calls

            Stop it with Ctrl-C; the data stays in \(house.settings.data).

            """)
    }

    /// Plays until cancelled.
    /// - Parameter base: where the gateway listens: `http://127.0.0.1:8080`.
    func play(at base: String, in house: House) async {
        do {
            let client = try OutgoingHTTP(name: "demo")
            await withTaskGroup(of: Void.self) { group in
                for vendor in Self.vendors { group.addTask { await play(vendor, at: base, over: client, in: house) } }
            }
            await client.shutdown()
        } catch {
            house.log.error("demo.failed", LogField("reason", "\(error)"))
        }
    }

    private func play(_ vendor: String, at base: String, over client: OutgoingHTTP, in house: House) async {
        do {
            guard let kind = VendorDoubles.double(for: vendor), let settings = DemoSettings.values(for: vendor) else { return }
            let connection = ConnectionID("demo-\(vendor)")
            let seed = UInt64.random(in: 0 ... .max)
            let double = try kind.init(
                settings: AdapterSettings(connection: connection, values: settings), faults: .none, seed: seed)
            let entrance = "\(base)/hooks/\(connection)\(DemoSettings.path(for: vendor))"
            let stage = DoubleStage(
                double, gateway: entrance, over: client, clock: ContinuousClock(), timekeeper: SystemClock(), speed: Self.speed,
                seed: seed)
            let server = try DoubleServer(stage, on: SocketAddress(.loopbackV4, port: 0), timekeeper: SystemClock())
            let (origins, listening) = AsyncStream<String>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { listening.finish() }
                    try await server.run { _ = listening.yield($0) }
                }
                group.addTask {
                    for await origin in origins {
                        try introduce(vendor, at: origin, to: house)
                        if vendor == BeelineDouble.adapter { await Self.subscribe(entrance, to: stage) }
                        await stage.play(Self.plan(vendor, seed), origin: origin)
                    }
                }
                try await group.waitForAll()
            }
        } catch {
            house.log.error("demo.failed", LogField("vendor", vendor), LogField("reason", "\(error)"))
        }
    }

    /// Tells the connection where its vendor is.
    private func introduce(_ vendor: String, at origin: String, to house: House) throws {
        try write(vendor, at: origin)
        house.registry.reload()
    }

    private static func plan(_ vendor: String, _ seed: UInt64) -> DoublePlan {
        let scenarios = VendorSimulators.simulator(for: vendor)?.scenarios.filter { $0 != .connectionCheck } ?? []
        return DoublePlan(scenarios, calls: .max, rate: callsPerSecond, seed: seed)
    }

    /// Beeline tells its subscribers only. As the gateway would ask for it, for longer than any demonstration lasts.
    private static func subscribe(_ entrance: String, to stage: DoubleStage<ContinuousClock>) async {
        let order: JSONValue = ["expires": 604_800, "subscriptionType": "BASIC_CALL", "url": .string(entrance)]
        let token = DemoSettings.values(for: BeelineDouble.adapter)?["token"] ?? ""
        _ = await stage.answer(
            DoubleRequest(
                "PUT", "/subscription", headers: [HeaderField(name: "x-mpbx-api-auth-token", value: token)], body: order.encoded,
                receivedAt: SystemClock().now()))
    }
}
