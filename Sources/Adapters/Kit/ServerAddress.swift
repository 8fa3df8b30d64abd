import Connector

/// The server of a vendor's API, as a setting names it: scheme, host and port, and nothing behind them.
package struct ServerAddress: Sendable, Equatable, CustomStringConvertible {
    /// `https://demo.megapbx.ru`, in lower case and without a slash at the end.
    package let description: String

    /// Reads the setting `name`; nil where it is absent.
    ///
    /// Keys are sent there: plain HTTP is taken for the loopback only.
    /// - Throws: `SettingsError`.
    package init?(setting name: String, of settings: AdapterSettings) throws {
        guard let text = settings[name], !text.isEmpty else { return nil }
        guard let address = ServerAddress(text) else {
            throw SettingsError(
                setting: name, problem: "is no address of a server", hint: "write https:// and the host, with nothing behind it")
        }
        self = address
    }

    /// Reads the setting `name`, or the vendor's own address where it is absent.
    /// - Throws: `SettingsError`.
    package init(setting name: String, of settings: AdapterSettings, standard: String) throws {
        guard let address = try ServerAddress(setting: name, of: settings) ?? ServerAddress(standard) else {
            throw SettingsError(setting: name, problem: "is no address of a server", hint: "write https:// and the host")
        }
        self = address
    }

    /// nil for anything but `https://HOST[:PORT][/]`, or the loopback by `http://`.
    package init?(_ text: String) {
        let text = text.lowercased()
        let bare = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard let scheme = ["https://", "http://"].first(where: bare.hasPrefix) else { return nil }
        let parts = bare.dropFirst(scheme.count).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.first, Self.isHost(host), parts.count == 1 || Self.isPort(parts[1]) else { return nil }
        guard scheme == "https://" || host == "localhost" || host == "127.0.0.1" else { return nil }
        description = bare
    }

    /// Path and query of an address on this server; nil where it leads elsewhere.
    package func target(of address: String) -> String? {
        let prefix = description + "/"
        let start = address.prefix(prefix.utf8.count)
        guard start.utf8.count == prefix.utf8.count, start.lowercased() == prefix else { return nil }
        return "/" + address.dropFirst(start.count)
    }

    private static func isHost(_ text: Substring) -> Bool {
        (1...253).contains(text.utf8.count) && text.first != "." && text.first != "-"
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private static func isPort(_ text: Substring) -> Bool {
        (1...5).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
