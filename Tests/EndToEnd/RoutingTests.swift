import Connector
import Digests
import Glibc
import Testing
import TestSupport

extension EndToEnd {
    /// Whom to ring, by the CRM's word: the real gateway between real sockets, with a CRM that a test scripts.
    struct RoutingTests {
        // MARK: Providers who wait

        @Test(.timeLimit(.minutes(1)))
        func `MegaFon, Zadarma and Telphin are told whom to ring, signed questions and all, and the record says so`() throws {
            let stage = try Stage()
            let gateway = try stage.premises.open()
            let crm = try CRMClient(gateway, key: stage.premises.makeKey())
            let wire = try WireClient(port: gateway.port)
            let contact = try wire.exchange(Vendor.contact("C1"))
            #expect(contact.text == #"{"contact_name":"Romashka","responsible":"ivanov"}"#)
            let start = try wire.exchange(Vendor.start("1", from: "79000000102"))
            #expect(start.text == #"{"redirect":"101","return_timeout":20,"caller_name":"Romashka"}"#)
            let menu = try wire.exchange(Vendor.menu("5205dc5c3b1f11efa1d2000000000050", from: "79000000103"))
            #expect(menu.text.contains(#"<SetCaller name="Romashka" number="79000000103"/><Jump context="staff" option="101"/>"#))
            try crm.waitForLedger()
            for (name, ref) in [("C1", "ivanov"), ("in_1", "101"), ("5205dc5c3b1f11efa1d2000000000050", "101")] {
                let call = try #require(try Self.call(name, crm), "\(name)")
                let step = try Self.decision(of: call)
                #expect(step["kind"]?.string == "user")
                #expect(step["ref"]?.string == ref)
                #expect(step["label"]?.string == "Ivanov")
                #expect(step["result"]?.string == "asked")
                #expect(step["took_ms"]?.int ?? -1 >= 0)
                #expect(call["external_party"]?["name"]?.string == "Romashka")
            }
            #expect(stage.crm.requests.count == 3)
            for request in stage.crm.requests { try Self.expectSigned(request) }
            let asked = try JSONValue(parsing: stage.crm.requests[0].body)
            #expect(asked["number"]?["e164"]?.string == "+79000001234")
            #expect(asked["line"]?["e164"]?.string == "+74950000002")
            #expect(asked["connection_id"]?.string == "vats")
        }

        private static func expectSigned(_ request: WireRequest) throws {
            let id = try #require(request.header("webhook-id"))
            let time = try #require(request.header("webhook-timestamp"))
            let digest = KeyedDigest(hmac: .sha256, key: Array("made-up key".utf8)).sign("\(id).\(time).\(request.body)")
            #expect(request.header("webhook-signature") == "v1," + Base64.encode(digest.bytes))
        }

        @Test(.timeLimit(.minutes(1)))
        func `a caller who calls again is known, and one question serves all vendors`() throws {
            let stage = try Stage()
            let gateway = try stage.premises.open()
            let wire = try WireClient(port: gateway.port)
            for name in ["C1", "C2", "C3"] {
                #expect(try wire.exchange(Vendor.contact(name)).text.contains(#""responsible":"ivanov""#))
            }
            #expect(try wire.exchange(Vendor.start("1", from: "79000001234")).text.contains(#""redirect":"101""#))
            #expect(stage.crm.requests.count == 1)
        }

        /// What a CRM may do wrong; the vendor's own routing stands in every case.
        private static let faults: [(ScriptedServer.Reaction, result: String)] = [
            (.silence, "late"), (.hangUp, "failed"), (.answer(500), "failed"), (.answer(404, "{}"), "failed"),
            (.answer(200, "<html>sorry</html>"), "failed"), (.answer(200, "{"), "failed"),
            (.answer(200, #"{"responsible":{"user_id":"no-such"}}"#), "unknown_employee"),
            (.answer(200, #"{"name":["a"]}"#), "failed"), (.answer(200, "{}"), "unknown_caller"),
            (.answer(302, "", headers: ["Location: http://127.0.0.1:1/"]), "failed"),
            (.answer(200, #"{"name":""# + String(repeating: "x", count: 20_000) + #""}"#), "failed"),
            (.bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{".utf8)), "failed"),
            (.bytes([0, 1, 2, 255, 10, 10]), "failed"),
        ]

        @Test(.timeLimit(.minutes(2)))
        func `a CRM that is slow, down or wrong leaves every call to the provider, and the gateway well`() throws {
            let stage = try Stage()
            let gateway = try stage.premises.open()
            let crm = try CRMClient(gateway, key: stage.premises.makeKey())
            let wire = try WireClient(port: gateway.port)
            for (number, fault) in Self.faults.enumerated() {
                // A good answer in between: what is tried here is each fault, not the pause after five.
                stage.crm.follow(Stage.good)
                #expect(try wire.exchange(Vendor.contact("G\(number)", from: "7900000\(1000 + number)")).text.contains("ivanov"))
                stage.crm.follow { _ in fault.0 }
                let answer = try wire.exchange(Vendor.contact("F\(number)", from: "7900000\(2000 + number)"))
                #expect(answer.status == 200)
                #expect(answer.text == "{}", "fault \(number)")
            }
            try crm.waitForLedger()
            for (number, fault) in Self.faults.enumerated() {
                let step = try Self.decision(of: try #require(try Self.call("F\(number)", crm), "fault \(number)"))
                #expect(step["kind"]?.string == "provider")
                #expect(step["result"]?.string == fault.result, "fault \(number)")
            }
            #expect(!gateway.log.text.contains("790000020"), "no number in the log")
        }

        @Test(.timeLimit(.minutes(1)))
        func `a CRM that is gone delays five calls at most, and is found again`() throws {
            let stage = try Stage()
            stage.crm.follow { _ in .hangUp }
            let gateway = try stage.premises.open()
            let crm = try CRMClient(gateway, key: stage.premises.makeKey())
            let wire = try WireClient(port: gateway.port)
            for number in 0..<20 {
                #expect(try wire.exchange(Vendor.contact("C\(number)", from: "7900000\(3000 + number)")).text == "{}")
            }
            #expect(stage.crm.requests.count == 5)
            #expect(try crm.metric("kommutator_lookup_closed") == 1)
            #expect(gateway.log.text.contains("event=lookup.failing"))
        }

        @Test(.timeLimit(.minutes(1)))
        func `while one call waits for the CRM, other webhooks are not kept waiting`() throws {
            let stage = try Stage()
            stage.crm.follow { _ in .silence }
            let gateway = try stage.premises.open()
            let waiting = try WireClient(port: gateway.port)
            try waiting.send(Vendor.contact("C1").wireText)
            stage.crm.wait(for: 1)
            let others = try WireClient(port: gateway.port)
            for number in 0..<50 {
                #expect(try others.exchange(Vendor.state("S\(number)")).status == 200)
            }
            #expect(try waiting.readAnswer().text == "{}")
        }

        // MARK: Providers who do not

        @Test(.timeLimit(.minutes(1)))
        func `a call that waits in Mango's menu is sent on by a command, once`() throws {
            let stage = try Stage()
            let gateway = try stage.premises.open()
            let crm = try CRMClient(gateway, key: stage.premises.makeKey())
            let wire = try WireClient(port: gateway.port)
            for _ in 0..<2 { #expect(try wire.exchange(Vendor.mangoMenu("E1")).status == 200) }
            #expect(stage.vendor.wait(for: 1))
            let request = stage.vendor.requests[0]
            #expect(request.target == "/vpbx/commands/route")
            #expect(request.body.contains("%22to_number%22%3A%22101%22"))
            let call = try Self.waitForDecision("E1", crm)
            #expect(try Self.decision(of: call)["ref"]?.string == "101")
            #expect(stage.vendor.requests.count == 1)
        }

        @Test(.timeLimit(.minutes(1)))
        func `Beeline's table follows the CRM's word for the caller's next call`() throws {
            let stage = try Stage()
            stage.vendor.follow { request in
                request.method == "GET" ? .answer(200, "[]") : .answer(200, #"[{"status":"SUCCESS"}]"#)
            }
            let gateway = try stage.premises.open()
            let crm = try CRMClient(gateway, key: stage.premises.makeKey())
            let wire = try WireClient(port: gateway.port)
            #expect(try wire.exchange(Vendor.beelineRinging("t-1")).status == 200)
            #expect(stage.vendor.wait(for: 2))
            #expect(
                stage.vendor.requests.map { "\($0.method) \($0.target) \($0.body)" } == [
                    "GET /portal/icr/route ", #"POST /portal/icr/route [{"inboundNumber":"9000000101","extension":"101"}]"#,
                ])
            let first = try Self.waitForDecision("t-1", crm)
            #expect(try Self.decision(of: first)["result"]?.string == "written_ahead")
            #expect(try wire.exchange(Vendor.beelineRinging("t-2")).status == 200)
            let second = try Self.waitForDecision("t-2", crm)
            #expect(try Self.decision(of: second)["result"]?.string == "in_table")
            #expect(stage.vendor.requests.count == 2)
        }

        // MARK: Replay, and looking into it

        @Test(.timeLimit(.minutes(1)))
        func `a decision is in the inbox, survives a restart, and a replay changes nothing`() throws {
            let stage = try Stage()
            var gateway: GatewayProcess? = try stage.premises.open()
            let key = try stage.premises.makeKey()
            try #expect(WireClient(port: gateway?.port ?? 0).exchange(Vendor.contact("C1")).status == 200)
            var crm = try CRMClient(try #require(gateway), key: key)
            let before = try Self.waitForDecision("C1", crm)
            gateway?.kill(SIGKILL)
            gateway?.waitForEnd()
            gateway = try stage.premises.open()
            crm = try CRMClient(try #require(gateway), key: key)
            try crm.waitForLedger()
            #expect(try Self.call("C1", crm) == before)
            let inbox = try crm.json("/inbox?state=decoded")["requests"]?.elements ?? []
            let decision = try #require(inbox.first { $0["path"]?.string == "/route" })
            #expect(decision["source"]?.string == "system")
            let id = try #require(decision["id"]?.string)
            let replayed = try crm.post("/inbox/\(id)/replay", ["Idempotency-Key: once"])
            #expect(replayed.status == 200)
            #expect(try JSONValue(parsing: replayed.body)["differences"]?.elements.isEmpty == true)
            #expect(try Self.call("C1", crm) == before)
        }

        @Test(.timeLimit(.minutes(1)))
        func `doctor says whether the CRM answers`() throws {
            let stage = try Stage()
            func finding() throws -> JSONValue {
                let made = try stage.premises.command(["doctor", "--output", "json"])
                let findings = try JSONValue(parsing: made.output.joined(separator: "\n")).elements
                return try #require(findings.first { $0["subject"]?.string == "lookup_url" })
            }
            #expect(try finding()["result"]?.string == "ok")
            let asked = try JSONValue(parsing: try #require(stage.crm.requests.first).body)
            #expect(asked["test"]?.bool == true)
            stage.crm.follow { _ in .answer(404) }
            #expect(try finding()["detail"]?.string == "the CRM answered 404 (status)")
            stage.crm.follow { _ in .answer(200, "hello") }
            #expect(try finding()["result"]?.string == "fail")
            stage.crm.stop()
            #expect(try finding()["result"]?.string == "fail")
        }

        // MARK: Reading

        /// The call that has this name at its provider, as the log shows it.
        private static func call(_ name: String, _ crm: CRMClient) throws -> JSONValue? {
            try crm.all("calls", at: "/calls").first { call in
                call["external_ids"]?.elements.contains { $0["value"]?.string == name } ?? false
            }
        }

        /// The same, once its decision is written down.
        private static func waitForDecision(_ name: String, _ crm: CRMClient) throws -> JSONValue {
            var next: String?
            for _ in 0..<60 {
                try crm.waitForLedger()
                if let call = try call(name, crm), (try? decision(of: call)) != nil { return call }
                next = try crm.page(after: try crm.changes(after: next).next, wait: 1).next
            }
            throw SystemFailure("no decision of \(name)")
        }

        private static func decision(of call: JSONValue) throws -> JSONValue {
            let steps = call["route"]?.elements.filter { $0["decided_by"]?.string == "crm" } ?? []
            guard steps.count == 1, let step = steps.first else { throw SystemFailure("\(steps.count) decisions") }
            return step
        }
    }
}

/// Five connections, a CRM, and a vendor's API.
private struct Stage {
    let premises: GatewayPremises
    let crm: ScriptedServer
    let vendor: ScriptedServer
    private let folder: TemporaryFolder

    /// Everybody is of Romashka, whom employee 17 looks after.
    static let good: ScriptedServer.Script = { _ in .answer(200, #"{"name":"Romashka","responsible":{"user_id":"17"}}"#) }

    init() throws {
        crm = try ScriptedServer(Self.good)
        vendor = try ScriptedServer { _ in .answer(200, #"{"result":1000}"#) }
        folder = try TemporaryFolder()
        try folder.write("whsec_\(Base64.encode("made-up key"))\n", to: "secret")
        try folder.write(
            """
            lookup_url: http://127.0.0.1:\(crm.port)/who
            lookup_secret: file:secret
            recordings: {at_once: 0}
            """, to: "kommutator.yaml")
        premises = try GatewayPremises(options: ["--config", folder.path + "/kommutator.yaml"])
        try premises.folder.write(Vendor.megafonToken + "\n", to: "adapters.d/secrets/megafon")
        try premises.folder.write(Vendor.urlToken + "\n", to: "adapters.d/secrets/url-token")
        try writeConnections()
    }

    private func writeConnections() throws {
        let limits = "limits: {stale_after: 3650d, settle_after: 20h}"
        let employees = #"employees: {"101": {name: Ivanov, crm_id: "17"}}"#
        try premises.write(
            "vats",
            """
            adapter: megafon-vats
            settings: {crm_token: file:secrets/megafon}
            employees: {ivanov: {name: Ivanov, crm_id: "17"}}
            \(limits)
            """)
        try premises.write(
            "pbx",
            """
            adapter: telphin
            settings: {url_token: file:secrets/url-token, routing_context: staff}
            \(employees)
            \(limits)
            """)
        try premises.write(
            "mango",
            """
            adapter: mango
            settings:
              api_key: env:KOMMUTATOR_TEST_MANGO_KEY
              api_salt: file:secrets/mango-salt
              base_url: http://127.0.0.1:\(vendor.port)
              routing: crm
            reconcile: false
            \(employees)
            \(limits)
            """)
        try premises.write(
            "bee",
            """
            adapter: beeline
            settings:
              token: file:secrets/url-token
              url_token: file:secrets/url-token
              base_url: http://127.0.0.1:\(vendor.port)/portal/
              routing: crm
            reconcile: false
            \(employees)
            \(limits)
            """)
    }
}

/// Requests of vendors that come while a call waits.
private enum Vendor {
    static let megafonToken = "crm-0f3c9a52-7d41-4b86-9e1c-2a5d8b7c6e10"
    static let urlToken = "s3cr3t-made-up-0123456789"
    private static let form = ["Content-Type: application/x-www-form-urlencoded"]

    static func contact(_ call: String, from number: String = "79000001234") -> WireRequest {
        WireRequest(
            "POST", "/hooks/vats", headers: form,
            body: "cmd=contact&phone=\(number)&callid=\(call)&diversion=74950000002&crm_token=\(megafonToken)")
    }

    static func state(_ call: String) -> WireRequest {
        WireRequest(
            "POST", "/hooks/vats", headers: form,
            body: "cmd=event&type=INCOMING&phone=79000005678&user=ivanov&callid=\(call)&crm_token=\(megafonToken)")
    }

    static func start(_ call: String, from number: String) -> WireRequest {
        ZadarmaCall(call, at: "zadarma", caller: number).answered.requests[0]
    }

    static func menu(_ call: String, from number: String) -> WireRequest {
        WireRequest(
            "POST", "/hooks/pbx/\(urlToken)", headers: form,
            body: "EventType=call_interactive&CallID=\(call)&CallerIDNum=\(number)&CallerIDName=\(number)&CalledDID=79000000010"
                + "&CalledNumber=0000%2A500&CalledExtension=0000%2A500%40sipproxy.telphin.ru&CalledExtensionID=100500"
                + "&CallStatus=ANSWER&CallFlow=IN")
    }

    static func mangoMenu(_ entry: String) -> WireRequest {
        MangoCall.request(
            #"{"entry_id":"\#(entry)","call_id":"\#(entry).ivr","timestamp":1790002200,"seq":1,"call_state":"Appeared","location":"ivr","#
                + #""from":{"number":"79000001234"},"to":{"number":"74950000001","line_number":"74950000001"},"dct":{"type":0}}"#,
            at: "mango", mark: entry)
    }

    static func beelineRinging(_ call: String) -> WireRequest {
        WireRequest(
            "POST", "/hooks/bee/\(urlToken)", headers: ["Content-Type: application/xml"],
            body: """
                <?xml version="1.0" encoding="UTF-8"?><Event type="SubscriptionEvent"><eventID>\(call)-1</eventID>\
                <targetId>101@ip.beeline.ru</targetId><eventData type="CallReceivedEvent"><call><callId>callhalf-\(call)</callId>\
                <extTrackingId>\(call)</extTrackingId><personality>Terminator</personality><state>Alerting</state>\
                <remoteParty><address>tel:+79000000101</address><callType>Network</callType></remoteParty>\
                <startTime>1793603720000</startTime></call></eventData></Event>
                """)
    }
}
