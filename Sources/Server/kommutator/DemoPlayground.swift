import AdapterCatalog
import Connector
import Gateway
import Glibc
import HTTPClient
import VendorSimulators

/// `--demo`: connections of its own in `DATA/demo`, and vendors that call them, so that a newcomer sees calls at once.
///
/// Everything goes through the real entrances: the connections are files, the vendors post webhooks over HTTP, signed if they sign.
struct DemoPlayground: Sendable {
    /// The folder of the demo's connections.
    let adapters: String

    /// A port of this machine that nobody listens on.
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
        for vendor in Self.vendors { try write(vendor) }
    }

    private func write(_ vendor: String) throws {
        var file = "# Made by `kommutator serve --demo`.\nadapter: \(vendor)\nsettings:\n"
        let known = AdapterCatalog.adapter(named: vendor)?.descriptor.settings ?? []
        let secrets = known.filter { $0.kind == .secret }.map(\.name)
        if known.contains(where: { $0.name == "base_url" }) {
            file += "  base_url: \(Self.nobody)      # the demonstration asks no vendor for anything\n"
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
        let request: JSONValue = ["do": "key.create", "name": "demo", "scopes": "read,admin"]
        let answer = try JSONValue(parsing: await AdminService(house: house).answer(request.encoded))
        guard let key = answer["secret"]?.string else { throw AdminError(answer["error"]?.string ?? "no key could be made") }
        Console.say(
            """

            Kommutator is running. Demo calls of \(Self.vendors.joined(separator: ", ")) are coming in.

              Health   \(base)/healthz
              API      \(base)/openapi.json
              Log      curl -H 'Authorization: Bearer \(key)' '\(base)/api/v1/changes?wait=20'
              Calls    curl -H 'Authorization: Bearer \(key)' -H 'Accept: text/csv' '\(base)/api/v1/calls'

            Stop it with Ctrl-C; the data stays in \(house.settings.data).

            """)
    }

    /// Plays until cancelled.
    /// - Parameter base: where the gateway listens: `http://127.0.0.1:8080`.
    func play(at base: String, log: any GatewayLog) async {
        do {
            let client = try OutgoingHTTP(name: "demo")
            await withTaskGroup(of: Void.self) { group in
                for vendor in Self.vendors { group.addTask { await play(vendor, at: base, over: client, log: log) } }
            }
            await client.shutdown()
        } catch {
            log.error("demo.failed", LogField("reason", "\(error)"))
        }
    }

    private func play(_ vendor: String, at base: String, over client: OutgoingHTTP, log: any GatewayLog) async {
        do {
            guard let kind = VendorSimulators.simulator(for: vendor), let settings = DemoSettings.values(for: vendor) else {
                return
            }
            let connection = ConnectionID("demo-\(vendor)")
            let simulator = try kind.init(settings: AdapterSettings(connection: connection, values: settings))
            let plan = SimulationPlan(
                simulator, scenarios: kind.scenarios, calls: .max, rate: Self.callsPerSecond, speed: Self.speed,
                seed: .random(in: 0 ... .max))
            let entrance = "\(base)/hooks/\(connection)\(DemoSettings.path(for: vendor))"
            let runner = SimulationRunner(
                plan, target: entrance, over: client, clock: ContinuousClock(), timekeeper: SystemClock())
            _ = await runner.run()
        } catch {
            log.error("demo.failed", LogField("vendor", vendor), LogField("reason", "\(error)"))
        }
    }
}
