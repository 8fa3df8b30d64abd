import Connector
import PBXPlan
import Testing

@testable import FallbackPBX
@testable import Media
@testable import SIP

/// What a trunk's account says counts in its calls.
struct TrunkHabitTests {
    private static let plan: DialPlan = {
        var plan = DialPlan()
        for short in ["101", "102"] {
            var phone = PlanExtension(number: short, secret: PlanSecret("secret-\(short)"))
            phone.mayDial = DialRights(allowed: [.any])
            plan.extensions[short] = phone
        }
        plan.trunks = [PlanTrunk(name: "carrier")]
        plan.outgoing = [OutgoingRule([.any], by: [.init(trunk: "carrier")])]
        plan.incoming.other = [.ring(RingStep([.target(.extension("101"))]))]
        return plan
    }()

    @Test func `keys go by INFO to a trunk that wants them so, and not as tones besides`() throws {
        let bench = PBXBench(Self.plan)
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier") { $0.keys = .info }
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.accept(phone)
        let call = try #require(bench.core.calls.values.first)
        let caller = try #require(call.caller)
        let terms = try #require(bench.media.terms[caller.stream])
        #expect(terms.eventTypeOut == nil)
        #expect(!terms.takesKeyTones)
        bench.media.press("5", on: try #require(call.legs.last).stream)
        bench.settle()
        let keys = trunk.events.compactMap { if case .info(_, let message) = $0 { DTMFInfo.key(in: message) } else { nil } }
        #expect(keys == ["5"])
        #expect(bench.media.keys.isEmpty)
        bench.hangUp(trunk, leg)
        #expect(bench.leftovers == "")
    }

    @Test func `keys go in the sound to a trunk that takes no events`() throws {
        let bench = PBXBench(Self.plan)
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier") { $0.keys = .inband }
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.accept(phone)
        let caller = try #require(bench.core.calls.values.first?.caller)
        let terms = try #require(bench.media.terms[caller.stream])
        #expect(terms.eventTypeOut == nil)
        #expect(terms.takesKeyTones)
        #expect(terms.listensForKeys)
        bench.hangUp(trunk, leg)
        #expect(bench.leftovers == "")
    }

    @Test func `a codec that the account does not list is not agreed on`() throws {
        let bench = PBXBench(Self.plan)
        try bench.phone("101")
        let trunk = try bench.trunk("carrier") { $0.codecs = [.pcmu] }
        // The bench offers PCMA alone.
        try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        #expect(trunk.events.contains { if case .refused(_, let refusal) = $0 { refusal.status == 488 } else { false } })
        #expect(bench.leftovers == "")
    }

    @Test func `of two accounts of one connection the free one is taken, and both being busy is told`() throws {
        let bench = PBXBench(Self.plan)
        let first = try bench.phone("101")
        let second = try bench.phone("102")
        let one = try bench.trunk("carrier", account: "one") { $0.parallelCalls = 1 }
        let two = try bench.trunk("carrier", account: "two") { $0.parallelCalls = 1 }
        one.answers = .accepts
        two.answers = .accepts
        try bench.call(from: first, to: "+79000000105")
        try bench.call(from: second, to: "+79000000105")
        #expect(one.legs.count == 1)
        #expect(two.legs.count == 1)
        try bench.call(from: second, to: "+79000000105")
        #expect(bench.told.last == "over unreachable by system")
        bench.hangUp(one)
        bench.hangUp(two)
        #expect(bench.core.trunks.links.values.allSatisfy { $0.liveCalls == 0 })
        #expect(bench.leftovers == "")
    }

    @Test func `a trunk that forbids a call is asked to register anew: the registration may be lost`() throws {
        let bench = PBXBench(Self.plan)
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier") { $0.registers = true }
        let registrations = {
            trunk.events.filter { if case .request(let message, _, _) = $0 { message.method == .register } else { false } }.count
        }
        #expect(registrations() == 1)
        trunk.answers = .refuses(403)
        try bench.call(from: phone, to: "+79000000105")
        bench.settle()
        #expect(registrations() == 2)
        #expect(bench.leftovers == "")
    }
}
