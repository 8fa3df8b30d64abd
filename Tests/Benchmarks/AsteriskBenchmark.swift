import AdapterCatalog
import AdapterConformance
import AdapterKit
import CSystem
import Connector
import DoubleServer
import FoundationEssentials
import Glibc
import Network
import Streams
import Synchronization
import TestSupport
import VendorSimulators

/// A busy Asterisk: the whole way of its events from the socket's bytes to the call log, the memory of its calls, and a burst.
///
/// `benchmarks asterisk`; the session, its records, the decoder and the ledger are the gateway's own. The journal is left out.
enum AsteriskBenchmark {
    /// - Parameter words: `hold FILE` for the process that holds calls.
    static func run(_ words: [String] = []) async throws {
        if words.count == 2, words[0] == "hold" { return try await hold(words[1]) }
        try await measureEvents()
        try measureCalls()
        try await measureBurst()
    }

    // MARK: Events

    /// What an event costs: read by the session, made a record, decoded, folded; each revision of a call is encoded.
    private static func measureEvents() async throws {
        let stream = AsteriskStream(calls: 1700, rate: 120)
        for (name, pieces) in [("one read a moment", stream.pieces), ("reads of 16 KiB", stream.cut(by: 16 << 10))] {
            var runs: [Double] = []
            for _ in 0..<3 { runs.append(try await play(pieces, of: stream)) }
            let cost = runs.sorted()[1] / Double(stream.eventCount)
            print(
                "asterisk, \(name): \(CPUTime.rounded(cost, over: 1)) µs of CPU an event, "
                    + "\(Int(1e6 / cost)) events/s on one core")
        }
    }

    /// - Returns: CPU time in microseconds.
    private static func play(_ pieces: [AsteriskStream.Piece], of stream: AsteriskStream) async throws -> Double {
        let feed = AsteriskFeed(pieces)
        let bench = try SessionBench(feed, clock: feed)
        let start = CPUTime.ofProcess
        let work = bench.start()
        await feed.waitForEnd()
        work.cancel()
        await work.value
        let spent = CPUTime.ofProcess - start
        guard await bench.book.endedCount == stream.callCount else {
            throw SystemFailure("\(await bench.book.endedCount) calls of \(stream.callCount) have ended")
        }
        return spent
    }

    // MARK: Memory

    private static let heldCalls = 5000

    /// What 5,000 calls at once take: of a process that does nothing else, since memory that was free before would not be seen.
    private static func measureCalls() throws {
        let talk = AsteriskStream([.inboundAnswered, .outboundAnswered], calls: heldCalls, rate: 2500, span: .seconds(9))
        let folder = try TemporaryFolder()
        let path = folder.path + "/stream"
        try Data(talk.pieces.flatMap(\.bytes)).write(to: URL(filePath: path))
        let held = try GatewayProcess.run(command: ["/proc/self/exe", "asterisk", "hold", path])
        guard held.end == .exited(0) else { throw SystemFailure("no figure: \(held.complaints)") }
        for line in held.output { print(line) }
    }

    /// Takes in a stream and holds its calls: the work of the other process.
    private static func hold(_ path: String) async throws {
        let feed = AsteriskFeed(try FilePieces(path).all, pace: .milliseconds(4))
        let bench = try SessionBench(feed, clock: feed)
        // Whatever is made once is made before.
        _ = try await play(AsteriskStream(calls: 1, rate: 1).pieces, of: AsteriskStream(calls: 1, rate: 1))
        let before = ResidentMemory.byteCount
        let work = bench.start()
        await feed.waitForEnd()
        while await bench.book.idleRounds < 20 { try await Task.sleep(for: .milliseconds(10)) }
        let after = ResidentMemory.byteCount
        let count = await bench.book.liveCount
        print(
            "asterisk, memory: \(count) calls at once take \(CPUTime.rounded(Double(after - before) / 1e6, over: 1)) MB, "
                + "\((after - before) / max(1, count)) bytes each, in the session and in the ledger")
        work.cancel()
        await work.value
    }

    // MARK: A burst

    /// 20,000 events at once over a socket, from a server that drops whoever takes nothing for 100 ms.
    private static func measureBurst() async throws {
        let stream = AsteriskStream(calls: 620, rate: 120)
        guard let trace = AsteriskTrace(stream.pieces.flatMap(\.bytes), arrivals: "") else { return }
        let drops = Mutex<[String]>([])
        var options = AsteriskOptions(users: [AsteriskStream.user])
        options.faults.writeTimeout = .milliseconds(100)
        let server = try AsteriskDoubleServer(
            AsteriskDouble(options, seed: 1, at: SystemTime().now()), on: SocketAddress(.loopbackV4, port: 0),
            faults: options.faults, timekeeper: SystemTime()
        ) { news in
            if case .closed(_, let reason) = news { drops.withLock { $0.append(reason) } }
        }
        try server.start()
        let streams = SystemStreams()
        let bench = try SessionBench(streams, port: server.address.port, clock: SystemTime())
        let work = bench.start()
        while !bench.isConnected { try await Task.sleep(for: .milliseconds(5)) }
        server.change { double, now in double.replay(trace, at: now) }
        let begin = ContinuousClock.now
        while await bench.book.endedCount < stream.callCount, begin.duration(to: .now) < .seconds(60) {
            try await Task.sleep(for: .milliseconds(5))
        }
        let seconds = begin.duration(to: .now) / .seconds(1)
        let ended = await bench.book.endedCount
        let lost = drops.withLock { $0 }
        work.cancel()
        await work.value
        await streams.shutdown()
        await server.shutdown()
        print(
            "asterisk, burst: \(stream.eventCount) events at once, \(ended) of \(stream.callCount) calls ended within "
                + "\(CPUTime.rounded(seconds, over: 1)) s, \(lost.isEmpty ? "not dropped" : "dropped: \(lost)")")
    }
}

private struct SystemTime: Timekeeper {
    func now() -> Instant { Instant(milliseconds: csys_realtime() / 1_000_000) }
}

// MARK: - The gateway's part

/// One connection's keeper, and behind it the decoder and the ledger.
private struct SessionBench: Sendable {
    let book: Bookkeeper
    private let keeper: any ConnectionKeeper
    private let clock: any Timekeeper
    private let upkeep: Condition

    private final class Condition: Sendable {
        let latest = Mutex<Upkeep.Condition?>(nil)
    }

    init(_ streams: any ByteStreams, port: UInt16 = 5038, clock: any Timekeeper) throws {
        let settings = AdapterSettings(
            connection: Bookkeeper.connection,
            values: [
                "host": "127.0.0.1", "port": "\(port)", "username": AsteriskStream.user.name,
                "secret": AsteriskStream.user.secret,
            ])
        guard
            let adapter = try AdapterCatalog.adapter(named: "asterisk")?.init(
                settings: settings, context: AdapterContext(streams: streams)),
            let keeper = adapter.makeClient(ScriptedOutgoing())?.keeper
        else { throw SystemFailure("there is no such adapter") }
        self.keeper = keeper
        self.clock = clock
        book = Bookkeeper(adapter.makeDecoder())
        upkeep = Condition()
    }

    var isConnected: Bool { upkeep.latest.withLock { $0 == .good || $0 == .impaired } }

    func start() -> Task<Void, Never> {
        let upkeep = upkeep
        let context = KeepingContext(
            profile: Bookkeeper.profile, address: nil, notes: MemoryNotes(), clock: clock,
            pause: { try await Task.sleep(for: $0) },
            signals: SignalBox(), report: { told in upkeep.latest.withLock { $0 = told.condition } },
            hear: { records in await book.take(records) })
        return Task { [keeper] in
            // It ends by being cancelled.
            do { try await keeper.run(context) } catch { print("asterisk: \(error)") }
        }
    }
}

/// The decoder and the ledger, as the ledger's thread uses them.
private actor Bookkeeper {
    static let connection = ConnectionID("bench")
    static let profile = ConnectionProfile(id: connection, provider: "asterisk")

    private let ledger = CallLedger(reader: EmptyJournal(), numbering: PlainNumbering())
    private let decoder: any EventDecoder
    private var position: Int64 = 0
    private(set) var endedCount = 0
    private var evictedAt = Instant.earliest
    private var lastSeen: Int64 = -1
    private var quiet = 0

    init(_ decoder: any EventDecoder) { self.decoder = decoder }

    var liveCount: Int { ledger.liveCount }

    /// How often in a row nothing had come since the last look.
    var idleRounds: Int {
        quiet = position == lastSeen ? quiet + 1 : 0
        lastSeen = position
        return quiet
    }

    func take(_ records: [HeardRecord]) -> Bool {
        var batch = DerivedBatch()
        for record in records {
            position += 1
            let now = record.receivedAt ?? .base
            let raw = RawRecord(
                id: RawID(bits: UInt128(position)), position: position, connection: Self.connection, receivedAt: now,
                source: record.source, method: "", path: record.path, body: record.body)
            let events = decoder.decode(raw).compactMap { if case .call(let event) = $0 { event } else { nil } }
            endedCount += events.count { $0.type == .ended }
            do {
                try ledger.apply(events, of: raw, profile: Self.profile, into: &batch)
            } catch {
                return false
            }
            guard now.milliseconds(since: evictedAt) > 1000 else { continue }
            evictedAt = now
            ledger.evict(at: now, committedTicket: .max) { _ in Self.profile }
        }
        return true
    }
}

/// A file's bytes in pieces, as a socket hands them over.
private struct FilePieces {
    let all: [AsteriskStream.Piece]

    init(_ path: String) throws {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        all = stride(from: 0, to: bytes.count, by: 16 << 10).map { start in
            .init(at: .base, bytes: Array(bytes[start..<min(bytes.count, start + 16 << 10)]))
        }
    }
}

private enum ResidentMemory {
    static var byteCount: Int {
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(getpagesize())
    }
}
