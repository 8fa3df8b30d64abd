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
    /// ISO 3166-1 alpha-2, for connections that name none.
    package var defaultCountry: String
    /// Changes older than this collapse to each call's latest.
    package var changeRetention: Duration
    /// Raw requests older than this are removed; `nil` keeps them for good.
    package var rawRetention: Duration?
    /// A CRM that is asked for the name behind a number.
    package var lookupURL: String?
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
    static let keys = ["listen", "data", "adapters", "tls", "default_country", "retention", "lookup_url", "loops"]

    /// Reads the file, where one is named, and puts the flags over it.
    ///
    /// Relative paths in the file start at the file's folder, those of flags at the working directory.
    /// - Returns: settings that hold whatever could be read, and every problem: with any, do not start.
    package static func load(file: String?, flags: ServerFlags) -> (settings: ServerSettings, problems: [ConfigurationProblem]) {
        var settings = standard
        var problems: [ConfigurationProblem] = []
        if let file {
            do {
                (settings, problems) = read(String(decoding: try SmallFile.read(file), as: UTF8.self), file: file)
            } catch {
                problems = [ConfigurationProblem(file: file, problem: error.reason, hint: "name another with --config")]
            }
        }
        if let listen = flags.listen {
            do {
                settings.listen = try listen.split(separator: ",").map { try SocketAddress(String($0)) }
            } catch {
                problems.append(
                    ConfigurationProblem(file: "--listen", problem: "`\(listen)` is no address and port", hint: addressHint))
            }
        }
        settings.data = flags.data ?? settings.data
        settings.adapters = flags.adapters ?? settings.adapters
        return (settings, problems)
    }

    static let addressHint = "write 127.0.0.1:8080 or [::1]:8080"

    /// Reads the `text` of `file`.
    static func read(_ text: String, file: String) -> (settings: ServerSettings, problems: [ConfigurationProblem]) {
        var reader = ServerFile(file: file)
        return (reader.read(text), reader.problems)
    }
}
