import Connector
import Glibc
import Testing
import TestSupport

extension EndToEnd {
    /// `kommutator route`, and what `check` and the API make of the same plan.
    struct RouteTests {
        private static let plan = """
            adapter: pbx
            settings: {listen: "udp:127.0.0.1:\(freePort)"}
            pbx:
              time_zone: Europe/Moscow
              extensions:
                "101": {name: Anna, secret: file:secrets/mango-salt}
                "102": {name: Boris, secret: file:secrets/mango-salt}
              groups: {sales: {number: "200", members: ["101", "102"], ring: in_turn, for: 15s}}
              schedules: {office: {open: {mon-fri: 09:00-18:00}}}
              incoming:
                "+79000000010": [{schedule: office, otherwise: {hang_up: unavailable}}, {ring: sales}]
              trunks: {line-a: {lines: ["+79000000010"]}}
              outgoing:
                - {to: RU, by: {line-a: 1.90, line-b: 0.85}}
                - {to: "+7809", by: nobody}
            """

        /// A port of the loopback that nobody has just now.
        private static let freePort: UInt16 = {
            let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(socket) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let status = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, length) | getsockname(socket, $0, &length)
                }
            }
            return status == 0 ? UInt16(bigEndian: address.sin_port) : 5060
        }()

        private static let trunk = """
            adapter: sip-trunk
            enabled: ENABLED
            settings: {domain: 127.0.0.1, register: "no", allow_calls_from: 127.0.0.1, login: "100", password: file:secrets/mango-salt}
            """

        private func premises() throws -> GatewayPremises {
            let premises = try GatewayPremises()
            try premises.write("office", Self.plan)
            try premises.write("line-a", Self.trunk.replacing("ENABLED", with: "true"))
            try premises.write("line-b", Self.trunk.replacing("ENABLED", with: "false"))
            return premises
        }

        @Test(.timeLimit(.minutes(1)))
        func `the trunks of a call are told with price, line and reason`() throws {
            let premises = try premises()
            let text = try premises.command(["route", "89000000001", "--from", "101", "--at", "2026-12-01T10:00"])
            #expect(text.end == .exited(0))
            #expect(
                text.output == [
                    "101 calls +79000000001 at 2026-12-01 10:00:00 (Europe/Moscow), by the plan of office",
                    "1  line-a  1.90 RUB a minute, by the minute  shows +79000000010  rule in line 14: RU, priority 5",
                    "not tried:",
                    "  line-b  0.85 RUB a minute, by the minute    rule in line 14, but its connection is disabled",
                ])
            let json = try JSONValue(
                parsing: try premises.command(["route", "+79000000001", "--output", "json"]).output.joined(separator: "\n"))
            #expect(json["trunks"]?[0]?["trunk"]?.string == "line-a")
            #expect(json["from"] == .null)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a refused call has an exit code, and a bad question another`() throws {
            let premises = try premises()
            let refused = try premises.command(["route", "+375291234567", "--from", "101"])
            #expect(refused.end == .exited(69))
            #expect(refused.output.last == "refused with 403: `may_dial` of 101 does not allow it")
            #expect(try premises.command(["route", "1", "--at", "noon"]).end == .exited(64))
            #expect(try premises.command(["route", "1", "--connection", "mango"]).end == .exited(78))
        }

        @Test(.timeLimit(.minutes(1)))
        func `whom an incoming call rings depends on the clock`() throws {
            let premises = try premises()
            let day = try premises.command(["route", "+79000000010", "--incoming", "--at", "2026-12-01T10:00"])
            #expect(day.end == .exited(0))
            #expect(
                day.output == [
                    "a call to +79000000010 at 2026-12-01 10:00:00 (Europe/Moscow), by the plan of office, by its line",
                    "1  schedule office (open)", "2  ring sales (in turn), 15 s: 101 Anna, 102 Boris", "3  hang up (unavailable)",
                ])
            let night = try premises.command(["route", "+79000000010", "--incoming", "--at", "2026-12-01T22:00"])
            #expect(night.output.dropFirst() == ["1  schedule office (closed)", "2  hang up (unavailable)"])
        }

        @Test(.timeLimit(.minutes(1)))
        func `check tells what is wrong with a plan, and of trunks that nobody has`() throws {
            let premises = try premises()
            #expect(try premises.command(["check"]).end == .exited(0))
            try premises.write(
                "office",
                Self.plan.replacing("line-b: 0.85", with: "line-c: 0.85").replacing(
                    "{ring: sales}]", with: "{ring: sale}, {announce: hello}]"))
            let text = try premises.command(["check"])
            #expect(text.end == .exited(78))
            let file = premises.adapters + "/office.yaml"
            for problem in [
                "\(file):11:84: there is no group `sale`; did you mean `sales`?",
                "\(file):11:102: there is no prompt `hello`; record prompts/hello.wav (8 kHz, mono)",
                "\(file):14:35: there is no trunk `line-c`; did you mean `line-a`?",
            ] { #expect(text.complaints.contains(problem), "\(problem)") }
            #expect(text.complaints.split(separator: "there is no group").count == 2)
            #expect(try premises.command(["route", "101"]).end == .exited(78))
        }

        @Test(.timeLimit(.minutes(1)))
        func `the gateway that runs answers the same, and not with a plan that is wrong`() throws {
            let premises = try premises()
            let key = try premises.makeKey()
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: key)
            let preview = try crm.json("/routes/preview?number=89000000001&from=101&at=2026-12-01T10:00:00%2B03:00")
            #expect(preview["connection_id"]?.string == "office")
            #expect(preview["outcome"]?.string == "outside")
            #expect(preview["trunks"]?[0]?["trunk"]?.string == "line-a")
            #expect(preview["passed_over"]?[0]?["reason"]?["text"]?.string == "its connection is disabled")
            let inbound = try crm.json("/routes/preview?number=%2B79000000010&direction=inbound&at=2026-12-01T10:00:00%2B03:00")
            #expect(inbound["steps"]?[1]?["rings"]?[1]?["name"]?.string == "Boris")
            try premises.write("office", Self.plan.replacing("{ring: sales}]", with: "{ring: sale}]"))
            gateway.kill(SIGHUP)
            #expect(gateway.log.count(of: "event=connections.loaded", reaching: 2, within: .seconds(20)) == 2)
            let answer = try crm.get("/routes/preview?number=101")
            #expect(answer.status == 409)
            #expect(try JSONValue(parsing: answer.body)["code"]?.string == "plan-unreadable")
        }
    }
}
