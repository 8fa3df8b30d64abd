import AdapterKit
import Connector

/// Telphin.Office ("Телфин.Офис"): its virtual PBX, both ways, and Call Interactive.
///
/// One value is one connection: one client of Telphin's. See README.md for what to set up and what Telphin sends.
package struct TelphinAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "telphin", title: "Telphin", version: "1",
        settings: [
            SettingSpecification("client_id", .text, help: "application ID of a trusted application: for commands"),
            SettingSpecification("client_secret", .secret, help: "application secret, shown beside the ID: for commands"),
            SettingSpecification(
                "base_url", .text, standard: standardServer,
                help: "the API's server; `https://altapi.telphin.ru` is its spare"
            ),
            SettingSpecification(
                "queues", .text,
                help: "short numbers of your queues, comma-separated (700, 701): events do not tell them from phones"),
            SettingSpecification(
                "url_token", .secret, isRequired: true,
                help: "extra path segment that only Telphin knows: it signs nothing, so this is the only secret"),
            RoutingSetting.specification(standard: true),
            SettingSpecification(
                "routing_context", .text,
                help:
                    "for Call Interactive: the menu's context whose options are your people's short numbers, each calling its own"
            ),
            CommonSettings.allowFrom, CommonSettings.defaultCountry,
        ],
        headers: [], capabilities: TelphinClient.capabilities + [.routing], rateLimit: TelphinClient.rateLimit,
        // How long the PBX waits is documented nowhere; the caller hears nothing meanwhile.
        routing: RoutingAbility(.answer, deadline: .seconds(2), targets: [.user, .group], rejects: true),
        logNamesCalls: false)

    private static let standardServer = "https://apiproxy.telphin.ru"

    package let descriptor: AdapterDescriptor
    private let interactive: TelphinInteractive
    private let queues: Set<String>
    private let server: ServerAddress?
    private let credentials: (id: String, secret: String)?

    package init(settings: AdapterSettings) throws {
        interactive = try TelphinInteractive(settings)
        var descriptor = Self.descriptor.followingRouting(of: settings)
        if !interactive.canJump { descriptor.routing?.targets = [] }
        self.descriptor = descriptor
        server = try ServerAddress(setting: "base_url", of: settings) ?? ServerAddress(Self.standardServer)
        if let id = settings["client_id"], let secret = settings["client_secret"], !id.isEmpty, !secret.isEmpty {
            credentials = (id, secret)
        } else {
            credentials = nil
        }
        let names = (settings["queues"] ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
        guard names.allSatisfy({ TelphinNumber.isShort(TelphinNumber.short($0)) }) else {
            throw SettingsError(
                setting: "queues", problem: "holds something else than short numbers", hint: "write them as in 700, 701")
        }
        queues = Set(names.map { TelphinNumber.short($0) })
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { TelphinAuthenticator() }

    package func makeDecoder() -> any EventDecoder { TelphinDecoder(queues: queues) }

    package func logRows(of body: [UInt8]) -> [[UInt8]] {
        LogRows.ofJSON(body, list: { $0["call_history"] }, before: "{\"call_history\":[", after: "]}")
    }

    package func acknowledge(_ question: RoutingQuestion, _ decision: RoutingDecision) -> WebhookResponse {
        interactive.response(to: question, decision)
    }

    /// nil without `client_id` and `client_secret`.
    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        guard let server, let credentials else { return nil }
        return TelphinClient(server: server, clientID: credentials.id, secret: credentials.secret, outgoing: outgoing)
    }
}
