import Synchronization
import TestSupport
import Testing

@testable import Connector

/// A keeper that does what the test says, and tells what was done with it.
private final class ScriptedKeeper: ConnectionKeeper {
    typealias Body = @Sendable (KeepingContext) async throws(ProviderFailure) -> Void

    private let body: Body
    private let counts = Mutex((begun: 0, ended: 0))

    let handsOver: Bool

    init(handsOver: Bool = false, _ body: @escaping Body = ScriptedKeeper.waitForEver) {
        self.handsOver = handsOver
        self.body = body
    }

    var begun: Int { counts.withLock { $0.begun } }
    var isWorking: Bool { counts.withLock { $0.begun > $0.ended } }

    func run(_ context: KeepingContext) async throws(ProviderFailure) {
        counts.withLock { $0.begun += 1 }
        defer { counts.withLock { $0.ended += 1 } }
        try await body(context)
    }

    static let waitForEver: Body = { context in
        context.report(Upkeep(.good, "all is kept", wanted: 1, kept: 1))
        while await context.wait(until: context.now.advanced(by: .seconds(86_400))) != .cancelled {}
    }
}

private struct KeepingAdapter: TelephonyAdapter {
    static let descriptor = AdapterDescriptor(name: "keeping", title: "Keeping", version: "1", settings: [], headers: [])

    private struct Client: ProviderClient {
        let keeper: (any ConnectionKeeper)?

        func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer { ProviderAnswer(code: "ok") }
    }

    private let keeper: ScriptedKeeper?

    init(settings: AdapterSettings) { keeper = nil }
    init(_ keeper: ScriptedKeeper?) { self.keeper = keeper }

    private var events: EventAdapter { EventAdapter(settings: AdapterSettings(connection: ConnectionID("x"), values: [:])) }
    func makeAuthenticator() -> any WebhookAuthenticator { events.makeAuthenticator() }
    func makeDecoder() -> any EventDecoder { events.makeDecoder() }
    func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? { Client(keeper: keeper) }
}

private final class KeepingRoster: ConnectionRoster {
    private let state = Mutex<(generation: Int, connections: [LiveConnection])>((0, []))

    var generation: Int { state.withLock { $0.generation } }
    func connections() -> [LiveConnection] { state.withLock { $0.connections } }

    /// The one connection, as a new file has it; `nil` takes it away.
    func load(_ keeper: ScriptedKeeper?) {
        state.withLock { state in
            state.generation += 1
            state.connections =
                keeper.map { [LiveConnection(profile: .test, adapter: KeepingAdapter($0), since: state.generation)] } ?? []
        }
    }
}

private final class UpkeepWorkbench: Sendable {
    let pause = ManualPause()
    let roster = KeepingRoster()
    let journal = MemoryJournal()
    let notes = MemoryNotes()
    let service: UpkeepService
    private let news = Guarded<[UpkeepNews]>([])

    init(_ keeper: ScriptedKeeper? = nil) {
        let notes = notes
        let news = news
        roster.load(keeper)
        service = UpkeepService(
            providers: ProviderClients(
                roster: roster, outgoing: ScriptedOutgoing(status: 200, ""), clock: pause.clock, pause: pause.pause),
            journal: journal,
            surroundings: UpkeepService.Surroundings(
                address: { "https://gate.example.test/hooks/\($0)" }, notes: { _ in notes },
                makeRawID: { RawID(time: $0, rest: 1) }),
            clock: pause.clock, pause: pause.pause, report: { one in news.withLock { $0.append(one) } })
    }

    var told: [UpkeepNews] { news.withLock { $0 } }
    var status: UpkeepStatus? { service[ConnectionProfile.test.id] }

    /// Runs the service as long as `body` lasts, and waits for its end.
    func running(_ body: () async throws -> Void) async rethrows {
        let work = Task { await service.run() }
        do {
            try await body()
        } catch {
            work.cancel()
            throw error
        }
        work.cancel()
        await work.value
    }

    /// Moves the clock a second at a time until `isSo`. What waits may begin to wait after the first of them: `limit` is beyond its time.
    func seconds(_ limit: Int = 2, until isSo: () -> Bool) async -> Bool {
        for _ in 0..<limit {
            if isSo() { return true }
            pause.advance(by: .seconds(1))
            for _ in 0..<2000 where !isSo() { await Task.yield() }
        }
        return isSo()
    }
}

@Suite struct UpkeepServiceTests {
    private static let failure = ProviderFailure(.unavailable, code: "503", text: "the provider answered 503")

    @Test func `a keeper works while its connection is live, and its word is told`() async {
        let keeper = ScriptedKeeper()
        let bench = UpkeepWorkbench(keeper)
        await bench.running {
            #expect(await eventually { bench.status?.condition == .good })
            #expect(bench.told == [.changed(ConnectionProfile.test.id, Upkeep(.good, "all is kept", wanted: 1, kept: 1))])
            #expect(bench.service.all.map(\.connection) == [ConnectionProfile.test.id])
        }
        #expect(!keeper.isWorking)
        #expect(bench.status == nil)
        #expect(keeper.begun == 1)
    }

    @Test func `a connection without a keeper has no upkeep`() async {
        let bench = UpkeepWorkbench()
        await bench.running {
            #expect(await bench.pause.waitForSleepers())
            #expect(bench.status == nil)
        }
    }

    @Test func `a new file ends the old keeper before the new one begins`() async {
        let old = ScriptedKeeper()
        let wasWorking = Atomic(false)
        let new = ScriptedKeeper { context in
            wasWorking.store(old.isWorking, ordering: .relaxed)
            await ScriptedKeeper.quietly(context)
        }
        let bench = UpkeepWorkbench(old)
        await bench.running {
            #expect(await eventually { old.isWorking })
            bench.roster.load(new)
            #expect(await bench.seconds { new.isWorking })
            #expect(!old.isWorking && !wasWorking.load(ordering: .relaxed))
            bench.roster.load(nil)
            #expect(await bench.seconds { !new.isWorking })
            #expect(await eventually { bench.status == nil })
        }
    }

    @Test func `one that hands over is ended while the next one begins, and is waited for in the end`() async {
        let door = Doorway()
        let old = ScriptedKeeper(handsOver: true) { _ in await door.pass() }
        let new = ScriptedKeeper(handsOver: true)
        let bench = UpkeepWorkbench(old)
        await bench.running {
            #expect(await eventually { old.isWorking })
            bench.roster.load(new)
            #expect(await bench.seconds { new.isWorking })
            #expect(old.isWorking, "it holds what the next one takes over")
            #expect(await bench.seconds { bench.status?.condition == .good })
            door.open()
        }
        #expect(!old.isWorking && !new.isWorking)
    }

    @Test func `one that failed is begun anew after growing pauses, and its failure is seen meanwhile`() async {
        let keeper = ScriptedKeeper { _ throws(ProviderFailure) in throw Self.failure }
        let bench = UpkeepWorkbench(keeper)
        await bench.running {
            #expect(await eventually { bench.status?.nextAttemptAt != nil })
            #expect(bench.status?.condition == .failing)
            #expect(bench.status?.summary == "the provider answered 503 (503)")
            #expect(bench.status?.nextAttemptAt == bench.pause.clock.now().advanced(by: .seconds(5)))
            #expect(await bench.seconds(20) { keeper.begun == 2 })
            #expect(await eventually { bench.status?.nextAttemptAt == bench.pause.clock.now().advanced(by: .seconds(10)) })
            #expect(bench.status?.restarts == 1)
            #expect(bench.told.first == .failed(ConnectionProfile.test.id, Self.failure, failures: 1, pause: .seconds(5)))
        }
        #expect(!keeper.isWorking)
    }

    @Test(arguments: [
        (1, ProviderFailure.Kind.unavailable, Duration?.none, 5), (4, .unknown, nil, 40), (60, .unavailable, nil, 300),
        (1, .unauthorized, nil, 300), (1, .limited, .seconds(90), 90), (1, .limited, .seconds(90_000), 3600),
    ])
    func `how long it rests`(failures: Int, kind: ProviderFailure.Kind, wish: Duration?, seconds: Int) {
        let failure = ProviderFailure(kind, code: "", text: "", retryAfter: wish)
        #expect(KeeperShift.pause(after: failures, failure) == .seconds(seconds))
    }

    @Test func `one that works again has recovered`() async {
        let attempts = Atomic(0)
        let keeper = ScriptedKeeper { context throws(ProviderFailure) in
            if attempts.add(1, ordering: .relaxed).newValue == 1 { throw Self.failure }
            try await ScriptedKeeper.waitForEver(context)
        }
        let bench = UpkeepWorkbench(keeper)
        await bench.running {
            #expect(await eventually { bench.status?.failure != nil })
            #expect(await bench.seconds(20) { bench.status?.failure == nil })
            #expect(bench.status?.condition == .good)
            #expect(bench.told.contains(.recovered(ConnectionProfile.test.id)))
        }
    }

    @Test func `one that has nothing to do is left as it says`() async {
        let keeper = ScriptedKeeper { context in context.report(Upkeep(.impaired, "no address", remedy: "set one")) }
        let bench = UpkeepWorkbench(keeper)
        await bench.running {
            #expect(await eventually { bench.status?.condition == .impaired && !keeper.isWorking })
            _ = await bench.seconds(3) { keeper.begun > 1 }
            #expect(keeper.begun == 1)
            #expect(bench.status?.remedy == "set one")
        }
    }

    @Test func `one that does not end is told of after five seconds, and keeps its place until it does`() async {
        let door = Doorway()
        let stubborn = ScriptedKeeper { _ in await door.pass() }
        let next = ScriptedKeeper()
        let bench = UpkeepWorkbench(stubborn)
        await bench.running {
            #expect(await eventually { stubborn.isWorking })
            bench.roster.load(next)
            #expect(await bench.seconds(20) { bench.told.contains(.stuck(ConnectionProfile.test.id)) })
            _ = await bench.seconds(10) { next.isWorking }
            #expect(stubborn.isWorking && next.begun == 0)
            #expect(bench.status?.condition == .failing && bench.status?.failure?.code == "stuck")
            #expect(bench.told.count { $0 == .stuck(ConnectionProfile.test.id) } == 1)
            door.open()
            #expect(await bench.seconds(20) { next.isWorking })
            #expect(!stubborn.isWorking)
            #expect(bench.status?.condition == .good)
        }
    }

    @Test func `the service ends though a keeper does not`() async {
        let door = Doorway()
        let stubborn = ScriptedKeeper { _ in await door.pass() }
        let bench = UpkeepWorkbench(stubborn)
        let work = Task { await bench.service.run() }
        #expect(await eventually { stubborn.isWorking })
        work.cancel()
        let isOver = Atomic(false)
        let waiting = Task {
            await work.value
            isOver.store(true, ordering: .relaxed)
        }
        #expect(await bench.seconds(20) { isOver.load(ordering: .relaxed) })
        #expect(bench.told == [.stuck(ConnectionProfile.test.id)])
        door.open()
        await waiting.value
        #expect(await eventually { !stubborn.isWorking })
    }

    @Test func `a decoder's news comes to its connection's keeper, each once`() async {
        let heard = Guarded<[String]>([])
        let keeper = ScriptedKeeper { context in
            while true {
                switch await context.wait(until: context.now.advanced(by: .seconds(3600))) {
                case .signal(let signal): heard.withLock { $0.append("\(signal.name) \(signal["id"] ?? "")") }
                case .due: heard.withLock { $0.append("due") }
                case .cancelled: return
                }
            }
        }
        let bench = UpkeepWorkbench(keeper)
        let id = ConnectionProfile.test.id
        await bench.running {
            #expect(await eventually { keeper.isWorking })
            bench.service.hear(AdapterSignal(connection: ConnectionID("other"), name: "not for us"))
            bench.service.hear(AdapterSignal(connection: id, name: "ended", fields: [CustomField("id", "7")]))
            bench.service.hear(AdapterSignal(connection: id, name: "begun"))
            #expect(await eventually { heard.withLock { $0.count == 2 } })
            #expect(heard.withLock { $0 } == ["ended 7", "begun "])
            #expect(await bench.pause.waitForSleepers(2))
            bench.pause.advance(by: .seconds(3600))
            #expect(await eventually { heard.withLock { $0.last == "due" } })
        }
    }

    @Test func `what a keeper hears goes into the journal as a raw record`() async throws {
        let isKept = Guarded<[Bool]>([])
        let keeper = ScriptedKeeper { context in
            let record = HeardRecord(source: .ami, path: "/event", body: Array("Event: Hangup".utf8))
            for _ in 0..<2 {
                let isCommitted = await context.hear(record)
                isKept.withLock { $0.append(isCommitted) }
                _ = await context.wait(until: context.now.advanced(by: .seconds(1)))
            }
        }
        let bench = UpkeepWorkbench(keeper)
        await bench.running {
            #expect(await eventually { isKept.withLock { $0 == [true] } })
            bench.journal.refusesAppends = true
            #expect(await bench.seconds { isKept.withLock { $0 == [true, false] } })
        }
        let raw = try #require(
            try bench.journal.makeReader().inbox(state: nil, connections: [ConnectionProfile.test.id], before: nil, limit: 9)
                .first?.raw)
        #expect(raw.source == .ami)
        #expect(raw.path == "/event")
        #expect(raw.body == Array("Event: Hangup".utf8))
        #expect(raw.peer == "" && raw.method == "")
    }

    @Test func `a box that is full lets the oldest go, and holds of equal ones the first`() {
        let box = SignalBox()
        for number in 0..<600 { box.put(AdapterSignal(connection: ConnectionID("a"), name: "\(number)")) }
        box.put(AdapterSignal(connection: ConnectionID("a"), name: "599"))
        #expect(box.take()?.name == "100")
        var last: String?
        while let signal = box.take() { last = signal.name }
        #expect(last == "599")
        #expect(box.count == 600)
    }
}

extension ScriptedKeeper {
    fileprivate static func quietly(_ context: KeepingContext) async {
        while await context.wait(until: context.now.advanced(by: .seconds(86_400))) != .cancelled {}
    }
}

/// Lets nobody through before it is opened, cancelled or not.
private final class Doorway: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            defer { state = (true, []) }
            return state.waiting
        }
        waiting.forEach { $0.resume() }
    }
}
