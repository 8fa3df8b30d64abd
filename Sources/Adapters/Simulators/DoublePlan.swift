import Connector

/// Which calls a double plays by itself, and when each begins.
///
/// A value: the number of a call decides its scenario, its identifiers and its beginning.
package struct DoublePlan: Sendable {
    package let calls: Int
    private let scenarios: [Scenario]
    private let rate: Double?
    private let isMixed: Bool
    private let seed: UInt64
    private let chances: SimulatedPeople

    /// - Parameters:
    ///   - scenarios: played in turn, or mixed as the seed will have it.
    ///   - rate: calls that begin in a second; nil begins them all at once.
    package init(_ scenarios: [Scenario], calls: Int, rate: Double? = nil, isMixed: Bool = false, seed: UInt64) {
        self.scenarios = scenarios
        self.calls = scenarios.isEmpty ? 0 : max(0, calls)
        self.rate = rate
        self.isMixed = isMixed
        self.seed = seed
        chances = SimulatedPeople(seed: seed)
    }

    /// When call `number`, from 0, begins: since the beginning of the plan.
    package func beginning(of number: Int) -> Duration {
        guard let rate, rate > 0, rate.isFinite else { return .zero }
        return .seconds(min(Double(number) / rate, 3_155_760_000))
    }

    /// What call `number`, from 0 and below `calls`, is, and what its identifiers come of.
    package func call(_ number: Int) -> (scenario: Scenario, seed: UInt64) {
        let place = isMixed ? Int(truncatingIfNeeded: chances.chance("scenario \(number)") % UInt64(scenarios.count)) : number
        return (scenarios[place % scenarios.count], seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: number))
    }
}
