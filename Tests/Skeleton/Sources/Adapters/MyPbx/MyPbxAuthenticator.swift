import AdapterKit
import Connector
import Digests

/// Verifies the signature of a webhook: lowercase hex HMAC-SHA256 of the body as received, in the header `X-my-pbx-signature`.
final class MyPbxAuthenticator: WebhookAuthenticator {
    static let header = "x-my-pbx-signature"

    private let signer: KeyedDigest

    init(signer: KeyedDigest) { self.signer = signer }

    func authenticate(_ request: WebhookRequest) -> Authentication {
        guard let signature = request.header(Self.header) else {
            return .refuse(status: 401, reason: "the signature is missing")
        }
        // Compared in constant time.
        let isGenuine = signer.sign { $0.update(request.body) }.matches(hex: signature.utf8)
        return isGenuine ? .accept(.ok) : .refuse(status: 403, reason: "the signature is another one")
    }
}

extension MyPbxAdapter: SignatureCoverage {
    package static let signatureHeaders = [MyPbxAuthenticator.header]

    /// The whole body is signed.
    package static func signedFields(of fields: any NamedFields) -> [String] { fields.names }
}
