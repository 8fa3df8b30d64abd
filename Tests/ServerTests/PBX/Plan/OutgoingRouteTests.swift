import Connector
import PBXPlan
import TestSupport
import Testing

@Suite struct OutgoingRouteTests {
    private let plan: DialPlan

    init() throws { plan = try PlanBench.plan(PlanBench.office) }

    private static let day = "2026-12-01T10:00:00+03:00"
    private static let night = "2026-12-01T22:00:00+03:00"

    private func decide(
        _ number: String, from caller: String? = "101", at moment: String = day, line: String? = nil,
        standings: [String: TrunkStanding] = [:], spent: TollGuard? = nil
    ) -> OutgoingDecision {
        let question = OutgoingQuestion(
            PlanBench.number(number), caller: caller, home: "RU", at: PlanBench.moment(moment), line: line)
        return OutgoingRoute(plan, standings: standings, spent: spent).decide(question)
    }

    /// `trunk price` of each choice.
    private func words(_ decision: OutgoingDecision) -> [String] {
        decision.choices.map { "\($0.trunk) \($0.price?.minute.description ?? "-")" }
    }

    // MARK: Direction and cost

    static let directions: [(number: String, at: String, choices: [String])] = [
        // Cheapest first.
        ("+74950000001", day, ["zadarma 0.85", "megafon 1.90"]),
        // The rule for mobiles says more than that for the country.
        ("+79010000001", day, ["megafon 1.20", "zadarma 1.60"]),
        // The prefix says more still, for its trunk, while its schedule is open.
        ("+79000000001", day, ["megafon 0.00", "zadarma 1.60"]),
        ("+79000000001", night, ["megafon 1.20", "zadarma 1.60"]),
        ("+375291234567", day, ["zadarma 12.00"]),
        ("0611", day, ["megafon 0.00"]),
    ]

    @Test(arguments: directions) func `trunks are tried in the order of priority and price`(
        _ row: (number: String, at: String, choices: [String])
    ) {
        let decision = decide(row.number, at: row.at)
        #expect(words(decision) == row.choices)
        #expect(decision.refusal == nil)
    }

    @Test func `it says by which rule, and why others were passed over`() {
        let decision = decide("+79000000001", at: Self.night)
        let rules = plan.outgoing.map(\.fileLine)
        #expect(decision.choices.map(\.fileLine) == [rules[1], rules[1]])
        #expect(decision.choices.map(\.destination) == [.country("RU", kind: .mobile), .country("RU", kind: .mobile)])
        #expect(decision.permittedBy == .country("RU", kind: nil))
        #expect(
            Set(decision.passedOver) == [
                PassedOver(trunk: "megafon", price: Money("0"), fileLine: rules[2], reason: .closed("office")),
                PassedOver(trunk: "megafon", price: Money("1.9"), fileLine: rules[0], reason: .narrower(fileLine: rules[1])),
                PassedOver(trunk: "zadarma", price: Money("0.85"), fileLine: rules[0], reason: .narrower(fileLine: rules[1])),
                PassedOver(trunk: "zadarma", price: Money("12"), fileLine: rules[3], reason: .narrower(fileLine: rules[1])),
            ])
    }

    static let refusals: [(number: String, caller: String?, refusal: OutgoingDecision.Refusal?)] = [
        ("+12025550123", "101", .notPermitted(by: nil)), ("+12025550123", "105", nil), ("+12025550123", nil, nil),
        ("+78090000001", "101", .notPermitted(by: .prefix("+7809"))), ("+79000000001", "199", .unknownCaller),
        ("+79005550001", "105", .forbidden(fileLine: 0)), ("4242", nil, .noRule),
    ]

    @Test(arguments: refusals) func `rights and rules may forbid`(
        _ row: (number: String, caller: String?, refusal: OutgoingDecision.Refusal?)
    ) {
        var refusal = row.refusal
        if case .forbidden = refusal { refusal = .forbidden(fileLine: plan.outgoing[4].fileLine) }
        #expect(decide(row.number, from: row.caller).refusal == refusal)
        #expect(decide(row.number, from: row.caller).choices.isEmpty == (refusal != nil))
    }

    @Test func `a narrower rule goes before one that forbids`() throws {
        let plan = try PlanBench.plan(
            """
            extensions: {101: {secret: env:A}}
            outgoing: [{to: RU, by: t}, {to: RU mobile, by: nobody}, {to: "+7900", by: u}]
            """)
        let question = OutgoingQuestion(PlanBench.number("+79000000001"), caller: "101", home: "RU", at: .earliest)
        let decision = OutgoingRoute(plan).decide(question)
        #expect(decision.choices.map(\.trunk) == ["u"])
        #expect(decision.passedOver.map(\.reason) == [.forbidden(fileLine: plan.outgoing[1].fileLine)])
    }

    @Test func `no rule is no way`() {
        var bare = plan
        bare.outgoing = []
        let question = OutgoingQuestion(PlanBench.number("+79000000001"), caller: "101", home: "RU", at: .earliest)
        #expect(OutgoingRoute(bare).decide(question).refusal == .noRule)
        #expect(OutgoingDecision.Refusal.noRule.status == 404)
        #expect(OutgoingDecision.Refusal.noTrunk.status == 503)
    }

    @Test func `a rule may be for some only`() throws {
        let plan = try PlanBench.plan(
            """
            extensions: {101: {secret: env:A}, 102: {secret: env:B}}
            outgoing: [{to: any, by: t, from: 101}, {to: any, by: u}]
            """)
        func trunks(_ caller: String?) -> [String] {
            OutgoingRoute(plan).decide(
                OutgoingQuestion(PlanBench.number("+79000000001"), caller: caller, home: "RU", at: .earliest)
            )
            .choices.map(\.trunk)
        }
        #expect(trunks("101") == ["t", "u"])
        #expect(trunks("102") == ["u"])
        #expect(trunks(nil) == ["u"])
    }

    @Test func `a lower priority goes before a lower price, and no price comes last`() throws {
        let plan = try PlanBench.plan(
            """
            extensions: {101: {secret: env:A}}
            outgoing:
              - {to: RU, by: [x, y]}
              - {to: RU, by: {t: 0.10, u: 0.05}}
              - {to: any, by: {v: 9}, priority: 1}
            """)
        let question = OutgoingQuestion(PlanBench.number("+79000000001"), caller: "101", home: "RU", at: .earliest)
        #expect(OutgoingRoute(plan).decide(question).choices.map(\.trunk) == ["v", "u", "t", "x", "y"])
    }

    // MARK: Trunks as they stand

    @Test func `a trunk that cannot be used is passed over`() {
        let down = decide("+74950000001", standings: ["zadarma": TrunkStanding(trouble: "not registered")])
        #expect(words(down) == ["megafon 1.90"])
        #expect(down.passedOver.contains { $0.trunk == "zadarma" && $0.reason == .trouble("not registered") })
        let full = decide("+74950000001", standings: ["megafon": TrunkStanding(freeChannels: 0)])
        #expect(words(full) == ["zadarma 0.85"])
        let none = decide(
            "+74950000001",
            standings: ["zadarma": TrunkStanding(trouble: "not registered"), "megafon": TrunkStanding(freeChannels: 0)])
        #expect(none.refusal == .noTrunk)
    }

    @Test func `what is spent stands in the way`() {
        var spent = TollGuard(plan)
        let number = PlanBench.number("+74950000001")
        let now = PlanBench.moment(Self.day)
        for id in UInt64(1)...2 {
            _ = spent.begin(id, caller: "101", number: number, at: now)
            _ = spent.attempt(id, trunk: "megafon", price: nil, at: now)
        }
        let decision = decide("+74950000001", spent: spent)
        #expect(words(decision) == ["zadarma 0.85"])
        #expect(decision.passedOver.contains { $0.reason == .limit(.init(.trunk("megafon"), .atOnce)) })
        _ = spent.begin(3, caller: "102", number: number, at: now)
        #expect(decide("+74950000001", from: "102", spent: spent).refusal == .limit(.init(.extension("102"), .atOnce)))
    }

    static let lines: [(caller: String?, wish: String?, number: String, lines: [String?])] = [
        ("101", nil, "+74950000001", ["+79000000010", "+79000000010"]),
        // The first of the caller's that the trunk has.
        ("105", nil, "+74950000001", ["+79000000011", "+79000000010"]),
        ("105", "+79000000010", "+74950000001", ["+79000000010", "+79000000010"]),
        (nil, nil, "+74950000001", ["+79000000011", "+79000000010"]),
        // The rule's line goes before the caller's; a wish that the trunk has not is not shown.
        ("105", "+79000000012", "+79000000001", ["+79000000010", "+79000000011"]),
    ]

    @Test(arguments: lines) func `the line shown is one that the trunk has`(
        _ row: (caller: String?, wish: String?, number: String, lines: [String?])
    ) {
        #expect(decide(row.number, from: row.caller, line: row.wish).choices.map(\.line) == row.lines)
    }

    @Test func `where the plan names no lines, the account's own count`() throws {
        let plan = try PlanBench.plan("extensions: {101: {secret: env:A, line: \"+79000000010\"}}\noutgoing: [{to: any, by: t}]")
        func line(_ lines: [String]) -> String? {
            let question = OutgoingQuestion(PlanBench.number("+79000000001"), caller: "101", home: "RU", at: .earliest)
            return OutgoingRoute(plan, standings: ["t": TrunkStanding(lines: lines)]).decide(question).choices.first?.line
        }
        #expect(line([]) == "+79000000010")
        #expect(line(["+79000000012", "+79000000010"]) == "+79000000010")
        #expect(line(["+79000000012"]) == "+79000000012")
    }

    // MARK: Always

    @Test func `an emergency call asks for no rights, limits or rules, and tries troubled trunks last`() {
        let spent = TollGuard(plan)
        let decision = decide("112", from: "199", standings: ["zadarma": TrunkStanding(trouble: "not registered")], spent: spent)
        #expect(decision.isEmergency)
        #expect(decision.choices.map(\.trunk) == ["megafon", "zadarma"])
        #expect(decision.refusal == nil)
    }

    // MARK: The next one

    static let failures: [(FailOverRule.Failure, rang: Bool, goesOn: Bool)] = [
        (.status(503), false, true), (.status(500), false, true), (.status(408), false, true), (.status(403), false, true),
        (.timeout, false, true), (.unreachable, false, true), (.status(486), false, false), (.status(600), false, false),
        (.status(603), false, false), (.status(404), false, false), (.status(480), false, false), (.status(487), false, false),
        // It has rung at the called person's.
        (.status(503), true, false), (.timeout, true, false),
    ]

    @Test(arguments: failures) func `some failures let the next trunk try`(
        _ failure: FailOverRule.Failure, rang: Bool, goesOn: Bool
    ) {
        var attempts = OutgoingAttempts(decide("+74950000001"), of: plan)
        #expect(attempts.first()?.trunk == "zadarma")
        #expect(attempts.next(after: failure, rang: rang)?.trunk == (goesOn ? "megafon" : nil))
        if goesOn { #expect(attempts.next(after: failure, rang: rang) == nil) }
    }

    @Test func `which failures these are may be said`() throws {
        let plan = try PlanBench.plan("extensions: {101: {secret: env:A}}\nfail_over: [404, 5xx]")
        #expect(plan.failOver.goesOn(after: .status(404), rang: false))
        #expect(plan.failOver.goesOn(after: .status(599), rang: false))
        #expect(!plan.failOver.goesOn(after: .status(403), rang: false))
        #expect(!plan.failOver.goesOn(after: .timeout, rang: false))
        let never = try PlanBench.plan("extensions: {101: {secret: env:A}}\nfail_over: never")
        #expect(!never.failOver.goesOn(after: .status(503), rang: false))
        let all = try PlanBench.plan("extensions: {101: {secret: env:A}}\nfail_over: 4xx")
        #expect(!all.failOver.goesOn(after: .status(486), rang: false))
        var emergency = OutgoingAttempts(decide("112"), of: never)
        #expect(emergency.first()?.trunk == "zadarma")
        #expect(emergency.next(after: .status(404), rang: false)?.trunk == "megafon")
    }
}

/// Plans and calls of all sorts.
@Suite struct OutgoingRuleTests {
    private static let words = ["any", "RU", "RU mobile", "RU geographic", "BY", "+7", "+79", "+7900", "+7495", "+375"]
    private static let numbers = ["+79000000001", "+79010000001", "+74950000001", "+375291234567", "+12025550123"].map(
        PlanBench.number)
    private static let names = ["a", "b", "c", "d"]

    private func plan(_ random: inout SeededRandom) throws -> DialPlan {
        var plan = DialPlan()
        var phone = PlanExtension(number: "101")
        phone.mayDial.allowed = [.any]
        plan.extensions["101"] = phone
        plan.trunks = Self.names.map(PlanTrunk.init)
        for line in 1...Int.random(in: 1...8, using: &random) {
            let words = Self.words.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random))
            let carriers = Self.names.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random)).map { name in
                OutgoingRule.Carrier(
                    trunk: name, price: random.oneIn(4) ? nil : Money(tenThousandths: Int64.random(in: 0...5, using: &random)))
            }
            var rule = OutgoingRule(try words.map { try #require(Destination($0)) }, by: carriers, fileLine: line)
            rule.priority = Int.random(in: 1...3, using: &random)
            if random.oneIn(5) { rule.callers = ["102"] }
            plan.outgoing.append(rule)
        }
        return plan
    }

    @Test(arguments: 0..<40) func `no trunk comes twice, each by its narrowest rule, in the order of the rules`(_ seed: UInt64)
        throws
    {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let plan = try plan(&random)
            let number = try #require(Self.numbers.randomElement(using: &random))
            let down = Self.names.filter { _ in random.oneIn(3) }
            let standings = Dictionary(uniqueKeysWithValues: down.map { ($0, TrunkStanding(trouble: "down")) })
            let question = OutgoingQuestion(number, caller: "101", home: "RU", at: .earliest)
            let decision = OutgoingRoute(plan, standings: standings).decide(question)
            let trunks = decision.choices.map(\.trunk)
            #expect(Set(trunks).count == trunks.count)
            #expect(Set(trunks).isDisjoint(with: down))
            #expect(decision.choices.isEmpty == (decision.refusal != nil))
            for choice in decision.choices { try check(choice, in: plan, number) }
            let order = decision.choices.map {
                [Int64($0.priority), $0.price?.minute.tenThousandths ?? .max, Int64($0.fileLine ?? 0)]
            }
            for (one, next) in zip(order, order.dropFirst()) { #expect(!next.lexicographicallyPrecedes(one), "\(order)") }
        }
    }

    /// Whatever fails, and however often: each trunk is tried once at most.
    @Test(arguments: 0..<20) func `a trunk that failed is never tried again`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let plan = try plan(&random)
        for number in Self.numbers {
            let decision = OutgoingRoute(plan).decide(OutgoingQuestion(number, caller: "101", home: "RU", at: .earliest))
            var attempts = OutgoingAttempts(decision, of: plan)
            var tried: [String] = []
            var next = attempts.first()
            while let choice = next, tried.count < 10 {
                tried.append(choice.trunk)
                next = attempts.next(
                    after: random.oneIn(2) ? .timeout : .status(UInt16.random(in: 300...699, using: &random)), rang: false)
            }
            #expect(tried == Array(decision.choices.map(\.trunk).prefix(tried.count)))
            #expect(Set(tried).count == tried.count)
        }
    }

    /// No other rule for the same trunk and caller says more of the number, and none that forbids says as much.
    private func check(_ choice: TrunkChoice, in plan: DialPlan, _ number: PhoneNumber) throws {
        let own = try #require(choice.destination?.specificity(for: number))
        for rule in plan.outgoing where rule.callers.isEmpty {
            guard let other = Destination.best(rule.destinations, for: number)?.specificity else { continue }
            if rule.forbids { #expect(other < own) }
            if rule.carriers.contains(where: { $0.trunk == choice.trunk }) { #expect(other <= own) }
        }
    }
}
