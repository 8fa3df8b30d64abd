import Connector
import PBXPlan
import Testing

@testable import FallbackPBX
@testable import Media
@testable import SIP

/// Calls that ring at one telephone and are taken at another: whoever waits gets the one who picked up, and nobody else loses his talk.
struct PickUpTests {
    private static func plan(_ change: (inout DialPlan) -> Void = { _ in }) -> DialPlan {
        var plan = DialPlan()
        for short in ["101", "102", "103", "104"] {
            plan.extensions[short] = PlanExtension(number: short, secret: PlanSecret("secret-\(short)"))
        }
        var group = RingGroup(name: "sales")
        group.members = ["101", "102", "103", "104"].map { .extension($0) }
        plan.groups["sales"] = group
        plan.incoming.other = [.ring(RingStep([.target(.extension("101"))]))]
        change(&plan)
        return plan
    }

    @Test func `the telephone that no longer rings is told that a colleague took the call`() throws {
        let bench = PBXBench(Self.plan())
        try bench.phone("101")
        let colleague = try bench.phone("102")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        try bench.call(from: colleague, to: "*8101")
        #expect(bench.told.contains("ended 101 answered_elsewhere"))
        bench.hangUp(trunk, leg)
        #expect(bench.leftovers == "")
    }

    @Test func `a call that somebody talks in already is not picked up where it once rang`() throws {
        let bench = PBXBench(Self.plan { $0.incoming.other = [.ring(RingStep([.group("sales")]))] })
        let taker = try bench.phone("101")
        try bench.phone("102")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.accept(taker)
        let curious = try bench.phone("103")
        try bench.call(from: curious, to: "*8102")
        #expect(!bench.told.contains("answered 103"))
        #expect(bench.told.last == "over no_answer by system")
        #expect(bench.media.bridges.count == 2)
        bench.hangUp(trunk, leg)
        #expect(bench.leftovers == "")
    }

    @Test func `who picks up a call that is passed on talks with the one who was passed on`() throws {
        let bench = PBXBench(Self.plan())
        let first = try bench.phone("101")
        let second = try bench.phone("102")
        try bench.phone("103")
        let colleague = try bench.phone("104")
        let leg = try bench.call(from: first, to: "102")
        bench.accept(second)
        first.agent.refer(leg, to: try SIPURI("sip:103@192.0.2.1"), now: bench.now)
        bench.settle()
        try bench.call(from: colleague, to: "*8103")
        bench.wait(.seconds(2))
        #expect(bench.told.contains("transfer blind completed"))
        let talking = try #require(bench.core.calls.values.first?.activity as? Talking)
        #expect(Set([talking.first.extension, talking.second.extension]) == ["102", "104"])
        #expect(bench.media.hear(talking.first.stream, talking.second.stream))
        bench.hangUp(second)
        #expect(bench.leftovers == "")
    }

    @Test func `a queue's caller who is picked up has not hung up`() throws {
        let bench = PBXBench(
            Self.plan {
                var queue = CallQueue(name: "support")
                queue.members = [.extension("101")]
                $0.queues["support"] = queue
                $0.incoming.other = [.queue("support")]
            })
        try bench.phone("101")
        let colleague = try bench.phone("102")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        try bench.call(from: colleague, to: "*8101")
        #expect(bench.told.contains("queue support left transferred"))
        #expect(bench.media.bridges.count == 2)
        bench.hangUp(trunk, leg)
        #expect(bench.leftovers == "")
    }

    @Test func `a telephone that rings for its own call to a customer cannot be picked up`() throws {
        let bench = PBXBench(Self.plan())
        try bench.phone("101")
        let colleague = try bench.phone("102")
        let order = ProviderOrder(
            id: CommandID(time: .init(milliseconds: 1), rest: 7),
            action: .originate(Command.Origination(from: "101", to: "103")), deadline: .seconds(5))
        _ = try bench.core.perform(order)
        bench.settle()
        try bench.call(from: colleague, to: "*8101")
        #expect(bench.told.last == "over no_answer by system")
        #expect(bench.core.calls.count == 1)
        bench.wait(.seconds(31))
        #expect(bench.leftovers == "")
    }
}
