/// How the reconciling of one connection stands, for `/connections/{id}` and `/metrics`.
package struct ReconciliationStatus: Sendable {
    package var connection: ConnectionID
    package var plan: ReconcilingPlan
    /// The provider has a history that can be asked for, and it is to be asked.
    package var isActive: Bool
    package var isRunning = false
    package var state: PullState
    /// When the next pull is due; `nil` where none is.
    package var nextAt: Instant?
    /// Of the last two days, oldest first, as counted after the last pull.
    package var days: [SeenCalls] = []
    package var silence = SilenceWatch()

    package init(connection: ConnectionID, plan: ReconcilingPlan, isActive: Bool, state: PullState) {
        self.connection = connection
        self.plan = plan
        self.isActive = isActive
        self.state = state
    }
}

/// Tells how the reconciling of connections stands.
package protocol ReconciliationView: Sendable {
    /// `nil` for a connection that is not live.
    func reconciliation(of connection: ConnectionID) -> ReconciliationStatus?
}

/// What the operator should know of it. No secret, no whole number.
package enum ReconciliationNews: Sendable, Equatable {
    /// A pull failed, so often since this was last told; it is tried again.
    case pullFailing(ConnectionID, reason: String, failures: Int)
    case pullRecovered(ConnectionID)
    /// Calls of the connection came out of its history alone.
    case recovered(ConnectionID, day: Instant, calls: Int)
    /// Nothing was heard since, though so many calls are usual.
    case silent(ConnectionID, since: Instant, expected: Int)
    /// It is heard again.
    case heardAgain(ConnectionID, silentSince: Instant)
}
