import Synchronization
import TestSupport
import Testing

@testable import Connector

/// A client that sends what it is asked for.
private struct AskingClient: ProviderClient {
    let outgoing: any Outgoing
    var requestsOfCommand = 1
    /// It asks its provider by ways of its own.
    var asksOverOutgoing = true

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        for _ in 0..<requestsOfCommand { try await send("command") }
        return ProviderAnswer(code: "ok")
    }

    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        if asksOverOutgoing { try await send("history") }
        return HistoryPage(bodies: [], path: "/log")
    }

    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        try await send("recording")
        return OutgoingRequest("GET", "https://files.example.test/1")
    }

    func recordingPlace(_ reference: String) async throws(ProviderFailure) -> RecordingPlace {
        .local(LocalRecording(path: "/recordings/" + reference))
    }

    func route(_ order: RouteOrder) async throws(ProviderFailure) -> RouteOutcome {
        try await send("route")
        return .sent
    }

    private func send(_ path: String) async throws(ProviderFailure) {
        do {
            let response = try await outgoing.send(OutgoingRequest("GET", "https://pbx.example.test/\(path)"))
            guard response.status < 400 else { throw ProviderFailure(.limited, code: "\(response.status)", text: "no") }
        } catch {
            throw ProviderFailure(error)
        }
    }
}

private struct AskingAdapter: TelephonyAdapter {
    static let descriptor = AdapterDescriptor(name: "asking", title: "Asking", version: "1", settings: [], headers: [])

    var descriptor: AdapterDescriptor = Self.descriptor
    var requestsOfCommand = 1
    var asksOverOutgoing = true

    init(settings: AdapterSettings) {}

    init(_ limit: RateLimit, history: RateLimit? = nil, requestsOfCommand: Int = 1) {
        descriptor.rateLimit = limit
        descriptor.historyLimit = history
        self.requestsOfCommand = requestsOfCommand
    }

    func makeAuthenticator() -> any WebhookAuthenticator { events.makeAuthenticator() }
    func makeDecoder() -> any EventDecoder { events.makeDecoder() }
    private var events: EventAdapter { EventAdapter(settings: AdapterSettings(connection: ConnectionID("x"), values: [:])) }

    func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        AskingClient(outgoing: outgoing, requestsOfCommand: requestsOfCommand, asksOverOutgoing: asksOverOutgoing)
    }
}

private final class SwappedRoster: ConnectionRoster {
    private let state: Mutex<(generation: Int, connections: [LiveConnection])>

    init(_ connections: LiveConnection...) { state = Mutex((1, connections)) }

    var generation: Int { state.withLock { $0.generation } }
    func connections() -> [LiveConnection] { state.withLock { $0.connections } }

    func load(_ connections: LiveConnection...) { state.withLock { $0 = ($0.generation + 1, connections) } }
}

@Suite struct ProviderClientsTests {
    private let clock = ManualClock()
    private let window = HistoryWindow(from: .base, to: .base.advanced(by: .seconds(60)))

    private func connection(_ adapter: AskingAdapter, since: Int = 1) -> LiveConnection {
        LiveConnection(profile: .test, adapter: adapter, since: since)
    }

    private var order: ProviderOrder {
        ProviderOrder(id: CommandID(time: clock.now(), rest: 1), action: .hangup, deadline: .seconds(30))
    }

    /// One connection at that pace.
    private func line(
        _ adapter: AskingAdapter, over outgoing: ScriptedOutgoing, pause: ManualPause
    ) throws -> ProviderLine {
        let clients = ProviderClients(
            roster: SwappedRoster(connection(adapter)), outgoing: outgoing, clock: pause.clock, pause: pause.pause)
        return try #require(clients[ConnectionProfile.test.id])
    }

    @Test func `a connection keeps its client until its file says something else`() throws {
        let adapter = AskingAdapter(RateLimit(burst: 5, interval: .seconds(1)))
        let roster = SwappedRoster(connection(adapter))
        let clients = ProviderClients(roster: roster, outgoing: ScriptedOutgoing(status: 200, ""), clock: clock)
        let id = ConnectionProfile.test.id
        let first = try #require(clients[id])
        #expect(clients[id] === first)
        roster.load(connection(adapter))
        #expect(clients[id] === first, "another connection was loaded")
        roster.load(connection(adapter, since: 3))
        let second = try #require(clients[id])
        #expect(second !== first)
        #expect(second.pace === first.pace, "the provider goes on counting")
        roster.load(connection(AskingAdapter(RateLimit(burst: 1, interval: .seconds(1))), since: 4))
        #expect(clients[id]?.pace !== first.pace)
        roster.load()
        #expect(clients[id] == nil)
    }

    @Test func `questions leave half of the burst to commands, and wait for the rest`() async throws {
        let pause = ManualPause()
        let outgoing = ScriptedOutgoing(status: 200, "")
        let line = try line(AskingAdapter(RateLimit(burst: 4, interval: .seconds(1))), over: outgoing, pause: pause)
        let client = try #require(line.client)
        for _ in 0..<2 { _ = try await client.history(window, page: 0) }
        async let third = client.recording("R1")
        #expect(await pause.waitForSleepers())
        #expect(pause.ends == [pause.clock.now().advanced(by: .seconds(1))])
        let deadline = pause.clock.now().advanced(by: .seconds(30))
        #expect(line.pace.take(deadline: deadline) == .now)
        #expect(line.pace.take(deadline: deadline) == .now)
        #expect(line.pace.take(deadline: deadline) == .at(pause.clock.now().advanced(by: .seconds(1))))
        #expect(outgoing.requests.count == 2)
        for _ in 0..<4 {
            pause.advance(by: .seconds(1))
            _ = await eventually { pause.ends.count == 1 || outgoing.requests.count == 3 }
        }
        _ = try await third
        #expect(outgoing.requests.count == 3)
    }

    @Test func `a question that has no turn for long is refused, and told when to come again`() async throws {
        let pause = ManualPause()
        let outgoing = ScriptedOutgoing(status: 200, "")
        let limit = RateLimit(burst: 10, interval: .milliseconds(10))
        let line = try line(
            AskingAdapter(limit, history: RateLimit(burst: 1, interval: .seconds(40))), over: outgoing, pause: pause)
        let client = try #require(line.client)
        _ = try await client.history(window, page: 0)
        let failure = await #expect(throws: ProviderFailure.self) { _ = try await client.history(window, page: 1) }
        #expect(failure?.kind == .limited)
        #expect(failure?.retryAfter == .seconds(40))
        _ = try await client.recording("R1")
        #expect(outgoing.requests.map(\.url.last) == ["y", "g"], "the log's own limit is the log's alone")
    }

    @Test func `a recording that lies on this machine is found where it lies`() async throws {
        let line = try line(
            AskingAdapter(RateLimit(burst: 4, interval: .seconds(1))), over: ScriptedOutgoing(status: 200, ""),
            pause: ManualPause())
        guard case .local(let place) = try await #require(line.client).recordingPlace("R1") else {
            Issue.record("nobody is to be asked over the network")
            return
        }
        #expect(place.path == "/recordings/R1")
    }

    @Test func `a command's further requests count, its first was paid for by its turn`() async throws {
        let pause = ManualPause()
        let outgoing = ScriptedOutgoing(status: 200, "")
        let adapter = AskingAdapter(RateLimit(burst: 4, interval: .seconds(1)), requestsOfCommand: 3)
        let line = try line(adapter, over: outgoing, pause: pause)
        let deadline = pause.clock.now().advanced(by: .seconds(30))
        #expect(line.pace.take(deadline: deadline) == .now)
        _ = try await #require(line.client).perform(order)
        #expect(outgoing.requests.count == 3, "they do not wait")
        #expect(line.pace.take(deadline: deadline) == .now)
        #expect(line.pace.take(deadline: deadline) == .at(pause.clock.now().advanced(by: .seconds(1))))
    }

    @Test func `a provider that has enough of questions rests from them, and takes commands`() async throws {
        let pause = ManualPause()
        let outgoing = ScriptedOutgoing(
            .success(OutgoingResponse(status: 429, headers: [HeaderField(name: "Retry-After", value: "20")])),
            .success(OutgoingResponse(status: 200)))
        let line = try line(AskingAdapter(RateLimit(burst: 4, interval: .seconds(1))), over: outgoing, pause: pause)
        let client = try #require(line.client)
        await #expect(throws: ProviderFailure.self) { _ = try await client.history(window, page: 0) }
        async let question = client.recording("R1")
        #expect(await pause.waitForSleepers())
        #expect(pause.ends == [pause.clock.now().advanced(by: .seconds(20))])
        #expect(line.pace.take(deadline: pause.clock.now()) == .now)
        #expect(line.pace.closedUntil == nil)
        pause.advance(by: .seconds(20))
        _ = try await question
    }

    @Test func `questions that go out by other ways wait for their turn too`() async throws {
        let pause = ManualPause()
        let outgoing = ScriptedOutgoing(status: 200, "")
        var adapter = AskingAdapter(RateLimit(burst: 4, interval: .seconds(40)))
        adapter.asksOverOutgoing = false
        let client = try #require(try line(adapter, over: outgoing, pause: pause).client)
        for page in 0..<2 { _ = try await client.history(window, page: page) }
        let failure = await #expect(throws: ProviderFailure.self) { _ = try await client.history(window, page: 2) }
        #expect(failure?.kind == .limited && failure?.retryAfter == .seconds(40))
        pause.advance(by: .seconds(40))
        _ = try await client.history(window, page: 2)
        #expect(outgoing.requests.isEmpty)
    }

    @Test func `a provider that cannot route calls is left alone by commands too, and the other way round`() async throws {
        let pause = ManualPause()
        let nobody = Result<OutgoingResponse, OutgoingError>.failure(
            OutgoingError(.connect, place: "https://pbx.example.test", reason: "nobody", isTransient: true))
        let outgoing = ScriptedOutgoing(nobody, nobody, nobody, nobody, nobody)
        let line = try line(AskingAdapter(RateLimit(burst: 9, interval: .seconds(1))), over: outgoing, pause: pause)
        let client = try #require(line.client)
        let order = RouteOrder(
            id: CommandID(bits: 1),
            question: RoutingQuestion(call: ExternalKey(.call, "C"), number: "79000001234"),
            decision: RoutingDecision(.asked), deadline: .seconds(4))
        for _ in 0..<5 {
            let failure = await #expect(throws: ProviderFailure.self) { _ = try await client.route(order) }
            #expect(failure?.kind == .unavailable)
        }
        #expect(line.pace.closedUntil == pause.clock.now().advanced(by: .seconds(10)))
        let failure = await #expect(throws: ProviderFailure.self) { _ = try await client.route(order) }
        #expect(failure?.kind == .limited)
        #expect(outgoing.requests.count == 5)
    }

    @Test func `a question of a provider that is left alone is refused`() async throws {
        let pause = ManualPause()
        let outgoing = ScriptedOutgoing(status: 200, "")
        let line = try line(AskingAdapter(RateLimit(burst: 4, interval: .seconds(1))), over: outgoing, pause: pause)
        line.pace.judge(ProviderFailure(.limited, code: "429", text: "no", retryAfter: .seconds(60)))
        #expect(line.pace.closedUntil == pause.clock.now().advanced(by: .seconds(60)))
        let client = try #require(line.client)
        let failure = await #expect(throws: ProviderFailure.self) { _ = try await client.recording("R1") }
        #expect(failure?.retryAfter == .seconds(60))
        #expect(outgoing.requests.isEmpty)
    }
}
