import AdapterKit
import Connector
import Digests

/// Zadarma's virtual PBX: notifications of calls and events, and its commands. Novofon's API of version 1 is the same.
///
/// One value is one connection: the key and secret of one account. See README.md for what to click and what Zadarma sends.
package struct ZadarmaAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "zadarma", title: "Zadarma", version: "1",
        settings: [
            SettingSpecification("key", .secret, isRequired: true, help: "API key: Settings, Integrations and API, Keys and API"),
            SettingSpecification("secret", .secret, isRequired: true, help: "API secret, shown once beside the key"),
            SettingSpecification(
                "time_zone", .timeZone, standard: standardZone,
                help: "the account's time zone: Zadarma sends local times; `\(standardZone)` where absent"),
            SettingSpecification(
                "base_url", .text, standard: standardServer,
                help: "address of the API; `\(standardServer)` where absent, https://api.novofon.com for Novofon"),
            RoutingSetting.specification(standard: true),
            SettingSpecification(
                "routing_timeout", .text, standard: "20",
                help:
                    "seconds that whom the CRM names may ring before the call goes its usual way: 3 to 300, 0 for ever; 20 where absent"
            ),
        ] + CommonSettings.all,
        headers: ["signature", "content-type"],
        capabilities: [.originate, .recordings, .history, .routing],
        // A hundred requests in a minute, three of them for statistics.
        rateLimit: RateLimit(burst: 10, interval: .milliseconds(667)), historyLimit: RateLimit(burst: 1, interval: .seconds(21)),
        // How long Zadarma waits is documented nowhere: well under a second is advised.
        routing: RoutingAbility(.answer, deadline: .milliseconds(800), targets: [.user, .group], rejects: true))

    private static let standardZone = "Europe/Moscow"
    private static let standardServer = "https://api.zadarma.com"

    package let descriptor: AdapterDescriptor
    private let reply: ZadarmaStartReply
    private let key: String
    private let signer: KeyedDigest
    private let zone: LocalZone
    private let server: ServerAddress

    package init(settings: AdapterSettings) throws {
        descriptor = Self.descriptor.followingRouting(of: settings)
        reply = try ZadarmaStartReply(settings)
        key = try settings.required("key")
        signer = KeyedDigest(hmac: .sha1, key: Array(try settings.required("secret").utf8))
        server = try ServerAddress(setting: "base_url", of: settings, standard: Self.standardServer)
        do {
            zone = try LocalZone(named: settings["time_zone"] ?? Self.standardZone)
        } catch {
            throw SettingsError(setting: "time_zone", problem: "cannot be used", hint: error.description)
        }
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { ZadarmaAuthenticator(signer: signer) }

    package func makeDecoder() -> any EventDecoder { ZadarmaDecoder(zone: zone) }

    package func acknowledge(_ question: RoutingQuestion, _ decision: RoutingDecision) -> WebhookResponse {
        reply.response(decision)
    }

    /// A row is a leg: those of one call stay together.
    package func logRows(of body: [UInt8]) -> [[UInt8]] {
        LogRows.ofJSON(
            body, list: { $0["stats"] }, name: { $0["pbx_call_id"].anyText }, before: "{\"stats\":[", after: "]}")
    }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? { client(outgoing) }

    func client(_ outgoing: any Outgoing) -> ZadarmaClient {
        ZadarmaClient(outgoing: outgoing, server: server, key: key, signer: signer, zone: zone)
    }
}

extension ZadarmaAdapter: SignatureCoverage {
    package static func signedFields(of fields: any NamedFields) -> [String] {
        let event = (fields.bytes(of: "event") ?? []).withUnsafeBytes { ZadarmaEvent($0) }
        return event.signature?.fields.map(\.description) ?? []
    }

    package static var signatureHeaders: [String] { ["signature"] }
}
