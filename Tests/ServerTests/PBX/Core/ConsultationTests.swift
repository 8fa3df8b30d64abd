import Connector
import PBXPlan
import Testing

@testable import FallbackPBX
@testable import SIP

/// An employee who asks a third one while his partner waits, and what is written down of it.
struct ConsultationTests {
    private static let plan: DialPlan = {
        var plan = DialPlan()
        for short in ["101", "102"] {
            plan.extensions[short] = PlanExtension(number: short, secret: PlanSecret("secret-\(short)"))
        }
        plan.incoming.other = [.ring(RingStep([.target(.extension("101"))]))]
        return plan
    }()

    /// A call from outside that 101 talks in.
    private func talk(_ bench: PBXBench) throws -> (
        trunk: PBXBench.Peer, outside: SIPLegID, phone: PBXBench.Peer, inside: SIPLegID
    ) {
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.accept(phone)
        return (trunk, leg, phone, try #require(phone.leg))
    }

    @Test func `the end is told when the consultation is over, too`() throws {
        let bench = PBXBench(Self.plan)
        let (trunk, outside, phone, inside) = try talk(bench)
        let colleague = try bench.phone("102")
        bench.offer(phone, inside, PBXBench.held)
        let question = try bench.call(from: phone, to: "102")
        bench.accept(colleague)
        bench.hangUp(trunk, outside)
        #expect(!bench.told.contains { $0.hasPrefix("over") })
        bench.hangUp(phone, question)
        #expect(bench.told.suffix(2) == ["ended 102 normal", "over caller_hung_up by external_party"])
        #expect(bench.leftovers == "")
    }

    @Test func `a consultation's leg says whose question it is`() throws {
        let bench = PBXBench(Self.plan)
        let (trunk, outside, phone, inside) = try talk(bench)
        try bench.phone("102")
        bench.offer(phone, inside, PBXBench.held)
        let question = try bench.call(from: phone, to: "102")
        let moments = bench.facts.compactMap { if case .leg(let moment) = $0 { moment } else { nil } }
        let asked = try #require(moments.first { $0.to == .user(extension: "102", endpoint: "198.51.100.12:5060") })
        #expect(asked.handover == .consultative)
        #expect(asked.parent == moments.first?.leg)
        bench.hangUp(phone, question)
        bench.hangUp(trunk, outside)
        #expect(bench.leftovers == "")
    }

    @Test func `who hangs up while the third one still rings has passed the call on`() throws {
        let bench = PBXBench(Self.plan)
        let (trunk, outside, phone, inside) = try talk(bench)
        let colleague = try bench.phone("102")
        let call = try #require(bench.core.calls.values.first)
        let target = CommandTarget(keys: [ExternalKey(.call, call.name)])
        _ = try bench.core.perform(
            ProviderOrder(
                id: CommandID(time: Instant(milliseconds: 1), rest: 7), action: .transfer(to: "102", kind: .attended),
                target: target, deadline: .seconds(5)))
        bench.settle()
        bench.hangUp(phone, inside)
        bench.accept(colleague)
        #expect(bench.told.last == "transfer blind completed")
        #expect(bench.media.bridges.count == 2)
        bench.hangUp(trunk, outside)
        #expect(bench.leftovers == "")
    }
}
