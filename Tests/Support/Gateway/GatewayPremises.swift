import Glibc

/// Where a test's gateway lives: its data, its connections with their secrets, its keys. Outlives the process.
package final class GatewayPremises: Sendable {
    package let folder: TemporaryFolder
    package let data: String
    package let adapters: String
    private let options: [String]

    /// Two connections, `mango` and `zadarma`, of the tenant `default`.
    /// - Parameter options: more of `serve`, as `--config FILE`.
    package init(options: [String] = []) throws {
        self.options = options
        folder = try TemporaryFolder()
        data = try folder.folder("data")
        adapters = try folder.folder("adapters.d")
        _ = try folder.folder("adapters.d/secrets")
        for (name, secret) in [
            ("mango-salt", VendorCall.Secrets.mangoSalt), ("zadarma-secret", VendorCall.Secrets.zadarmaSecret),
        ] {
            try folder.write(secret + "\n", to: "adapters.d/secrets/\(name)")
        }
        _ = Self.environment
        try writeMango("mango")
        try writeZadarma("zadarma")
        try folder.write("recordings: {at_once: 0}\n", to: "quiet.yaml")
    }

    /// Set once: what starts later inherits it.
    private static let environment: Void = {
        setenv("KOMMUTATOR_TEST_MANGO_KEY", VendorCall.Secrets.mangoKey, 1)
        setenv("KOMMUTATOR_TEST_ZADARMA_KEY", VendorCall.Secrets.zadarmaKey, 1)
    }()

    /// Writes a connection of Mango. Its calls are not closed for their age: a test may take its time.
    package func writeMango(_ name: String, tenant: String = "default", label: String = "site") throws {
        try write(
            name,
            """
            adapter: mango
            enabled: true
            tenant: \(tenant)
            settings:
              api_key: env:KOMMUTATOR_TEST_MANGO_KEY
              api_salt: file:secrets/mango-salt
            \(Self.common(label))
            """)
    }

    package func writeZadarma(_ name: String, tenant: String = "default", label: String = "office") throws {
        try write(
            name,
            """
            adapter: zadarma
            enabled: true
            tenant: \(tenant)
            settings:
              key: env:KOMMUTATOR_TEST_ZADARMA_KEY
              secret: file:secrets/zadarma-secret
            \(Self.common(label))
            """)
    }

    /// Writes the file of a connection.
    package func write(_ name: String, _ text: String) throws {
        try folder.write(text + "\n", to: "adapters.d/\(name).yaml")
    }

    private static func common(_ label: String) -> String {
        """
        lines:
          "+\(VendorCall.Numbers.line)": {label: "\(label)"}
        employees:
          "101": {name: "Ivanov", crm_id: "17"}
        limits: {stale_after: 3650d, settle_after: 20h}
        # Nobody is asked for anything: tests stay on this machine.
        reconcile: false
        """
    }

    /// Starts the gateway.
    /// - Parameter port: that of a gateway that is gone, to take its place; 0 takes a free one.
    package func open(port: UInt16 = 0, launcher: [String] = []) throws -> GatewayProcess {
        // No recording is asked for at a vendor's: tests stay on this machine.
        let quiet = options.contains("--config") ? [] : ["--config", folder.path + "/quiet.yaml"]
        return try GatewayProcess(
            serving: ["--data", data, "--adapters", adapters] + quiet + options, port: port, launcher: launcher)
    }

    /// Makes a key of the API, as an operator does.
    /// - Parameter data: where the gateway's data are, if they are seen elsewhere from here.
    package func makeKey(tenant: String = "default", scope: String = "read,admin", data: String? = nil) throws -> String {
        let words = ["key", "create", "--name", "test", "--tenant", tenant, "--scope", scope, "--data", data ?? self.data]
        let made = try GatewayProcess.run(words + ["--adapters", adapters] + options)
        guard made.end == .exited(0), let key = made.output.last else { throw SystemFailure("no key: \(made.complaints)") }
        return key
    }

    /// Runs a command of the command line on this gateway's data.
    /// - Parameter launcher: a command that ends by executing the one that follows it.
    package func command(
        _ words: [String], launcher: [String] = []
    ) throws -> (end: GatewayProcess.End?, output: [String], complaints: String) {
        try GatewayProcess.run(words + ["--data", data, "--adapters", adapters] + options, launcher: launcher)
    }
}
