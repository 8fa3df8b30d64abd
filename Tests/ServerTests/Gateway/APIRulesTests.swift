import Connector
import Network
import TestSupport
import Testing

@testable import Gateway

@Suite struct APIRulesTests {
    @Test func `without a right key there is 401, without the scope 403`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let none = try RawClient.get(address, "/api/v1/lines", key: nil)
            #expect(none.status == 401)
            #expect(none.header("WWW-Authenticate") == "Bearer realm=\"kommutator\"")
            #expect(none.header("Content-Type") == "application/problem+json")
            #expect(try RawClient.get(address, "/api/v1/lines", key: "km_wrong").status == 401)
            #expect(try RawClient.get(address, "/api/v1/lines", key: "other").status == 401)
            let scope = try RawClient.post(address, "/api/v1/inbox/replay", key: GatewayWorkbench.secret)
            #expect(scope.status == 403)
            #expect(scope.text.contains("`admin`"))
            #expect(!bench.log.text.contains("km_"))
        }
    }

    @Test func `a key that is made or revoked while the gateway runs is known soon`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let secret = "km_" + String(repeating: "n", count: 43)
            #expect(try RawClient.get(address, "/api/v1/lines", key: secret).status == 401)
            try bench.addKey("new", secret, [.read])
            bench.clock.advance(by: .seconds(2))
            #expect(try RawClient.get(address, "/api/v1/lines", key: secret).status == 200)
            #expect(try bench.journal.revoke(id: "new", at: bench.clock.now()))
            bench.clock.advance(by: .seconds(6))
            #expect(try RawClient.get(address, "/api/v1/lines", key: secret).status == 401)
        }
    }

    @Test func `too many wrong keys of one address are answered 429, right ones still served`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            for _ in 0..<BadKeyLimit.allowed { #expect(try RawClient.get(address, "/api/v1/lines", key: "km_x").status == 401) }
            let answer = try RawClient.get(address, "/api/v1/lines", key: "km_x")
            #expect(answer.status == 429)
            #expect(answer.header("Retry-After") == "61")
            #expect(try RawClient.get(address, "/api/v1/lines").status == 200)
            bench.clock.advance(by: .seconds(61))
            #expect(try RawClient.get(address, "/api/v1/lines", key: "km_x").status == 401)
        }
    }

    @Test func `behind a proxy of ours wrong keys are counted by client, not by proxy`() async throws {
        let bench = try GatewayWorkbench(proxies: IPNetwork.loopback)
        try await bench.serve { address throws in
            func guess(_ client: String) throws -> Int {
                try RawClient.get(address, "/api/v1/lines", key: "km_x", headers: "X-Forwarded-For: \(client)\r\n").status
            }
            for _ in 0..<BadKeyLimit.allowed { #expect(try guess("192.0.2.9, 198.51.100.1") == 401) }
            #expect(try guess("198.51.100.1") == 429)
            #expect(try guess("198.51.100.2") == 401)
            #expect(bench.log.text.contains("peer=198.51.100.2"))
        }
    }

    @Test func `unknown and wrong parameters are named, all at once`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let answer = try RawClient.get(address, "/api/v1/calls?limit=0&direktion=inbound&state=dead&limit=5&started_from=now")
            #expect(answer.status == 400)
            let problem = try answer.json()
            #expect(problem["code"]?.string == "bad-parameter")
            #expect(
                problem["errors"]?.elements.map { $0["field"]?.string } == [
                    "direktion", "limit", "limit", "started_from", "state",
                ])
            #expect(problem["errors"]?[0]?["detail"]?.string == "There is no such parameter; did you mean `direction`?")
            #expect(try RawClient.get(address, "/api/v1/lines?x=1").status == 400)
        }
    }

    @Test func `a problem has every field of RFC 9457 and ours, and its id is in the log`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let problem = try RawClient.get(address, "/api/v1/calls/none").json()
            #expect(problem["type"]?.string == "urn:kommutator:problem:not-found")
            #expect(problem["status"]?.int == 404)
            for name in ["title", "detail", "code", "id"] { #expect(problem[name]?.string?.isEmpty == false) }
            #expect(problem["errors"]?.elements == [])
            #expect(bench.log.text.contains("id=\(problem["id"]?.string ?? "none")"))
            #expect(try RawClient.get(address, "/nowhere").json()["code"]?.string == "not-found")
        }
    }

    @Test func `unknown paths and methods are problems too`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let path = try RawClient.get(address, "/api/v2")
            #expect(path.status == 404)
            #expect(path.header("Content-Type") == "application/problem+json")
            let method = try RawClient.post(address, "/api/v1/lines")
            #expect(method.status == 405)
            #expect(method.header("Allow") == "GET, HEAD")
        }
    }

    @Test func `lines and employees come from the tenant's files`() async throws {
        let bench = try GatewayWorkbench([
            "bell": """
            adapter: bell
            settings: {key: env:BELL_KEY}
            lines: {"+74950000001": {label: site, channel: ads}}
            employees: {"101": {name: Ann, crm_id: "17"}, "102": {name: Bob}}
            """,
            "foreign": "adapter: bell\ntenant: other\nsettings: {key: env:BELL_KEY}\nlines: {\"+74950000002\": {}}",
        ])
        try await bench.serve { address in
            #expect(
                try RawClient.get(address, "/api/v1/lines").text
                    == #"{"lines":[{"number":"+74950000001","label":"site","channel":"ads","connection_id":"bell"}]}"#)
            let employees = try RawClient.get(address, "/api/v1/employees").json()
            #expect(employees["employees"]?.elements.map { $0["user_id"]?.string } == ["17", "bell/102"])
        }
    }

    @Test func `connections show health and settings without secrets, and only to their tenant`() async throws {
        let bench = try GatewayWorkbench([
            "bell": "adapter: bell\nsettings: {key: env:BELL_KEY, tone: low}", "bad": "adapter: bell\nsettings: {key: hush}",
            "off": "adapter: bell\nenabled: false",
        ])
        try await bench.serve { address in
            func health(_ name: String) throws -> String? {
                try RawClient.get(address, "/api/v1/connections/\(name)").json()["health"]?["status"]?.string
            }
            #expect(try health("bell") == "yellow")
            #expect(try health("bad") == "red")
            #expect(try health("off") == "disabled")
            _ = try RawClient.post(address, "/hooks/bell", body: "a", key: nil, headers: "X-Bell: hush\r\n")
            #expect(try health("bell") == "green")
            let one = try RawClient.get(address, "/api/v1/connections/bell")
            #expect(try one.json()["settings"]?["key"]?.string == "env:BELL_KEY")
            #expect(try one.json()["counters"]?["accepted"]?.int == 1)
            #expect(!one.text.contains("hush"))
            #expect(try RawClient.get(address, "/api/v1/connections/bell", key: GatewayWorkbench.otherSecret).status == 404)
            let list = try RawClient.get(address, "/api/v1/connections").json()
            #expect(list["connections"]?.elements.map { $0["id"]?.string } == ["bad", "bell", "off"])
        }
    }

    @Test func `health, readiness and metrics need no key`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            #expect(try RawClient.get(address, "/healthz", key: nil).text == #"{"status":"ok","version":"0.0.0"}"#)
            #expect(try RawClient.get(address, "/readyz", key: nil).status == 200)
            bench.journal.isFull = true
            #expect(try RawClient.get(address, "/readyz", key: nil).status == 503)
            bench.journal.isFull = false
            _ = try RawClient.post(address, "/hooks/bell", body: "a", key: nil, headers: "X-Bell: hush\r\n")
            let metrics = try RawClient.get(address, "/metrics", key: nil).text
            #expect(metrics.contains("kommutator_webhooks_total{connection=\"bell\",outcome=\"accepted\"} 1\n"))
            #expect(metrics.contains("kommutator_webhook_ack_seconds_count 1\n"))
            #expect(metrics.contains("kommutator_ledger_lag_records 1\n"))
        }
    }
}
