/// Tells which way a call would take, by the plan of a PBX and as its trunks stand now.
package protocol RoutePreviewing: Sendable {
    /// - Parameter connection: whose plan; `nil` where the tenant has only one.
    func preview(
        _ question: RoutePreviewQuestion, of connection: ConnectionID?, tenant: TenantID
    ) throws(RoutePreviewFailure) -> RoutePreview
}

/// Why nobody can say.
package enum RoutePreviewFailure: Error, Sendable, Equatable {
    /// The tenant has no PBX, or none of that name.
    case noPlan
    /// Which of them?
    case several([ConnectionID])
    /// Its file has problems.
    case faulty(ConnectionID)
    /// The trunk that the question names is none.
    case unknownTrunk
}
