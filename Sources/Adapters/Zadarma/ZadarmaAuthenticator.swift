import AdapterKit
import Connector
import Digests

/// Verifies the header `Signature` of Zadarma's notifications.
///
/// The signed text is a few fields of the event (`ZadarmaSignature`), under HMAC-SHA1 with the account's secret. Vendor's documents
/// and most code write the signature as base64 of the **hex text**, the official TypeScript verifier expects base64 of the digest:
/// both are taken. A request without signature is refused: Zadarma signs for every account that has API keys.
final class ZadarmaAuthenticator: WebhookAuthenticator {
    private let signer: KeyedDigest
    /// Kept from request to request, for its memory.
    private var fields = FieldTable()

    init(signer: KeyedDigest) { self.signer = signer }

    func authenticate(_ request: WebhookRequest) -> Authentication {
        do {
            if let answer = try addressCheck(request) { return answer }
            try fields.read(request.body, contentType: request.header("content-type"))
            var signature = request.header("signature") ?? ""
            return signature.withUTF8 { judge(UnsafeRawBufferPointer($0)) }
        } catch let error as FieldError {
            return .refuse(status: 400, reason: error.description)
        } catch {
            return .refuse(status: 400, reason: "the request cannot be read")
        }
    }

    private func judge(_ signature: UnsafeRawBufferPointer) -> Authentication {
        guard let event = fields.withBytes(of: "event", { ZadarmaEvent($0) }) else {
            if let value = fields.string("zd_echo") { return Self.echo(value) }
            return .refuse(status: 401, reason: "`event` is missing")
        }
        guard !signature.isEmpty else { return .refuse(status: 401, reason: "the header Signature is missing") }
        return isGenuine(signature, event) ? .accept(.ok) : .refuse(status: 403, reason: "the signature is another one")
    }

    private func isGenuine(_ signature: UnsafeRawBufferPointer, _ event: ZadarmaEvent) -> Bool {
        if let kind = event.signature { return matches(signature, kind) }
        return ZadarmaSignature.allCases.contains { matches(signature, $0) }
    }

    /// A field that is missing counts as empty (a hidden caller), but a text of nothing at all is no proof.
    private func matches(_ signature: UnsafeRawBufferPointer, _ kind: ZadarmaSignature) -> Bool {
        var signedByteCount = 0
        let digest = signer.sign { digest in
            for name in kind.fields {
                fields.withBytes(of: name) { value in
                    digest.update(value)
                    signedByteCount += value.count
                }
            }
        }
        guard signedByteCount > 0 else { return false }
        // Of different lengths: only one of them is more than a look at the length.
        return digest.matches(base64OfHex: signature) || digest.matches(exactBase64: signature)
    }

    /// NOTIFY_START waits for a word on whom to ring.
    func routingQuestion(_ request: WebhookRequest) -> RoutingQuestion? {
        guard fields.withBytes(of: "event", { ZadarmaEvent($0) }) == .start, let call = fields.text("pbx_call_id"),
            !call.hasPrefix("out_"), let caller = fields.text("caller_id"), !ZadarmaMessage.isShort(caller)
        else { return nil }
        return RoutingQuestion(call: ExternalKey(.call, call), number: caller, line: fields.text("called_did"))
    }

    // MARK: The check of our address

    /// Zadarma asks with `zd_echo` whether the address is ours, by GET and, as some saw, by POST.
    private func addressCheck(_ request: WebhookRequest) throws -> Authentication? {
        guard !request.query.isEmpty else { return nil }
        return try FormBody.withQuery(request.query) { $0.string("zd_echo").map(Self.echo) }
    }

    /// Only short plain text is sent back: no page of somebody else's making.
    private static func echo(_ value: String) -> Authentication {
        guard (1...64).contains(value.utf8.count), value.utf8.allSatisfy(isPlain) else {
            return .refuse(status: 400, reason: "zd_echo is no short plain text")
        }
        return .handshake(WebhookResponse(body: Array(value.utf8)))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
