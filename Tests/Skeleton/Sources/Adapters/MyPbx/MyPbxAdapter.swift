import AdapterKit
import Connector
import Digests

/// my-pbx: reads its webhooks.
///
/// One value is one connection. See README.md for what the vendor sends.
package struct MyPbxAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "my-pbx", title: "my-pbx", version: "1",
        settings: [
            SettingSpecification("secret", .secret, isRequired: true, help: "the key of the webhooks' signature")
        ] + CommonSettings.all,
        headers: [MyPbxAuthenticator.header])

    private let signer: KeyedDigest

    package init(settings: AdapterSettings) throws {
        signer = KeyedDigest(hmac: .sha256, key: Array(try settings.required("secret").utf8))
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { MyPbxAuthenticator(signer: signer) }

    package func makeDecoder() -> any EventDecoder { MyPbxDecoder() }
}
