import AdapterKit
import Connector
import Digests

/// MANGO OFFICE virtual PBX: webhooks and commands of its "API Mango Office" (VPBX API).
///
/// One value is one connection: the key and salt of one PBX. See README.md for what to click and what Mango sends.
package struct MangoAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "mango", title: "MANGO OFFICE", version: "1",
        settings: [
            SettingSpecification(
                "api_key", .secret, isRequired: true, help: "\"unique code of your VPBX\" in the cabinet's API settings"),
            SettingSpecification(
                "api_salt", .secret, isRequired: true, help: "\"key for creating the signature\" in the cabinet's API settings"),
            SettingSpecification(
                "base_url", .text, standard: standardServer, help: "address of the API; `\(standardServer)` where absent"),
            RoutingSetting.specification(standard: false),
        ] + CommonSettings.all,
        headers: [],
        capabilities: [
            .originate, .blindTransfer, .attendedTransfer, .hangup, .hold, .recordStart, .recordings, .history, .routing,
        ],
        // Calls and hangups: four in a second. Two at once and two more within the second keep it.
        // Statistics: one in two seconds.
        rateLimit: RateLimit(burst: 2, interval: .milliseconds(500)), historyLimit: RateLimit(burst: 1, interval: .seconds(2)),
        // While the greeting plays. Mango takes one such command in two seconds.
        routing: RoutingAbility(
            .command, deadline: .seconds(4), targets: [.user, .group, .number], rejects: true,
            rateLimit: RateLimit(burst: 1, interval: .seconds(2))))

    private static let standardServer = "https://app.mango-office.ru"

    package let descriptor: AdapterDescriptor
    private let apiKey: [UInt8]
    private let signer: KeyedDigest
    private let server: ServerAddress

    package init(settings: AdapterSettings) throws {
        descriptor = Self.descriptor.followingRouting(of: settings)
        apiKey = Array(try settings.required("api_key").utf8)
        signer = KeyedDigest(.sha256, prefix: apiKey, suffix: Array(try settings.required("api_salt").utf8))
        server = try ServerAddress(setting: "base_url", of: settings, standard: Self.standardServer)
    }

    package func makeAuthenticator() -> any WebhookAuthenticator {
        MangoAuthenticator(apiKey: apiKey, signer: signer)
    }

    /// A row is a leg: those of one call stay together.
    package func logRows(of body: [UInt8]) -> [[UInt8]] { LogRows.ofLines(body, name: MangoStatistics.entry(ofRow:)) }

    package func makeDecoder() -> any EventDecoder { MangoDecoder() }

    /// Reads the basic statistics, asked for with `MangoStatistics.fields`.
    package var statistics: any HistoryReader { MangoStatistics() }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? { client(outgoing) }

    func client(_ outgoing: any Outgoing) -> MangoClient {
        MangoClient(outgoing: outgoing, server: server, apiKey: String(decoding: apiKey, as: UTF8.self), signer: signer)
    }
}

extension MangoAdapter: SignatureCoverage {
    package static func signedFields(of fields: any NamedFields) -> [String] { ["vpbx_api_key", "sign", "json"] }
    package static var signatureHeaders: [String] { [] }
}
