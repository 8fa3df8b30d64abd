import Connector
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// A connection whose program misbehaves, beside one that does not.
    struct ProgramTests {
        private static let body =
            #"{"event":"ringing","call":"c-1","direction":"in","at":"2026-11-02T07:15:20Z","from":"79000000101","to":"101","line":"74950000001"}"#

        private static func write(_ script: String, in premises: GatewayPremises) throws {
            try premises.folder.write(script, to: "adapters.d/pbx.sh")
            try premises.write(
                "pbx",
                """
                adapter: program
                enabled: true
                settings:
                  command: [sh, pbx.sh]
                  auth: header
                  auth_name: X-Token
                  auth_secret: file:secrets/mango-salt
                  answer_within: 3s
                limits: {stale_after: 3650d}
                """)
        }

        static func text(of path: String) throws -> String {
            guard let file = fopen(path, "r") else { throw SystemFailure.last(path) }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = fread(&bytes, 1, bytes.count, file)
            return String(decoding: bytes[..<count], as: UTF8.self)
        }

        private static func send(_ gateway: GatewayProcess, token: String = VendorCall.Secrets.mangoSalt) throws -> Int {
            let wire = try WireClient(port: gateway.port)
            return try wire.exchange(WireRequest("POST", "/hooks/pbx", headers: ["X-Token: \(token)"], body: body)).status
        }

        private static func health(_ crm: CRMClient) throws -> String? {
            try crm.json("/connections/pbx")["health"]?["status"]?.string
        }

        @Test(
            .timeLimit(.minutes(2)),
            arguments: [
                "exec sleep 1000", "exit 1", "exec yes", "no-such-program", "read l; echo garbage; exec cat",
                "while :; do echo trouble >&2; done",
            ])
        func `a bad program loses nothing, holds up nobody, shows red, and is read again once it is mended`(script: String) throws
        {
            let premises = try GatewayPremises()
            let key = try premises.makeKey()
            try Self.write(script, in: premises)
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: key)
            #expect(try Self.send(gateway, token: "another") == 403)
            for _ in 0..<3 { #expect(try Self.send(gateway) == 200) }
            #expect(Provider(gateway).play(MangoCall("m", at: "mango").missed).allSatisfy { $0 == 200 })
            try crm.waitForLedger()
            #expect(try crm.all("requests", at: "/inbox?state=undecoded").count == 3)
            #expect(try Self.health(crm) == "red")
            #expect(try Set(crm.changes().changes.map(\.id)).count == 1)
            // The mended program is noticed by itself.
            let example = "\(FixtureFolders.samples)/../examples/program/python/my_pbx.py"
            try premises.folder.write("exec python3 '\(example)'", to: "adapters.d/pbx.sh")
            // On a machine with much to do it takes more than one question's time to begin.
            for _ in 0..<20 where try crm.all("requests", at: "/inbox?state=undecoded").count > 0 {
                #expect(try premises.command(["replay", "--connection", "pbx"]).end == .exited(0))
            }
            #expect(try crm.all("requests", at: "/inbox?state=undecoded").count == 0)
            #expect(try Self.health(crm) == "green")
            #expect(try Set(crm.changes().changes.map(\.id)).count == 2)
            gateway.kill(SIGTERM)
            #expect(gateway.waitForEnd() == .exited(0))
        }

        @Test(.timeLimit(.minutes(1)), arguments: [["python3", "python/my_pbx.py"], ["php", "php/my_pbx.php"]])
        func `a command of the API is carried out by the program`(command: [String]) throws {
            guard Programs.has(command[0]) else { return }
            let premises = try GatewayPremises()
            let key = try premises.makeKey(scope: "read,command")
            try premises.write(
                "pbx",
                """
                adapter: program
                enabled: true
                settings:
                  command: [\(command[0]), "\(Programs.examples)/\(command[1])"]
                  auth: header
                  auth_name: X-Token
                  auth_secret: file:secrets/mango-salt
                  commands: [originate]
                employees: {"101": {name: "Anna", crm_id: "17"}}
                """)
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: key)
            let ordered = try crm.post(
                "/calls", ["Idempotency-Key: one"], body: #"{"from":{"extension":"101"},"to":"+79000000102","connection":"pbx"}"#)
            #expect(ordered.status == 202, "\(ordered.text)")
            let id = try #require(try JSONValue(parsing: ordered.body)["id"]?.string)
            var settled: JSONValue?
            for _ in 0..<20_000 where settled == nil {
                let now = try crm.json("/commands/\(id)")
                if !["accepted", "sent"].contains(now["status"]?.string ?? "sent") { settled = now }
            }
            #expect(settled?["status"]?.string == "confirmed", "\(String(describing: settled))")
            #expect(settled?["provider_response"]?["call"]?["value"]?.string == "c-\(id)")
            gateway.kill(SIGTERM)
            #expect(gateway.waitForEnd() == .exited(0))
        }
    }
}
