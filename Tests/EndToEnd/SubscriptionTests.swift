import Connector
import Glibc
import TestSupport
import Testing
import VendorSimulators

extension EndToEnd {
    /// Beeline's subscriptions, kept by the real gateway at Beeline's double.
    struct SubscriptionTests {
        @Test(.timeLimit(.minutes(2)))
        func `every employee is subscribed to, calls come by it, and a restart begins nothing anew`() throws {
            try Self.withBeeline { premises, gateway, stand in
                #expect(stand.wait { $0.requests("/subscription", "PUT") == 5 })
                let crm = try CRMClient(gateway, key: premises.makeKey())
                let upkeep = try Self.upkeep(crm) { $0["kept"]?.int == 5 }
                #expect(upkeep["condition"]?.string == "good")
                #expect(upkeep["items"]?.elements.count == 5)
                stand.play([.inboundAnswered], calls: 1, seed: 3)
                #expect(stand.wait { $0.truths.count == 1 })
                try crm.waitForLedger()
                let call = try #require(try crm.changes().changes.last?.call)
                #expect(call["disposition"]?.string == "answered")
                let user = try #require(call["owner_user_id"]?.string)
                #expect(user.hasPrefix("beeline/9000000"), "the subscription's address says whose the call is")
                let doctor = try premises.command(["doctor"])
                #expect(doctor.output.contains("[ok] connection beeline: 5 of 5 subscriptions are held"))
                gateway.kill(SIGTERM)
                #expect(gateway.waitForEnd() == .exited(0))
                let again = try premises.open(port: gateway.port)
                #expect(stand.wait { $0.requests("/subscription", "GET") == 5 })
                _ = try Self.upkeep(try CRMClient(again, key: premises.makeKey())) { $0["kept"]?.int == 5 }
                #expect(stand.requests("/subscription", "PUT") == 5)
                #expect(stand.requests("/subscription", "DELETE") == 0, "nobody unsubscribes at the end")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func `a subscription that was made by hand is read, and ended when all of ours are held`() throws {
            try Self.withBeeline(beforehand: { try $0.subscribe($1) }) { premises, gateway, stand in
                #expect(stand.wait { $0.requests("/subscription", "PUT") == 1 + 5 })
                stand.play([.inboundAnswered], calls: 1, seed: 3)
                #expect(stand.wait { $0.requests("/subscription", "DELETE") == 1 })
                let crm = try CRMClient(gateway, key: premises.makeKey())
                try crm.waitForLedger()
                #expect(Set(try crm.changes().changes.map(\.id)).count == 1, "what is told twice is one call")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func `what Beeline ends is begun anew`() throws {
            var faults = DoubleFaults.none
            faults.endsSubscriptionAfter = .seconds(1)
            try Self.withBeeline(faults: faults) { _, _, stand in
                #expect(stand.wait { $0.requests("/subscription", "PUT") >= 5 + 5 })
            }
        }

        /// - Parameter beforehand: done while a first gateway runs, that knows nothing of Beeline yet.
        private static func withBeeline(
            faults: DoubleFaults = .none, beforehand: (VendorStand, GatewayProcess) throws -> Void = { _, _ in },
            _ body: (GatewayPremises, GatewayProcess, VendorStand) throws -> Void
        ) throws {
            let folder = try TemporaryFolder()
            try folder.write("recordings: {at_once: 0}\n", to: "kommutator.yaml")
            let premises = try GatewayPremises(options: ["--config", folder.path + "/kommutator.yaml"])
            let first = try premises.open()
            let stand = try VendorStand("beeline", gatewayPort: first.port, faults: faults)
            try beforehand(stand, first)
            first.kill(SIGTERM)
            first.waitForEnd()
            try folder.write(
                "recordings: {at_once: 0}\npublic_url: http://127.0.0.1:\(first.port)\n", to: "kommutator.yaml")
            try premises.write(stand)
            try body(premises, try premises.open(port: first.port), stand)
        }

        /// What the connection keeps alive, when it `isDone`; bounded.
        private static func upkeep(_ crm: CRMClient, when isDone: (JSONValue) -> Bool) throws -> JSONValue {
            var upkeep = JSONValue.null
            for _ in 0..<10_000 {
                upkeep = try JSONValue(parsing: crm.get("/connections/beeline").body)["upkeep"] ?? .null
                if isDone(upkeep) { return upkeep }
            }
            throw SystemFailure("the subscriptions stay \(upkeep)")
        }
    }
}
