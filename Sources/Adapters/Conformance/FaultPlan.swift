/// Which faults are tried, and how hard.
package struct FaultPlan: Sendable {
    package var faults: [Fault]
    /// Decides everything that chance decides: the same seed, the same runs.
    package var seed: UInt64
    /// How many runs of each fault a case has, where it is long enough.
    package var runsPerCase: Int
    /// Asked before each fault of each case; after the first no, nothing more is tried and the report says so.
    package var mayGoOn: @Sendable () -> Bool
    /// Hears of each case before it is tried.
    package var progress: @Sendable (_ caseName: String, _ number: Int, _ count: Int) -> Void

    package init(
        faults: [Fault] = Fault.allCases, seed: UInt64 = 1, runsPerCase: Int = 4,
        mayGoOn: @escaping @Sendable () -> Bool = { true },
        progress: @escaping @Sendable (String, Int, Int) -> Void = { _, _, _ in }
    ) {
        self.faults = faults
        self.seed = seed
        self.runsPerCase = runsPerCase
        self.mayGoOn = mayGoOn
        self.progress = progress
    }
}
