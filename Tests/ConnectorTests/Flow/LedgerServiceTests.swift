import Connector
import Threading
import Synchronization
import TestSupport
import Testing

/// The ledger's thread over a journal in memory.
private final class ServiceWorkbench: Sendable {
    let journal: MemoryJournal
    let clock = ManualClock(.base)
    let roster: TestRoster
    let service: LedgerService
    let news = Guarded<[LedgerNews]>([])
    let signals = Guarded<[AdapterSignal]>([])
    private let bell: Bell

    init(_ profiles: [ConnectionProfile] = [.test], patience: Duration = .seconds(20)) {
        let bell = Bell()
        let news = news
        let signals = signals
        let chance = Atomic<UInt64>(0)
        self.bell = bell
        journal = MemoryJournal { _ in bell.ring() }
        roster = TestRoster(profiles)
        service = LedgerService(
            journal: journal, roster: roster, numbering: PlainNumbering(), timekeeper: clock, patience: patience,
            makeRawID: { RawID(time: $0, rest: UInt128(chance.add(1, ordering: .relaxed).newValue)) },
            onSignal: { one in
                signals.withLock { $0.append(one) }
                bell.ring()
            },
            report: { one in
                news.withLock { $0.append(one) }
                bell.ring()
            })
    }

    /// Runs the service as long as `body` lasts.
    func run(_ body: () async throws -> Void) async rethrows {
        let thread = Threads.start { self.service.run() }
        do {
            try await body()
        } catch {
            end(thread)
            throw error
        }
        end(thread)
    }

    private func end(_ thread: SystemThread) {
        service.stop()
        thread.join()
    }

    func receive(_ events: CallEvent...) {
        for event in events { #expect(journal.append([.telling(event)]) { _ in }) }
    }

    /// Waits for news of the ledger or a change that makes `isDone` true.
    func wait(_ isDone: () throws -> Bool) throws {
        var outcome = Result<Bool, any Error>.success(false)
        bell.wait {
            outcome = Result { try isDone() }
            if case .success(false) = outcome { return false }
            return true
        }
        try #require(try outcome.get())
    }

    func changes() throws -> [StoredChange] { try journal.makeReader().changes(tenant: .standard, after: 0, limit: 100) }

    var selection: ReplaySelection { ReplaySelection(connections: [ConnectionProfile.test.id]) }
}

@Suite(.onItsOwnThread) struct LedgerServiceTests {
    private static let ring = CallEvent.make(
        "ring", type: .ringing,
        leg: LegReport(
            key: "l1", phase: .ringing, from: .external(number: "79000001234"), to: .user(extension: "101", endpoint: nil)))

    // MARK: Whoever waits is answered

    @Test func `a replay that the ledger never comes to is told so`() async {
        let bench = ServiceWorkbench(patience: .milliseconds(20))
        let error = await #expect(throws: LedgerError.self) { try await bench.service.replay(bench.selection, dryRun: true) }
        #expect(error?.code == .busy)
    }

    @Test func `a replay that waits at the end of the gateway is told so, and so is one that comes later`() async {
        let bench = ServiceWorkbench()
        let early = Task { try await bench.service.replay(bench.selection, dryRun: true) }
        bench.service.stop()
        let first = await #expect(throws: LedgerError.self) { try await early.value }
        let second = await #expect(throws: LedgerError.self) { try await bench.service.replay(bench.selection, dryRun: true) }
        #expect(first?.code == .ending)
        #expect(second?.code == .ending)
    }

    @Test func `a replay whose caller has gone waits no longer`() async {
        let bench = ServiceWorkbench()
        let replay = Task { try await bench.service.replay(bench.selection, dryRun: true) }
        replay.cancel()
        await #expect(throws: CancellationError.self) { try await replay.value }
    }

    @Test func `more than a bounded number do not wait`() {
        let bench = ServiceWorkbench()
        let refused = Guarded(0)
        for _ in 0..<300 {
            bench.service.perform(
                LedgerJob(run: { _ in }, refuse: { error in refused.withLock { $0 += error.code == .overloaded ? 1 : 0 } }))
        }
        #expect(refused.withLock { $0 } == 300 - 256)
    }

    @Test func `a replay is answered once its rows are committed, and not before`() async throws {
        let bench = ServiceWorkbench(patience: .milliseconds(100))
        try await bench.run {
            bench.receive(Self.ring)
            try bench.wait { try !bench.changes().isEmpty }
            bench.journal.holdsBatches = true
            let error = await #expect(throws: LedgerError.self) {
                try await bench.service.replay(bench.selection, dryRun: false)
            }
            #expect(error?.code == .busy)
            let dry = try await bench.service.replay(bench.selection, dryRun: true)
            #expect(dry.records == 1, "what commits nothing waits for no commit")
            bench.journal.releaseBatches()
            #expect(try await bench.service.replay(bench.selection, dryRun: false).records == 1)
        }
    }

    // MARK: Open calls

    @Test func `an open call of a connection that is loaded later is closed for its age`() async throws {
        let former = ServiceWorkbench()
        try await former.run {
            former.receive(Self.ring)
            try former.wait { try !former.changes().isEmpty }
        }
        let bench = ServiceWorkbench([])
        bench.journal.takeOver(former.journal)
        try await bench.run {
            bench.roster.waitForReader()
            bench.roster.load([.test])
            bench.clock.advance(by: .seconds(5 * 3600))
            bench.journal.wakeLedger()
            try bench.wait { try bench.changes().contains { $0.type == "call.ended" } }
        }
    }

    // MARK: Events that cannot be read

    @Test func `an event that cannot be read is told, its call's news is undecoded, and other calls go on`() async throws {
        let former = ServiceWorkbench()
        try await former.run {
            former.receive(Self.ring)
            try former.wait { try !former.changes().isEmpty }
        }
        let call = try #require(try former.journal.makeReader().openCalls().first)
        var spoilt = DerivedBatch()
        spoilt.events = [EventRow(id: Self.ring.id, call: call, rawPosition: 1, body: [])]
        former.journal.submit(spoilt)
        let bench = ServiceWorkbench()
        bench.journal.takeOver(former.journal)
        try await bench.run {
            bench.receive(.make("late", at: 5), .make("other", at: 6, keys: [ExternalKey(.session, "s2")]))
            try bench.wait { try bench.changes().count == 2 }
        }
        let unreadable = UnreadableEvent(event: Self.ring.id, call: call)
        #expect(bench.news.withLock { $0 } == [.unreadable(unreadable, times: 1)])
        let entries = try bench.journal.makeReader().inbox(
            state: nil, connections: [ConnectionProfile.test.id], before: nil, limit: 10)
        #expect(entries.map(\.state) == [.decoded, .undecoded, .decoded])
        #expect(entries[1].reason == unreadable.description)
        #expect(try bench.changes().count == 2)
    }

    // MARK: News for keepers

    @Test func `a decoder's signal is told once, with the path it came in by, and not again by a replay`() async throws {
        let bench = ServiceWorkbench()
        let raw = RawRecord(
            id: RawID(bits: 9), connection: ConnectionProfile.test.id, receivedAt: .base, path: "/company",
            body: Array("signal subscription_terminated".utf8))
        #expect(bench.journal.append([raw]) { _ in })
        try await bench.run {
            try bench.wait { bench.signals.withLock { !$0.isEmpty } }
            let report = try await bench.service.replay(bench.selection, dryRun: false)
            #expect(report.records == 1)
        }
        let told = AdapterSignal(
            connection: ConnectionProfile.test.id, name: "subscription_terminated", path: "/company")
        #expect(bench.signals.withLock { $0 } == [told])
    }
}
