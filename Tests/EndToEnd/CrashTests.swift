import Connector
import Glibc
import Synchronization
import Testing
import TestSupport

extension EndToEnd {
    /// `kill -9` under load, again and again.
    struct CrashTests {
        private static let crashes = 20
        private static let providers = 6

        @Test(.timeLimit(.minutes(3)))
        func `after twenty crashes under load every acknowledged request is there once and every call is whole`() throws {
            let premises = try GatewayPremises()
            let key = try premises.makeKey()
            let requests = AcknowledgedRequests()
            let reader = PatientReader(key: key)
            var chance = SeededRandom(seed: 20)
            for round in 0..<Self.crashes {
                let gateway = try premises.open()
                let target = Int.random(in: 1...250, using: &chance)
                Self.load(gateway, round: round, until: target, requests, reader)
            }
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: key)
            try crm.waitForLedger()
            try Self.expectInbox(of: crm, holds: requests)
            let changes = try crm.changes().changes
            Feed.expectWhole(changes)
            try Feed.expectLatest(changes, of: crm)
            #expect(requests.calls.isSubset(of: Feed.vendorNames(changes)))
            let followed = try reader.finish(at: crm)
            #expect(followed.map(\.cursor) == changes.map(\.cursor), "going on from a cursor skips and repeats nothing")
            try Self.expectNothingToReplay(crm)
            try Self.expectSame(changes, asAFreshFoldOf: try Self.marks(in: crm), requests)
        }

        // MARK: Crashing

        /// Several providers and a reader at work, until the request number `target` is acknowledged: then the process is killed.
        private static func load(
            _ gateway: GatewayProcess, round: Int, until target: Int, _ requests: AcknowledgedRequests, _ reader: PatientReader
        ) {
            let count = Atomic<Int>(0)
            let reading = Threads.start { reader.read(gateway) }
            _ = Threads.gather(providers) { index in
                let provider = Provider(gateway)
                for number in 0..<500 {
                    let call = VendorCall.any("c\(round)-\(index)-\(number)", seed: round + index + number)
                    let played = requests.play(call, through: provider)
                    if count.add(played, ordering: .relaxed).newValue >= target { gateway.kill(SIGKILL) }
                    if played < call.requests.count { return }
                }
            }
            #expect(gateway.waitForEnd() == .killed(SIGKILL), "round \(round):\n\(gateway.log.text)")
            reading.join()
        }

        // MARK: Afterwards

        private static func marks(in crm: CRMClient) throws -> [String] {
            try crm.all("requests", at: "/inbox").map { AcknowledgedRequests.mark(in: $0["query"]?.string ?? "") }.reversed()
        }

        private static func expectInbox(of crm: CRMClient, holds requests: AcknowledgedRequests) throws {
            let marks = try marks(in: crm)
            #expect(Set(marks).count == marks.count, "no request is there twice")
            let lost = requests.acknowledged.subtracting(marks)
            #expect(lost.isEmpty, "acknowledged, and gone")
            #expect(Set(marks).isSubset(of: requests.sent.keys))
        }

        private static func expectNothingToReplay(_ crm: CRMClient) throws {
            let answer = try crm.post("/inbox/replay?dry_run=true")
            #expect(answer.status == 200)
            let report = try JSONValue(parsing: answer.body)
            #expect(report["differences"]?.elements.count == 0)
            #expect((report["records"]?.int ?? 0) > 0)
        }

        /// A gateway that never crashed is told the same requests in the same order: its calls must be the same.
        private static func expectSame(
            _ changes: [CRMClient.Change], asAFreshFoldOf marks: [String], _ requests: AcknowledgedRequests
        ) throws {
            let premises = try GatewayPremises()
            let key = try premises.makeKey()
            let gateway = try premises.open()
            let provider = Provider(gateway)
            let sent = requests.sent
            for mark in marks {
                let request = try #require(sent[mark])
                try #require(provider.send(request) == 200)
            }
            let crm = try CRMClient(gateway, key: key)
            try crm.waitForLedger()
            let fresh = ComparableCalls(try crm.changes().changes)
            let survived = ComparableCalls(changes)
            #expect(survived.byName.keys.sorted() == fresh.byName.keys.sorted())
            let different = survived.byName.filter { fresh.byName[$0.key] != $0.value }
            #expect(different.keys.sorted() == [])
        }
    }
}

/// A CRM that reads the feed while the gateway crashes, and always goes on from its last whole page.
private final class PatientReader: Sendable {
    private let key: String
    private let state = Guarded<(changes: [CRMClient.Change], next: String?)>(([], nil))

    init(key: String) { self.key = key }

    /// Reads until the gateway is gone.
    func read(_ gateway: GatewayProcess) {
        do {
            let crm = try CRMClient(gateway, key: key)
            while true { try readPage(of: crm, wait: 10) }
        } catch {
            // The gateway was killed: the page under way does not count.
        }
    }

    /// Reads what is left.
    func finish(at crm: CRMClient) throws -> [CRMClient.Change] {
        while try readPage(of: crm, wait: 0) {}
        return state.withLock { $0.changes }
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

/// The calls of a feed without what two gateways may rightly say differently: ids of ours, and times of arrival.
private struct ComparableCalls {
    private(set) var byName: [String: JSONValue] = [:]

    init(_ changes: [CRMClient.Change]) {
        for change in changes {
            guard let name = Feed.vendorName(change.call) else { continue }
            byName[name] = Self.stripped(change.call)
        }
    }

    private static let own: Set = ["id", "revision", "clock", "related", "at", "from", "to"]

    private static func isOwn(_ name: String) -> Bool {
        own.contains(name) || name.hasSuffix("_at") || name.hasSuffix("_ms")
            || (name.hasSuffix("_id") && name != "connection_id" && name != "user_id" && name != "tenant_id")
    }

    private static func stripped(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(members.filter { !isOwn($0.name) }.map { .init($0.name, stripped($0.value)) })
        case .array(let elements): .array(elements.map(stripped))
        default: value
        }
    }
}
