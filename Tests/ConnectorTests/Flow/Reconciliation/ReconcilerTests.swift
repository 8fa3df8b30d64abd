import Synchronization
import TestSupport
import Testing

@testable import Connector

/// A provider's log as a test writes it: rows of text with the moments they began at.
private final class ScriptedLog: ProviderClient {
    private struct State {
        var rows: [(at: Instant, text: String)] = []
        var failures: [ProviderFailure] = []
        var asked: [HistoryWindow] = []
        var isEndless = false
    }

    private let state = Mutex(State())
    static let pageSize = 3

    var asked: [HistoryWindow] { state.withLock { $0.asked } }

    func add(_ text: String, at moment: Instant) { state.withLock { $0.rows.append((moment, text)) } }
    func fail(_ failures: ProviderFailure...) { state.withLock { $0.failures += failures } }
    func goOnForEver() { state.withLock { $0.isEndless = true } }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer { ProviderAnswer(code: "ok") }

    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        let (failure, rows, isEndless) = state.withLock { state in
            if page == 0 { state.asked.append(window) }
            let failure = state.failures.isEmpty ? nil : state.failures.removeFirst()
            let rows = state.rows.filter { $0.at >= window.from && $0.at < window.to }.sorted { $0.at < $1.at }.map(\.text)
            return (failure, rows, state.isEndless)
        }
        if let failure { throw failure }
        let part = rows.dropFirst(page * Self.pageSize).prefix(Self.pageSize)
        let body = Array(part.joined(separator: "\n").utf8)
        return HistoryPage(
            bodies: part.isEmpty ? [] : [body], path: "/log",
            hasMore: isEndless || rows.count > (page + 1) * Self.pageSize)
    }
}

/// An adapter whose log has a row a line: `NAME START` makes an ended call, anything else cannot be read.
private struct LogAdapter: TelephonyAdapter {
    static let descriptor = AdapterDescriptor(
        name: "log", title: "Log", version: "1", settings: [], headers: [], capabilities: [.history])

    /// How many records were decoded.
    let decoded: Guarded<Int>

    init(settings: AdapterSettings) { decoded = Guarded(0) }

    func makeAuthenticator() -> any WebhookAuthenticator { Everybody() }
    func makeDecoder() -> any EventDecoder { Decoder(decoded) }
    func logRows(of body: [UInt8]) -> [[UInt8]] { body.split(separator: UInt8(ascii: "\n")).map(Array.init) }

    private final class Everybody: WebhookAuthenticator {
        func authenticate(_ request: WebhookRequest) -> Authentication { .accept(.ok) }
    }

    private final class Decoder: EventDecoder {
        private let count: Guarded<Int>

        init(_ count: Guarded<Int>) { self.count = count }

        func decode(_ raw: RawRecord) -> [Decoded] {
            count.withLock { $0 += 1 }
            let words = String(decoding: raw.body, as: UTF8.self).split(separator: " ").map(String.init)
            guard words.count == 2, let at = Instant(rfc3339: words[1]) else { return [.undecoded(reason: "no row")] }
            var event = CallEvent(
                id: EventID(connection: raw.connection, repeatKey: words), rawID: raw.id, keys: [ExternalKey(.call, words[0])],
                type: .ended, occurredAt: at, receivedAt: raw.receivedAt, source: raw.source)
            event.facts.startedAt = at
            event.ending = EndReport(reason: .normal, answered: true, endedAt: at)
            return [.call(event)]
        }
    }
}

private struct OneConnection: ConnectionRoster {
    let connection: LiveConnection
    let generation = 1
    func connections() -> [LiveConnection] { [connection] }
}

/// A journal that cannot be read while a test says so.
private final class BrokenReading: JournalReading {
    struct Broken: Error {}

    let isBroken = Guarded(false)
    /// How often it was asked while it was broken.
    let attempts = Guarded(0)
    private let reading: DirectReading

    init(_ journal: MemoryJournal) { reading = DirectReading(journal: journal) }

    func read<Result: Sendable>(_ body: @escaping @Sendable (any JournalReader) throws -> Result) async throws -> Result {
        if isBroken.withLock({ $0 }) {
            attempts.withLock { $0 += 1 }
            throw Broken()
        }
        return try await reading.read(body)
    }
}

private final class ReconcilingBench: Sendable {
    let journal: MemoryJournal
    let reading: BrokenReading
    let clock: ManualClock
    let log = ScriptedLog()
    let connection: LiveConnection
    let reconciler: Reconciler
    let news = Guarded<[ReconciliationNews]>([])
    let pauses = Guarded<[Duration]>([])
    let heard = Guarded<Instant?>(nil)
    let decoded: Guarded<Int>

    init(_ journal: MemoryJournal = MemoryJournal(), plan: ReconcilingPlan = ReconcilingPlan(), at start: Instant = .base) {
        self.journal = journal
        reading = BrokenReading(journal)
        clock = ManualClock(start)
        var profile = ConnectionProfile.test
        profile.reconciling = plan
        let adapter = LogAdapter(settings: AdapterSettings(connection: profile.id, values: [:]))
        decoded = adapter.decoded
        connection = LiveConnection(profile: profile, adapter: adapter)
        let (log, news, pauses, clock, heard) = (log, news, pauses, clock, heard)
        reconciler = Reconciler(
            journal: journal, store: journal, reading: reading,
            roster: OneConnection(connection: connection), client: { _ in log }, heardAt: { _ in heard.withLock { $0 } },
            timekeeper: clock,
            pause: { pause in
                pauses.withLock { $0.append(pause) }
                clock.advance(by: pause)
            }, report: { item in news.withLock { $0.append(item) } })
    }

    func pull() async { await reconciler.pull(connection) }

    func row(_ name: String, ago seconds: Int64) {
        let at = clock.now().advanced(by: .seconds(-seconds))
        log.add("\(name) \(at)", at: at)
    }

    var status: ReconciliationStatus? { reconciler.reconciliation(of: connection.profile.id) }
    var rows: [String] { journal.rawRecords.map { String(decoding: $0.body, as: UTF8.self).prefix { $0 != " " }.description } }
    var kept: PullState? { journal.pullState(of: connection.profile.id) }
}

@Suite struct ReconcilerTests {
    @Test func `a journal that cannot be read is told of once in a while, and when it can again`() async {
        let bench = ReconcilingBench()
        let id = bench.connection.profile.id
        bench.reading.isBroken.withLock { $0 = true }
        for _ in 0..<5 { await bench.pull() }
        let news = bench.news.withLock { $0 }
        #expect(news.count == 1)
        guard case .pullFailing(id, reason: let reason, failures: 1)? = news.first else {
            Issue.record("no news")
            return
        }
        #expect(reason.hasPrefix("the journal cannot be read"))
        #expect(bench.log.asked.isEmpty)
        bench.reading.isBroken.withLock { $0 = false }
        await bench.pull()
        #expect(bench.news.withLock { $0.dropFirst() } == [.pullRecovered(id)])
        #expect(!bench.log.asked.isEmpty)
    }

    @Test func `every row of every page is in the inbox, as a record of its own`() async {
        let bench = ReconcilingBench()
        for number in 0..<8 { bench.row("call-\(number)", ago: Int64(100 - number)) }
        await bench.pull()
        #expect(bench.rows == (0..<8).map { "call-\($0)" })
        let record = bench.journal.rawRecords[0]
        #expect(record.source == .history && record.path == "/log" && record.connection == bench.connection.profile.id)
        #expect(bench.kept?.rowCount == 8 && bench.kept?.through == .base && bench.kept?.reach == .base)
        #expect(bench.status?.nextAt == .base.advanced(by: .seconds(600)))
    }

    @Test func `what many pulls tell again is kept once, whatever page it stands in`() async {
        let bench = ReconcilingBench()
        for number in 0..<5 { bench.row("call-\(number)", ago: Int64(500 - number)) }
        for pull in 0..<20 {
            await bench.pull()
            bench.clock.advance(by: .seconds(300))
            bench.row("late-\(pull)", ago: 450)
        }
        await bench.pull()
        #expect(bench.rows.count == 25 && Set(bench.rows).count == 25)
        bench.row("call-0", ago: 7000)
        await bench.pull()
        #expect(bench.rows.count == 26, "a row that says something new is one")
    }

    @Test func `after a new start what is kept is not asked for from the beginning`() async {
        let first = ReconcilingBench()
        first.row("a", ago: 60)
        await first.pull()
        let next = ReconcilingBench(first.journal, at: Instant.base.advanced(by: .seconds(3 * 86_400)))
        next.row("b", ago: 2 * 86_400)
        await next.pull()
        #expect(next.log.asked.first?.from == Instant.base.advanced(by: .seconds(-7200)))
        #expect(next.log.asked.count == 4 && next.rows == ["a", "b"])
        #expect(next.kept?.rowCount == 2)
    }

    @Test func `a failure is shown with its reason, is waited out, and leaves out nothing`() async {
        let bench = ReconcilingBench()
        await bench.pull()
        bench.clock.advance(by: .seconds(600))
        bench.row("a", ago: 60)
        bench.log.fail(ProviderFailure(.unauthorized, code: "401", text: "the key is wrong"))
        await bench.pull()
        #expect(bench.status?.state.failure == .init(at: bench.clock.now(), reason: "the key is wrong (401)", count: 1))
        #expect(bench.status?.nextAt == bench.clock.now().advanced(by: .seconds(60)))
        #expect(bench.kept?.failure?.count == 1 && bench.kept?.through == .base)
        let id = bench.connection.profile.id
        #expect(bench.news.withLock { $0 } == [.pullFailing(id, reason: "the key is wrong (401)", failures: 1)])
        await bench.pull()
        #expect(bench.status?.state.failure == nil && bench.rows == ["a"])
        #expect(bench.news.withLock { $0.last } == .pullRecovered(id))
    }

    @Test func `a failure in the middle keeps what came whole`() async {
        let bench = ReconcilingBench(at: Instant.base.advanced(by: .seconds(3 * 86_400)))
        _ = bench.journal.save(
            PullState(connection: bench.connection.profile.id, since: .base, through: .base, succeededAt: .base)
        ) { _ in }
        bench.row("old", ago: 3 * 86_400)
        bench.log.fail(ProviderFailure(.limited, code: "429", text: "slower", retryAfter: .seconds(3600)))
        await bench.pull()
        #expect(bench.status?.nextAt == bench.clock.now().advanced(by: .seconds(3600)), "as long as the provider wants")
        let once = ScriptedLog.pageSize
        #expect(once == 3 && bench.rows.isEmpty)
    }

    @Test func `a provider that wants a pause gets it within the pull`() async {
        let bench = ReconcilingBench()
        bench.row("a", ago: 60)
        bench.log.fail(
            ProviderFailure(.limited, code: "429", text: "slower", retryAfter: .seconds(7)),
            ProviderFailure(.limited, code: "429", text: "slower"))
        await bench.pull()
        #expect(bench.rows == ["a"] && bench.status?.state.failure == nil)
        #expect(bench.pauses.withLock { $0 } == [.seconds(7), .seconds(10)])
    }

    @Test func `a log that does not end is a failure`() async {
        let bench = ReconcilingBench()
        bench.log.goOnForEver()
        await bench.pull()
        #expect(bench.status?.state.failure?.reason.contains("does not end") == true)
    }

    @Test func `a full journal is waited for, and given up at last`() async {
        let bench = ReconcilingBench()
        bench.row("a", ago: 60)
        bench.journal.refusesAppends = true
        await bench.pull()
        #expect(bench.pauses.withLock { $0.count } == 60 && bench.status?.state.failure != nil)
        bench.journal.refusesAppends = false
        await bench.pull()
        #expect(bench.rows == ["a"])
    }

    @Test func `nothing is pulled where the file says so`() async {
        let bench = ReconcilingBench(plan: ReconcilingPlan(isEnabled: false))
        #expect(bench.status?.isActive == false && bench.status?.nextAt == nil)
    }

    @Test(.timeLimit(.minutes(1))) func `it works by itself: pulls at once, then at the plan's pace, until it is cancelled`()
        async
    {
        let bench = ReconcilingBench()
        bench.row("a", ago: 60)
        let running = Task { await bench.reconciler.run() }
        while bench.log.asked.count < 4 { await Task.yield() }
        running.cancel()
        await running.value
        #expect(bench.rows == ["a"])
        let starts = bench.log.asked.prefix(4).map(\.to)
        #expect(zip(starts, starts.dropFirst()).allSatisfy { $0.duration(to: $1) >= .seconds(600) })
    }

    // MARK: Completeness

    @Test func `a count that cannot be read is told of once in a while, and is not tried again at once`() async {
        let bench = ReconcilingBench(plan: ReconcilingPlan(isEnabled: false))
        let id = bench.connection.profile.id
        await bench.reconciler.listen(bench.connection)
        bench.reading.isBroken.withLock { $0 = true }
        let running = Task { await bench.reconciler.run() }
        while bench.pauses.withLock({ $0.count }) < 1000 { await Task.yield() }
        let attempts = bench.reading.attempts.withLock { $0 }
        #expect((1...100).contains(attempts), "in a thousand seconds, not one of each")
        let told = bench.news.withLock { $0 }
        #expect((1...20).contains(told.count))
        #expect(
            told.allSatisfy {
                if case .pullFailing(id, let reason, _) = $0 { reason.hasPrefix("the journal cannot be read") } else { false }
            })
        bench.reading.isBroken.withLock { $0 = false }
        while bench.news.withLock({ $0.last }) != .pullRecovered(id) { await Task.yield() }
        running.cancel()
        await running.value
    }

    @Test func `rows that are in the inbox are not read again, but for those that could not be read`() async {
        let bench = ReconcilingBench()
        for number in 0..<5 { bench.row("call-\(number)", ago: Int64(500 - number)) }
        bench.log.add("garbage", at: bench.clock.now().advanced(by: .seconds(-60)))
        await bench.pull()
        #expect(bench.decoded.withLock { $0 } == 6)
        bench.row("late", ago: 30)
        await bench.pull()
        #expect(bench.decoded.withLock { $0 } == 6 + 2)
        #expect(bench.rows.count == 7)
    }

    @Test func `a row that cannot be read is kept, and found again`() async throws {
        let bench = ReconcilingBench()
        let at = bench.clock.now().advanced(by: .seconds(-60))
        bench.log.add("garbage", at: at)
        await bench.pull()
        await bench.pull()
        #expect(bench.rows == ["garbage"])
    }

    // MARK: Silence

    @Test func `a connection that falls silent is told of, and told of again when it is heard`() async {
        let bench = ReconcilingBench()
        let id = bench.connection.profile.id
        var batch = DerivedBatch()
        // Four calls in each hour of the last fortnight.
        for hour in 1...336 {
            for call in 0..<4 {
                let at = Instant.base.advanced(by: .seconds(Int64(-3600 * hour + 60 * call)))
                batch.calls.append(
                    CallRow(
                        id: CallID(time: at, rest: UInt128(call)), tenant: .standard, connection: id, revision: 1, startedAt: at,
                        updatedAt: at, direction: .inbound, disposition: .answered, state: .ended, line: nil, number: nil,
                        mergedInto: nil, isDeleted: false))
            }
        }
        bench.journal.submit(batch)
        bench.heard.withLock { $0 = .base }
        bench.clock.advance(by: .seconds(3600))
        await bench.reconciler.listen(bench.connection)
        #expect(bench.status?.silence.state == .hearing)
        bench.clock.advance(by: .seconds(3600))
        await bench.reconciler.listen(bench.connection)
        await bench.reconciler.listen(bench.connection)
        #expect(bench.news.withLock { $0 } == [.silent(id, since: .base, expected: 8)])
        bench.heard.withLock { $0 = bench.clock.now() }
        await bench.reconciler.listen(bench.connection)
        #expect(bench.news.withLock { $0.last } == .heardAgain(id, silentSince: .base))
    }
}
