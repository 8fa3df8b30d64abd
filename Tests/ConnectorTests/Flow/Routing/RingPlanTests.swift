import Synchronization
import TestSupport
import Testing

@testable import Connector

/// Decisions in the order in which they are made.
private final class Decisions: Sendable {
    private let stream: AsyncStream<RoutingDecision>
    private let made: AsyncStream<RoutingDecision>.Continuation

    init() { (stream, made) = AsyncStream.makeStream() }

    @Sendable func take(_ decision: RoutingDecision) { made.yield(decision) }

    func next() async -> RoutingDecision? {
        for await decision in stream { return decision }
        return nil
    }
}

private struct Bench {
    let clock = ManualClock(.base)
    let lookup: HeldLookup
    let plan: RingPlan
    let decisions = Decisions()
    let news: Guarded<[RingPlan.News]>

    init(_ ready: Result<ContactAnswer, ContactFailure>? = nil, _ policy: RingPlan.Policy = RingPlan.Policy()) {
        let news = Guarded<[RingPlan.News]>([])
        self.news = news
        lookup = HeldLookup(ready)
        plan = RingPlan(
            lookup: lookup, numbering: PlainNumbering(), clock: clock, policy: policy,
            report: { one in news.withLock { $0.append(one) } })
    }

    static let profile = ConnectionProfile(
        id: ConnectionID("vats"), provider: "megafon",
        employees: [
            "101": .init(name: "Anna", crmID: "17"), "anna": .init(name: "Anna", crmID: "17"), "petrov": .init(name: "Petrov"),
            "9000000021": .init(name: "Ivan", crmID: "23"),
        ])

    static let ability = RoutingAbility(
        .answer, deadline: .seconds(1), targets: [.user, .group, .number], rejects: true)

    func ask(
        _ number: String = "79000001234", of profile: ConnectionProfile = profile, _ ability: RoutingAbility = ability
    ) -> RoutingDecision? {
        plan.decide(
            RoutingQuestion(call: ExternalKey(.call, "c"), number: number, line: "74950000001"), for: profile, ability,
            then: decisions.take)
    }

    /// The decision after the CRM gave `answer`.
    func decision(
        _ answer: ContactAnswer, _ ability: RoutingAbility = ability, _ number: String = "79000001234"
    ) async throws -> RoutingDecision {
        if let decision = ask(number, ability) { return decision }
        _ = await lookup.next()
        lookup.answer(.success(answer))
        return try #require(await decisions.next())
    }

    func ask(_ number: String, _ ability: RoutingAbility) -> RoutingDecision? { ask(number, of: Self.profile, ability) }
}

@Suite(.timeLimit(.minutes(1))) struct RingPlanTests {
    private static let anna = ContactAnswer(name: "Romashka", responsible: .userID("17"))

    // MARK: Asking

    @Test func `the CRM is asked with the number, the line and the call, and its employee is rung`() async throws {
        let bench = Bench()
        #expect(bench.ask() == nil)
        let query = try #require(await bench.lookup.next())
        #expect(query.tenant == .standard)
        #expect(query.connection == ConnectionID("vats"))
        #expect(query.provider == "megafon")
        #expect(query.number.raw == "79000001234")
        #expect(query.number.e164 == "+79000001234")
        #expect(query.line?.e164 == "+74950000001")
        #expect(query.call == ExternalKey(.call, "c"))
        #expect(query.patience == .seconds(1))
        bench.clock.advance(by: .milliseconds(120))
        bench.lookup.answer(.success(Self.anna))
        let decision = try #require(await bench.decisions.next())
        #expect(
            decision == RoutingDecision(.asked, target: .user("101"), callerName: "Romashka", took: .milliseconds(120)))
    }

    @Test func `a number is asked about once, however many calls of it wait`() async throws {
        let bench = Bench()
        for _ in 0..<5 { #expect(bench.ask() == nil) }
        #expect(await bench.lookup.next() != nil)
        bench.lookup.answer(.success(Self.anna))
        var results: [RoutingDecision.Result] = []
        for _ in 0..<5 { results.append(try #require(await bench.decisions.next()).result) }
        #expect(results == [.asked, .cached, .cached, .cached, .cached])
        #expect(bench.lookup.queries.count == 1)
    }

    @Test func `an answer counts for a while, that a number is unknown for a shorter one`() async throws {
        let bench = Bench()
        #expect(try await bench.decision(Self.anna).result == .asked)
        #expect(bench.ask() == RoutingDecision(.cached, target: .user("101"), callerName: "Romashka"))
        bench.clock.advance(by: .seconds(299))
        #expect(bench.ask()?.result == .cached)
        bench.clock.advance(by: .seconds(1))
        #expect(try await bench.decision(.unknown) == RoutingDecision(.unknownCaller))
        bench.clock.advance(by: .seconds(29))
        #expect(bench.ask() == RoutingDecision(.unknownCaller))
        bench.clock.advance(by: .seconds(1))
        #expect(try await bench.decision(Self.anna).target == .user("101"))
    }

    @Test func `another tenant's answer is not taken`() async throws {
        let bench = Bench()
        _ = try await bench.decision(Self.anna)
        var other = Bench.profile
        other.tenant = TenantID("other")
        #expect(bench.ask("79000001234", of: other) == nil)
        #expect(await bench.lookup.next()?.tenant == TenantID("other"))
    }

    @Test func `one number in two forms is one question`() async throws {
        let bench = Bench()
        _ = try await bench.decision(Self.anna)
        #expect(bench.ask("+7 900 000-12-34")?.result == .cached)
    }

    @Test func `a hidden number is not asked about`() {
        let bench = Bench()
        #expect(bench.ask("") == RoutingDecision(.unknownCaller))
        #expect(bench.lookup.queries.isEmpty)
    }

    @Test func `what is remembered is bounded`() {
        var policy = RingPlan.Policy()
        policy.capacity = 100
        var book = ContactBook(policy)
        for number in 0..<1000 {
            let key = ContactBook.Key(tenant: .standard, number: "+7900\(number)")
            #expect(book.consult(key, at: .base) == .ask)
            book.settle(key, Self.anna, inTime: true, at: .base)
            #expect(book.consult(key, at: .base) == .known(Self.anna))
        }
        #expect(book.knownCount <= 100)
        #expect(book.underWayCount == 0)
        #expect(book.consult(ContactBook.Key(tenant: .standard, number: "+79000"), at: .base) == .ask)
    }

    @Test func `what is asked for again and again is not forgotten`() {
        var policy = RingPlan.Policy()
        policy.capacity = 10
        var book = ContactBook(policy)
        let regular = ContactBook.Key(tenant: .standard, number: "regular")
        _ = book.consult(regular, at: .base)
        book.settle(regular, Self.anna, inTime: true, at: .base)
        for number in 0..<100 {
            let key = ContactBook.Key(tenant: .standard, number: "\(number)")
            _ = book.consult(key, at: .base)
            book.settle(key, .unknown, inTime: true, at: .base)
            #expect(book.consult(regular, at: .base) == .known(Self.anna))
        }
    }

    @Test func `nothing is kept where the settings say so, and calls that wait together still share one question`() async throws {
        var policy = RingPlan.Policy()
        (policy.kept, policy.unknownKept) = (.zero, .zero)
        let bench = Bench(nil, policy)
        #expect(try await bench.decision(Self.anna).result == .asked)
        #expect(try await bench.decision(Self.anna).result == .asked)
        #expect(bench.plan.statistics.known == 0)
    }

    @Test func `questions and waiting calls are bounded`() async throws {
        var policy = RingPlan.Policy()
        policy.concurrency = 2
        policy.waiting = 3
        let bench = Bench(nil, policy)
        #expect(bench.ask("79000000001") == nil)
        #expect(bench.ask("79000000002") == nil)
        #expect(bench.ask("79000000003") == RoutingDecision(.overloaded))
        #expect(bench.ask("79000000002") == nil)
        #expect(bench.ask("79000000002") == RoutingDecision(.overloaded))
        #expect(bench.plan.statistics.underWay == 2)
        for _ in 0..<2 { _ = await bench.lookup.next() }
        for _ in 0..<2 { bench.lookup.answer(.success(.unknown)) }
        for _ in 0..<3 { #expect(await bench.decisions.next()?.result == .unknownCaller) }
        #expect(bench.ask("79000000003") == nil)
    }

    // MARK: A CRM that fails

    @Test func `five failures in a row, and calls wait no more until it has rested`() async throws {
        let bench = Bench()
        for number in 0..<5 {
            #expect(bench.ask("7900000000\(number)") == nil)
            _ = await bench.lookup.next()
            bench.lookup.answer(.failure(ContactFailure(.status, "the CRM answered 500")))
            #expect(await bench.decisions.next()?.result == .failed)
        }
        #expect(bench.ask() == RoutingDecision(.closed))
        #expect(bench.plan.statistics.isClosed)
        bench.clock.advance(by: .seconds(10))
        #expect(bench.ask("79000000011") == nil)
        #expect(bench.ask("79000000012") == RoutingDecision(.closed), "one question is enough to find out")
        _ = await bench.lookup.next()
        bench.lookup.answer(.success(Self.anna))
        #expect(await bench.decisions.next()?.result == .asked)
        #expect(bench.ask("79000000012") == nil)
        #expect(bench.plan.statistics.failures == [.status: 5])
        #expect(
            bench.news.withLock { $0 } == [.failing(ContactFailure(.status, "the CRM answered 500"), failures: 1), .recovered])
    }

    @Test func `what is known is said while the CRM is left alone`() async throws {
        let bench = Bench()
        _ = try await bench.decision(Self.anna)
        for number in 0..<5 {
            _ = bench.ask("7900000000\(number)")
            _ = await bench.lookup.next()
            bench.lookup.answer(.failure(ContactFailure(.timeout, "no answer")))
            #expect(await bench.decisions.next()?.result == .late)
        }
        #expect(bench.ask("79000000009")?.result == .closed)
        #expect(bench.ask()?.target == .user("101"))
    }

    @Test func `an answer that is always late is kept, and the CRM left alone all the same`() async throws {
        let bench = Bench()
        for number in 0..<5 {
            _ = bench.ask("7900000000\(number)")
            _ = await bench.lookup.next()
            bench.clock.advance(by: .milliseconds(1001))
            bench.lookup.answer(.success(Self.anna))
            #expect(await bench.decisions.next()?.took == .milliseconds(1001))
        }
        #expect(bench.ask("79000000000")?.target == .user("101"))
        #expect(bench.ask("79000000009") == RoutingDecision(.closed))
    }

    // MARK: Choosing

    private static let choices: [(ContactAnswer, RoutingTarget?, RoutingDecision.Result)] = [
        (ContactAnswer(responsible: .userID("17")), .user("101"), .asked),
        (ContactAnswer(responsible: .userID("vats/petrov")), .user("petrov"), .asked),
        (ContactAnswer(responsible: .userID("other/petrov")), nil, .unknownEmployee),
        (ContactAnswer(responsible: .userID("99")), nil, .unknownEmployee),
        (ContactAnswer(responsible: .extension("petrov")), .user("petrov"), .asked),
        (ContactAnswer(responsible: .extension("102")), .user("102"), .asked),
        (ContactAnswer(responsible: .extension("sidorov")), nil, .unknownEmployee),
        (ContactAnswer(responsible: .number("+79000000021")), .user("9000000021"), .asked),
        (ContactAnswer(responsible: .number("+79000000022")), .number("+79000000022"), .asked),
        (ContactAnswer(responsible: .number("x")), nil, .unknownEmployee),
        (ContactAnswer(responsible: .userID("99"), group: "700"), .group("700"), .asked),
        (ContactAnswer(responsible: .userID("99"), group: "7 00\"", fallback: .extension("104")), .user("104"), .asked),
        (ContactAnswer(group: "700", fallback: .extension("104")), .group("700"), .asked),
        (ContactAnswer(name: "Anna"), nil, .nobodyNamed),
    ]

    @Test(arguments: choices)
    func `first the responsible employee, then the group, then the fallback`(
        answer: ContactAnswer, target: RoutingTarget?, result: RoutingDecision.Result
    ) async throws {
        let decision = try await Bench().decision(answer)
        #expect(decision.target == target)
        #expect(decision.result == result)
        #expect(decision.callerName == answer.name)
    }

    @Test func `what the provider cannot do is passed over`() async throws {
        var ability = Bench.ability
        ability.targets = [.user]
        ability.rejects = false
        let group = ContactAnswer(name: "Anna", group: "700")
        #expect(try await Bench().decision(group, ability) == RoutingDecision(.impossible, callerName: "Anna"))
        let outside = ContactAnswer(responsible: .number("+79000000022"), fallback: .extension("104"))
        #expect(try await Bench().decision(outside, ability).target == .user("104"))
        #expect(try await Bench().decision(ContactAnswer(rejects: true), ability) == RoutingDecision(.impossible))
        let refused = ContactAnswer(responsible: .userID("17"), rejects: true)
        #expect(try await Bench().decision(refused, ability).target == .user("101"))
        #expect(try await Bench().decision(refused) == RoutingDecision(.asked, rejects: true))
    }

    @Test func `decisions are counted by who carries them out`() {
        let bench = Bench()
        bench.plan.note(.asked)
        bench.plan.note(.late)
        bench.plan.note(.late)
        #expect(bench.plan.statistics.decisions == [.asked: 1, .late: 2])
    }
}
