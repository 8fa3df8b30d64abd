import Connector
import PBXPlan
import TestSupport
import Testing

@Suite struct RingOrderTests {
    private let plan: DialPlan
    private var random = SeededRandom(seed: 7)

    init() throws { plan = try PlanBench.plan(PlanBench.office) }

    @Test mutating func `in turn, each rings alone for the group's time`() {
        #expect(
            plan.rounds(ofGroup: "sales", using: &random) == [
                RingRound([.extension("101")], for: .seconds(15)), RingRound([.extension("102")], for: .seconds(15)),
                RingRound([.mobile(of: "101")], for: .seconds(15)),
            ])
    }

    @Test mutating func `what the step says goes before what the group says`() {
        let step = RingStep([.group("sales")], manner: .all, ringTime: .seconds(30))
        #expect(
            plan.rounds(of: step, using: &random) == [
                RingRound([.extension("101"), .extension("102"), .mobile(of: "101")], for: .seconds(30))
            ])
    }

    @Test mutating func `groups and telephones ring together, and nobody twice`() {
        let step = RingStep([.target(.extension("102")), .group("sales"), .group("night")])
        #expect(
            plan.rounds(of: step, using: &random) == [
                RingRound(
                    [.extension("102"), .extension("101"), .mobile(of: "101"), .outside("+79000000199")], for: .seconds(25))
            ])
        #expect(plan.rounds(ofGroup: "nobody", using: &random) == [])
    }

    @Test mutating func `a random order has everybody once, and everybody is first at times`() {
        var first: Set<RingTarget> = []
        let members = Set(plan.groups["sales"]?.members ?? [])
        for _ in 0..<100 {
            let rounds = plan.rounds(of: RingStep([.group("sales")], manner: .random), using: &random)
            #expect(Set(rounds.flatMap(\.targets)) == members)
            #expect(rounds.count == members.count)
            if let target = rounds.first?.targets.first { first.insert(target) }
        }
        #expect(first == members)
    }

    static let words: [(target: RoutingTarget, step: RingStep?)] = [
        (.user("101"), RingStep([.target(.extension("101"))], ringTime: .seconds(20))), (.user("anna"), nil),
        (.group("sales"), RingStep([.group("sales")])), (.group("200"), RingStep([.group("sales")])),
        (.group("300"), RingStep([.target(.extension("101")), .target(.extension("105"))], ringTime: .seconds(20))),
        (.group("support"), RingStep([.target(.extension("101")), .target(.extension("105"))], ringTime: .seconds(20))),
        (.group("700"), nil), (.number("+79000000199"), RingStep([.target(.outside("+79000000199"))], ringTime: .seconds(20))),
    ]

    @Test(arguments: words) func `the CRM's word is understood where the house has such`(
        _ row: (target: RoutingTarget, step: RingStep?)
    ) {
        #expect(plan.step(for: row.target, ringTime: .seconds(20)) == row.step)
    }

    @Test func `numbers outside are known by their owners`() {
        #expect(plan.number(of: .mobile(of: "101")) == "+79000000101")
        #expect(plan.number(of: .outside("+79000000199")) == "+79000000199")
        #expect(plan.number(of: .extension("101")) == nil)
    }

    @Test func `colleagues share a group or a queue`() {
        #expect(plan.colleagues(of: "101") == ["102", "105"])
        #expect(plan.colleagues(of: "102") == ["101"])
        #expect(plan.colleagues(of: "199") == [])
    }
}

@Suite struct QueueOrderTests {
    private var order = QueueOrder()
    private var random = SeededRandom(seed: 11)
    private var tried: Set<RingTarget> = []
    private let noon = PlanBench.moment("2026-12-01T12:00:00Z")

    private static func queue(_ strategy: CallQueue.Strategy, rest: Duration = .zero) -> CallQueue {
        var queue = CallQueue(name: "support")
        queue.members = [.extension("101"), .extension("102"), .extension("103")]
        queue.strategy = strategy
        queue.restTime = rest
        return queue
    }

    private mutating func next(_ queue: CallQueue, busy: Set<String> = [], after seconds: Int = 0) -> [String] {
        let targets = order.next(
            in: queue, isFree: { target in !busy.contains { target == .extension($0) } }, tried: &tried,
            at: noon.advanced(by: .seconds(seconds)), using: &random)
        return targets.map { if case .extension(let number) = $0 { number } else { "?" } }
    }

    @Test mutating func `all who are free ring at once, again and again`() {
        let queue = Self.queue(.all)
        #expect(next(queue, busy: ["102"]) == ["101", "103"])
        #expect(next(queue, busy: ["102"]) == ["101", "103"])
        #expect(next(queue, busy: ["101", "102", "103"]) == [])
    }

    @Test mutating func `in turn goes on after whoever was rung last, over callers`() {
        let queue = Self.queue(.inTurn)
        #expect(next(queue) == ["101"])
        tried = []
        #expect(next(queue) == ["102"])
        #expect(next(queue) == ["103"])
        #expect(next(queue) == ["101"])
        // All have been tried for this caller: a new round.
        #expect(next(queue) == ["102"])
        #expect(next(queue, busy: ["103"]) == ["101"])
    }

    @Test mutating func `the one who has not talked for longest is next`() {
        let queue = Self.queue(.longestIdle)
        order.talked(.extension("101"), until: noon.advanced(by: .seconds(-100)))
        order.talked(.extension("102"), until: noon.advanced(by: .seconds(-300)))
        #expect(next(queue) == ["103"])
        // Who does not answer is not rung over and over.
        #expect(next(queue) == ["102"])
        #expect(next(queue) == ["101"])
        #expect(next(queue) == ["103"])
    }

    @Test mutating func `a member rests after a talk, but not for ever where the clock is set back`() {
        let queue = Self.queue(.all, rest: .seconds(30))
        order.talked(.extension("102"), until: noon)
        #expect(next(queue, after: 29) == ["101", "103"])
        #expect(next(queue, after: 30) == ["101", "102", "103"])
        #expect(next(queue, after: -3600) == ["101", "102", "103"])
    }

    @Test(arguments: CallQueue.Strategy.allCases) func `nobody is rung twice before all have been`(_ strategy: CallQueue.Strategy)
    {
        guard strategy != .all else { return }
        var order = QueueOrder()
        var random = SeededRandom(seed: 3)
        let queue = Self.queue(strategy)
        for _ in 0..<50 {
            var tried: Set<RingTarget> = []
            var rung: [RingTarget] = []
            for _ in queue.members {
                rung += order.next(in: queue, isFree: { _ in true }, tried: &tried, at: noon, using: &random)
            }
            #expect(Set(rung) == Set(queue.members))
        }
    }

    @Test func `places are told one by one up to nine`() {
        #expect(CallQueue.prompt(ofPosition: 1) == "position-1")
        #expect(CallQueue.prompt(ofPosition: 9) == "position-9")
        #expect(CallQueue.prompt(ofPosition: 10) == "position-many")
    }
}
