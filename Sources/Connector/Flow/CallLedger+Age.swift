// Calls that grow old: closed where nothing ends them, forgotten where nothing more is expected.

extension CallLedger {
    /// Calls without an end that have had no news for their connection's `stale_after`, as records that close them (rule 8);
    /// those whose every leg has ended for its `settle_after`. Each is named once until its record comes by, or until as long again has passed: a closing that comes to nothing is
    /// not asked for without end.
    package func staleCalls(at now: Instant, profiles: (ConnectionID) -> ConnectionProfile?) -> [StaleCall] {
        var stale: [StaleCall] = []
        for (id, live) in calls where live.lookAgain <= now && !live.standing.isOver {
            guard let profile = profiles(live.standing.connection) else { continue }
            let last = max(live.lastNews, closings[id] ?? .earliest)
            guard isDue(live, at: last.advanced(by: live.standing.patience(profile)), now: now), let key = live.closingKey else {
                continue
            }
            closings[id] = now
            stale.append(StaleCall(connection: profile.id, key: key, call: id))
        }
        return stale.sorted { ($0.connection, $0.key) < ($1.connection, $1.key) }
    }

    /// A closing record could not be journalled: the call may be named again.
    package func reopen(_ stale: StaleCall) {
        closings[stale.call] = nil
        calls[stale.call]?.lookAgain = .earliest
    }

    /// Forgets ended calls that have had no news for their connection's `settle_after` and whose rows are committed; calls that
    /// nothing was heard of for a while go to rest.
    package func evict(at now: Instant, committedTicket: Int, profiles: (ConnectionID) -> ConnectionProfile?) {
        lastLook = now
        letIdleRest(at: now, committedTicket: committedTicket)
        let settled = calls.filter { _, live in
            guard live.lookAgain <= now, live.standing.isOver, live.lastTicket <= committedTicket else { return false }
            let patience = profiles(live.standing.connection)?.settleAfter ?? ConnectionProfile.standardSettleAfter
            return isDue(live, at: live.lastNews.advanced(by: patience), now: now)
        }
        for (id, live) in settled { forget(id, live) }
    }

    /// Whether `moment` has come for a call; if not, it is looked at again then, or sooner for the sake of changed settings.
    private func isDue(_ live: LiveCall, at moment: Instant, now: Instant) -> Bool {
        guard moment > now else { return true }
        live.lookAgain = min(moment, now.advanced(by: Self.longestLook))
        return false
    }

    /// A reload of the settings may make connections less patient.
    private static let longestLook = Duration.seconds(60)
}

/// A call that is to be closed for its age.
package struct StaleCall: Sendable, Equatable {
    package var connection: ConnectionID
    package var key: ExternalKey
    package var call: CallID
}
