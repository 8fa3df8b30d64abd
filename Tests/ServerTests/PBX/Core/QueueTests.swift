import Connector
import PBXPlan
import Testing

@testable import FallbackPBX
@testable import Media
@testable import SIP

/// Who waits is served as soon as a member is free, and waiting costs no more the longer it lasts.
struct QueueTests {
    private static func plan(_ change: (inout CallQueue) -> Void = { _ in }) -> DialPlan {
        var plan = DialPlan()
        for short in ["101", "102", "103"] {
            plan.extensions[short] = PlanExtension(number: short, secret: PlanSecret("secret-\(short)"))
        }
        var queue = CallQueue(name: "support")
        queue.members = [.extension("101")]
        change(&queue)
        plan.queues["support"] = queue
        plan.incoming.other = [.queue("support")]
        return plan
    }

    @Test func `a member who has passed his call on is rung for the next`() throws {
        let bench = PBXBench(Self.plan())
        let member = try bench.phone("101")
        let colleague = try bench.phone("102")
        let trunk = try bench.trunk("carrier")
        let first = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.accept(member)
        let second = try bench.call(from: trunk, to: "74950000001", as: "79000000103")
        member.agent.refer(try #require(member.leg), to: try SIPURI("sip:102@192.0.2.1"), now: bench.now)
        bench.settle()
        bench.accept(colleague)
        bench.wait(.seconds(3))
        #expect(bench.told.filter { $0 == "ringing 101" }.count == 2)
        bench.hangUp(trunk, first)
        bench.hangUp(trunk, second)
        #expect(bench.leftovers == "")
    }

    @Test func `calls that come and go beside a wait leave one timer for it`() throws {
        let bench = PBXBench(Self.plan { $0.restTime = .seconds(30) })
        let trunk = try bench.trunk("carrier")
        let caller = try bench.phone("102")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        for _ in 0..<20 {
            try bench.call(from: caller, to: "999")
            bench.wait(.milliseconds(300))
        }
        #expect(bench.core.timerCount <= 4)
        bench.hangUp(trunk, leg)
        #expect(bench.leftovers == "")
    }

    @Test func `a member who rang when the wait was over did not lose a caller who hung up`() throws {
        let bench = PBXBench(
            Self.plan {
                $0.longestWait = .seconds(10)
                $0.ringTime = .seconds(20)
            })
        try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.wait(.seconds(11))
        #expect(bench.told.contains("queue support left queue_timeout"))
        #expect(bench.told.contains("ended 101 no_answer"))
        #expect(bench.leftovers == "")
    }
}
