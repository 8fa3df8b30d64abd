// Two records that prove to be one call.

extension CallLedger {
    /// Two records prove to be one call: the one that started earlier survives, then the one with the smaller outside name. What has no
    /// record goes up in the other. Both are awake.
    /// - Returns: the survivor.
    func merge(_ one: CallID, _ other: CallID, profile: ConnectionProfile, batch: inout DerivedBatch) throws -> CallID {
        guard let first = calls[one], let second = calls[other], second.standing.mergedInto == nil else { return one }
        let firstSurvives = first.hasRecord == second.hasRecord ? Self.precedes(first, second) : first.hasRecord
        let (survivor, loser) = firstSurvives ? (one, other) : (other, one)
        let loserRecord = lastRecord(of: loser, profile: profile)
        moveEvents(from: loser, to: survivor, batch: &batch)
        moveNames(from: loser, to: survivor, profile: profile, batch: &batch)
        if let loserRecord {
            bury(loserRecord, in: survivor, batch: &batch)
        } else {
            try moveRecords(from: loser, to: survivor, batch: &batch)
            remove(loser)
        }
        return survivor
    }

    private static func precedes(_ one: LiveCall, _ other: LiveCall) -> Bool {
        (one.standing.startedAt, one.standing.firstKey ?? ExternalKey(.call, ""))
            <= (other.standing.startedAt, other.standing.firstKey ?? ExternalKey(.call, ""))
    }

    /// Nothing leads on from a call without a record: what was read from raw records is of the survivor from now on, for a replay.
    func moveRecords(from loser: CallID, to survivor: CallID, batch: inout DerivedBatch) throws {
        for id in Set(calls[loser]?.events.map(\.rawID) ?? []).sorted() {
            guard let entry = try reader.rawRecord(id), entry.state == .decoded, !entry.calls.contains(survivor) else { continue }
            batch.decodings.append(
                DecodingRow(position: entry.raw.position, state: .decoded, calls: entry.calls + [survivor]))
        }
    }

    private func moveEvents(from loser: CallID, to survivor: CallID, batch: inout DerivedBatch) {
        // Removals come first in a commit: rows of the loser that this very batch brought must not be in it.
        batch.events.removeAll { $0.call == loser }
        for event in calls[loser]?.events ?? [] {
            batch.removedEvents.append(RemovedEvent(id: event.id, call: loser))
            guard let insertion = calls[survivor]?.insert(event) else { continue }
            if case .repeated = insertion { continue }
            batch.events.append(EventRow(id: event.id, call: survivor, rawPosition: 0, body: event.encoded(by: &json)))
        }
    }

    /// Names come from events, so the loser's events have all of them. One that a replay has taken back stays with the loser,
    /// which leads on to the survivor.
    private func moveNames(from loser: CallID, to survivor: CallID, profile: ConnectionProfile, batch: inout DerivedBatch) {
        let names = names(of: profile.id)
        for event in calls[loser]?.events ?? [] {
            for key in event.keys { register(key, survivor, in: names, profile: profile, batch: &batch) }
        }
    }

    private func bury(_ loser: Call, in survivor: CallID, batch: inout DerivedBatch) {
        guard let live = calls[loser.id] else { return }
        var record = loser
        record.mergedInto = survivor
        alsoTouched.insert(loser.id)
        emitLast(record, of: live, type: .merged, batch: &batch)
    }
}
