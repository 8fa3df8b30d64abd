import AdapterKit
import Connector
import Digests

/// Compares the token that every webhook carries in its body: the platform signs nothing.
///
/// Answers as the vendor's example receivers do: 401 for another token or none, 400 where `cmd` or `callid` is missing, and `{}`
/// for everything else. To `contact`, which waits while the caller hears ringing, `{}` says: no name, and ring as usual. Commands
/// that are not known get it too, for any other answer makes the cabinet show the integration as broken.
final class MegafonAuthenticator: WebhookAuthenticator {
    private let token: [UInt8]
    /// Kept from request to request, for its memory.
    private var fields = FieldTable()

    init(token: [UInt8]) { self.token = token }

    func authenticate(_ request: WebhookRequest) -> Authentication {
        do {
            try fields.readFormOrJSON(request.body)
        } catch {
            return .refuse(status: 400, reason: error.description)
        }
        guard let isOurs = fields.withBytes(of: "crm_token", { ConstantTime.equal($0, token) }) else {
            return .refuse(status: 401, reason: "crm_token is missing")
        }
        guard isOurs else { return .refuse(status: 401, reason: "crm_token is another one") }
        guard let command = fields.withBytes(of: "cmd", { MegafonCommand($0) }) else {
            return .refuse(status: 400, reason: "cmd is missing")
        }
        guard command == .other || fields.text("callid") != nil else {
            return .refuse(status: 400, reason: "callid is missing")
        }
        return .accept(Self.understood)
    }

    /// `contact` asks who calls, and whom to ring first.
    func routingQuestion(_ request: WebhookRequest) -> RoutingQuestion? {
        guard fields.withBytes(of: "cmd", { MegafonCommand($0) }) == .contact,
            let call = fields.text("callid").flatMap(MegafonMessage.name), let number = MegafonNumber.read(fields.text("phone")),
            !MegafonNumber.isShort(number)
        else { return nil }
        return RoutingQuestion(
            call: ExternalKey(.call, call), number: number, line: MegafonNumber.read(fields.text("diversion")))
    }

    static let contentType = "application/json; charset=utf-8"
    private static let understood = WebhookResponse(contentType: contentType, body: Array("{}".utf8))
}
