import AdapterConformance
import Connector
import DoubleServer
import Network
import Streams
import Synchronization
import TestSupport
import Testing

@testable import AsteriskAdapter
@testable import VendorSimulators

/// An Asterisk's double behind a socket of the loopback, and the adapter's session with it: what it writes, hears and reports is kept.
final class ManagerStand: Sendable {
    static let connection = ConnectionID("pbx")
    static let profile = ConnectionProfile(id: connection, provider: "asterisk")
    /// Patient enough for a double, and quick to notice that one is gone.
    static let rhythm = ManagerSession.Rhythm(
        stepPatience: .seconds(10), pingInterval: .seconds(10), auditInterval: .seconds(300), tick: .milliseconds(20))

    private struct SystemTime: Timekeeper {
        func now() -> Instant { Instant(milliseconds: MonotonicInstant.now.nanoseconds / 1_000_000) }
    }

    let server: AsteriskDoubleServer
    let line: TappedStreams
    let link: ManagerLink
    let client: AsteriskClient
    private let session: ManagerSession
    private let streams = SystemStreams()
    private let heard = Guarded<[HeardRecord]>([])
    private let reports = Guarded<[Upkeep]>([])
    private let news: Guarded<[AsteriskNews]>
    /// Whether the journal takes what it is given.
    let journalTakes = Guarded(true)
    let refusals = Guarded(0)
    /// Calls that the journal holds open.
    private let openCalls: [CommandTarget]
    private let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - secret: that the session believes in.
    ///   - settings: more of the connection's file.
    init(
        _ options: AsteriskOptions, seed: UInt64, playing plan: DoublePlan?, rhythm: ManagerSession.Rhythm, secret: String,
        settings more: [String: String], openCalls: [CommandTarget]
    ) throws {
        let (bell, ringing) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (self.bell, self.ringing, self.openCalls) = (bell, ringing, openCalls)
        let news = Guarded<[AsteriskNews]>([])
        self.news = news
        server = try AsteriskDoubleServer(
            AsteriskDouble(options, seed: seed, at: SystemTime().now()), on: SocketAddress(.loopbackV4, port: 0),
            faults: options.faults, playing: plan, timekeeper: SystemTime()
        ) { one in
            news.withLock { $0.append(one) }
            ringing.yield()
        }
        try server.start()
        line = TappedStreams(streams)
        let values = [
            "host": "127.0.0.1", "port": "\(server.address.port)", "username": "gateway", "secret": secret,
        ].merging(more) { $1 }
        let settings = try AsteriskSettings(AdapterSettings(connection: Self.connection, values: values))
        link = ManagerLink(plan: settings.plan)
        session = ManagerSession(
            try #require(settings.manager), streams: line, link: link, plan: settings.plan, rhythm: rhythm)
        client = AsteriskClient(settings: settings, link: link, session: session, outgoing: ScriptedOutgoing())
    }

    /// Runs a session with a double for as long as `body` looks at it.
    static func run(
        _ change: (inout AsteriskOptions) -> Void = { _ in }, seed: UInt64 = 1, playing plan: DoublePlan? = nil,
        rhythm: ManagerSession.Rhythm = rhythm, secret: String = "hush", settings: [String: String] = [:],
        openCalls: [CommandTarget] = [], _ body: (ManagerStand) async throws -> Void
    ) async throws {
        var options = AsteriskOptions(users: [AsteriskTalk.user])
        change(&options)
        let stand = try ManagerStand(
            options, seed: seed, playing: plan, rhythm: rhythm, secret: secret, settings: settings, openCalls: openCalls)
        let work = Task { [session = stand.session, context = stand.context] in
            do {
                try await session.run(context)
            } catch {
                stand.ended.withLock { $0 = error as? ProviderFailure }
            }
            stand.ringing.yield()
        }
        defer { work.cancel() }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(stand))
        } catch {
            outcome = .failure(error)
        }
        work.cancel()
        await work.value
        await stand.streams.shutdown()
        await stand.server.shutdown()
        try outcome.get()
    }

    /// Why the session gave up.
    let ended = Guarded<ProviderFailure?>(nil)

    private var context: KeepingContext {
        KeepingContext(
            profile: Self.profile, address: nil, notes: MemoryNotes(), clock: SystemTime(),
            // What takes a second is a twentieth of it here: nobody measures how long the session waits.
            pause: { try await Task.sleep(for: $0 / 20) }, signals: SignalBox(),
            report: { [reports, ringing] upkeep in
                reports.withLock { $0.append(upkeep) }
                ringing.yield()
            },
            openCalls: { [openCalls] in openCalls },
            hear: { [heard, journalTakes, refusals, ringing] records in
                defer { ringing.yield() }
                guard journalTakes.withLock({ $0 }) else {
                    refusals.withLock { $0 += 1 }
                    return false
                }
                heard.withLock { $0 += records }
                return true
            })
    }

    // MARK: What has come

    var upkeep: Upkeep? { reports.withLock { $0.last } }
    var allReports: [Upkeep] { reports.withLock { $0 } }
    var records: [HeardRecord] { heard.withLock { $0 } }
    var truths: [CallTruth] { news.withLock { $0.compactMap { if case .ended(let truth) = $0 { truth } else { nil } } } }
    var connections: Int { news.withLock { $0.count { if case .connected = $0 { true } else { false } } } }
    var drops: [String] { news.withLock { $0.compactMap { if case .closed(_, let reason) = $0 { reason } else { nil } } } }
    var isConnected: Bool { upkeep?.condition == .good || upkeep?.condition == .impaired }

    /// Waits for news until it is so; the test's own limit ends it.
    func wait(until isSo: (ManagerStand) -> Bool) async {
        if isSo(self) { return }
        for await _ in bell where isSo(self) { return }
    }

    func waitForConnection() async { await wait { $0.isConnected } }

    /// Conversations that the session holds for on.
    var openCount: Int { link.withSwitchboard { $0.count } }

    /// The call log as it follows from what the journal has taken.
    func calls() throws -> [JSONValue] {
        var play = RecordPlay(profile: Self.profile, numbering: PlainNumbering())
        let decoder = AsteriskDecoder(plan: client.settings.plan)
        for (number, record) in records.enumerated() {
            let raw = RawRecord(
                id: RawID(bits: UInt128(number + 1)), position: Int64(number + 1), connection: Self.connection,
                receivedAt: record.receivedAt ?? .base, source: record.source, method: "", path: record.path, body: record.body)
            let decoded = decoder.decode(raw)
            for case .undecoded(let reason) in decoded { Issue.record("undecoded: \(reason)") }
            try play.take(decoded, of: raw)
        }
        return RecordShape.standing(try play.records())
    }

    /// The call that goes by that Linkedid.
    func call(_ name: String) throws -> JSONValue? {
        try calls().first { $0["external_ids"]?.elements.contains { $0["value"]?.string == name } ?? false }
    }

    /// Holds the call log against what really happened.
    func expectTruths(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let calls = try calls()
        let truths = truths
        #expect(calls.count == truths.count, sourceLocation: sourceLocation)
        for truth in truths {
            let call = calls.first { one in
                one["external_ids"]?.elements.contains { $0["value"]?.string == truth.call } ?? false
            }
            let place = "\(truth.call) \(truth.direction) \(truth.disposition)"
            #expect(call?["state"] == "ended", "\(place)", sourceLocation: sourceLocation)
            #expect(call?["direction"]?.string == truth.direction.rawValue, "\(place)", sourceLocation: sourceLocation)
            #expect(call?["disposition"]?.string == truth.disposition.rawValue, "\(place)", sourceLocation: sourceLocation)
        }
    }
}

/// Streams that keep what is written, and whose line can go dead without a word.
final class TappedStreams: ByteStreams {
    private let streams: any ByteStreams
    private let bytes = Guarded<[UInt8]>([])
    /// Nothing comes or goes any more, and nobody is told.
    let isDead = Guarded(false)
    let addresses = Guarded<[StreamAddress]>([])

    init(_ streams: any ByteStreams) { self.streams = streams }

    /// All that was written, on all connections.
    var written: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

    /// Each action that was written, without its empty line.
    var actions: [String] { written.split(separator: "\r\n\r\n").map(String.init) }

    /// The one action of that name that was written last.
    func action(_ name: String) -> String? { actions.last { $0.hasPrefix("Action: \(name)\r\n") } }

    func open(_ address: StreamAddress, within patience: Duration) async throws(StreamFailure) -> any ByteStream {
        addresses.withLock { $0.append(address) }
        return TappedStream(try await streams.open(address, within: patience), bytes: bytes, isDead: isDead)
    }
}

private final class TappedStream: ByteStream {
    private let stream: any ByteStream
    private let bytes: Guarded<[UInt8]>
    private let isDead: Guarded<Bool>

    init(_ stream: any ByteStream, bytes: Guarded<[UInt8]>, isDead: Guarded<Bool>) {
        (self.stream, self.bytes, self.isDead) = (stream, bytes, isDead)
    }

    func read(within patience: Duration) async throws(StreamFailure) -> [UInt8] {
        let read = try await stream.read(within: patience)
        if isDead.withLock({ $0 }) { throw StreamFailure(.late, at: "tap", "dead") }
        return read
    }

    func write(_ bytes: [UInt8], within patience: Duration) async throws(StreamFailure) {
        if isDead.withLock({ $0 }) { return }
        self.bytes.withLock { $0 += bytes }
        try await stream.write(bytes, within: patience)
    }

    func close() { stream.close() }
}
