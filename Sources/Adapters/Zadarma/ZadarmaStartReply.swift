import AdapterKit
import Connector

/// What NOTIFY_START is answered, while the caller waits: whom to ring, and what to show.
///
/// - Source: Zadarma's API description and its official PHP library (read 2026-11). That a name may stand beside a redirect is inferred.
struct ZadarmaStartReply {
    /// Seconds that the redirect rings before the call goes its usual way; 0 is for ever.
    private let returnTimeout: Int

    /// - Throws: `SettingsError` for a `routing_timeout` that Zadarma would not take.
    init(_ settings: AdapterSettings) throws {
        guard let seconds = DecimalInteger.parse((settings["routing_timeout"] ?? "20").utf8),
            seconds == 0 || (3...300).contains(seconds)
        else {
            throw SettingsError(
                setting: "routing_timeout", problem: "is no number of seconds that Zadarma takes", hint: "write 0, or 3 to 300")
        }
        returnTimeout = seconds
    }

    /// An empty answer, which is the usual way, where there is nothing to say.
    func response(_ decision: RoutingDecision) -> WebhookResponse {
        var json = JSONWriter()
        json.beginObject()
        var isEmpty = true
        if decision.rejects {
            json.field("hangup", 1)
            isEmpty = false
        } else if let target = Self.redirect(decision.target) {
            json.field("redirect", target)
            json.field("return_timeout", returnTimeout)
            isEmpty = false
        }
        if let name = decision.callerName, !decision.rejects {
            json.field("caller_name", name)
            isEmpty = false
        }
        json.endObject()
        return isEmpty ? .ok : WebhookResponse(contentType: "application/json; charset=utf-8", body: json.finish())
    }

    /// An extension, or a menu or scenario as Zadarma writes it: `0-1`, `0-main`.
    private static func redirect(_ target: RoutingTarget?) -> String? {
        switch target {
        case .user(let short): ZadarmaMessage.isShort(short) ? short : nil
        case .group(let ref): ZadarmaMessage.isShort(ref) || isScenario(ref) ? ref : nil
        case .number, nil: nil
        }
    }

    private static func isScenario(_ ref: String) -> Bool {
        let parts = ref.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && ZadarmaMessage.isShort(parts[0]) && (parts[1] == "main" || ZadarmaMessage.isShort(parts[1]))
    }
}
