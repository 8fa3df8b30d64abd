import AdapterKit
import Connector

/// Beeline's cloud PBX: the XSI events that it posts for its employees' calls.
///
/// One value is one connection: one client's PBX. See README.md for what to subscribe to and what Beeline sends.
package struct BeelineAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "beeline", title: "Beeline", version: "1",
        settings: [
            SettingSpecification(
                "token", .secret, isRequired: true, help: "API token (X-MPBX-API-AUTH-TOKEN): the PBX cabinet, section API"),
            SettingSpecification(
                "base_url", .text, standard: standardBaseURL, help: "where Beeline's API is; `\(standardBaseURL)` where absent"),
        ] + CommonSettings.unsigned,
        headers: [])

    private static let standardBaseURL = "https://cloudpbx.beeline.ru/apis/portal/"

    package init(settings: AdapterSettings) throws {
        _ = try settings.required("token")
        try Self.check(baseURL: settings["base_url"] ?? Self.standardBaseURL)
    }

    /// Commands will be sent there: what can be said against it is said at once.
    private static func check(baseURL: String) throws(SettingsError) {
        let address = ["https://", "http://"].first(where: baseURL.hasPrefix).map { baseURL.dropFirst($0.count) } ?? ""
        let isPlain = address.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard let first = address.first, first != "/", isPlain, !address.contains(where: { "?#".contains($0) }) else {
            throw SettingsError(
                setting: "base_url", problem: "is no address",
                hint: "write one like \(standardBaseURL), or leave the setting out")
        }
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { BeelineAuthenticator() }

    package func makeDecoder() -> any EventDecoder { BeelineDecoder() }

    /// Reads the statistics of calls.
    package var statistics: any HistoryReader { BeelineStatistics() }

    /// Reads the list of recordings.
    package var recordings: any HistoryReader { BeelineRecordings() }
}
