import Connector
import PBXPlan

/// What a PBX that runs counts, for `/metrics`, and how it stands for whoever asks which way a call would take.
package struct PBXStatistics: Sendable {
    package struct Trunk: Sendable {
        package var name: String
        package var isUp: Bool
        package var calls: Int
    }

    package var calls = 0
    package var legs = 0
    package var registrations = 0
    package var recordings = 0
    /// Recordings that wait to be made smaller; those that were, and those that could not be.
    package var encodings = 0
    package var encoded = 0
    package var encodingFailures = 0
    /// By name.
    package var trunks: [Trunk] = []
    package var transport = SIPTransportCounts()
    /// Sources that were shut out so far, and those that are looked at now.
    package var bans = 0
    package var sources = 0
    /// Users who were shut out so far for wrong passwords.
    package var userBans = 0
    /// Alarms of the limits of what goes outside.
    package var tollAlarms = 0
    /// Calls to the outside that are counted now.
    package var tollCalls = 0
    /// What was used of the plan's limits.
    package var spent: TollGuard?
    /// How the plan's trunks stand, by their names in it.
    package var standings: [String: TrunkStanding] = [:]
}

extension PBXCore {
    /// What is known here; the sockets' counts are not.
    var statistics: PBXStatistics {
        var statistics = PBXStatistics()
        statistics.calls = calls.count
        statistics.legs = agent.legCount
        statistics.registrations = phones.registrar.bindingCount
        statistics.recordings = recordings.count
        statistics.trunks = trunks.links.values.map {
            PBXStatistics.Trunk(name: $0.account.id.description, isUp: $0.state.isUp, calls: $0.liveCalls)
        }.sorted { $0.name < $1.name }
        statistics.bans = phones.guardian.bans
        statistics.sources = phones.guardian.count
        statistics.userBans = phones.users.bans
        statistics.tollCalls = toll.count
        statistics.spent = toll.spent
        statistics.standings = trunks.knownStandings(of: plan.trunks.map(\.name))
        return statistics
    }
}
