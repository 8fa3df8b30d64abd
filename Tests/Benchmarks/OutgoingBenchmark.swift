import AdapterCatalog
import CSystem
import Connector
import Gateway
import HTTPClient
import HTTPServer
import Network
import SQLiteJournal
import Synchronization
import TestSupport

/// Commands to a provider on the loopback: how many a second, and what each costs, from the order to the answer.
///
/// The double answers as Zadarma does and keeps no limit; it has a thread of its own, whose time is not counted.
struct OutgoingBenchmark {
    /// Orders under way at once.
    private static let concurrency = 64

    private let provider: LoopbackProvider
    private let outgoing: OutgoingHTTP

    init() throws {
        provider = try LoopbackProvider()
        outgoing = try OutgoingHTTP()
    }

    func run() async throws {
        try await measureClient(200_000)
        try await measureIsolation()
        try await measureDesk(50_000)
        await outgoing.shutdown()
        await provider.stop()
    }

    // MARK: The client

    /// A provider's client alone: signing, libcurl, reading the answer; all on the client's own thread.
    private func measureClient(_ count: Int) async throws {
        let client = try Self.client(outgoing, at: provider.address)
        _ = try await Self.perform(1000, client, on: outgoing.loop)
        let before = await Self.threadTime(of: outgoing.loop)
        let start = ContinuousClock.now
        let latencies = try await Self.perform(count, client, on: outgoing.loop)
        let seconds = start.duration(to: .now) / .seconds(1)
        let spent = await Self.threadTime(of: outgoing.loop) - before
        print(
            "outgoing, client: \(Int(Double(count) / seconds)) commands/s, \(CPUTime.rounded(spent, over: count)) µs of CPU each, "
                + "p50 \(latencies.percentile(0.5)) ms, p99 \(latencies.percentile(0.99)) ms")
    }

    private static func client(_ outgoing: OutgoingHTTP, at address: String) throws -> any ProviderClient {
        let settings = ["key": "bench-key", "secret": "bench-secret", "base_url": address]
        guard
            let client = try AdapterCatalog.adapter(named: "zadarma")?.init(
                settings: AdapterSettings(connection: ConnectionID("bench"), values: settings)
            ).makeClient(outgoing)
        else { throw SystemFailure("Zadarma takes no commands") }
        return client
    }

    private static func perform(_ count: Int, _ client: any ProviderClient, on loop: EventLoop) async throws -> Latencies {
        try await withTaskExecutorPreference(loop) {
            try await withThrowingTaskGroup(of: [Double].self) { group in
                for worker in 0..<concurrency {
                    group.addTask {
                        var times: [Double] = []
                        for number in stride(from: worker, to: count, by: concurrency) {
                            let order = ProviderOrder(
                                id: CommandID(bits: UInt128(number)),
                                action: .originate(.init(from: "101", to: "7900000\(number % 9000 + 1000)")),
                                deadline: .seconds(30))
                            let begin = ContinuousClock.now
                            _ = try await client.perform(order)
                            times.append(begin.duration(to: .now) / .milliseconds(1))
                        }
                        return times
                    }
                }
                return Latencies(try await group.reduce(into: []) { $0 += $1 })
            }
        }
    }

    /// In microseconds.
    private static func threadTime(of loop: EventLoop) async -> Double {
        await withCheckedContinuation { done in
            loop.execute { done.resume(returning: CPUTime.ofThread) }
        }
    }

    // MARK: The desk

    /// The whole way of a command: looked up by its key, journalled as sent, carried out, its outcome journalled. The process's time
    /// without the double's.
    private func measureDesk(_ count: Int) async throws {
        let folder = try TemporaryFolder()
        let clock = BenchClock()
        let journal = try SQLiteJournal(
            JournalConfiguration(directory: folder.path, clock: clock), onNews: { _ in }, onChanges: { _ in })
        let readers = try ReaderPool(journal: journal)
        let roster = try BenchRoster(provider.address)
        let providers = ProviderClients(roster: roster, outgoing: outgoing, clock: clock)
        let desk = CommandDesk(
            store: journal, reading: readers, providers: providers, numbering: PlainNumbering(), clock: clock,
            executor: outgoing.loop, makeID: { CommandID(time: $0, rest: UInt128.random(in: .min ... .max)) })
        let (wall, cpu) = (ContinuousClock.now, CPUTime.ofProcess)
        let other = await Self.threadTime(of: provider.loop)
        try await withThrowingDiscardingTaskGroup { group in
            for _ in 0..<Self.onTheirWay { roster.turns.give.yield(()) }
            var turns = roster.turns.taken.makeAsyncIterator()
            for number in 0..<count {
                await turns.next()
                group.addTask { try await Self.order(number, desk) }
            }
        }
        while desk.followedCount > 0 { await Task.yield() }
        let seconds = wall.duration(to: .now) / .seconds(1)
        let spent = CPUTime.ofProcess - cpu - (await Self.threadTime(of: provider.loop) - other)
        print(
            "outgoing, desk: \(Int(Double(count) / seconds)) commands/s, \(CPUTime.rounded(spent, over: count)) µs of CPU each, "
                + "journalled twice")
        readers.close()
        _ = journal.close()
    }

    /// Commands on their way at once.
    private static let onTheirWay = 512

    private static func order(_ number: Int, _ desk: CommandDesk) async throws {
        let request = CommandRequest(
            tenant: .standard, connection: BenchRoster.connection, action: .hangup,
            target: CommandTarget(keys: [ExternalKey(.call, "c\(number)")]), idempotencyKey: "key-\(number)",
            hash: Array("\(number)".utf8), requestedBy: "bench")
        while true {
            do {
                _ = try await desk.submit(request)
                return
            } catch {
                guard case .busy = error else {
                    throw SystemFailure("the desk refuses: \(error); the first failure was \(BenchClient.firstFailure)")
                }
                await Task.yield()
            }
        }
    }

    // MARK: Isolation

    /// A provider that hangs: what the others' p99 is beside it.
    private func measureIsolation() async throws {
        let client = try Self.client(outgoing, at: provider.address)
        let silent = try LoopbackProvider(isSilent: true)
        let hanging = try Self.client(outgoing, at: silent.address)
        let alone = try await Self.perform(50_000, client, on: outgoing.loop)
        let waiting = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<500 {
                    group.addTask {
                        _ = try await hanging.perform(
                            ProviderOrder(
                                id: CommandID(bits: UInt128(number)), action: .originate(.init(from: "101", to: "79000000102")),
                                deadline: .seconds(600)))
                    }
                }
                try await group.waitForAll()
            }
        }
        while silent.openCount < 50 { await Task.yield() }
        let beside = try await Self.perform(50_000, client, on: outgoing.loop)
        waiting.cancel()
        _ = await waiting.result
        await silent.stop()
        print(
            "outgoing, isolation: p99 \(alone.percentile(0.99)) ms alone, \(beside.percentile(0.99)) ms beside a provider that "
                + "lets 500 commands hang")
    }
}

/// How long things took, in milliseconds.
private struct Latencies {
    private let sorted: [Double]

    init(_ times: [Double]) { sorted = times.sorted() }

    func percentile(_ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        return (sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))] * 1000).rounded() / 1000
    }
}

private struct BenchClock: Timekeeper {
    func now() -> Instant { Instant(milliseconds: csys_realtime() / 1_000_000) }
}

/// One connection whose provider may be asked as often as one likes.
private struct BenchRoster: ConnectionRoster {
    static let connection = ConnectionID("bench")

    private let live: [LiveConnection]
    let generation = 1
    /// One is given for each command that is answered.
    let turns = BenchTurns()

    init(_ address: String) throws {
        let adapter = BenchAdapter(address: address, turns: turns)
        live = [LiveConnection(profile: ConnectionProfile(id: Self.connection, provider: "bench"), adapter: adapter)]
    }

    func connections() -> [LiveConnection] { live }
}

/// Keeps the number of commands on their way, without anybody looking all the time.
private struct BenchTurns: Sendable {
    let taken: AsyncStream<Void>
    let give: AsyncStream<Void>.Continuation

    init() { (taken, give) = AsyncStream.makeStream() }
}

private struct BenchAdapter: TelephonyAdapter {
    static let descriptor = AdapterDescriptor(
        name: "bench", title: "Bench", version: "1", settings: [], headers: [], capabilities: [.hangup],
        rateLimit: RateLimit(burst: 1_000_000, interval: .microseconds(1)))

    let address: String
    let turns: BenchTurns

    init(address: String, turns: BenchTurns) {
        self.address = address
        self.turns = turns
    }

    init(settings: AdapterSettings) throws { self.init(address: "", turns: BenchTurns()) }

    func makeAuthenticator() -> any WebhookAuthenticator { Nobody() }
    func makeDecoder() -> any EventDecoder { Nobody() }
    func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        BenchClient(address: address, turns: turns, outgoing: outgoing)
    }
}

/// Nothing comes in.
private final class Nobody: WebhookAuthenticator, EventDecoder {
    func authenticate(_ request: WebhookRequest) -> Authentication { .refuse(status: 404, reason: "nobody calls") }
    func decode(_ raw: RawRecord) -> [Decoded] { [.ignored(reason: "nobody calls")] }
}

private struct BenchClient: ProviderClient {
    private static let failure = Mutex<String?>(nil)
    static var firstFailure: String { failure.withLock { $0 } ?? "none" }

    let address: String
    let turns: BenchTurns
    let outgoing: any Outgoing

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        defer { turns.give.yield(()) }
        do {
            let response = try await outgoing.send(
                OutgoingRequest(
                    "POST", "\(address)/hangup", body: Array(#"{"call_id":"made-up"}"#.utf8), deadline: order.deadline))
            return ProviderAnswer(code: String(response.status))
        } catch {
            Self.failure.withLock { $0 = $0 ?? "\(error)" }
            throw ProviderFailure(error)
        }
    }
}
