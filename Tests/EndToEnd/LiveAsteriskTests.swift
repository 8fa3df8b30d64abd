import Connector
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// What somebody with an Asterisk of his own runs to try it: `doctor asterisk`, and the live script.
    struct LiveAsteriskTests {
        private static let secret = "demo-secret"

        private static func write(_ premises: GatewayPremises, port: UInt16, secret: String = Self.secret) throws {
            try premises.folder.write(secret + "\n", to: "adapters.d/secrets/asterisk")
            try premises.write(
                "pbx",
                """
                adapter: asterisk
                enabled: true
                settings:
                  host: 127.0.0.1
                  port: "\(port)"
                  username: gateway
                  secret: file:secrets/asterisk
                  contexts: internal
                """)
        }

        private static func doctor(_ premises: GatewayPremises, _ words: [String] = []) throws -> (
            end: GatewayProcess.End?, findings: [JSONValue], text: String
        ) {
            let made = try premises.command(["doctor", "asterisk"] + words + ["--output", "json"])
            let text = made.output.joined(separator: "\n")
            return (made.end, try JSONValue(parsing: text).elements, text + made.complaints)
        }

        @Test(.timeLimit(.minutes(1)))
        func `the doctor tells an Asterisk that is well from one that refuses us, and names what is missing`() throws {
            let premises = try GatewayPremises()
            let asterisk = try GatewayProcess(simulating: ["asterisk"])
            try Self.write(premises, port: asterisk.port)
            let found = try Self.doctor(premises)
            #expect(found.end == .exited(0))
            #expect(found.findings.allSatisfy { $0["subject"] == "connection pbx" })
            #expect(found.findings.count >= 7)
            #expect(found.findings.allSatisfy { $0["result"] == "ok" }, "\(found.text)")
            try Self.write(premises, port: asterisk.port, secret: "wrong-2718")
            let refused = try Self.doctor(premises, ["pbx"])
            #expect(refused.end == .exited(1))
            #expect(refused.findings.map { $0["result"]?.string } == ["ok", "fail"])
            #expect(!refused.text.contains("2718"))
            let unknown = try Self.doctor(premises, ["nothing"])
            #expect(unknown.end == .exited(1))
            #expect(unknown.findings.first?["subject"] == "connection nothing")
            asterisk.kill(SIGKILL)
            asterisk.waitForEnd()
            let absent = try Self.doctor(premises)
            #expect(absent.end == .exited(1))
            #expect(absent.findings.count == 1)
        }

        @Test(.timeLimit(.minutes(1)))
        func `rights that manager.conf does not give are named with the lines to write`() throws {
            let premises = try GatewayPremises()
            let asterisk = try GatewayProcess(simulating: ["asterisk", "--read", "call", "--write", "originate,call"])
            try Self.write(premises, port: asterisk.port)
            let found = try Self.doctor(premises)
            #expect(found.end == .exited(0))
            let odd = found.findings.filter { $0["result"] == "warn" }.compactMap { $0["detail"]?.string?.prefix { $0 != ":" } }
            #expect(odd == ["`read` lacks system", "`write` lacks reporting", "`write` lacks system"])
        }

        @Test(.timeLimit(.minutes(1)))
        func `what a dialplan posts becomes a call, and who does not know the token posts nothing`() throws {
            let premises = try GatewayPremises()
            try premises.folder.write("made-up-0123456789abcdef\n", to: "adapters.d/secrets/asterisk-token")
            try premises.write(
                "pbx",
                """
                adapter: asterisk
                enabled: true
                settings: {url_token: file:secrets/asterisk-token}
                limits: {stale_after: 3650d}
                reconcile: false
                """)
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: premises.makeKey())
            let posts = [
                #"{"stage":"ringing","call_id":"1793603720.12","caller":"+79000000101","callee":"+74950000001","employee":"101","time":1793603721}"#,
                #"{"stage":"answered","call_id":"1793603720.12","caller":"+79000000101","callee":"","employee":"101","time":1793603727}"#,
                #"{"stage":"ended","call_id":"1793603720.12","dialstatus":"ANSWER","cause":"16","duration":"69.25","talk":"62.75","time":1793603790}"#,
            ]
            func post(_ body: String, _ token: String) throws -> Int {
                let request = WireRequest(
                    "POST", "/hooks/pbx\(token)", headers: ["Content-Type: application/json"], body: body)
                return try WireClient(port: gateway.port).exchange(request).status
            }
            let token = "/made-up-0123456789abcdef"
            for wrong in ["", "/another"] { #expect((400...499).contains(try post(posts[0], wrong))) }
            for body in posts + posts.reversed() { #expect(try post(body, token) == 202) }
            #expect(try post("{", token) == 400)
            try crm.waitForLedger()
            let calls = try crm.all("calls", at: "/calls?connection=pbx")
            #expect(calls.count == 1)
            #expect(calls.first?["disposition"] == "answered")
            #expect(calls.first?["owner_user_id"] == "pbx/101")
        }

        @Test(.timeLimit(.minutes(2)))
        func `the live script finds that every rule holds, and leaves nothing behind`() throws {
            guard Programs.has("jq"), Programs.has("curl") else { return }
            let asterisk = try GatewayProcess(simulating: ["asterisk", "--speed", "4"])
            let folder = try TemporaryFolder()
            let made = try GatewayProcess.run(
                command: [
                    "env", "ASTERISK_SECRET=\(Self.secret)", "TMPDIR=\(folder.path)", "bash",
                    "\(FixtureFolders.samples)/../scripts/live-asterisk.sh", "127.0.0.1", "gateway", "--port", "\(asterisk.port)",
                    "--context", "internal", "--from", "101", "--to", "+79000000065", "--transfer", "103", "--talk", "0", "--yes",
                    "--binary", GatewayProcess.binary,
                ])
            let told = made.output.joined(separator: "\n")
            #expect(made.end == .exited(0), "\(told)\n\(made.complaints)")
            #expect(!told.contains("FAIL"))
            #expect(made.output.count { $0.hasPrefix("PASS") } == 17)
            #expect(!(told + made.complaints).contains(Self.secret))
            #expect(try GatewayProcess.run(command: ["ls", folder.path]).output.isEmpty)
        }

        @Test(.timeLimit(.minutes(2)))
        func `the live script says which rules do not hold`() throws {
            guard Programs.has("jq"), Programs.has("curl") else { return }
            let asterisk = try GatewayProcess(simulating: ["asterisk", "--speed", "12"])
            let made = try GatewayProcess.run(
                command: [
                    "env", "ASTERISK_SECRET=\(Self.secret)", "bash", "\(FixtureFolders.samples)/../scripts/live-asterisk.sh",
                    // Nobody answers at a number that ends in 19.
                    "127.0.0.1", "gateway", "--port", "\(asterisk.port)", "--context", "internal", "--to", "+79000000065",
                    "--transfer", "119", "--talk", "0", "--patience", "20", "--yes", "--binary", GatewayProcess.binary,
                ])
            #expect(made.end == .exited(1), "\(made.complaints)")
            #expect(made.output.contains("FAIL  the transfer is completed"))
            #expect(made.output.contains("FAIL  it belongs to 119"))
            #expect(made.output.contains("PASS  it is one call"))
        }

        @Test(.timeLimit(.minutes(1)))
        func `the live script does not begin where the doctor finds something wrong`() throws {
            guard Programs.has("jq"), Programs.has("curl") else { return }
            let asterisk = try GatewayProcess(simulating: ["asterisk"])
            let made = try GatewayProcess.run(
                command: [
                    "env", "ASTERISK_SECRET=wrong-2718", "bash", "\(FixtureFolders.samples)/../scripts/live-asterisk.sh",
                    "127.0.0.1", "gateway", "--port", "\(asterisk.port)", "--context", "internal", "--to", "+79000000065",
                    "--yes", "--binary", GatewayProcess.binary,
                ])
            #expect(made.end == .exited(2))
            #expect(made.output.contains { $0.hasPrefix("[FAIL] connection live: does not take our login") })
        }
    }
}
