import AdapterKit
import Connector
import Digests

/// Verifies the signature of Mango's webhooks.
///
/// `sign` = hex SHA-256 of `vpbx_api_key + json + salt`, over the bytes of `json` as they are after form-decoding: parsing and writing
/// the JSON again would change them. Either case of hex is taken; Mango sends lower case (inferred).
/// - Source: "API Mango Office" 1.9 of 02.06.2026, section on signatures.
final class MangoAuthenticator: WebhookAuthenticator {
    private let apiKey: [UInt8]
    private let signer: KeyedDigest
    /// Kept from request to request, for its memory.
    private var form = FormBody()
    private var json = JSONText()

    init(apiKey: [UInt8], signer: KeyedDigest) {
        self.apiKey = apiKey
        self.signer = signer
    }

    func authenticate(_ request: WebhookRequest) -> Authentication {
        let isPing = MangoWebhook(path: request.path) == .ping
        do {
            try form.parse(request.body)
        } catch {
            return isPing ? .handshake(.ok) : .refuse(status: 400, reason: error.description)
        }
        switch isGenuine(form.fields) {
        case nil:
            // The payload of the cabinet's connection check is documented nowhere. Unsigned, it only learns that we are here.
            return isPing ? .handshake(.ok) : .refuse(status: 401, reason: "vpbx_api_key, sign or json is missing")
        // A check that is signed must be signed right: so a wrong salt shows in the cabinet at once.
        case false?: return .refuse(status: 403, reason: "the key or the signature is another one")
        case true?: return isPing ? .handshake(.ok) : .accept(.ok)
        }
    }

    /// The first leg of a call from outside, in a menu or queue: it can be sent on by a command.
    func routingQuestion(_ request: WebhookRequest) -> RoutingQuestion? {
        guard MangoWebhook(path: request.path) == .call else { return nil }
        do {
            // Most events are of later states: they need not be read here, for the decoder reads them anyway.
            let asks = try form.fields.withBytes(of: "json") { bytes in
                guard bytes.holds("Appeared") else { return false }
                try json.parse(bytes)
                return true
            }
            guard asks == true else { return nil }
        } catch {
            // The decoder says so.
            return nil
        }
        return RoutingQuestion(mango: json.root)
    }

    /// Compares both before it judges, so that the time does not tell which of them was wrong; nil where one is missing.
    private func isGenuine(_ fields: FieldTable) -> Bool? {
        guard let digest = fields.withBytes(of: "json", { json in signer.sign { $0.update(json) } }),
            let keyIsOurs = fields.withBytes(of: "vpbx_api_key", { ConstantTime.equal($0, apiKey) }),
            let signIsRight = fields.withBytes(of: "sign", { digest.matches(hex: $0) })
        else { return nil }
        return keyIsOurs && signIsRight
    }
}
