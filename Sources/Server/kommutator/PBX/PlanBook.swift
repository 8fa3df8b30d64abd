import Connector
import FallbackPBX
import Gateway
import PBXPlan
import Synchronization

/// Answers which way calls would take, by the plans of the connections that are loaded and as their trunks stand.
final class PlanBook: RoutePreviewing {
    private let registry: ConnectionRegistry
    private let numbering: any NumberingPlan
    private let upkeep: @Sendable (ConnectionID) -> UpkeepStatus?
    private let running: @Sendable () -> (connection: ConnectionID, figures: PBXStatistics)?
    /// A plan is read once for each version of its file; there are as many as connections.
    private let plans = Mutex<[ConnectionID: (of: ProviderConnection, plan: DialPlan)]>([:])

    init(
        _ registry: ConnectionRegistry, numbering: any NumberingPlan, upkeep: @escaping @Sendable (ConnectionID) -> UpkeepStatus?,
        running: @escaping @Sendable () -> (connection: ConnectionID, figures: PBXStatistics)? = { nil }
    ) {
        self.running = running
        self.registry = registry
        self.numbering = numbering
        self.upkeep = upkeep
    }

    func preview(
        _ question: RoutePreviewQuestion, of connection: ConnectionID?, tenant: TenantID
    ) throws(RoutePreviewFailure) -> RoutePreview {
        let set = registry.current
        let all = set.of(tenant).filter { PlanFile.isOne($0.descriptor) && $0.settings.isEnabled }
        let chosen = all.filter { connection == nil || $0.id == connection }
        guard let first = chosen.first else { throw .noPlan }
        guard chosen.count == 1 else { throw .several(chosen.map(\.id)) }
        let plan = try plan(of: first)
        if let trunk = question.trunk, TrunkID(trunk) == nil { throw .unknownTrunk }
        let standings = TrunkStandings(plan) { [upkeep] id in
            TrunkStandings.State(set[id.name].map { ($0.settings.isEnabled, $0.problems.isEmpty) }, upkeep: upkeep(id))
        }
        // A PBX that runs knows its trunks' channels, and what was used of the limits; its word counts.
        let figures = running().flatMap { $0.connection == first.id ? $0.figures : nil }
        return PlanPreview(
            plan, of: first.id, home: first.profile.defaultCountry, numbering: numbering,
            standings: standings.byName.merging(figures?.standings ?? [:]) { guess, known in guess.trouble == nil ? known : guess
            },
            spent: figures?.spent
        ).answer(question)
    }

    private func plan(of connection: ProviderConnection) throws(RoutePreviewFailure) -> DialPlan {
        if let known = plans.withLock({ $0[connection.id] }), known.of === connection { return known.plan }
        guard connection.problems.isEmpty, let plan = try? PlanFile.plan(of: connection.settings) else {
            throw .faulty(connection.id)
        }
        plans.withLock { $0[connection.id] = (connection, plan) }
        return plan
    }
}

/// How the trunks of a plan stand, as far as their connections tell.
struct TrunkStandings {
    /// What is known of a trunk's connection.
    struct State {
        var trouble: String?

        /// - Parameter connection: whether it is enabled, and whether its file is without fault; `nil` where there is none.
        init(_ connection: (isEnabled: Bool, isGood: Bool)?, upkeep: UpkeepStatus? = nil) {
            guard let connection else {
                trouble = "there is no such connection"
                return
            }
            if !connection.isEnabled {
                trouble = "its connection is disabled"
            } else if !connection.isGood {
                trouble = "its connection's file has problems"
            } else if let upkeep, upkeep.condition == .failing {
                trouble = upkeep.summary
            }
        }
    }

    let byName: [String: TrunkStanding]

    init(_ plan: DialPlan, _ state: (ConnectionID) -> State) {
        let standings = plan.trunks.compactMap { trunk in
            TrunkID(trunk.name).map { (trunk.name, TrunkStanding(trouble: state($0.connection).trouble)) }
        }
        byName = Dictionary(standings) { first, _ in first }
    }
}
