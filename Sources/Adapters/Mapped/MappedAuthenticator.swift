import AdapterKit
import Connector
import Digests

/// Lets in what carries the secret in the described way; all comparisons take the same time wherever texts differ.
///
/// Only a token in the body asks for the body to be readable: what else is genuine and cannot be read is kept, and read again after
/// the mapping has been mended.
final class MappedAuthenticator: WebhookAuthenticator {
    private let door: MappedAuthentication
    private let answer: WebhookResponse
    /// The text that is expected: prefix and token, or `Basic …`.
    private let expected: [UInt8]
    private let signer: KeyedDigest?
    private var fields: MappedRequest

    init(_ mapping: Mapping, user: String, secret: String) {
        door = mapping.authentication
        answer = mapping.answer
        fields = MappedRequest(mapping.format)
        switch door {
        case .token(_, let prefix):
            expected = Array((prefix + secret).utf8)
            signer = nil
        case .hmac(_, _, let algorithm, _):
            expected = []
            signer = KeyedDigest(hmac: algorithm.digest, key: Array(secret.utf8))
        case .basic:
            expected = Array("Basic \(Base64.encode("\(user):\(secret)"))".utf8)
            signer = nil
        case .urlToken:
            expected = []
            signer = nil
        }
    }

    func authenticate(_ request: WebhookRequest) -> Authentication {
        switch door {
        case .urlToken: return .accept(answer)
        case .hmac(let header, let prefix, _, let encoding):
            return judge(request.header(header), "the signature") { isSigned(request.body, $0, prefix, encoding) }
        case .basic:
            return judge(request.header("authorization"), "the password") { ConstantTime.equal(Array($0.utf8), expected) }
        case .token(let source, _):
            do {
                return judge(try token(source, of: request), "the token") { ConstantTime.equal(Array($0.utf8), expected) }
            } catch {
                return .refuse(status: 400, reason: error.description)
            }
        }
    }

    private func judge(_ given: String?, _ what: String, _ isGenuine: (String) -> Bool) -> Authentication {
        guard let given, !given.isEmpty else { return .refuse(status: 401, reason: "\(what) is missing") }
        return isGenuine(given) ? .accept(answer) : .refuse(status: 403, reason: "\(what) is another one")
    }

    private func token(_ source: MappedValue.Source, of request: WebhookRequest) throws(FieldError) -> String? {
        switch source {
        case .header(let name): return request.header(name)
        case .query(let name):
            var query = FieldTable()
            try query.readForm(request.query)
            return query.string(name)
        case .body, .constant:
            try fields.read(request)
            return fields.raw(source)
        }
    }

    private func isSigned(
        _ body: UnsafeRawBufferPointer, _ text: String, _ prefix: String, _ encoding: MappedAuthentication.Encoding
    ) -> Bool {
        guard let signer, text.utf8.starts(with: prefix.utf8) else { return false }
        let digest = signer.sign { $0.update(body) }
        return Array(text.utf8.dropFirst(prefix.utf8.count)).withUnsafeBytes { text in
            switch encoding {
            case .hex: digest.matches(hex: text)
            case .base64: digest.matches(exactBase64: text)
            }
        }
    }
}

extension MappedAuthentication.Algorithm {
    fileprivate var digest: DigestAlgorithm {
        switch self {
        case .md5: .md5
        case .sha1: .sha1
        case .sha256: .sha256
        }
    }
}
