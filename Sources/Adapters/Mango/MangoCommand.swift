import AdapterKit
import Connector

/// A command as Mango takes it: its path and its JSON.
///
/// Everything is checked here first: the second bad request (any 3xxx) within two minutes blocks the key of the whole PBX.
struct MangoCommand {
    /// As printed in the reference, trailing slashes included.
    let path: String
    let json: JSONValue

    init(path: String, json: JSONValue) {
        self.path = path
        self.json = json
    }

    /// - Throws: `.invalid` or `.unsupported`.
    init(_ order: ProviderOrder) throws(ProviderFailure) {
        var fields = [JSONValue.Member("command_id", .string(order.id.description))]
        switch order.action {
        case .originate(let wish):
            path = "/vpbx/commands/callback"
            fields += try Self.callback(wish)
        case .transfer(let number, let kind):
            path = "/vpbx/commands/transfer"
            fields += try Self.transfer(order, to: number, method: kind == .blind ? "blind" : "hold")
        case .hangup:
            path = "/vpbx/commands/call/hangup"
            fields.append(Self.callID(try Self.endingLeg(order)))
        case .hold:
            path = "/vpbx/commands/call/hold/on"
            let (leg, employee) = try Self.talkingLeg(order)
            fields += [Self.callID(leg), JSONValue.Member("initiator", .string(employee))]
        case .record(start: true):
            path = "/vpbx/commands/recording/start"
            let (leg, employee) = try Self.talkingLeg(order)
            fields += [Self.callID(leg), JSONValue.Member("call_party_number", .string(employee))]
        case .resume, .record(start: false), .dtmf:
            throw .unsupported(order.action.type, "Mango's API has no such command")
        }
        json = .object(fields)
    }

    /// Rings the employee, then the other number. The employee is named by his short number: Mango demands it.
    private static func callback(_ wish: Command.Origination) throws(ProviderFailure) -> [JSONValue.Member] {
        if wish.record { throw .unsupported("record", "Mango records by the rules of the cabinet; start it during the call") }
        guard let employee = DialledNumber.short(wish.from) else {
            throw .invalid("from", "Mango calls back an employee: give his short number")
        }
        var fields = [
            JSONValue.Member("from", ["extension": .string(employee)]),
            JSONValue.Member("to_number", .string(try number(wish.to, "to"))),
        ]
        if let line = wish.line { fields.append(JSONValue.Member("line_number", .string(try number(line, "line")))) }
        return fields
    }

    private static func transfer(
        _ order: ProviderOrder, to text: String, method: String
    ) throws(ProviderFailure) -> [JSONValue.Member] {
        let (leg, employee) = try talkingLeg(order)
        return [
            callID(leg), JSONValue.Member("method", .string(method)),
            JSONValue.Member("to_number", .string(try number(text, "to"))), JSONValue.Member("initiator", .string(employee)),
        ]
    }

    private static func number(_ text: String, _ field: String) throws(ProviderFailure) -> String {
        guard let digits = DialledNumber.digits(text) else { throw .invalid(field, "this is no number that can be dialled") }
        return digits
    }

    // MARK: Legs

    private static func callID(_ leg: String) -> JSONValue.Member { JSONValue.Member("call_id", .string(leg)) }

    /// The newest leg on which an employee talks: Mango transfers, holds and records no other.
    private static func talkingLeg(_ order: ProviderOrder) throws(ProviderFailure) -> (key: String, employee: String) {
        let talking = order.target?.legs.last { $0.isAnswered && !$0.isHeld && $0.user != nil }
        guard let talking, let employee = talking.user else { throw .invalid("call", "no employee talks in this call") }
        return (try checked(talking.key), employee)
    }

    /// Where somebody talks, else where an employee rings: with a transfer under way that is the new leg, and ends the transfer.
    private static func endingLeg(_ order: ProviderOrder) throws(ProviderFailure) -> String {
        let legs = order.target?.legs ?? []
        guard let leg = order.target?.talkingLeg ?? legs.last(where: { $0.user != nil }) ?? legs.last else {
            throw .invalid("call", "no leg of this call is known to be alive")
        }
        return try checked(leg.key)
    }

    /// Identifiers have 128 bytes at most.
    static func checked(_ name: String) throws(ProviderFailure) -> String {
        guard (1...128).contains(name.utf8.count) else { throw .invalid("call", "the leg's name is none of Mango's") }
        return name
    }
}
