import AdapterCatalog
import ArgumentParser
import Connector
import Gateway
import VendorSimulators

/// What a simulation signs with, and where it sends: of a connection's file, or of the demonstration and the environment.
struct SimulationSettings {
    var adapter: AdapterSettings
    /// The entrance, without a slash at the end; nil where nothing is to be sent.
    var address: String?

    /// The path of the entrance: `/hooks/sales`.
    var path: String {
        guard let address, let scheme = address.firstRange(of: "://"),
            let slash = address[scheme.upperBound...].firstIndex(of: "/")
        else {
            return ""
        }
        return String(address[slash...])
    }

    func simulator(_ vendor: any VendorSimulator.Type) throws -> any VendorSimulator {
        do {
            return try vendor.init(settings: adapter)
        } catch let error as SettingsError {
            throw Self.refusal("\(vendor.adapter): \(error)")
        }
    }

    /// - Throws: `ExitCode` after writing what is wrong, or `ValidationError` where the command line itself is.
    static func read(vendor: String, connection: String?, folder: String, target: String?) throws -> SimulationSettings {
        let environment = Environment.variables
        guard let connection else { return try demonstration(vendor, target, environment) }
        let catalog = ConnectionDirectory(path: folder, adapters: AdapterCatalog.adapters, environment: environment)
        let entry = catalog.read("\(folder)/\(connection).yaml", as: ConnectionID(connection))
        guard entry.problems.isEmpty else { throw refusal(entry.problems.map(\.description).joined(separator: "\n")) }
        guard entry.settings.isEnabled else { throw refusal("\(entry.file): is disabled; say `enabled: true`") }
        guard entry.kind?.descriptor.name == vendor else {
            throw refusal("\(entry.file): is a connection of \(entry.kind?.descriptor.name ?? "nobody"), not of \(vendor)")
        }
        let entrance = "/hooks/\(connection)" + (entry.settings.urlToken.map { "/\($0)" } ?? "")
        return SimulationSettings(
            adapter: AdapterSettings(
                connection: entry.id, values: entry.settings.values, section: entry.settings.section),
            address: try target.map { try address($0, entrance: entrance) })
    }

    private static func demonstration(
        _ vendor: String, _ target: String?, _ environment: [String: String]
    ) throws -> SimulationSettings {
        var values = DemoSettings.values(for: vendor) ?? [:]
        for setting in AdapterCatalog.adapter(named: vendor)?.descriptor.settings ?? [] {
            if let value = environment["KOMMUTATOR_SIMULATE_\(setting.name.uppercased())"] { values[setting.name] = value }
        }
        return SimulationSettings(
            adapter: AdapterSettings(connection: ConnectionID("demo-\(vendor)"), values: values),
            address: try target.map { try address($0, entrance: nil) })
    }

    /// `target`, with the connection's entrance where it names a server only.
    private static func address(_ target: String, entrance: String?) throws -> String {
        let bare = target.hasSuffix("/") ? String(target.dropLast()) : target
        guard let scheme = bare.firstRange(of: "://"), ["http", "https"].contains(bare[..<scheme.lowerBound]),
            scheme.upperBound < bare.endIndex
        else { throw ValidationError("--to is an address such as http://127.0.0.1:8080/hooks/sales") }
        if bare[scheme.upperBound...].contains("/") { return bare }
        guard let entrance else {
            throw ValidationError("--to names a server only; write \(bare)/hooks/CONNECTION, or give --connection")
        }
        return bare + entrance
    }

    private static func refusal(_ text: String) -> ExitCode {
        Console.complain("Error: \(text)")
        return SystemExit.configuration
    }
}
