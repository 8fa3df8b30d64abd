import TestSupport
import Testing

@testable import Connector

/// A provider's client that remembers where calls were to be sent.
private final class RouteClient: ProviderClient {
    let orders = Guarded<[RouteOrder]>([])
    private let outcome: Result<RouteOutcome, ProviderFailure>

    init(_ outcome: Result<RouteOutcome, ProviderFailure> = .success(.sent)) { self.outcome = outcome }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        throw ProviderFailure(.unsupported, code: "perform", text: "not here")
    }

    func route(_ order: RouteOrder) async throws(ProviderFailure) -> RouteOutcome {
        orders.withLock { $0.append(order) }
        return try outcome.get()
    }
}

private struct Bench {
    let clock = ManualClock(.base)
    let journal = MemoryJournal()
    let bell = Bell()
    let client: RouteClient
    let plan: RingPlan
    let dispatch: RouteDispatch
    let lookup: HeldLookup

    static let anna = ContactAnswer(name: "Romashka", responsible: .userID("17"))

    init(
        _ answer: Result<ContactAnswer, ContactFailure>? = .success(anna),
        _ outcome: Result<RouteOutcome, ProviderFailure> = .success(.sent)
    ) {
        let client = RouteClient(outcome)
        self.client = client
        lookup = HeldLookup(answer)
        plan = RingPlan(lookup: lookup, numbering: PlainNumbering(), clock: clock)
        let chance = Guarded<UInt64>(0)
        dispatch = RouteDispatch(
            plan: plan, journal: journal, client: { _ in client }, clock: clock,
            makeRawID: { time in
                RawID(
                    time: time,
                    rest: UInt128(
                        chance.withLock { chance in
                            chance += 1
                            return chance
                        }))
            })
    }

    static let command = RoutingAbility(
        .command, deadline: .seconds(4), targets: [.user], rejects: true,
        rateLimit: RateLimit(burst: 1, interval: .seconds(600)))
    static let table = RoutingAbility(.table, deadline: .seconds(20), targets: [.user])

    func begin(
        _ call: String = "c", _ number: String = "79000001234", _ ability: RoutingAbility = command,
        of connection: ConnectionProfile = .test
    ) {
        dispatch.begin(
            RoutingQuestion(call: ExternalKey(.session, call), number: number, leg: "L"), for: connection, ability)
    }

    /// The steps that were written down, once there are so many.
    func steps(_ count: Int) async throws -> [RouteReport] {
        for _ in 0..<100_000 where journal.rawRecords.count < count { await Task.yield() }
        return try journal.rawRecords.map { raw in
            guard case .call(let event)? = SystemRecord.decode(raw).first else {
                throw Unreadable()
            }
            return try #require(event.route)
        }
    }

    struct Unreadable: Error {}
}

@Suite(.timeLimit(.minutes(1))) struct RouteDispatchTests {
    @Test func `a call that waits is sent to whom the CRM names, and that is written down`() async throws {
        let bench = Bench()
        bench.begin()
        let step = try #require(try await bench.steps(1).first)
        #expect(step.kind == .user)
        #expect(step.ref == "101")
        #expect(step.result == .asked)
        let order = try #require(bench.client.orders.withLock { $0 }.first)
        #expect(order.question.leg == "L")
        #expect(order.decision.target == .user("101"))
        #expect(order.decision.callerName == "Romashka")
        #expect(order.deadline <= .seconds(4))
        #expect(bench.plan.statistics.decisions == [.asked: 1])
    }

    @Test func `a repeated request sends nothing twice`() async throws {
        let bench = Bench()
        for _ in 0..<3 { bench.begin() }
        #expect(try await bench.steps(1).count == 1)
        bench.begin()
        #expect(bench.client.orders.withLock { $0.count } == 1)
    }

    @Test func `without a word nothing is sent, and the record says why`() async throws {
        let bench = Bench(.failure(ContactFailure(.timeout, "no answer")))
        bench.begin()
        let step = try #require(try await bench.steps(1).first)
        #expect(step.kind == .provider)
        #expect(step.result == .late)
        #expect(bench.client.orders.withLock { $0.isEmpty })
    }

    @Test func `a decision that comes too late is not sent`() async throws {
        let bench = Bench(nil)
        bench.begin()
        _ = await bench.lookup.next()
        bench.clock.advance(by: .milliseconds(4001))
        bench.lookup.answer(.success(Bench.anna))
        let step = try #require(try await bench.steps(1).first)
        #expect(step.result == .late)
        #expect(step.tookMilliseconds == 4001)
        #expect(bench.client.orders.withLock { $0.isEmpty })
    }

    @Test func `a second call within the provider's pace is left to its own routing, not queued beyond its time`() async throws {
        let bench = Bench()
        bench.begin("one")
        _ = try await bench.steps(1)
        bench.begin("two")
        #expect(try await bench.steps(2).map(\.result) == [.asked, .overloaded])
        #expect(bench.client.orders.withLock { $0.count } == 1)
    }

    @Test func `a provider that refuses, or is gone, leaves the call to itself`() async throws {
        let refusal = ProviderFailure(.rejected, code: "4101", text: "the call is over")
        let bench = Bench(.success(Bench.anna), .failure(refusal))
        bench.begin()
        let step = try #require(try await bench.steps(1).first)
        #expect(step.kind == .provider)
        #expect(step.result == .refused)
    }

    @Test(arguments: [(RouteOutcome.written, RoutingDecision.Result.writtenAhead), (.unchanged, .inTable)])
    func `a table's step says whether it was changed`(outcome: RouteOutcome, result: RoutingDecision.Result) async throws {
        let bench = Bench(.success(Bench.anna), .success(outcome))
        bench.begin("c", "79000001234", Bench.table)
        let step = try #require(try await bench.steps(1).first)
        #expect(step.kind == .user)
        #expect(step.result == result)
    }

    @Test func `a table forgets whom the CRM names no longer, and keeps what the CRM said nothing of`() async throws {
        let unknown = Bench(.success(.unknown), .success(.written))
        unknown.begin("c", "79000001234", Bench.table)
        #expect(try await unknown.steps(1).map(\.result) == [.unknownCaller])
        #expect(unknown.client.orders.withLock { $0.map(\.decision.target) } == [nil])
        let silent = Bench(.failure(ContactFailure(.unreachable, "nobody")), .success(.written))
        silent.begin("c", "79000001234", Bench.table)
        #expect(try await silent.steps(1).map(\.result) == [.failed])
        #expect(silent.client.orders.withLock { $0.isEmpty })
    }

    @Test(arguments: [nil, "disk full"])
    func `a decision that the journal does not take is counted`(failure: String?) async throws {
        let bench = Bench()
        bench.journal.failure = failure
        bench.journal.refusesAppends = failure == nil
        bench.begin()
        for _ in 0..<100_000 where bench.plan.statistics.unrecorded == 0 { await Task.yield() }
        #expect(bench.plan.statistics.unrecorded == 1)
        #expect(bench.journal.rawRecords.isEmpty)
        #expect(bench.client.orders.withLock { $0.count } == 1)
    }

    @Test func `connections that are asked about no longer leave nothing behind`() async throws {
        let bench = Bench()
        func begin(_ number: Int) {
            var connection = ConnectionProfile.test
            connection.id = ConnectionID("c\(number)")
            bench.begin(of: connection)
        }
        for number in 1...5 {
            begin(number)
            _ = try await bench.steps(number)
        }
        #expect(bench.dispatch.laneCount == 5)
        bench.clock.advance(by: .seconds(601))
        begin(6)
        _ = try await bench.steps(6)
        #expect(bench.dispatch.laneCount == 1)
    }

    @Test func `after the close nothing begins`() async throws {
        let bench = Bench()
        bench.dispatch.close()
        bench.begin()
        #expect(bench.lookup.queries.isEmpty)
        #expect(bench.journal.rawRecords.isEmpty)
    }
}
