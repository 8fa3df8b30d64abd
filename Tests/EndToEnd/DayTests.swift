import CSystem
import Connector
import Foundation
import TestSupport
import Testing
import VendorSimulators

extension EndToEnd {
    /// A whole day: five vendors who lose and repeat webhooks, one gateway, and a CRM that does all that a CRM does.
    struct DayTests {
        private static let vendors = ["beeline", "mango", "megafon-vats", "telphin", "zadarma"]
        private static let callsOfEach = 400
        private static let ordersOfEach = 8
        /// Which day it is: `DAY_SEED` in the environment, else the first.
        private static let seed = ProcessInfo.processInfo.environment["DAY_SEED"].flatMap { UInt64($0) } ?? 1

        @Test(.timeLimit(.minutes(8)))
        func `after a day of two thousand calls, with webhooks lost and repeated, the call log is what really happened`() throws {
            let day = try Day(Self.vendors, seed: Self.seed + 6)
            for stand in day.stands where stand.vendor == "beeline" { try stand.subscribe(day.gateway) }
            let reader = CRMReader(key: day.key)
            let reading = Threads.start { [gateway = day.gateway] in reader.read(gateway) }
            let stands = day.stands
            let orders = Threads.gather(stands.count) { [day] index in
                Result { try Self.play(stands[index], day) }
            }
            let places = try orders.flatMap { try $0.get() }
            try day.reconcile()
            reading.join()
            let crm = try CRMClient(day.gateway, key: day.key)
            try Self.expectTruth(day, crm)
            try Self.expectCarriedOut(places, day)
            try reader.finish(at: crm)
            #expect(reader.log.revisions == (try CallLog(crm).revisions), "the CRM knows every call as it is")
        }

        // MARK: The day

        /// The vendor's calls, one after another, and then the CRM's orders.
        /// - Returns: where it is told what became of the orders.
        private static func play(_ stand: VendorStand, _ day: Day) throws -> [String] {
            let kinds = try #require(VendorSimulators.simulator(for: stand.vendor)).scenarios.filter { $0 != .connectionCheck }
            for number in 0..<callsOfEach {
                stand.play(kinds, calls: 1, seed: UInt64(number) + seed * 1000)
                try #require(stand.wait { $0.truths.count == number + 1 }, "\(stand.vendor), call \(number)")
                day.clock(of: stand).advance(by: .seconds(3))
            }
            // Mango's log is asked for by the beginnings of legs, up to the gateway's now. Calls are played in no time, and so some legs of the
            // last ones would begin after that, where only the next pull would find them. Where a call is found by its time, the clock must
            // be right.
            day.clock(of: stand).set(stand.vendor == "mango" ? .seconds(-120) : .zero)
            let orders = try Orders(day.gateway, key: day.key)
            return try (0..<ordersOfEach).map { number in
                let place = try orders.call("7900000\(5100 + number)", at: stand.vendor, key: "\(stand.vendor) \(number)")
                try #require(stand.wait { $0.truths.count == callsOfEach + number + 1 }, "\(stand.vendor), order \(number)")
                return place
            }
        }

        private static func expectCarriedOut(_ places: [String], _ day: Day) throws {
            let orders = try Orders(day.gateway, key: day.key)
            for place in places {
                let command = try orders.command(place) { $0["result_call_id"]?.string != nil }
                #expect(command["status"]?.string == "confirmed")
            }
        }

        /// No gap is forgiven but those that the log names one by one: what no vendor told a second time (`CallLog`).
        private static func expectTruth(_ day: Day, _ crm: CRMClient) throws {
            let log = try CallLog.whole(crm)
            for stand in day.stands {
                let strays = log.strays(of: stand.vendor, beside: stand.truths)
                var torn: Set<String> = []
                for stray in strays {
                    let whole = stand.truths.first { log.isUntiedPart(stray, of: $0) }
                    #expect(whole != nil, "\(stand.vendor): \(String(decoding: stray.encoded, as: UTF8.self))")
                    if let whole { torn.insert(whole.call) }
                }
                for (number, truth) in stand.truths.enumerated() {
                    log.expect(truth, losing: true, isTorn: torn.contains(truth.call), isOrdered: number >= callsOfEach)
                }
                let count = callsOfEach + ordersOfEach + strays.count
                #expect(log.count(of: stand.vendor) == count, "\(stand.vendor): every call once")
                let days = try crm.json("/connections/\(stand.vendor)/completeness")["days"]?.elements ?? []
                let missing = days.reduce(0) { $0 + ($1["missing"]?.int ?? 0) }
                #expect(missing == 0, "\(stand.vendor): \(days)")
            }
        }
    }
}

/// The gateway, the vendors around it, and whom the gateway asks.
private final class Day: Sendable {
    let premises: GatewayPremises
    let key: String
    let stands: [VendorStand]
    private let clocks: [String: VendorClock]
    private let lookup: ScriptedServer
    private let folder: TemporaryFolder
    private let running: Guarded<GatewayProcess>

    init(_ vendors: [String], seed: UInt64) throws {
        lookup = try ScriptedServer { request in
            .answer(200, request.body.contains("0\"") ? "{}" : #"{"name":"Romashka"}"#)
        }
        folder = try TemporaryFolder()
        try folder.write(
            "recordings: {at_once: 0}\nlookup_url: http://127.0.0.1:\(lookup.port)/contacts/lookup\n", to: "kommutator.yaml")
        premises = try GatewayPremises(options: ["--config", folder.path + "/kommutator.yaml"])
        key = try premises.makeKey(scope: "read,command")
        var gateway = try premises.open()
        let port = gateway.port
        gateway.kill(SIGTERM)
        gateway.waitForEnd()
        var faults = DoubleFaults.none
        faults.lostShare = 0.05
        faults.repeatedShare = 0.05
        // Three seconds a call: the last one ends now.
        let clocks = Dictionary(uniqueKeysWithValues: vendors.map { ($0, VendorClock(.seconds(-1300))) })
        self.clocks = clocks
        stands = try vendors.map {
            try VendorStand($0, gatewayPort: port, faults: faults, timekeeper: clocks[$0] ?? WallClock(), seed: seed)
        }
        for stand in stands { try premises.write(stand) }
        gateway = try premises.open(port: port)
        running = Guarded(gateway)
    }

    var gateway: GatewayProcess { running.withLock { $0 } }

    func clock(of stand: VendorStand) -> VendorClock { clocks[stand.vendor] ?? VendorClock(.zero) }

    /// The gateway starts again, and asks every vendor what it has missed.
    func reconcile() throws {
        let port = gateway.port
        gateway.kill(SIGTERM)
        #expect(gateway.waitForEnd() == .exited(0))
        for stand in stands {
            // The calls that were ordered last are over by now.
            clock(of: stand).advance(by: .seconds(300))
            try premises.write(stand, reconciles: true)
        }
        let fresh = try premises.open(port: port)
        running.withLock { $0 = fresh }
        let crm = try CRMClient(fresh, key: key)
        var cursor: String?
        for _ in 0..<120 {
            let states = try stands.map { try crm.json("/connections/\($0.vendor)")["reconciliation"] }
            let areDone = states.allSatisfy { $0?["running"]?.bool == false && $0?["last_pull_at"]?.string != nil }
            if areDone { return try crm.waitForLedger() }
            cursor = try crm.page(after: cursor, wait: 1).next ?? cursor
        }
        throw SystemFailure("no history: \(try stands.map { try crm.json("/connections/\($0.vendor)") })")
    }
}

/// A CRM that follows the feed and stores what it reads.
private final class CRMReader: Sendable {
    private let key: String
    private let state = Guarded<(changes: [CRMClient.Change], next: String?)>(([], nil))

    init(key: String) { self.key = key }

    var log: CallLog { CallLog(state.withLock { $0.changes }) }

    /// Reads until the gateway is gone.
    func read(_ gateway: GatewayProcess) {
        do {
            let crm = try CRMClient(gateway, key: key)
            while true { try readPage(of: crm, wait: 10) }
        } catch {
            // The gateway ended: the page under way is read again.
        }
    }

    func finish(at crm: CRMClient) throws {
        while try readPage(of: crm, wait: 0) {}
    }

    @discardableResult
    private func readPage(of crm: CRMClient, wait: Int) throws -> Bool {
        let page = try crm.page(after: state.withLock { $0.next }, wait: wait)
        state.withLock { state in
            state.changes += page.changes
            state.next = page.next
        }
        return page.hasMore
    }
}
