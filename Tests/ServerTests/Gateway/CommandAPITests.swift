import Connector
import Network
import TestSupport
import Testing

@testable import Gateway

@Suite struct CommandAPITests {
    private static let key = GatewayWorkbench.commandSecret

    private func post(
        _ address: SocketAddress, _ path: String, _ body: String, key: String = CommandAPITests.key, action: String = "one"
    ) throws -> RawClient.Answer {
        try RawClient.post(address, path, body: body, key: key, headers: "Idempotency-Key: \(action)\r\n")
    }

    /// The command as it stands when nothing more is done for it.
    private func settled(_ address: SocketAddress, _ path: String) throws -> JSONValue {
        for _ in 0..<2000 {
            let command = try RawClient.get(address, path).json()
            if !["accepted", "sent"].contains(command["status"]?.string ?? "sent") { return command }
        }
        Issue.record("the command does not settle")
        return .null
    }

    @Test func `a call is ordered once, and the command tells what became of it`() async throws {
        let bench = try GatewayWorkbench()
        bench.provider.answer(200, "C-1")
        try await bench.serve { address in
            let body = #"{"from":{"extension":"101"},"to":"+79000001234"}"#
            let first = try post(address, "/api/v1/calls", body)
            #expect(first.status == 202)
            let place = try #require(first.header("Location"))
            let command = try settled(address, place)
            #expect(command["status"]?.string == "confirmed")
            #expect(command["type"]?.string == "originate")
            #expect(command["connection_id"]?.string == "bell")
            #expect(command["provider_response"]?["call"]?["value"]?.string == "C-1")
            #expect(command["requested_by"]?.string == "crm")
            let second = try post(address, "/api/v1/calls", body)
            #expect(second.header("Location") == place)
            #expect(bench.provider.sent.count == 1)
            let other = try post(address, "/api/v1/calls", #"{"from":{"extension":"101"},"to":"+79000009999"}"#)
            #expect(other.status == 422)
            #expect(try post(address, "/api/v1/calls", body, action: "two").code == "duplicate-command")
        }
    }

    @Test func `a refusal of the provider is told with its code`() async throws {
        let bench = try GatewayWorkbench()
        bench.provider.answer(403)
        try await bench.serve { address in
            let answer = try post(address, "/api/v1/calls", #"{"from":{"number":"101"},"to":"102"}"#)
            let command = try settled(address, try #require(answer.header("Location")))
            #expect(command["status"]?.string == "failed")
            #expect(command["error"]?["code"]?.string == "403")
        }
    }

    @Test func `what is wrong with an order is named, and nothing leaves`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            for (body, field) in [
                (#"{"to":"102"}"#, "from"), (#"{"from":{"extension":"101"}}"#, "to"),
                (#"{"from":{"extension":"101","number":"1"},"to":"102"}"#, "from"),
                (#"{"from":"101","to":"102"}"#, "from"), (#"{"from":{"employee":"nobody"},"to":"102"}"#, "from"),
                (#"{"from":{"extension":"101"},"to":"7"}"#, "to"), (#"{"from":{"extension":"101"},"to":"101"}"#, "to"),
                (#"{"from":{"extension":"101"},"to":"102","record":"yes"}"#, "record"),
                (#"{"from":{"extension":"101"},"to":"102","colour":"red"}"#, "colour"),
            ] {
                let answer = try post(address, "/api/v1/calls", body)
                #expect(answer.status == 400, "\(body)")
                #expect(try answer.json()["errors"]?.elements.first?["field"]?.string == field, "\(body)")
            }
            let without = try RawClient.post(address, "/api/v1/calls", body: "{}", key: Self.key)
            #expect(try without.code == "idempotency-key-missing")
            #expect(try post(address, "/api/v1/calls", "{}", key: GatewayWorkbench.secret).code == "missing-scope")
            let unknown = #"{"from":{"extension":"101"},"to":"102","connection":"nowhere"}"#
            #expect(try post(address, "/api/v1/calls", unknown).status == 404)
            #expect(bench.provider.sent.isEmpty)
        }
    }

    @Test func `the employee's connection is found by the CRM's name of him`() async throws {
        let bench = try GatewayWorkbench([
            "bell": "adapter: bell\nsettings: {key: env:BELL_KEY}",
            "clock": "adapter: bell\nsettings: {key: env:BELL_KEY}\nemployees: {\"205\": {name: Anna, crm_id: \"42\"}}",
        ])
        try await bench.serve { address in
            let answer = try post(address, "/api/v1/calls", #"{"from":{"employee":"42"},"to":"+79000001234"}"#)
            let command = try answer.json()
            #expect(command["connection_id"]?.string == "clock")
            #expect(command["params"]?["from"]?.string == "205")
            let listed = try post(address, "/api/v1/calls", #"{"from":{"extension":"205"},"to":"+79000005678"}"#, action: "two")
            #expect(try listed.json()["connection_id"]?.string == "clock")
        }
    }

    @Test func `a live call is acted on as far as the provider can`() async throws {
        let bench = try GatewayWorkbench()
        let open = bench.addCall(1, isOpen: true)
        let ended = bench.addCall(2)
        try await bench.serve { address in
            let hangup = try post(address, "/api/v1/calls/\(open)/hangup", "")
            #expect(hangup.status == 202)
            #expect(try hangup.json()["call_id"]?.string == open.description)
            #expect(try settled(address, try #require(hangup.header("Location")))["status"]?.string == "confirmed")
            let transfer = try post(address, "/api/v1/calls/\(open)/transfer", #"{"to":"102"}"#, action: "two")
            #expect(try transfer.json()["params"]?["kind"]?.string == "blind")
            let attended = try post(
                address, "/api/v1/calls/\(open)/transfer", #"{"to":"102","kind":"attended"}"#, action: "three")
            #expect(attended.status == 409)
            #expect(try attended.code == "unsupported")
            #expect(attended.text.contains("transfer.attended"))
            #expect(try post(address, "/api/v1/calls/\(ended)/hangup", "", action: "five").code == "call-ended")
            #expect(try post(address, "/api/v1/calls/\(open)/record", "{}", action: "six").status == 400)
            #expect(try post(address, "/api/v1/calls/\(open)/dtmf", #"{"digits":"12#"}"#, action: "seven").status == 202)
            let foreign = try post(
                address, "/api/v1/calls/\(open)/hangup", "", key: GatewayWorkbench.otherSecret, action: "eight")
            #expect(foreign.status == 403)
        }
    }

    @Test func `another tenant's command is not found`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let answer = try post(address, "/api/v1/calls", #"{"from":{"extension":"101"},"to":"102"}"#)
            let place = try #require(answer.header("Location"))
            #expect(try RawClient.get(address, place, key: GatewayWorkbench.otherSecret).status == 404)
        }
    }
}
