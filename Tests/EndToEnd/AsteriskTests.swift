import Connector
import Glibc
import TestSupport
import Testing
import VendorSimulators

extension EndToEnd {
    /// The gateway beside Asterisks of one's own, over their manager interface.
    struct AsteriskTests {
        private static let kinds = AsteriskDouble.scenarios

        @Test(.timeLimit(.minutes(2)))
        func `two servers that name their calls alike have each call once, as it was, and a second reading changes nothing`()
            throws
        {
            let stands = try ["pbx-a", "pbx-b"].map { name in
                try AsteriskStand(name) {
                    $0.speed = 25
                    $0.namingSecond = 1_796_000_000
                }
            }
            try Self.withGateway(stands) { _, gateway, crm in
                for round in 1...3 {
                    for stand in stands { stand.begin(Self.kinds, calls: 25, seed: UInt64(round)) }
                    for stand in stands { try #require(stand.wait { $0.truths.count == 25 * round }) }
                }
                #expect(Set(stands[0].truths.map(\.call)) == Set(stands[1].truths.map(\.call)))
                try crm.waitForLedger()
                let log = try CallLog.whole(crm)
                for stand in stands {
                    let own = log.only(stand.name)
                    #expect(own.all.count == 75, "\(stand.name)")
                    for truth in stand.truths { own.expect(truth) }
                }
                try Self.expectRereadable(log.all, crm)
                try Self.expectPresence(crm)
                #expect(!gateway.log.text.contains("hush"))
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func `a gateway that is killed in the middle of calls has each of them once, ended`() throws {
            let stand = try AsteriskStand("pbx") { $0.speed = 4 }
            let premises = try GatewayPremises()
            try premises.write(stand)
            let key = try premises.makeKey(scope: "read")
            var gateway = try premises.open()
            try Self.waitForConnection("pbx", CRMClient(gateway, key: key))
            stand.begin([.inboundAnswered, .outboundAnswered], calls: 30, seed: 21)
            try Self.waitForCalls(30, CRMClient(gateway, key: key))
            gateway.kill(SIGKILL)
            gateway.waitForEnd()
            #expect(stand.truths.count < 30, "some calls are on")
            gateway = try premises.open()
            try #require(stand.wait { $0.truths.count == 30 })
            let crm = try CRMClient(gateway, key: key)
            try crm.waitForLedger()
            let log = try CallLog.whole(crm)
            #expect(log.all.count == 30)
            for truth in stand.truths { log.expect(truth) }
        }

        @Test(.timeLimit(.minutes(2)))
        func `an Asterisk that restarts in the middle of calls has ended them, and those that come after are followed`() throws {
            let stand = try AsteriskStand("pbx") {
                $0.speed = 20
                $0.faults.away = .milliseconds(300)
            }
            try Self.withGateway([stand]) { _, _, crm in
                stand.begin([.inboundAnswered], calls: 10, seed: 5)
                try Self.waitForCalls(10, crm)
                let restart = try #require(stand.restart())
                try #require(stand.wait { $0.truths.count == 10 && $0.connections == 2 })
                try Self.waitForConnection("pbx", crm)
                stand.begin(Self.kinds, calls: 20, seed: 6)
                try #require(stand.wait { $0.truths.count == 30 })
                try crm.waitForLedger()
                let log = try CallLog.whole(crm)
                #expect(log.all.count == 30)
                #expect(log.all.allSatisfy { $0["state"] == "ended" })
                for truth in stand.truths.suffix(20) { log.expect(truth) }
                let cut = stand.truths.prefix(10).count { $0.answeredAt != nil && $0.endedAt >= restart }
                #expect(log.all.count { $0["ended_by"] == "system" } >= cut)
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func `a call is ordered, passed on and ended by the CRM, and each order is told as done`() throws {
            let stand = try AsteriskStand("pbx") { $0.speed = 4 }
            try Self.withGateway([stand]) { _, gateway, crm in
                let orders = Orders(crm)
                let place = try orders.call("79000000065", at: "pbx", key: "one")
                let made = try orders.command(place) {
                    $0["status"]?.string == "confirmed" && $0["result_call_id"]?.string != nil
                }
                let call = try #require(made["result_call_id"]?.string)
                try Self.wait(for: call, crm) { $0["answered_at"]?.string != nil }
                let hold = try crm.post("/calls/\(call)/hold", ["Idempotency-Key: hold"])
                #expect(hold.status == 409, "\(hold.text)")
                let transfer = try Self.order("transfer", #"{"to":"102"}"#, on: call, orders)
                try Self.wait(for: call, crm) { $0["transfers"]?.elements.isEmpty == false }
                let end = try Self.order("hangup", "{}", on: call, orders)
                try Self.wait(for: call, crm) { $0["state"] == "ended" }
                for place in [transfer, end] {
                    let done = try orders.settled(place)
                    #expect(done["status"]?.string == "confirmed" || done["status"]?.string == "succeeded", "\(done)")
                    #expect(done["call_id"]?.string == call)
                }
                let record = try crm.json("/calls/\(call)")
                #expect(record["direction"] == "outbound")
                #expect(record["external_party"]?["number"]?["e164"] == "+79000000065")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func `rights that manager_conf does not give are named where the connection is shown`() throws {
            let stand = try AsteriskStand("pbx") {
                $0.users[0].read = ["call"]
                $0.users[0].write = ["call"]
            }
            try Self.withGateway([stand]) { _, _, crm in
                let upkeep = try crm.json("/connections/pbx")["upkeep"]
                #expect(upkeep?["condition"] == "impaired")
                let names = Set(upkeep?["items"]?.elements.compactMap { $0["name"]?.string } ?? [])
                #expect(names == ["read system", "write originate", "write reporting", "write system"])
            }
        }

        // MARK: The gateway

        private static func withGateway(
            _ stands: [AsteriskStand], _ body: (GatewayPremises, GatewayProcess, CRMClient) throws -> Void
        ) throws {
            let premises = try GatewayPremises()
            for stand in stands { try premises.write(stand) }
            let key = try premises.makeKey(scope: "read,command,admin")
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: key)
            for stand in stands { try waitForConnection(stand.name, crm) }
            try body(premises, gateway, crm)
        }

        private static func waitForConnection(_ name: String, _ crm: CRMClient) throws {
            for _ in 0..<20_000 {
                let condition = try crm.json("/connections/\(name)")["upkeep"]?["condition"]?.string
                if condition == "good" || condition == "impaired" { return }
            }
            throw SystemFailure("no connection: \(try crm.json("/connections/\(name)"))")
        }

        private static func waitForCalls(_ count: Int, _ crm: CRMClient) throws {
            var cursor: String?
            for _ in 0..<60 {
                if try CallLog(crm).all.count >= count { return }
                cursor = try crm.page(after: cursor, wait: 1).next ?? cursor
            }
            throw SystemFailure("there are \(try CallLog(crm).all.count) calls")
        }

        private static func wait(for call: String, _ crm: CRMClient, until isSo: (JSONValue) -> Bool) throws {
            var cursor: String?
            for _ in 0..<60 {
                if isSo(try crm.json("/calls/\(call)")) { return }
                cursor = try crm.page(after: cursor, wait: 1).next ?? cursor
            }
            throw SystemFailure("the call stays \(try crm.json("/calls/\(call)"))")
        }

        private static func order(_ name: String, _ body: String, on call: String, _ orders: Orders) throws -> String {
            let answer = try orders.crm.post("/calls/\(call)/\(name)", ["Idempotency-Key: \(name)"], body: body)
            guard answer.status == 202, let place = answer.header("Location") else {
                throw SystemFailure("\(name) was answered \(answer.status): \(answer.text)")
            }
            return String(place.dropFirst("/api/v1".count))
        }

        // MARK: What the API shows

        private static func expectRereadable(_ calls: [JSONValue], _ crm: CRMClient) throws {
            let answer = try crm.post("/inbox/replay?dry_run=true")
            #expect(answer.status == 200)
            let report = try JSONValue(parsing: answer.body)
            #expect(report["differences"]?.elements.count == 0, "\(answer.text)")
            #expect((report["records"]?.int ?? 0) > 150)
            let raw = try #require(try crm.json("/inbox?limit=1")["requests"]?.elements.first)
            let id = try #require(raw["id"]?.string)
            let again = try crm.post("/inbox/\(id)/replay", ["Idempotency-Key: again"])
            #expect(again.status == 200)
            #expect(try JSONValue(parsing: again.body)["differences"]?.elements.count == 0, "\(again.text)")
            let call = try #require(calls.first?["id"]?.string)
            let explanation = try crm.get("/calls/\(call)/explain")
            #expect(explanation.status == 200)
            #expect(explanation.text.contains("\"ami\""))
        }

        private static func expectPresence(_ crm: CRMClient) throws {
            let people = try crm.json("/employees")["employees"]?.elements ?? []
            let own = people.filter { $0["connection_id"] == "pbx-a" }
            let numbers = own.compactMap { $0["extension"]?.string }
            #expect(numbers == ["101", "102", "103", "104", "105", "109"])
            #expect(own.prefix(5).allSatisfy { $0["presence"] == "online" }, "\(own)")
            #expect(own.last?["name"] == "Anna")
            #expect(own.last?["presence"]?.string == nil)
        }
    }
}
