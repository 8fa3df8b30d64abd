import AdapterKit
import Connector
import Digests

/// MANGO OFFICE virtual PBX: webhooks of its "API Mango Office" (VPBX API).
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
        ] + CommonSettings.all,
        headers: [])

    private let apiKey: [UInt8]
    private let signer: KeyedDigest

    package init(settings: AdapterSettings) throws {
        apiKey = Array(try settings.required("api_key").utf8)
        signer = KeyedDigest(.sha256, prefix: apiKey, suffix: Array(try settings.required("api_salt").utf8))
    }

    package func makeAuthenticator() -> any WebhookAuthenticator {
        MangoAuthenticator(apiKey: apiKey, signer: signer)
    }

    package func makeDecoder() -> any EventDecoder { MangoDecoder() }

    /// Reads the basic statistics, asked for with `MangoStatistics.fields`.
    package var statistics: any HistoryReader { MangoStatistics() }
}

extension MangoAdapter: SignatureCoverage {
    package static func signedFields(of fields: any NamedFields) -> [String] { ["vpbx_api_key", "sign", "json"] }
    package static var signatureHeaders: [String] { [] }
}
