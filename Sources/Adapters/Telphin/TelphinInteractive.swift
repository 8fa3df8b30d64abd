import AdapterKit
import Connector

/// What Call Interactive is answered: XML that says where the call goes on.
///
/// An employee is rung by a jump to the option with his short number, in a context of the menu that was made for it: of the answer's
/// own transfer no document that we could read names the attributes.
/// - Source: Telphin's page on Call Interactive (read 2026-11): `Hangup`, `SetCaller` with `name` and `number`, `Jump` with `context`
///   and `option`. That the names are attributes is inferred.
struct TelphinInteractive {
    private let context: String?

    /// - Throws: `SettingsError` for a `routing_context` that is no name.
    init(_ settings: AdapterSettings) throws {
        context = settings["routing_context"].flatMap { $0.isEmpty ? nil : $0 }
        guard context?.utf8.count ?? 0 <= 128,
            context?.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) ?? true
        else {
            throw SettingsError(setting: "routing_context", problem: "is no name of a context", hint: "write it as in the menu")
        }
    }

    /// Whether the call can be sent to somebody.
    var canJump: Bool { context != nil }

    /// An empty `Response` says nothing, and the call goes its usual way (inferred).
    static let noOpinion = response("")

    func response(to question: RoutingQuestion, _ decision: RoutingDecision) -> WebhookResponse {
        if decision.rejects { return Self.response("<Hangup/>") }
        var steps = ""
        if let name = decision.callerName {
            steps += #"<SetCaller name="\#(Self.escaped(name))" number="\#(Self.escaped(question.number))"/>"#
        }
        if let context, let target = decision.target, TelphinNumber.isShort(target.ref) {
            steps += #"<Jump context="\#(Self.escaped(context))" option="\#(target.ref)"/>"#
        }
        return Self.response(steps)
    }

    private static func response(_ steps: String) -> WebhookResponse {
        WebhookResponse(
            contentType: "text/xml; charset=utf-8",
            body: Array(#"<?xml version="1.0" encoding="UTF-8"?><Response>\#(steps)</Response>"#.utf8))
    }

    /// As an attribute's value in double quotes; what XML 1.0 has no place for is left out.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\u{20}"..."\u{D7FF}", "\u{E000}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}": escaped.unicodeScalars.append(scalar)
            default: continue
            }
        }
        return escaped
    }
}
