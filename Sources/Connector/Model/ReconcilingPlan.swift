/// How often a provider's history is asked for, and how far back: `reconcile` of a connection's file.
package struct ReconcilingPlan: Sendable, Equatable {
    package var isEnabled: Bool
    /// The pause between two pulls.
    package var every: Duration
    /// How far each pull reaches back: rows appear late, and a call's row when it is over.
    package var window: Duration
    /// After downtime, how far at most.
    package var longest: Duration

    /// A pull of a day comes every so often: for calls that took longer than `window`, and rows that came later.
    package static let wideEvery = Duration.seconds(3 * 3600)
    package static let wideWindow = Duration.seconds(24 * 3600)
    /// Providers give a month at most.
    package static let longestOfAll = Duration.seconds(31 * 86_400)

    package init(
        isEnabled: Bool = true, every: Duration = .seconds(600), window: Duration = .seconds(2 * 3600),
        longest: Duration = .seconds(7 * 86_400)
    ) {
        self.isEnabled = isEnabled
        self.every = every
        self.window = window
        self.longest = longest
    }
}
