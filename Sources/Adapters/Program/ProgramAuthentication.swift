import AdapterKit
import Connector
import Digests

/// How a webhook proves that it is genuine, as the settings declare it: the program itself is not asked.
struct ProgramAuthentication {
    enum Proof {
        case header(String, token: [UInt8])
        case query(String, token: [UInt8])
        case field(String, token: [UInt8])
        /// Of the body as received, in hexadecimal or base64, perhaps behind `sha256=`.
        case hmac(header: String, KeyedDigest)
        /// The gateway has looked at the path already.
        case urlToken
    }

    static let names = ["header", "query", "field", "hmac", "url_token"]

    let proof: Proof
    let acknowledgement: WebhookResponse

    /// - Throws: `SettingsError`.
    init(_ settings: AdapterSettings) throws {
        proof = try Self.proof(settings)
        let body = Array((settings["acknowledgement"] ?? "").utf8)
        let isJSON = body.first == UInt8(ascii: "{") || body.first == UInt8(ascii: "[")
        acknowledgement = WebhookResponse(
            contentType: isJSON ? "application/json; charset=utf-8" : "text/plain; charset=utf-8", body: body)
    }

    /// The header that must be looked at.
    var headers: [String] {
        switch proof {
        case .header(let name, _), .hmac(let name, _): [name]
        default: []
        }
    }

    func makeAuthenticator() -> any WebhookAuthenticator { ProgramAuthenticator(self) }

    private static func proof(_ settings: AdapterSettings) throws -> Proof {
        let kind = try settings.required("auth")
        guard names.contains(kind) else {
            throw SettingsError(setting: "auth", problem: "is none of its values", hint: names.joined(separator: ", "))
        }
        if kind == "url_token" { return .urlToken }
        let name = try settings.required("auth_name")
        let secret = Array(try settings.required("auth_secret").utf8)
        if kind == "header" || kind == "hmac", !name.isHeaderName {
            throw SettingsError(setting: "auth_name", problem: "is no header's name", hint: "write it as in x-signature")
        }
        switch kind {
        case "header": return .header(name.lowercased(), token: secret)
        case "query": return .query(name, token: secret)
        case "field": return .field(name, token: secret)
        default: return .hmac(header: name.lowercased(), KeyedDigest(hmac: try algorithm(settings), key: secret))
        }
    }

    private static func algorithm(_ settings: AdapterSettings) throws -> DigestAlgorithm {
        switch settings["auth_algorithm"] ?? "sha256" {
        case "sha256": return .sha256
        case "sha1": return .sha1
        case "md5": return .md5
        default: throw SettingsError(setting: "auth_algorithm", problem: "is unknown", hint: "take sha256, sha1 or md5")
        }
    }
}

/// Compares the token, or the signature, of each webhook; in constant time.
private final class ProgramAuthenticator: WebhookAuthenticator {
    private let authentication: ProgramAuthentication
    /// Kept from request to request, for its memory.
    private var fields = FieldTable()

    init(_ authentication: ProgramAuthentication) { self.authentication = authentication }

    func authenticate(_ request: WebhookRequest) -> Authentication {
        switch authentication.proof {
        case .urlToken: return .accept(authentication.acknowledgement)
        case .header(let name, let token): return judge(request.header(name).map { Array($0.utf8) }, token)
        case .query(let name, let token):
            return judge(name, token) { () throws(FieldError) in try fields.readForm(request.query) }
        case .field(let name, let token):
            return judge(name, token) { () throws(FieldError) in try fields.readFormOrJSON(request.body) }
        case .hmac(let header, let signer):
            guard let signature = request.header(header) else { return Self.missing }
            return verdict(Self.isGenuine(signature, of: request.body, signer))
        }
    }

    private func judge(_ name: String, _ token: [UInt8], _ read: () throws(FieldError) -> Void) -> Authentication {
        do {
            try read()
        } catch {
            return .refuse(status: 400, reason: error.description)
        }
        return judge(fields.bytes(of: name), token)
    }

    private func judge(_ given: [UInt8]?, _ token: [UInt8]) -> Authentication {
        guard let given else { return Self.missing }
        return verdict(ConstantTime.equal(given, token))
    }

    private func verdict(_ isGenuine: Bool) -> Authentication {
        isGenuine
            ? .accept(authentication.acknowledgement) : .refuse(status: 403, reason: "the token or the signature is another one")
    }

    private static let missing = Authentication.refuse(status: 401, reason: "the token or the signature is missing")

    private static func isGenuine(_ signature: String, of body: UnsafeRawBufferPointer, _ signer: KeyedDigest) -> Bool {
        let digest = signer.sign { $0.update(body) }
        // GitHub's manner, which many took over: the hash's name before it.
        let prefixes = ["sha256=", "sha1=", "md5="]
        let text = prefixes.first { signature.hasPrefix($0) }.map { signature.dropFirst($0.count) } ?? signature[...]
        return digest.matches(hex: text.utf8) || digest.matches(base64: text.utf8)
    }
}
