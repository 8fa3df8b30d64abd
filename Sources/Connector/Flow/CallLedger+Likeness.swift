// Rows of a provider's history whose names find no call: each goes to the call that it is like, or makes one of its own.
//
// Which it is is worked out anew whenever a row or a call comes to the neighbourhood, and rows are moved where it comes out
// otherwise, so that the order of arrival does not matter. A row is a few events of the call that it is thought to tell of; only a
// call that consists of rows alone is ever merged with another.

extension CallLedger {
    /// Whether a row of the history may have come before this news of a call.
    func mayHaveRows(_ event: CallEvent, _ profile: ConnectionProfile) throws -> Bool {
        guard profile.historyIsGuessed, event.isTold else { return false }
        if reaches[profile.id] == nil { reaches[profile.id] = try reader.pullState(of: profile.id)?.reach ?? .earliest }
        let start = event.facts.startedAt ?? event.leg?.ringingAt ?? event.occurredAt
        return start <= (reaches[profile.id] ?? .earliest).advanced(by: CallLikeness.tolerance)
    }

    /// Whether the event may change which row of the history belongs to which call.
    func isUnsettled(_ event: CallEvent, in id: CallID, _ profile: ConnectionProfile) throws -> Bool {
        guard let likeness = event.likeness else { return try mayHaveRows(event, profile) }
        noteReach(likeness, profile)
        return true
    }

    /// Settles the rows around calls that have news.
    /// - Returns: the calls to be folded anew.
    func settle(
        _ unsettled: [CallID], of raw: RawRecord, applied: inout Application, profile: ConnectionProfile,
        into batch: inout DerivedBatch
    ) throws -> [CallID] {
        guard !unsettled.isEmpty || !released.isEmpty else { return applied.calls }
        var moves = RowMoves()
        for id in unsettled {
            moves.note(try settleRows(around: moves.present(id), of: raw, profile: profile, into: &batch))
        }
        let homes = applied.calls.map(moves.present)
        applied.calls = homes.enumerated().filter { homes.firstIndex(of: $1) == $0 }.map(\.element)
        let others = moves.changed.union(released).map(moves.present)
        released = []
        alsoTouched.formUnion(others)
        return applied.calls + Set(others).subtracting(applied.calls).sorted()
    }

    func noteReach(_ likeness: CallLikeness, _ profile: ConnectionProfile) {
        reaches[profile.id] = max(reaches[profile.id] ?? likeness.startedAt, likeness.startedAt)
    }

    /// Puts the rows around `id` where they belong by now.
    /// - Returns: the calls that changed by it, and those that took the place of others.
    func settleRows(
        around id: CallID, of raw: RawRecord, profile: ConnectionProfile, into batch: inout DerivedBatch
    ) throws -> RowMoves {
        var moves = RowMoves()
        guard calls[id] != nil else { return moves }
        let neighbours = try neighbourhood(of: id, profile: profile).calls
        for move in RowMove.all(in: neighbours) {
            let now = move.moving(by: moves)
            guard now.from != now.to else { continue }
            moves.note(try perform(now, of: raw, profile: profile, batch: &batch))
        }
        return moves
    }

    /// News name a call by a name that only a row had, and the row was thought to tell of another call: it goes with its name.
    func releaseRow(
        _ key: ExternalKey, from id: CallID, of raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) throws {
        guard let live = calls[id],
            let row = live.events.first(where: { $0.likeness != nil && $0.keys.contains(key) })?.keys.first
        else { return }
        let told = live.events.filter { $0.isTold }
        guard !told.isEmpty, !live.isProven(row, by: told) else { return }
        let move = RowMove(key: row, from: id, to: nil)
        released.formUnion(try takeOut(move, of: raw, profile: profile, batch: &batch))
    }
}

extension CallEvent {
    /// A provider or a device tells of the call itself: neither a row that is like it or only joins it, nor the gateway.
    var isTold: Bool { likeness == nil && !onlyJoins && source != .system }
}

extension CallLedger.LiveCall {
    var hasRows: Bool { events.contains { $0.likeness != nil } }

    /// The names of the rows that are with it.
    var rowKeys: Set<ExternalKey> { Set(events.lazy.filter { $0.likeness != nil }.compactMap(\.keys.first)) }

    /// Whether the call's own news have a name of that row's that joins calls: its own, or that of its recording.
    func isProven(_ row: ExternalKey, by told: [CallEvent]) -> Bool {
        let rows = events.lazy.filter { $0.likeness != nil && $0.keys.first == row }
        let names = Set(rows.flatMap(\.keys)).filter(\.kind.namesOneCall)
        return told.contains { !names.isDisjoint(with: $0.keys) }
    }
}
