import AdapterKit
import Connector

/// `events/dtmf`, and what concerns no call: answers to commands, SMS, statistics.
extension MangoMessage {
    /// One event is a whole packet of keys, not a single one. `location` names the menu in which they were pressed.
    func digits() -> Decoded {
        guard let keys = keys() else { return Self.missing("entry_id") }
        guard let digits = text("dtmf") else { return Self.missing("dtmf") }
        var event = event(
            eventID("dtmf", text("entry_id") ?? "", text("call_id") ?? "", text("seq") ?? text("timestamp") ?? ""), keys: keys,
            type: .dtmf)
        event.digits = DigitsReport(digits: digits, leg: text("call_id"), menu: Self.menu(text("location") ?? ""))
        event.facts.line = text("line_number")
        event.custom = leftovers(except: Self.digitFields)
        return .call(event)
    }

    /// The legs show the numbers.
    private static let digitFields: NameSet = [
        "entry_id", "sip_call_id", "call_id", "seq", "timestamp", "dtmf", "location", "initiator", "from_number", "to_number",
        "line_number",
    ]

    /// The answer to a command, or the fate of an SMS.
    func commandReport(code: JSONNode) -> Decoded {
        guard let command = text("command_id") else { return Self.missing("command_id") }
        return .command(
            CommandReport(key: command, succeeded: MangoCodes.isSuccess(code.anyInt), code: code.filledText ?? ""))
    }

    /// A report that was asked for can be fetched under `key`.
    func statisticsReady() -> Decoded {
        .signal(name: "statistics_ready", fields: leftovers(except: []))
    }
}
