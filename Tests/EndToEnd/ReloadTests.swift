import Connector
import Glibc
import Synchronization
import Testing
import TestSupport

extension EndToEnd {
    /// Settings that change, and the end of the process, under load.
    struct ReloadTests {
        @Test(.timeLimit(.minutes(1)))
        func `connections that are read again drop no request`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open()
            let isOver = Atomic<Bool>(false)
            let reloads = Guarded<[Int]>([])
            let reloading = Threads.start {
                reloads.withLock { $0 = Self.reloadTenTimes(premises, gateway) }
                isOver.store(true, ordering: .relaxed)
            }
            let statuses = Threads.gather(4) { index in Self.load(gateway, index, until: isOver) }.flatMap { $0 }
            reloading.join()
            #expect(reloads.withLock { $0 } == Array(1...10))
            #expect(statuses.count > 10)
            #expect(statuses.allSatisfy { $0 == 200 })
        }

        @Test(.timeLimit(.minutes(1)))
        func `a broken file stops its own connection only, until it is mended`() throws {
            let premises = try GatewayPremises()
            let key = try premises.makeKey()
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: key)
            let provider = Provider(gateway)
            try premises.write("mango", "adapter: mango\nenabled: true\nsettings: {api_kye: env:NONE}")
            try Self.reload(gateway, 1)
            #expect(try Self.health(of: "mango", crm) == "red")
            #expect(try Self.health(of: "zadarma", crm) != "red")
            #expect(provider.send(MangoCall("m", at: "mango").missed.requests[0]) == 404)
            #expect(provider.send(ZadarmaCall("z", at: "zadarma").missed.requests[0]) == 200)
            try premises.writeMango("mango")
            try Self.reload(gateway, 2)
            #expect(try Self.health(of: "mango", crm) != "red")
            #expect(provider.send(MangoCall("m", at: "mango").missed.requests[0]) == 200)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a change of a file is seen without a signal`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open()
            try premises.writeMango("second")
            let loads = gateway.log.count(of: "event=connections.loaded", reaching: 2, within: .seconds(20))
            #expect(loads == 2)
            #expect(Provider(gateway).send(MangoCall("m", at: "second").missed.requests[0]) == 200)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a hangup signal brings the new certificate`() throws {
            let folder = try TemporaryFolder()
            try folder.writeCertificate(for: "old.test")
            try folder.write("tls: {cert: cert.pem, key: key.pem}\n", to: "kommutator.yaml")
            let premises = try GatewayPremises(options: ["--config", folder.path + "/kommutator.yaml"])
            let gateway = try premises.open()
            let old = try WireClient(port: gateway.port, tls: true)
            #expect(old.serverName == "old.test")
            try folder.writeCertificate(for: "new.test")
            try Self.reload(gateway, 1)
            let new = try WireClient(port: gateway.port, tls: true)
            #expect(new.serverName == "new.test")
            for client in [old, new] { #expect(try client.exchange(WireRequest("GET", "/healthz")).status == 200) }
        }

        @Test(.timeLimit(.minutes(1)))
        func `a gateway that is told to end under load keeps every acknowledged request and exits with 0`() throws {
            let premises = try GatewayPremises()
            let key = try premises.makeKey()
            let requests = AcknowledgedRequests()
            let ending = try premises.open()
            let count = Atomic<Int>(0)
            _ = Threads.gather(6) { index in
                let provider = Provider(ending)
                for number in 0..<500 {
                    let call = VendorCall.any("t\(index)-\(number)", seed: number)
                    let played = requests.play(call, through: provider)
                    if count.add(played, ordering: .relaxed).newValue >= 100 { ending.kill(SIGTERM) }
                    if played < call.requests.count { return }
                }
            }
            #expect(ending.waitForEnd() == .exited(0), "\(ending.log.text)")
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: key)
            try crm.waitForLedger()
            let marks = try crm.all("requests", at: "/inbox").map { AcknowledgedRequests.mark(in: $0["query"]?.string ?? "") }
            #expect(Set(marks).count == marks.count)
            #expect(requests.acknowledged.subtracting(marks).isEmpty)
            let changes = try crm.changes().changes
            Feed.expectWhole(changes)
            #expect(requests.calls.isSubset(of: Feed.vendorNames(changes)))
        }

        // MARK: Reloading

        /// Between two reloads a call of its own is played: each meets requests under way.
        /// - Returns: how many reloads the log told of after each.
        private static func reloadTenTimes(_ premises: GatewayPremises, _ gateway: GatewayProcess) -> [Int] {
            let provider = Provider(gateway)
            return (1...10).map { round in
                do {
                    try premises.writeMango("mango", label: "label \(round)")
                    try premises.writeZadarma("zadarma", label: "label \(round)")
                } catch {
                    return -1
                }
                gateway.kill(SIGHUP)
                let count = gateway.log.count(of: "event=reloaded", reaching: round, within: .seconds(20))
                let isPlayed = provider.play(.any("between\(round)", seed: round)).allSatisfy { $0 == 200 }
                return isPlayed ? count : -1
            }
        }

        private static func load(_ gateway: GatewayProcess, _ index: Int, until isOver: borrowing Atomic<Bool>) -> [Int?] {
            let provider = Provider(gateway)
            var statuses: [Int?] = []
            for number in 0..<5000 where !isOver.load(ordering: .relaxed) {
                statuses += provider.play(.any("r\(index)-\(number)", seed: number))
            }
            return statuses
        }

        private static func reload(_ gateway: GatewayProcess, _ round: Int) throws {
            gateway.kill(SIGHUP)
            let reloads = gateway.log.count(of: "event=reloaded", reaching: round, within: .seconds(20))
            try #require(reloads == round, "\(gateway.log.text)")
        }

        private static func health(of connection: String, _ crm: CRMClient) throws -> String? {
            let list = try crm.json("/connections")["connections"]?.elements ?? []
            return list.first { $0["id"]?.string == connection }?["health"]?["status"]?.string
        }
    }
}
