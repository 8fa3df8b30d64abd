import Connector
import TestSupport
import Testing

/// A CRM that gives commands.
struct Orders {
    let crm: CRMClient

    init(_ gateway: GatewayProcess, _ premises: GatewayPremises) throws {
        crm = try CRMClient(gateway, key: premises.makeKey(scope: "read,command"))
    }

    init(_ crm: CRMClient) { self.crm = crm }

    init(_ gateway: GatewayProcess, key: String) throws { crm = try CRMClient(gateway, key: key) }

    /// Orders a call.
    /// - Returns: where it is told what became of it.
    func call(_ number: String, at connection: String, key: String) throws -> String {
        let from = connection == "beeline" ? "9000000101" : "101"
        let answer = try crm.post(
            "/calls", ["Idempotency-Key: \(key)"],
            body: #"{"from":{"extension":"\#(from)"},"to":"\#(number)","connection":"\#(connection)"}"#)
        guard answer.status == 202, let place = answer.header("Location") else {
            throw SystemFailure("the order was answered \(answer.status): \(answer.text)")
        }
        return String(place.dropFirst("/api/v1".count))
    }

    /// The command when it `isDone`; bounded.
    func command(_ place: String, when isDone: (JSONValue) -> Bool) throws -> JSONValue {
        var cursor: String?
        for round in 0..<260 {
            let command = try crm.json(place)
            if isDone(command) { return command }
            // Mostly it is a matter of moments.
            if round < 200 { continue }
            // News of any call, or a second: nobody tells of commands alone.
            cursor = try crm.page(after: cursor, wait: 1).next ?? cursor
        }
        throw SystemFailure("the command stays \(try crm.json(place))")
    }

    /// The command when nothing more is expected of its provider.
    func settled(_ place: String) throws -> JSONValue {
        try command(place) { !["accepted", "sent"].contains($0["status"]?.string) }
    }
}
