import AdapterKit
import Connector

/// Takes every post that can be read: the dialplan signs nothing. That it knows the `url_token` was checked before; where none is set,
/// nobody is let in.
///
/// `CURL()` makes the call wait for the answer, and does nothing with it: 202 without a body.
final class DialplanAuthenticator: WebhookAuthenticator {
    private let hasURLToken: Bool
    /// Kept from request to request, for its memory.
    private var fields = FieldTable()

    init(hasURLToken: Bool) { self.hasURLToken = hasURLToken }

    func authenticate(_ request: WebhookRequest) -> Authentication {
        guard hasURLToken else { return .refuse(status: 403, reason: "url_token is not set, so the dialplan may not post") }
        do {
            try fields.readJSON(request.body, fieldLimit: DialplanMessage.fieldLimit)
        } catch {
            return .refuse(status: 400, reason: error.description)
        }
        guard fields.text("stage") != nil else { return .refuse(status: 400, reason: "stage is missing") }
        guard DialplanMessage.call(in: fields) != nil else {
            return .refuse(status: 400, reason: "call_id is missing or is no name of a channel")
        }
        return .accept(Self.taken)
    }

    private static let taken = WebhookResponse(status: 202)
}
