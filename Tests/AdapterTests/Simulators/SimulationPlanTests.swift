import Connector
import Testing
import VendorSimulators

struct SimulationPlanTests {
    private let now = Instant(unixSeconds: 1_795_000_000)

    @Test func `scenarios are played in turn, and no call is like another`() throws {
        let plan = try SimulationPlan(.mango(), scenarios: [.inboundMissed, .group], calls: 4, seed: 7)
        let calls = (0..<4).compactMap { plan.call($0, at: now) }
        #expect(calls.map(\.scenario) == [.inboundMissed, .group, .inboundMissed, .group])
        #expect(calls[0].call != calls[2].call)
        #expect(plan.call(4, at: now) == nil)
        #expect(plan.call(-1, at: now) == nil)
    }

    @Test func `a scenario that the vendor has not is left out`() throws {
        #expect(try SimulationPlan(.mango(), scenarios: [.transfer], calls: 3, seed: 7).calls == 0)
        let plan = try SimulationPlan(.mango(), scenarios: [.transfer, .group], calls: 3, seed: 7)
        #expect(plan.call(0, at: now)?.scenario == .group)
    }

    @Test func `the same seed is the same plan, another has no call of it`() throws {
        let bodies = try [1, 1, 2].map { (seed: UInt64) in
            let plan = try SimulationPlan(.mango(), scenarios: [.inboundMissed], calls: 50, seed: seed)
            return Set((0..<50).compactMap { plan.call($0, at: now)?.call.steps[0].body })
        }
        #expect(bodies[0].count == 50)
        #expect(bodies[0] == bodies[1])
        #expect(bodies[0].isDisjoint(with: bodies[2]))
    }

    @Test(arguments: [(nil, 1000, 0.0), (10, 0, 0), (10, 25, 2.5), (0.5, 3, 6)] as [(Double?, Int, Double)])
    func `calls begin at the rate`(rate: Double?, number: Int, seconds: Double) throws {
        let plan = try SimulationPlan(.mango(), scenarios: [.group], calls: .max, rate: rate, seed: 1)
        #expect(plan.beginning(of: number) == .seconds(seconds))
    }

    @Test func `the last call of an endless plan has a beginning`() throws {
        let plan = try SimulationPlan(.mango(), scenarios: [.group], calls: .max, rate: 1e-300, seed: 1)
        #expect(plan.beginning(of: .max) == .seconds(3_155_760_000))
    }

    @Test(arguments: [1.0, 10, nil])
    func `a call played faster ends when the vendor's clock says so`(speed: Double?) throws {
        let plan = try SimulationPlan(.mango(), scenarios: [.inboundMissed], calls: 1, speed: speed, seed: 1)
        let call = try #require(plan.call(0, at: now)).call
        let whole = Duration.seconds(18)
        #expect(call.duration == speed.map { whole / $0 } ?? .zero)
        let end = now.advanced(by: call.duration).milliseconds / 1000
        let text = String(decoding: try #require(call.steps.last).body, as: UTF8.self)
        #expect(text.contains("%22end_time%22%3A\(end)%2C") || text.contains("%22end_time%22%3A\(end - 1)%2C"))
    }

    @Test func `a request is one line of JSON`() {
        let step = SimulatedStep(
            delay: .zero, target: "/events/call?a=\"b\"", headers: [HeaderField(name: "x", value: "y")], body: Array("k=v\n".utf8)
        )
        let line = String(decoding: step.jsonLine(at: "/hooks/a"), as: UTF8.self)
        #expect(
            line == #"{"method":"POST","path":"/hooks/a/events/call?a=\"b\"","headers":{"x":"y"},"body":"k=v\n"}"# + "\n")
    }
}

extension VendorSimulator where Self == MangoSimulator {
    /// With the demonstration's settings.
    static func mango() throws -> MangoSimulator {
        try MangoSimulator(
            settings: AdapterSettings(connection: ConnectionID("demo-mango"), values: DemoSettings.values(for: "mango") ?? [:]))
    }
}
