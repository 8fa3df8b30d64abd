import Connector
import Synchronization
import TestSupport
import Testing

/// A provider that does what the test says.
private final class ScriptedProvider: ProviderClient {
    typealias Outcome = Result<ProviderAnswer, ProviderFailure>

    private struct State {
        var outcomes: [Outcome] = []
        var orders: [ProviderOrder] = []
        var held: [CheckedContinuation<Void, Never>] = []
        var holds = false
    }

    private let state = Mutex(State())
    private let bell = Bell()

    var orders: [ProviderOrder] { state.withLock { $0.orders } }

    func answer(_ outcomes: Outcome...) { state.withLock { $0.outcomes += outcomes } }

    /// Lets nobody have an answer until `release`.
    func hold() { state.withLock { $0.holds = true } }

    func release() {
        let held = state.withLock { state in
            state.holds = false
            defer { state.held = [] }
            return state.held
        }
        held.forEach { $0.resume() }
    }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        let outcome = state.withLock { state -> Outcome in
            state.orders.append(order)
            return state.outcomes.isEmpty ? .success(ProviderAnswer(code: "ok")) : state.outcomes.removeFirst()
        }
        bell.ring()
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if state.holds { state.held.append(continuation) }
                return state.holds
            }
            if !isHeld { continuation.resume() }
        }
        return try outcome.get()
    }
}

private struct ScriptedAdapter: TelephonyAdapter {
    static let descriptor = AdapterDescriptor(
        name: "scripted", title: "Scripted", version: "1", settings: [], headers: [], capabilities: [.originate, .hangup],
        rateLimit: RateLimit(burst: 100, interval: .milliseconds(1)))

    var provider: ScriptedProvider?

    init(settings: AdapterSettings) {}
    init(_ provider: ScriptedProvider) { self.provider = provider }

    func makeAuthenticator() -> any WebhookAuthenticator {
        EventAdapter(settings: AdapterSettings(connection: ConnectionID("x"), values: [:])).makeAuthenticator()
    }
    func makeDecoder() -> any EventDecoder {
        EventAdapter(settings: AdapterSettings(connection: ConnectionID("x"), values: [:])).makeDecoder()
    }
    func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? { provider }
}

private struct OneConnection: ConnectionRoster {
    let generation = 1
    let provider: ScriptedProvider

    func connections() -> [LiveConnection] { [LiveConnection(profile: .test, adapter: ScriptedAdapter(provider))] }
}

private struct Nobody: Outgoing {
    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse { OutgoingResponse(status: 500) }
}

extension ProviderClients {
    fileprivate static func scripted(_ provider: ScriptedProvider, _ clock: ManualClock) -> ProviderClients {
        ProviderClients(roster: OneConnection(provider: provider), outgoing: Nobody(), clock: clock)
    }
}

private struct DirectReading: JournalReading {
    let journal: MemoryJournal

    func read<Result: Sendable>(_ body: @escaping @Sendable (any JournalReader) throws -> Result) async throws -> Result {
        try body(try journal.makeReader())
    }
}

private final class DeskWorkbench: Sendable {
    let provider = ScriptedProvider()
    let journal = MemoryJournal()
    let clock = ManualClock()
    let desk: CommandDesk
    private let serial = Atomic(0)

    init() { desk = Self.makeDesk(journal, provider, clock) }

    /// That of the gateway after a restart.
    func makeDesk() -> CommandDesk { Self.makeDesk(journal, provider, clock) }

    private static func makeDesk(_ journal: MemoryJournal, _ provider: ScriptedProvider, _ clock: ManualClock) -> CommandDesk {
        CommandDesk(
            store: journal, reading: DirectReading(journal: journal), providers: .scripted(provider, clock),
            numbering: PlainNumbering(), clock: clock, makeID: { CommandID(time: $0, rest: UInt128.random(in: 0...(.max))) })
    }

    func request(
        _ action: Command.Action = .originate(.init(from: "101", to: "79000001234")), key: String? = nil, hash: [UInt8] = [1]
    ) -> CommandRequest {
        CommandRequest(
            tenant: .standard, connection: ConnectionProfile.test.id, action: action,
            idempotencyKey: key ?? "key-\(serial.add(1, ordering: .relaxed).newValue)", hash: hash, requestedBy: "test")
    }

    /// The command when nothing more is done for it at once.
    func settled(_ command: Command, _ isDone: (Command) -> Bool = { $0.status.isFinal }) async throws -> Command {
        for _ in 0..<100_000 {
            if let now = try await desk.command(command.id, of: .standard), isDone(now) { return now }
            await Task.yield()
        }
        Issue.record("the command does not settle")
        return command
    }

    /// The command when the journal, too, knows that it is settled: its memory does a moment before.
    func kept(_ command: Command) async throws -> Command {
        for _ in 0..<100_000 {
            let row = try journal.makeReader().command(command.id)
            if let kept = row.flatMap({ Command(packed: $0.body) }), kept.status.isFinal { return kept }
            await Task.yield()
        }
        Issue.record("the command is not kept")
        return command
    }
}

@Suite struct CommandDeskTests {
    @Test func `a command is in the journal as sent before it leaves, and confirmed by the provider's answer`() async throws {
        let bench = DeskWorkbench()
        bench.provider.hold()
        bench.provider.answer(.success(ProviderAnswer(call: ExternalKey(.call, "C1"), code: "1000")))
        let command = try await bench.desk.submit(bench.request())
        #expect(command.status == .sent)
        let kept = try #require(try bench.journal.makeReader().command(command.id))
        #expect(Command(packed: kept.body)?.status == .sent)
        bench.provider.release()
        let settled = try await bench.settled(command)
        #expect(settled.status == .confirmed)
        #expect(settled.answer?.call == ExternalKey(.call, "C1"))
        #expect(bench.provider.orders.map(\.id) == [command.id])
    }

    @Test func `the same key and request give the same command, and nothing is sent twice`() async throws {
        let bench = DeskWorkbench()
        let first = try await bench.desk.submit(bench.request(key: "k"))
        _ = try await bench.settled(first)
        bench.clock.advance(by: .seconds(60))
        let again = try await bench.desk.submit(bench.request(key: "k"))
        #expect(again.id == first.id)
        #expect(again.status == .confirmed)
        #expect(bench.provider.orders.count == 1)
        await #expect(throws: CommandRefusal.keyReused) { try await bench.desk.submit(bench.request(key: "k", hash: [2])) }
    }

    @Test func `a key that comes again is answered whatever else would refuse it now`() async throws {
        let bench = DeskWorkbench()
        let first = try await bench.desk.submit(bench.request(key: "k"))
        #expect(try await bench.desk.submit(bench.request(key: "k")).id == first.id, "a double click with the same key")
        bench.desk.close()
        #expect(try await bench.desk.submit(bench.request(key: "k")).id == first.id)
        await #expect(throws: CommandRefusal.busy("the gateway is ending")) { try await bench.desk.submit(bench.request()) }
        #expect(bench.provider.orders.count <= 1)
    }

    @Test func `a key that comes again takes no turn from another command, and may be ordered anew with a fresh one`()
        async throws
    {
        let bench = DeskWorkbench()
        let first = try await bench.desk.submit(bench.request(.hangup, key: "k"))
        for _ in 0..<1000 { #expect(try await bench.desk.submit(bench.request(.hangup, key: "k")).id == first.id) }
        #expect(try await bench.desk.submit(bench.request(.hangup)).status == .sent, "the bucket holds a hundred")
        let call = try await bench.desk.submit(bench.request(key: "call"))
        bench.clock.advance(by: .seconds(10))
        #expect(try await bench.desk.submit(bench.request(key: "call")).id == call.id)
        #expect(try await bench.desk.submit(bench.request()).id != call.id, "what was not taken is no click")
    }

    @Test func `a double click makes one call, whatever its keys`() async throws {
        let bench = DeskWorkbench()
        let first = try await bench.desk.submit(bench.request())
        await #expect(throws: CommandRefusal.duplicate(of: first.id)) { try await bench.desk.submit(bench.request()) }
        bench.clock.advance(by: .seconds(4))
        _ = try await bench.desk.submit(bench.request())
        #expect(try bench.journal.makeReader().openCommands().count <= 2)
    }

    @Test(arguments: [
        (ProviderFailure.Kind.rejected, Command.Status.failed), (.unauthorized, .failed), (.unavailable, .failed),
        (.limited, .failed), (.unsupported, .unsupported), (.unknown, .unknown),
    ])
    func `what the provider says decides the outcome`(kind: ProviderFailure.Kind, status: Command.Status) async throws {
        let bench = DeskWorkbench()
        bench.provider.answer(.failure(ProviderFailure(kind, code: "x", text: "so it is")))
        let settled = try await bench.settled(try await bench.desk.submit(bench.request()))
        #expect(settled.status == status)
        #expect(settled.failure?.kind == kind)
    }

    @Test func `after five failures nothing is sent for a while, and then one is tried`() async throws {
        let bench = DeskWorkbench()
        for number in 0..<5 {
            bench.provider.answer(.failure(ProviderFailure(.unavailable, code: "503", text: "down")))
            let action = Command.Action.originate(.init(from: "101", to: "7900000\(1000 + number)"))
            _ = try await bench.settled(try await bench.desk.submit(bench.request(action)))
        }
        await #expect(throws: CommandRefusal.providerDown(retryAfter: .seconds(10))) {
            try await bench.desk.submit(bench.request())
        }
        bench.clock.advance(by: .seconds(10))
        let settled = try await bench.settled(try await bench.desk.submit(bench.request()))
        #expect(settled.status == .confirmed)
    }

    @Test func `what the provider cannot do and what cannot be right never leaves`() async throws {
        let bench = DeskWorkbench()
        await #expect(throws: CommandRefusal.unsupported(.hold)) { try await bench.desk.submit(bench.request(.hold)) }
        for wrong in ["7", "790000012345678901", "79000001234&x=1", "101\n102", ""] {
            await #expect(throws: CommandRefusal.self) {
                try await bench.desk.submit(bench.request(.originate(.init(from: "101", to: wrong))))
            }
        }
        var other = bench.request()
        other.connection = ConnectionID("nobody")
        await #expect(throws: CommandRefusal.noProvider) { try await bench.desk.submit(other) }
        #expect(bench.provider.orders.isEmpty)
        #expect(try bench.journal.makeReader().openCommands().isEmpty)
    }

    @Test func `a journal that takes nothing lets nothing leave`() async throws {
        let bench = DeskWorkbench()
        bench.journal.failure = "disk full"
        await #expect(throws: CommandRefusal.busy("disk full")) { try await bench.desk.submit(bench.request()) }
        #expect(bench.provider.orders.isEmpty)
        bench.journal.failure = nil
        _ = try await bench.settled(try await bench.desk.submit(bench.request()))
    }

    @Test func `a late answer settles a command that was only taken`() async throws {
        let bench = DeskWorkbench()
        bench.provider.answer(.success(ProviderAnswer(code: "1000", isPreliminary: true)))
        let command = try await bench.desk.submit(bench.request())
        _ = try await bench.settled(command) { $0.answer != nil }
        bench.desk.note(CommandReport(key: command.id.description, succeeded: false, code: "4101"))
        let settled = try await bench.settled(command)
        #expect(settled.status == .failed)
        #expect(settled.failure?.code == "4101")
    }

    @Test func `without a late answer it is unknown after its deadline`() async throws {
        let bench = DeskWorkbench()
        bench.provider.answer(.success(ProviderAnswer(code: "1000", isPreliminary: true)))
        let command = try await bench.desk.submit(bench.request())
        _ = try await bench.settled(command) { $0.answer != nil }
        bench.clock.advance(by: .seconds(31))
        await bench.desk.follow()
        #expect(try await bench.settled(command).status == .unknown)
    }

    // MARK: The call it makes

    private func addCall(_ bench: DeskWorkbench, number: String, key: ExternalKey?, after seconds: Int) -> CallID {
        let started = bench.clock.now().advanced(by: .seconds(seconds))
        let id = CallID(time: started, rest: UInt128(seconds + 7))
        var batch = DerivedBatch()
        batch.calls = [
            CallRow(
                id: id, tenant: .standard, connection: ConnectionProfile.test.id, revision: 1, startedAt: started,
                updatedAt: started,
                direction: .outbound, disposition: nil, state: .ringing, line: nil, number: number, mergedInto: nil,
                isDeleted: false)
        ]
        if let key { batch.keys = [KeyRow(connection: ConnectionProfile.test.id, key: key, call: id)] }
        bench.journal.submit(batch)
        return id
    }

    @Test func `the call is found by our own name of the command`() async throws {
        let bench = DeskWorkbench()
        let command = try await bench.desk.submit(bench.request())
        _ = try await bench.settled(command)
        let call = addCall(bench, number: "+70000000000", key: ExternalKey(.crmCommand, command.id.description), after: 1)
        await bench.desk.follow()
        #expect(try await bench.desk.command(command.id, of: .standard)?.resultCall == call)
    }

    @Test func `the call is found by number and time where the provider names none`() async throws {
        let bench = DeskWorkbench()
        bench.provider.answer(.failure(ProviderFailure(.unknown, code: "timeout", text: "no answer")))
        let command = try await bench.settled(try await bench.desk.submit(bench.request()))
        #expect(command.status == .unknown)
        _ = addCall(bench, number: "+79000009999", key: nil, after: 1)
        await bench.desk.follow()
        #expect(try await bench.desk.command(command.id, of: .standard)?.resultCall == nil)
        let call = addCall(
            bench, number: PlainNumbering().number("79000001234", defaultCountry: "RU").e164 ?? "79000001234", key: nil, after: 2)
        await bench.desk.follow()
        let linked = try #require(try await bench.desk.command(command.id, of: .standard))
        #expect(linked.resultCall == call)
        #expect(linked.status == .confirmed, "an event of the call is the best answer there is")
    }

    // MARK: Restart

    @Test func `after a restart what may have left is unknown, and is never sent again`() async throws {
        let bench = DeskWorkbench()
        bench.provider.hold()
        let command = try await bench.desk.submit(bench.request())
        let second = bench.makeDesk()
        for _ in 0..<1000 where bench.provider.orders.isEmpty { await Task.yield() }
        try await second.recover()
        #expect(try await second.command(command.id, of: .standard)?.status == .unknown)
        #expect(bench.provider.orders.count == 1)
        let call = addCall(bench, number: "+70000000000", key: ExternalKey(.crmCommand, command.id.description), after: 1)
        await second.follow()
        let linked = try #require(try await second.command(command.id, of: .standard))
        #expect(linked.resultCall == call)
        #expect(linked.status == .confirmed)
        bench.provider.release()
    }

    @Test func `a call that is awaited is found after two restarts, too, and no longer than its time`() async throws {
        let bench = DeskWorkbench()
        let command = try await bench.kept(try await bench.desk.submit(bench.request()))
        #expect(command.status == .confirmed && command.resultCall == nil)
        try await bench.makeDesk().recover()
        let third = bench.makeDesk()
        try await third.recover()
        #expect(try await third.command(command.id, of: .standard)?.status == .confirmed)
        let call = addCall(bench, number: "+70000000000", key: ExternalKey(.crmCommand, command.id.description), after: 1)
        await third.follow()
        #expect(try await third.command(command.id, of: .standard)?.resultCall == call)
        let other = Command.Action.originate(.init(from: "101", to: "79000005678"))
        _ = try await bench.kept(try await bench.desk.submit(bench.request(other)))
        #expect(try bench.journal.makeReader().openCommands().count == 1)
        bench.clock.advance(by: .seconds(600))
        await bench.desk.follow()
        #expect(try bench.journal.makeReader().openCommands().isEmpty)
    }

    @Test func `another tenant's command is nobody's`() async throws {
        let bench = DeskWorkbench()
        let command = try await bench.desk.submit(bench.request())
        #expect(try await bench.desk.command(command.id, of: TenantID("other")) == nil)
    }

    @Test func `a command survives being kept`() {
        var command = Command(
            id: CommandID(bits: 1), tenant: .standard, connection: ConnectionID("c"),
            action: .originate(.init(from: "101", to: "+79000001234", line: "+74950000001", callerName: "Ан\"на", record: true)),
            idempotencyKey: "k", requestedBy: "crm", createdAt: .base, deadlineAt: .base.advanced(by: .seconds(30)))
        #expect(Command(packed: command.packed()) == command)
        command.status = .failed
        command.failure = ProviderFailure(.limited, code: "429", text: "slow down", retryAfter: .seconds(7))
        command.answer = ProviderAnswer(call: ExternalKey(.session, "s"), code: "1", isPreliminary: true)
        for action in [
            Command.Action.hangup, .hold, .resume, .record(start: true), .record(start: false), .dtmf("12#"),
            .transfer(to: "102", kind: .attended),
        ] {
            command.action = action
            command.call = CallID(bits: 9)
            #expect(Command(packed: command.packed()) == command)
        }
    }
}
