import Glibc
import NetworkTypes
import Testing

@testable import SIP

/// Two user agents, people who do whatever can be done, and a bad network: by thousands of seeds, each a run of its own.
///
/// `SIP_SEEDS` says how many, `SIP_SEED` which one alone; a failure names its seed and shows every message of that run.
struct SimulationTests {
    private static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

    private static var seeds: Range<UInt64> {
        if let one = number("SIP_SEED") { return one..<one + 1 }
        return 0..<(number("SIP_SEEDS") ?? 500)
    }

    @Test func `whatever the network does, nothing is left in the end, and both know the same`() {
        var failures = 0
        for seed in Self.seeds where failures < 3 {
            let faults = SimulatedEvening(seed: seed).run()
            guard !faults.isEmpty else { continue }
            failures += 1
            let again = SimulatedEvening(seed: seed, isTraced: true)
            let seen = again.run()
            let text = "seed \(seed), \(again.description): \(seen.joined(separator: "; "))\n"
            Issue.record(Comment(rawValue: text + again.simulation.trace.joined(separator: "\n")))
        }
    }

    @Test func `a seed gives the same run each time`() {
        let runs = [3, 3, 4].map { (seed: UInt64) in
            let evening = SimulatedEvening(seed: seed, isTraced: true)
            _ = evening.run()
            return evening.simulation.trace
        }
        #expect(runs[0].count > 4)
        #expect(runs[0] == runs[1])
        #expect(runs[0] != runs[2])
    }

    /// The simulation itself has to be able to fail.
    @Test func `a message that gets lost for ever is noticed`() {
        let evening = SimulatedEvening(seed: 1)
        evening.alice.talks[SIPLegID(slot: 9, generation: 9)] = SimulatedTalk(callID: [1], isCaller: true)
        #expect(!evening.run().isEmpty)
    }
}
