import Connector

/// Which calls a simulation plays, when each begins, and how fast.
///
/// A value: the number of a call decides its scenario, its identifiers and its beginning.
package struct SimulationPlan: Sendable {
    package let calls: Int
    private let simulator: any VendorSimulator
    /// Played in turn; none that the vendor has not.
    private let scenarios: [(scenario: Scenario, saved: Duration)]
    private let rate: Double?
    private let speed: Double?
    private let seed: UInt64

    /// - Parameters:
    ///   - scenarios: played in turn; one that the vendor has not is left out.
    ///   - rate: calls that begin in a second; nil begins them all at once.
    ///   - speed: how many times faster than the vendor the requests of a call follow each other; nil sends the next as soon as the
    ///     one before is answered.
    ///   - seed: two plans with different seeds have no call in common.
    package init(
        _ simulator: any VendorSimulator, scenarios: [Scenario], calls: Int, rate: Double? = nil, speed: Double? = 1, seed: UInt64
    ) {
        self.simulator = simulator
        self.rate = rate
        self.speed = speed
        self.seed = seed
        self.scenarios = scenarios.compactMap { scenario in
            simulator.call(scenario, startingAt: Instant(milliseconds: 0), seed: seed)
                .map { (scenario, $0.duration - $0.paced(by: speed).duration) }
        }
        self.calls = self.scenarios.isEmpty ? 0 : max(0, calls)
    }

    /// When call `number`, from 0, begins: since the beginning of the simulation.
    package func beginning(of number: Int) -> Duration {
        guard let rate, rate > 0, rate.isFinite else { return .zero }
        // Held within a century: what is later never comes, and does not overflow.
        return .seconds(min(Double(number) / rate, 3_155_760_000))
    }

    /// Call `number`, from 0, as it is sent from `now` on; nil beyond the last.
    ///
    /// A call played faster than the vendor's begins earlier by what is saved: its last record bears the time at which it is sent,
    /// and none comes from the future.
    package func call(_ number: Int, at now: Instant) -> (scenario: Scenario, call: SimulatedCall)? {
        guard number >= 0, number < calls else { return nil }
        let (scenario, saved) = scenarios[number % scenarios.count]
        let seed = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: number)
        return simulator.call(scenario, startingAt: now.advanced(by: .zero - saved), seed: seed)
            .map { (scenario, $0.paced(by: speed)) }
    }
}

extension SimulatedCall {
    /// The same requests so many times as fast, or without any waiting.
    fileprivate func paced(by speed: Double?) -> SimulatedCall {
        if let speed { return compressed(by: speed) }
        var call = self
        for index in call.steps.indices { call.steps[index].delay = .zero }
        return call
    }
}
