import Connector
import Glibc
import Network
import TestSupport
import Testing
import VendorSimulators

extension EndToEnd {
    /// Providers that are not well, and what becomes of commands to them.
    struct ProviderFaultTests {
        private static let number = "+79000000102"
        private static let vendors = ["beeline", "mango", "megafon-vats", "telphin", "zadarma"]
        /// What a refusal makes of a command: its state, by what the provider answered.
        private static let refusals: [(code: Int, status: String)] = [
            (401, "failed"), (429, "failed"), (500, "unknown"), (503, "failed"),
        ]

        @Test(.timeLimit(.minutes(2)), arguments: refusals)
        func `a provider's refusal is told with its code, and nothing is dialled twice`(code: Int, status: String) throws {
            let premises = try GatewayPremises()
            let stands = try Self.vendors.map { try VendorStand($0, gatewayPort: 9, faults: DoubleFaults(code: code)) }
            for stand in stands { try premises.write(stand) }
            let gateway = try premises.open()
            let orders = try Orders(gateway, premises)
            for stand in stands {
                let command = try orders.settled(orders.call(Self.number, at: stand.vendor, key: stand.vendor))
                // Telphin's token is refused before anything is ordered: it is certain that nobody was dialled.
                let expected = stand.vendor == "telphin" && code == 500 ? "failed" : status
                #expect(command["status"]?.string == expected, "\(stand.vendor): \(command)")
                // Beeline has words for it.
                let word = command["error"]?["code"]?.string ?? ""
                #expect(word.contains("\(code)") || stand.vendor == "beeline" && !word.isEmpty, "\(stand.vendor): \(command)")
                #expect(stand.requests(stand.order) <= 1)
                #expect(stand.vendor == "telphin" || stand.requests(stand.order) == 1)
            }
        }

        @Test(.timeLimit(.minutes(2)), arguments: [429, 503])
        func `a provider that says when to come again is left alone until then`(code: Int) throws {
            let premises = try GatewayPremises()
            var faults = DoubleFaults(code: code)
            faults.retryAfter = .seconds(90)
            let stand = try VendorStand("zadarma", gatewayPort: 9, faults: faults)
            try premises.write(stand)
            let gateway = try premises.open()
            let orders = try Orders(gateway, premises)
            let command = try orders.settled(orders.call(Self.number, at: "zadarma", key: "one"))
            #expect(command["status"]?.string == "failed")
            guard code == 429 else { return }
            let second = try orders.crm.post(
                "/calls", ["Idempotency-Key: two"],
                body: #"{"from":{"extension":"101"},"to":"+79000000103","connection":"zadarma"}"#)
            #expect(second.status == 503)
            #expect((second.header("Retry-After").flatMap { Int($0) } ?? 0) > 30)
            #expect(stand.requests(stand.order) == 1)
        }

        @Test(.timeLimit(.minutes(2)))
        func `without a name, without TLS, without a server a command fails, and it is certain that nobody was dialled`() throws {
            let premises = try GatewayPremises()
            let plain = try VendorStand("zadarma", gatewayPort: 9)
            try premises.write(plain, origin: plain.origin.replacing("http://", with: "https://"))
            let untrusted = try Self.untrusted("beeline", premises)
            try premises.write(untrusted)
            try premises.write(vendor: "mango", origin: "https://pbx.invalid")
            try premises.write(vendor: "telphin", origin: "http://127.0.0.1:9")
            let gateway = try premises.open()
            let orders = try Orders(gateway, premises)
            for (connection, code) in [
                ("zadarma", "tls"), ("beeline", "tls"), ("mango", "resolve"), ("telphin", "connect"),
            ] {
                let command = try orders.settled(orders.call(Self.number, at: connection, key: connection))
                #expect(command["status"]?.string == "failed", "\(connection): \(command)")
                #expect(command["error"]?["code"]?.string == code, "\(connection): \(command)")
            }
            #expect(plain.requests("") == 0)
            #expect(untrusted.requests("") == 0)
        }

        private static func untrusted(_ vendor: String, _ premises: GatewayPremises) throws -> VendorStand {
            try premises.folder.writeCertificate(for: "127.0.0.1")
            let identity = TLSIdentity(
                certificatePath: premises.folder.path + "/cert.pem", keyPath: premises.folder.path + "/key.pem")
            return try VendorStand(vendor, gatewayPort: 9, tls: identity)
        }

        @Test(.timeLimit(.minutes(3)))
        func `a provider that never answers, and one that stops in the middle, hold up nobody`() throws {
            let premises = try GatewayPremises()
            let stands = try Self.vendors.map { vendor in
                var faults = DoubleFaults.none
                if vendor == "zadarma" { faults.silentShare = 1 }
                if vendor == "megafon-vats" { faults.brokenShare = 1 }
                return try VendorStand(vendor, gatewayPort: 9, faults: faults)
            }
            for stand in stands { try premises.write(stand) }
            let gateway = try premises.open()
            let orders = try Orders(gateway, premises)
            let sick = stands.filter { ["zadarma", "megafon-vats"].contains($0.vendor) }
            // Several, so that a lane, a connection or a place in a queue would be missed.
            let hanging = try sick.map { stand in
                try (0..<3).map { try orders.call("+7900000011\($0)", at: stand.vendor, key: "\(stand.vendor) \($0)") }
            }
            for stand in sick { #expect(stand.wait { $0.requests($0.order) == 3 }) }
            for stand in stands where !sick.contains(where: { $0 === stand }) {
                for round in 0..<3 {
                    let place = try orders.call("+7900000012\(round)", at: stand.vendor, key: "\(stand.vendor) \(round)")
                    #expect(stand.wait { $0.requests($0.order) == round + 1 })
                    // Mango's result comes by webhook, to nobody here: that it was taken is all there is.
                    guard stand.vendor != "mango" else { continue }
                    let command = try orders.settled(place)
                    #expect(command["status"]?.string == "confirmed", "\(stand.vendor): \(command)")
                }
            }
            for place in hanging.joined() { #expect(try orders.crm.json(place)["status"]?.string == "sent") }
            for place in hanging.joined() {
                let command = try orders.settled(place)
                #expect(command["status"]?.string == "unknown")
                #expect(command["error"]?["code"]?.string == "timeout")
            }
            for stand in sick { #expect(stand.requests(stand.order) == 3, "dialled twice") }
        }

        // MARK: Killed in between

        @Test(.timeLimit(.minutes(3)), arguments: vendors)
        func `killed between sending a command and storing its result, the gateway learns from the call and dials once`(
            vendor: String
        ) throws {
            let premises = try GatewayPremises()
            let key = try premises.makeKey(scope: "read,command")
            var gateway = try premises.open()
            let port = gateway.port
            gateway.kill(SIGKILL)
            gateway.waitForEnd()
            var faults = DoubleFaults.none
            faults.silentShare = 1
            // Tokens and subscriptions are given.
            faults.silentPath = VendorStand.order(at: vendor)
            let stand = try VendorStand(vendor, gatewayPort: port, faults: faults, speed: 1)
            try premises.write(stand)
            gateway = try premises.open(port: port)
            if vendor == "beeline" { try stand.subscribe(gateway) }
            let place = try Orders(gateway, key: key).call(Self.number, at: vendor, key: "one")
            #expect(stand.wait { $0.requests($0.order) == 1 })
            gateway.kill(SIGKILL)
            #expect(gateway.waitForEnd() == .killed(SIGKILL))

            gateway = try premises.open(port: port)
            let orders = try Orders(gateway, key: key)
            let left = try orders.settled(place)
            #expect(left["status"]?.string == "unknown", "\(left)")
            #expect(left["error"]?["code"]?.string == "gateway-ended")
            stand.gate.open()
            let command = try orders.command(place) { $0["result_call_id"]?.string != nil }
            #expect(command["status"]?.string == "confirmed")
            #expect(command["error"] ?? .null == .null)
            let call = try orders.crm.json("/calls/\(command["result_call_id"]?.string ?? "")")
            #expect(call["external_party"]?["number"]?["e164"]?.string == Self.number)
            #expect(call["direction"]?.string == "outbound")
            // The same click again is the same command.
            #expect(try orders.call(Self.number, at: vendor, key: "one") == place)
            #expect(stand.requests(stand.order) == 1, "dialled twice")
        }
    }
}
