import AdapterKit
import Connector

/// Takes every request that can be read: Telphin signs nothing. That it knows the `url_token` was checked before.
///
/// Ordinary events ignore the answer. Call Interactive waits for XML that says what to do with the call: an empty `Response` says
/// nothing, and the call goes its usual way (inferred). A request without any field, as of somebody who tries the address, is
/// greeted and not kept.
final class TelphinAuthenticator: WebhookAuthenticator {
    /// Kept from request to request, for its memory.
    private var fields = FieldTable(ignoringCase: true)

    func authenticate(_ request: WebhookRequest) -> Authentication {
        do {
            try fields.readEvent(query: request.query, body: request.body)
        } catch {
            return .refuse(status: 400, reason: error.description)
        }
        if fields.isEmpty { return .handshake(.ok) }
        return .accept(TelphinEvent(of: fields) == .callInteractive ? TelphinInteractive.noOpinion : .ok)
    }

    /// A step of a menu asks where a call from outside is to go on.
    func routingQuestion(_ request: WebhookRequest) -> RoutingQuestion? {
        guard TelphinEvent(of: fields) == .callInteractive, fields.text("CallFlow")?.lowercased() != "out",
            fields.text("CallerExtension") == nil, let call = fields.text("CallID").flatMap(TelphinCallName.read),
            let caller = fields.text("CallerIDNum"), !TelphinNumber.isExtension(caller)
        else { return nil }
        let place = (fields.text("CalledExtension") ?? fields.text("CalledNumber")).map { TelphinNumber.short($0) }
        return RoutingQuestion(call: ExternalKey(.call, call), number: caller, line: fields.text("CalledDID"), place: place)
    }
}

extension FieldTable {
    /// Takes an event's fields: of the body, or of the query where the event was set up with the method GET.
    /// - Throws: `FieldError`; the table is then empty.
    mutating func readEvent(query: String, body: UnsafeRawBufferPointer) throws(FieldError) {
        guard body.isEmpty else { return try readForm(body) }
        try readForm(query)
    }
}
