import Connector
import Glibc
import TestSupport
import Testing
import VendorSimulators

extension EndToEnd {
    /// The call log beside what really happened at the vendors, and the recordings.
    struct VendorTruthTests {
        private static let vendors = ["beeline", "mango", "megafon-vats", "telphin", "zadarma"]

        @Test(.timeLimit(.minutes(4)))
        func `what vendors play is in the call log as it really was, whatever comes twice, and recordings are there to be heard`()
            throws
        {
            var faults = DoubleFaults.none
            faults.repeatedShare = 0.3
            try Self.withVendors(Self.vendors, faults: faults) { gateway, key, stands in
                for stand in stands { try Self.playEverything(stand) }
                let crm = try CRMClient(gateway, key: key)
                try crm.waitForLedger()
                let log = try CallLog.whole(crm)
                for stand in stands {
                    for truth in stand.truths { log.expect(truth) }
                    #expect(log.count(of: stand.vendor) == stand.truths.count, "\(stand.vendor): no call is there twice")
                }
                // Beeline's events do not say that a file is there: its list of recordings does (below).
                for truth in stands.flatMap(\.truths) where truth.adapter != "beeline" {
                    for recording in truth.recordings { try Self.expectMedia(of: recording, in: truth, crm) }
                }
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func `a recording of which only Beeline's list says that it is there can be heard`() throws {
            let clock = VendorClock(.seconds(-600))
            try Self.withVendors(["beeline"], faults: .none, timekeeper: clock) { gateway, key, stands, premises in
                stands[0].play([.recording], calls: 3, seed: 4)
                #expect(stands[0].wait { $0.truths.count == 3 })
                try CRMClient(gateway, key: key).waitForLedger()
                let port = gateway.port
                gateway.kill(SIGTERM)
                gateway.waitForEnd()
                // The calls are over, and the files are there.
                clock.set(.zero)
                try premises.write(stands[0], reconciles: true)
                let fresh = try premises.open(port: port)
                let crm = try CRMClient(fresh, key: key)
                for truth in stands[0].truths {
                    #expect(!truth.recordings.isEmpty)
                    for recording in truth.recordings { try Self.expectMedia(of: recording, in: truth, crm) }
                }
                #expect(try CallLog(crm).count(of: "beeline") == 3, "the list makes no calls")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func `a recording that the provider does not give shows why`() throws {
            try Self.withVendors(["zadarma"], faults: DoubleFaults(code: 500)) { gateway, key, stands in
                stands[0].play([.recording], calls: 1, seed: 4)
                #expect(stands[0].wait { $0.truths.count == 1 && $0.requests("/pbx/record/request") > 0 })
                let crm = try CRMClient(gateway, key: key)
                let recording = try Self.recording(nil, of: stands[0].truths[0], crm) { ($0["attempts"]?.int ?? 0) > 0 }
                #expect(recording["status"]?.string != "available")
                #expect(recording["last_error"]?.string?.isEmpty == false)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a vendor whose clock is three hours wrong has all his calls in the log, and the doctor says so`() throws {
            var faults = DoubleFaults.none
            faults.clockOffset = .seconds(3 * 3600)
            let vendors = ["mango", "telphin", "zadarma"]
            try Self.withVendors(vendors, faults: faults) { gateway, key, stands, premises in
                for stand in stands { try Self.playEverything(stand) }
                let crm = try CRMClient(gateway, key: key)
                try crm.waitForLedger()
                let log = try CallLog.whole(crm)
                for stand in stands {
                    for truth in stand.truths { log.expect(truth, isOnTime: false) }
                    #expect(log.count(of: stand.vendor) == stand.truths.count, "\(stand.vendor)")
                }
                let doctor = try premises.command(["doctor"])
                let words = doctor.output.joined(separator: "\n") + doctor.complaints
                #expect(words.matches(of: /its events are 10\d\d\d s ahead of/).count >= 2, "\(words)")
            }
        }

        // MARK: Playing

        private static func withVendors(
            _ vendors: [String], faults: DoubleFaults, _ body: (GatewayProcess, String, [VendorStand]) throws -> Void
        ) throws {
            try withVendors(vendors, faults: faults) { gateway, key, stands, _ in try body(gateway, key, stands) }
        }

        private static func withVendors(
            _ vendors: [String], faults: DoubleFaults, timekeeper: any Timekeeper = WallClock(),
            _ body: (GatewayProcess, String, [VendorStand], GatewayPremises) throws -> Void
        ) throws {
            let folder = try TemporaryFolder()
            try folder.write("recordings: {at_once: 4}\n", to: "kommutator.yaml")
            let premises = try GatewayPremises(options: ["--config", folder.path + "/kommutator.yaml"])
            let key = try premises.makeKey(scope: "read,command")
            var gateway = try premises.open()
            let port = gateway.port
            gateway.kill(SIGTERM)
            gateway.waitForEnd()
            let stands = try vendors.map { try VendorStand($0, gatewayPort: port, faults: faults, timekeeper: timekeeper) }
            for stand in stands { try premises.write(stand) }
            gateway = try premises.open(port: port)
            for stand in stands where stand.vendor == "beeline" { try stand.subscribe(gateway) }
            try body(gateway, key, stands, premises)
        }

        /// Two calls of each kind, or so.
        private static func playEverything(_ stand: VendorStand) throws {
            let kinds = try #require(VendorSimulators.simulator(for: stand.vendor)).scenarios.filter { $0 != .connectionCheck }
            let calls = kinds.count * 2
            stand.play(kinds, calls: calls, seed: 4)
            #expect(stand.wait { $0.truths.count == calls }, "\(stand.vendor)")
        }

        // MARK: Recordings

        private static func expectMedia(of reference: String, in truth: CallTruth, _ crm: CRMClient) throws {
            let recording = try recording(reference, of: truth, crm) { $0["status"]?.string == "available" }
            let place = String(try #require(recording["url"]?.string).dropFirst("/api/v1".count))
            let whole = try crm.get(place)
            #expect(whole.status == 200)
            #expect(whole.body.count == recording["size_bytes"]?.int)
            let part = try crm.get(place, ["Range: bytes=1-4"])
            #expect(part.status == 206)
            #expect(part.body == Array(whole.body[1...4]))
        }

        /// A recording of a call when it `isDone`; bounded.
        private static func recording(
            _ reference: String?, of truth: CallTruth, _ crm: CRMClient, when isDone: (JSONValue) -> Bool
        ) throws -> JSONValue {
            var cursor: String?
            for _ in 0..<40 {
                let call = try CallLog(crm).call(of: truth)
                let all = call?["recordings"]?.elements ?? []
                if let found = all.first(where: { (reference ?? $0["provider_ref"]?.string) == $0["provider_ref"]?.string }),
                    isDone(found)
                {
                    return found
                }
                cursor = try crm.page(after: cursor, wait: 1).next ?? cursor
            }
            throw SystemFailure(
                "\(truth.adapter): the recording stays \(try CallLog(crm).call(of: truth)?["recordings"] ?? .null)")
        }
    }
}
