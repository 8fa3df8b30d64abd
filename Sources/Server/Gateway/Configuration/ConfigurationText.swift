import Connector
import Network

/// Reads the small languages of settings: durations, countries, addresses of the web.
enum ConfigurationText {
    /// `30s`, `15m`, `4h`, `30d`: a whole number above 0 and its unit.
    static func duration(_ text: String) throws(SettingProblem) -> Duration {
        let refusal = SettingProblem("`\(text)` is no duration", hint: "write a number and a unit: 30s, 15m, 4h or 30d")
        guard let unit = text.utf8.last, let count = DecimalInteger.parse(text.utf8.dropLast()), count > 0 else { throw refusal }
        let seconds: Int
        switch unit {
        case UInt8(ascii: "s"): seconds = 1
        case UInt8(ascii: "m"): seconds = 60
        case UInt8(ascii: "h"): seconds = 3600
        case UInt8(ascii: "d"): seconds = 86_400
        default: throw refusal
        }
        let (product, overflows) = count.multipliedReportingOverflow(by: seconds)
        guard !overflows, product <= 100 * 366 * 86_400 else {
            throw SettingProblem("`\(text)` is longer than a hundred years", hint: "choose a shorter time")
        }
        return .seconds(product)
    }

    /// A duration, or `0` for none.
    static func durationOrNone(_ text: String) throws(SettingProblem) -> Duration {
        guard text != "0" else { return .zero }
        do {
            return try duration(text)
        } catch {
            throw SettingProblem(error.problem, hint: error.hint + "; 0 means for ever")
        }
    }

    /// A duration, or `0` for no time at all.
    static func durationOrNothing(_ text: String) throws(SettingProblem) -> Duration { text == "0" ? .zero : try duration(text) }

    /// ISO 3166-1 alpha-2 in capitals.
    static func country(_ text: String) throws(SettingProblem) -> String {
        guard text.utf8.count == 2, text.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
            throw SettingProblem("`\(text)` is no country code", hint: "write two capital letters of ISO 3166-1, as in RU")
        }
        return text
    }

    /// An address or a network.
    static func network(_ text: String) throws(SettingProblem) -> IPNetwork {
        guard let network = IPNetwork(text) else {
            throw SettingProblem("`\(text)` is no network", hint: "write an address or a network, as in 203.0.113.0/24")
        }
        return network
    }

    /// A web address to which paths are appended: `https://host`, perhaps with a port and a path, without a slash at the end.
    static func baseAddress(_ text: String) throws(SettingProblem) -> String {
        var address = try webAddress(text)
        guard !address.contains(where: { "?#@".contains($0) }) else {
            throw SettingProblem("`\(text)` has more than host and path", hint: "write https://host, perhaps with a path")
        }
        while address.hasSuffix("/") { address.removeLast() }
        return address
    }

    /// `http://…` or `https://…`.
    static func webAddress(_ text: String) throws(SettingProblem) -> String {
        let rest = text.suffix(after: "https://") ?? text.suffix(after: "http://")
        guard let rest, let first = rest.first, first != "/", !text.contains(where: \.isWhitespace) else {
            throw SettingProblem("`\(text)` is no web address", hint: "write https://host/path")
        }
        return text
    }
}
