import AdapterKit
import Connector

/// Telphin.Office ("Телфин.Офис"): events of its virtual PBX, and Call Interactive.
///
/// One value is one connection: one client of Telphin's. See README.md for what to set up and what Telphin sends.
package struct TelphinAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "telphin", title: "Telphin", version: "1",
        settings: [
            SettingSpecification("client_id", .text, help: "application ID of a trusted application: for commands"),
            SettingSpecification("client_secret", .secret, help: "application secret, shown beside the ID: for commands"),
            SettingSpecification(
                "base_url", .text, standard: "https://apiproxy.telphin.ru",
                help: "the API's server; `https://altapi.telphin.ru` is its spare"
            ),
            SettingSpecification(
                "queues", .text,
                help: "short numbers of your queues, comma-separated (700, 701): events do not tell them from phones"),
            SettingSpecification(
                "url_token", .secret, isRequired: true,
                help: "extra path segment that only Telphin knows: it signs nothing, so this is the only secret"),
            CommonSettings.allowFrom, CommonSettings.defaultCountry,
        ],
        headers: [])

    private let queues: Set<String>

    package init(settings: AdapterSettings) throws {
        _ = try ServerAddress(setting: "base_url", of: settings)
        let names = (settings["queues"] ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
        guard names.allSatisfy({ TelphinNumber.isShort(TelphinNumber.short($0)) }) else {
            throw SettingsError(
                setting: "queues", problem: "holds something else than short numbers", hint: "write them as in 700, 701")
        }
        queues = Set(names.map { TelphinNumber.short($0) })
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { TelphinAuthenticator() }

    package func makeDecoder() -> any EventDecoder { TelphinDecoder(queues: queues) }
}
