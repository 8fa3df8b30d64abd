import Connector
import NetworkTypes
import PBXPlan
import Testing

@testable import FallbackPBX
@testable import Media
@testable import SIP

/// The guard against toll fraud, over the calls of a whole PBX.
struct TollDeskTests {
    private static let far = "+79000000105"

    private static func plan(_ change: (inout DialPlan) -> Void = { _ in }) throws -> DialPlan {
        var plan = DialPlan()
        for short in ["101", "102"] {
            var phone = PlanExtension(number: short, secret: PlanSecret("secret-\(short)"))
            phone.mayDial = DialRights(allowed: [.any])
            phone.mobile = Self.far
            phone.limits = CallLimits()
            plan.extensions[short] = phone
        }
        plan.trunks = ["carrier", "spare"].map { PlanTrunk(name: $0) }
        let price = try #require(Money("6"))
        plan.outgoing = [
            OutgoingRule([.any], by: ["carrier", "spare"].map { OutgoingRule.Carrier(trunk: $0, price: price) })
        ]
        plan.incoming.other = [.forward(.mobile(of: "101"), .seconds(30))]
        change(&plan)
        return plan
    }

    private final class Alarms {
        var words: [String] = []
    }

    private func listen(_ bench: PBXBench) -> Alarms {
        let alarms = Alarms()
        bench.core.toll.onAlarm = { alarms.words += $0.map(\.words) }
        return alarms
    }

    @Test func `a call is counted until it ends, and the one over the limit is refused with an alarm`() throws {
        let bench = PBXBench(try Self.plan { $0.extensions["101"]?.limits.atOnce = 1 })
        let alarms = listen(bench)
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        let first = try bench.call(from: phone, to: Self.far)
        bench.accept(trunk)
        #expect(bench.core.toll.count == 1)
        try bench.call(from: phone, to: Self.far)
        #expect(bench.told.last == "over blocked by system")
        #expect(trunk.legs.count == 1)
        #expect(alarms.words.last?.hasSuffix("a call was refused") == true)
        bench.hangUp(phone, first)
        #expect(bench.core.toll.count == 0)
        #expect(bench.leftovers == "")
    }

    @Test func `the next trunk after one that failed is the same call`() throws {
        let bench = PBXBench(try Self.plan { $0.extensions["101"]?.limits.anHour = 10 })
        let phone = try bench.phone("101")
        try bench.trunk("carrier").answers = .refuses(503)
        let spare = try bench.trunk("spare")
        try bench.call(from: phone, to: Self.far)
        #expect(bench.core.toll.spent.used(.anHour, .extension("101"), at: bench.core.wallClock()) == 1)
        #expect(bench.core.toll.count == 1)
        bench.accept(spare)
        bench.hangUp(spare)
        #expect(bench.core.toll.count == 0)
        #expect(bench.leftovers == "")
    }

    @Test(arguments: [503, 486] as [UInt16]) func `a call that no trunk takes is over`(status: UInt16) throws {
        let bench = PBXBench(try Self.plan())
        let phone = try bench.phone("101")
        for name in ["carrier", "spare"] { try bench.trunk(name).answers = .refuses(status) }
        try bench.call(from: phone, to: Self.far)
        #expect(bench.core.toll.count == 0)
        #expect(bench.leftovers == "")
    }

    @Test func `a talk whose money is spent is ended with the cause`() throws {
        let bench = PBXBench(try Self.plan { $0.extensions["101"]?.limits.moneyADay = Money("12") })
        let alarms = listen(bench)
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        try bench.call(from: phone, to: Self.far)
        bench.accept(trunk)
        bench.wait(.seconds(58))
        #expect(!bench.core.calls.isEmpty)
        bench.wait(.seconds(70))
        #expect(bench.core.calls.isEmpty)
        #expect(bench.told.last == "over blocked by system")
        #expect(!alarms.words.isEmpty)
        #expect(trunk.events.contains { if case .ended = $0 { true } else { false } })
        #expect(bench.core.toll.count == 0)
        #expect(bench.leftovers == "")
    }

    @Test func `what is forwarded outside goes on the account of whose mobile it is`() throws {
        let bench = PBXBench(try Self.plan { $0.extensions["101"]?.limits.anHour = 1 })
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        #expect(bench.core.toll.count == 1)
        bench.hangUp(trunk, leg)
        #expect(bench.core.toll.count == 0)
        try bench.call(from: trunk, to: "74950000001", as: "79000000103")
        #expect(bench.told.filter { $0.hasPrefix("started") }.count == 1, "the second one finds no way out")
        #expect(bench.leftovers == "")
    }

    @Test func `a transfer to the outside is counted as a call is`() throws {
        let bench = PBXBench(
            try Self.plan {
                $0.extensions["101"]?.limits.anHour = 1
                $0.incoming.other = [.ring(RingStep([.target(.extension("101"))]))]
            })
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        for expected in [1, 1] {
            let outside = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
            bench.accept(phone)
            phone.agent.refer(try #require(phone.leg), to: try SIPURI("sip:\(Self.far)@192.0.2.1"), now: bench.now)
            bench.settle()
            #expect(bench.core.toll.spent.used(.anHour, .extension("101"), at: bench.core.wallClock()) == Int64(expected))
            bench.hangUp(trunk, outside)
            bench.wait(.seconds(40))
        }
        #expect(bench.told.filter { $0 == "transfer blind started" }.count == 1)
        #expect(bench.leftovers == "")
    }

    @Test func `an emergency call is neither limited nor counted`() throws {
        let bench = PBXBench(try Self.plan { $0.extensions["101"]?.limits.atOnce = 0 })
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        try bench.call(from: phone, to: "112")
        #expect(trunk.legs.count == 1)
        #expect(bench.core.toll.count == 0)
        bench.accept(trunk)
        bench.hangUp(trunk)
        #expect(bench.leftovers == "")
    }

    // MARK: What was heard

    @Test func `a leg's end is told again with what was lost on the way`() throws {
        let bench = PBXBench(try Self.plan())
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        try bench.call(from: phone, to: Self.far)
        bench.accept(trunk)
        let leg = try #require(bench.core.calls.values.first?.legs.last)
        bench.hangUp(trunk)
        var statistics = MediaStatistics()
        (statistics.packetsReceived, statistics.packetsLost, statistics.jitterMilliseconds) = (950, 50, 7.6)
        bench.core.take(.closed(leg.stream, statistics), now: bench.now)
        #expect(leg.quality == PBXRecord.Quality(lossPermille: 50, jitterMilliseconds: 8))
        #expect(bench.told.filter { $0 == "ended \(Self.far) normal" }.count == 2)
        #expect(bench.leftovers == "")
    }
}
