import Connector
import Network

/// The server's own settings: `kommutator.yaml`, over which flags win, over the standards.
package struct ServerSettings: Sendable, Equatable {
    /// Certificate and key in PEM.
    package struct TLS: Sendable, Equatable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    package var listen: [SocketAddress]
    /// The folder of the journal.
    package var data: String
    /// The folder of connections.
    package var adapters: String
    package var tls: TLS?
    /// Proxies of ours: what these peers say of who called them is believed.
    package var trustedProxies: [IPNetwork] = []
    /// Where providers reach the gateway, without a slash at the end: `https://pbx.example`. `doctor` asks there.
    package var publicURL: String?
    /// ISO 3166-1 alpha-2, for connections that name none.
    package var defaultCountry: String
    /// Changes older than this collapse to each call's latest.
    package var changeRetention: Duration
    /// Raw requests older than this are removed; `nil` keeps them for good.
    package var rawRetention: Duration?
    /// Fetched recordings older than this are removed; `nil` keeps them for good.
    package var recordingRetention: Duration?
    /// Recordings fetched at once.
    package var recordingConcurrency = 4
    /// The CRM's address that is asked who calls, and whom to ring.
    package var lookupURL: String?
    /// The key of the signature under these questions, resolved; `nil` signs none.
    package var lookupSecret: String?
    /// How long the CRM's answers count; zero for the one call only.
    package var lookupKept = Duration.seconds(300)
    /// Event loops; `nil` means one less than there are cores, at least one.
    package var loops: Int?

    package static let standard = ServerSettings(
        listen: [SocketAddress(.loopbackV4, port: 8080)], data: "var", adapters: "adapters.d", defaultCountry: "RU",
        changeRetention: .seconds(30 * 86_400), rawRetention: .seconds(90 * 86_400))
}

/// What the command line says; `nil` where it says nothing.
package struct ServerFlags: Sendable {
    package var listen: String?
    package var data: String?
    package var adapters: String?

    package init(listen: String? = nil, data: String? = nil, adapters: String? = nil) {
        self.listen = listen
        self.data = data
        self.adapters = adapters
    }
}

extension ServerSettings {
    static let keys = [
        "listen", "data", "adapters", "tls", "trusted_proxies", "public_url", "default_country", "retention", "recordings",
        "lookup_url", "lookup_secret", "lookup_cache", "loops",
    ]

    /// What became of the file and the flags.
    package struct Loaded: Sendable {
        /// Holds whatever could be read.
        package var settings: ServerSettings
        /// With any, do not start.
        package var problems: [ConfigurationProblem] = []
        /// What the operator should know, and nothing is wrong with.
        package var notes: [ConfigurationProblem] = []
    }

    /// Reads the file, where one is named, and puts the flags over it.
    ///
    /// Relative paths in the file start at the file's folder, those of flags at the working directory.
    /// - Parameter environment: where `env:NAME` is looked up.
    package static func load(file: String?, flags: ServerFlags, environment: [String: String] = [:]) -> Loaded {
        var loaded = Loaded(settings: standard)
        if let file {
            do {
                loaded = read(String(decoding: try SmallFile.read(file), as: UTF8.self), file: file, environment: environment)
            } catch {
                loaded.problems = [ConfigurationProblem(file: file, problem: error.reason, hint: "name another with --config")]
            }
        }
        if let listen = flags.listen {
            do {
                loaded.settings.listen = try listen.split(separator: ",").map { try SocketAddress(String($0)) }
            } catch {
                loaded.problems.append(
                    ConfigurationProblem(file: "--listen", problem: "`\(listen)` is no address and port", hint: addressHint))
            }
        }
        loaded.settings.data = flags.data ?? loaded.settings.data
        loaded.settings.adapters = flags.adapters ?? loaded.settings.adapters
        return loaded
    }

    static let addressHint = "write 127.0.0.1:8080 or [::1]:8080"

    /// Reads the `text` of `file`.
    static func read(_ text: String, file: String, environment: [String: String] = [:]) -> Loaded {
        var reader = ServerFile(file: file, environment: environment)
        let settings = reader.read(text)
        return Loaded(settings: settings, problems: reader.problems, notes: reader.notes)
    }
}
