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
                // Beeline's events do not say that a file is there: its list of recordings does.
                for truth in stands.flatMap(\.truths) where truth.adapter != "beeline" {
                    for recording in truth.recordings { try Self.expectMedia(of: recording, in: truth, crm) }
                }
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
            _ vendors: [String], faults: DoubleFaults,
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
            let stands = try vendors.map { try VendorStand($0, gatewayPort: port, faults: faults) }
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

/// The latest of each call in the feed.
private struct CallLog {
    private var calls: [String: JSONValue] = [:]

    init(_ crm: CRMClient) throws {
        for change in try crm.changes().changes { calls[change.id] = change.call }
        calls = calls.filter { $0.value["merged_into"]?.string == nil && $0.value["deleted_at"]?.string == nil }
    }

    /// When every call has ended: some vendors tell the end of legs only, and a call waits a moment for another one. Bounded.
    static func whole(_ crm: CRMClient) throws -> CallLog {
        var cursor: String?
        for _ in 0..<30 {
            let log = try CallLog(crm)
            if log.calls.values.allSatisfy({ $0["state"]?.string == "ended" }) { return log }
            cursor = try crm.page(after: cursor, wait: 1).next ?? cursor
        }
        return try CallLog(crm)
    }

    func count(of connection: String) -> Int { calls.values.count { $0["connection_id"]?.string == connection } }

    func call(of truth: CallTruth) -> JSONValue? {
        calls.values.first { call in
            call["external_ids"]?.elements.contains { $0["value"]?.string == truth.call } == true
        }
    }

    /// - Parameter isOnTime: whether the vendor's clock is right: else some of a call's moments are its, others those of arrival.
    func expect(_ truth: CallTruth, isOnTime: Bool = true) {
        guard let call = call(of: truth) else {
            Issue.record("\(truth.adapter): no call \(truth.call)")
            return
        }
        let what = "\(truth.adapter), \(truth.direction), \(truth.disposition), \(truth.employees)"
        #expect(call["direction"]?.string == truth.direction.rawValue, "\(what)")
        #expect(call["external_party"]?["number"]?["e164"]?.string == "+\(truth.number)", "\(what)")
        #expect(call["disposition"]?.string == truth.disposition.rawValue, "\(what)")
        let people = call["participants"]?.elements.filter { $0["kind"]?.string == "user" } ?? []
        let owner = truth.employees.last.map { "\(truth.adapter)/\($0)" }
        if truth.disposition == .answered { #expect(call["owner_user_id"]?.string == owner, "\(what)") }
        #expect(Set(truth.employees).isSubset(of: people.compactMap { $0["extension"]?.string }), "\(what)")
        #expect((call["answered_at"]?.string != nil) == (truth.answeredAt != nil), "\(what)")
        let moments = ["started_at", "answered_at", "ended_at"].compactMap { call[$0]?.string }
        #expect(moments == moments.sorted(), "\(what)")
        if isOnTime { expectTimes(truth, call, what) }
        let recordings = call["recordings"]?.elements.compactMap { $0["provider_ref"]?.string } ?? []
        #expect(Set(recordings) == Set(truth.recordings), "\(what)")
    }

    private func expectTimes(_ truth: CallTruth, _ call: JSONValue, _ what: String) {
        #expect(isNear(call["started_at"], truth.startedAt), "\(what): begun \(call["started_at"] ?? .null), \(truth.startedAt)")
        // Theirs are the times of their events' arrival, and the calls were played in no time.
        guard !["megafon-vats", "zadarma"].contains(truth.adapter) else { return }
        #expect(isNear(call["answered_at"], truth.answeredAt), "\(what): answered \(call["answered_at"] ?? .null)")
        #expect(isNear(call["ended_at"], truth.endedAt), "\(what): ended \(call["ended_at"] ?? .null), \(truth.endedAt)")
    }

    /// Within what vendors' whole seconds leave open.
    private func isNear(_ text: JSONValue?, _ moment: Instant?) -> Bool {
        let told = text?.string.flatMap { Instant(rfc3339: $0) }
        guard let moment, let told else { return moment == nil && told == nil }
        return abs(told.milliseconds(since: moment)) <= 2000
    }
}
