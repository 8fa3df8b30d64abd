import AdapterKit
import Connector

// Sending a call on while it waits in a menu or queue: the question that its first leg is, and the command.

extension RoutingQuestion {
    /// Reads an `events/call`; nil where it is not the first leg of a call from outside, or no longer waits.
    ///
    /// A leg that a command or a transfer made has a `command_id` or an earlier leg; an employee who rings is left alone.
    init?(mango leg: JSONNode) {
        let (from, to) = (leg["from"], leg["to"])
        guard leg["call_state"].equals("Appeared"), Self.waits(leg), let entry = leg["entry_id"].filledText,
            let call = leg["call_id"].filledText, let number = from["number"].filledText, from["extension"].filledText == nil,
            leg["command_id"].filledText == nil, leg["callback_initiator"].filledText == nil,
            from["taken_from_call_id"].filledText == nil, to["taken_from_call_id"].filledText == nil
        else { return nil }
        self.init(
            call: ExternalKey(.session, entry), number: number, line: to["line_number"].filledText ?? to["number"].filledText,
            leg: call)
    }

    /// Official samples hold the typo `locaton`.
    private static func waits(_ leg: JSONNode) -> Bool {
        guard let place = leg["location"].filledText ?? leg["locaton"].filledText else { return false }
        return place == "queue" || place == "ivr" || place.hasPrefix("ivr.")
    }
}

extension MangoClient {
    func route(_ order: RouteOrder) async throws(ProviderFailure) -> RouteOutcome {
        let command = try MangoCommand(order)
        _ = try MangoReply(try await post(command.path, command.json, within: order.deadline)).answer()
        return .sent
    }
}

extension MangoCommand {
    /// - Throws: `.invalid`: what cannot be right is not sent, for Mango blocks the key at the second of such.
    init(_ order: RouteOrder) throws(ProviderFailure) {
        guard let leg = order.question.leg else { throw .invalid("call", "the waiting leg is not named") }
        var fields = [
            JSONValue.Member("command_id", .string(order.id.description)),
            JSONValue.Member("call_id", .string(try Self.checked(leg))),
        ]
        guard !order.decision.rejects else {
            self.init(path: "/vpbx/commands/call/hangup", json: .object(fields))
            return
        }
        fields.append(JSONValue.Member("to_number", .string(try Self.target(order.decision.target))))
        if let name = order.decision.callerName {
            fields.append(JSONValue.Member("sip_headers", ["From/display-name": .string(name)]))
        }
        self.init(path: "/vpbx/commands/route", json: .object(fields))
    }

    /// Employees and groups have short numbers, and Mango their schedules; another number is called in any case.
    private static func target(_ target: RoutingTarget?) throws(ProviderFailure) -> String {
        let digits: String? =
            switch target {
            case .user(let ref), .group(let ref): DialledNumber.short(ref)
            case .number(let number): DialledNumber.digits(number)
            case nil: nil
            }
        guard let digits else { throw .invalid("to", "this is no number that Mango would ring") }
        return digits
    }
}
