// Rows of a history go from one call to another.

extension CallLedger {
    /// Moves a row, or makes one of two calls where the row was all there was of one.
    func perform(
        _ move: RowMove, of raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) throws -> RowMoves {
        var moves = RowMoves()
        guard let home = calls[move.from] else { return moves }
        guard let target = move.to, home.events.allSatisfy({ !$0.isTold }), home.rowKeys.count == 1 else {
            moves.changed = try takeOut(move, of: raw, profile: profile, batch: &batch)
            try noteDecodings(of: move, moves.changed, batch: &batch)
            return moves
        }
        // The row was all there was of a call of its own, which is the target by now.
        let isNewer = calls[target]?.standing.revision == 0
        if home.standing.revision == 0 || isNewer {
            let (loser, survivor) = home.standing.revision == 0 ? (move.from, target) : (target, move.from)
            try dissolve(loser, in: survivor, of: raw, profile: profile, batch: &batch)
            moves.replaced[loser] = survivor
            moves.changed = [survivor]
        } else {
            let survivor = try merge(move.from, target, profile: profile, batch: &batch)
            moves.replaced[survivor == target ? move.from : target] = survivor
            moves.changed = [survivor]
        }
        return moves
    }

    /// Moves a row's events to another call, or to one of their own.
    /// - Returns: both calls.
    func takeOut(
        _ move: RowMove, of raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) throws -> Set<CallID> {
        guard let home = calls[move.from] else { return [] }
        let keys = Set(home.events.filter { $0.keys.first == move.key && $0.likeness != nil }.flatMap(\.keys))
        let leaving = home.events.filter { event in
            (event.likeness != nil || event.source == .system) && event.keys.allSatisfy(keys.contains)
        }
        guard let first = leaving.first else { return [] }
        calls[move.from]?.remove(Set(leaving.map(\.id)))
        let target = try move.to ?? ownCall(of: first, key: move.key, leaving: move.from, profile)
        for event in leaving {
            batch.events.removeAll { $0.id == event.id && $0.call == move.from }
            batch.removedEvents.append(RemovedEvent(id: event.id, call: move.from))
            put(event, into: target, of: raw, batch: &batch)
        }
        let names = names(of: profile.id)
        for key in keys.sorted() { register(key, target, in: names, profile: profile, batch: &batch) }
        return [move.from, target]
    }

    /// A call for a row that was with another, `home`.
    ///
    /// The row may have had one before, and that call may have become part of another since: it comes back.
    private func ownCall(of event: CallEvent, key: ExternalKey, leaving home: CallID, _ profile: ConnectionProfile) throws
        -> CallID
    {
        let first = Self.ownID(of: event, key: key, "row")
        // Others may have joined the one that the row had before: it is theirs now.
        let id = first == home ? Self.ownID(of: event, key: key, "row again") : first
        if try !load(id, profile: profile) {
            var standing = Standing(connection: profile.id, startedAt: event.occurredAt, createdAt: event.receivedAt)
            standing.revision = try reader.call(id)?.revision ?? 0
            take(LiveCall(standing: standing, lastNews: event.receivedAt), id, profile)
        }
        calls[id]?.standing.mergedInto = nil
        return id
    }

    /// Named by the row's record and name, whatever else the record tells.
    private static func ownID(of event: CallEvent, key: ExternalKey, _ word: String) -> CallID {
        var hash = StableHash()
        hash.combine(event.rawID.upper)
        hash.combine(event.rawID.lower)
        hash.combine(word)
        hash.combine(key.value)
        return CallID(time: event.receivedAt, rest: hash.value)
    }

    /// A call that nobody has seen yet goes up in another. The journal may have events of it that only join.
    private func dissolve(
        _ loser: CallID, in survivor: CallID, of raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) throws {
        batch.events.removeAll { $0.call == loser }
        guard let live = calls[loser] else { return }
        let names = names(of: profile.id)
        for event in live.events {
            if event.rawID != raw.id { batch.removedEvents.append(RemovedEvent(id: event.id, call: loser)) }
            put(event, into: survivor, of: raw, batch: &batch)
            for key in event.keys { register(key, survivor, in: names, profile: profile, batch: &batch) }
        }
        calls[survivor]?.lastNews = max(calls[survivor]?.lastNews ?? live.lastNews, live.lastNews)
        try moveRecords(from: loser, to: survivor, batch: &batch)
        remove(loser)
    }

    private func put(_ event: CallEvent, into id: CallID, of raw: RawRecord, batch: inout DerivedBatch) {
        guard let live = calls[id] else { return }
        live.lastNews = max(live.lastNews, raw.receivedAt)
        live.lookAgain = .earliest
        if case .repeated = live.insert(event) { return }
        let position = event.rawID == raw.id ? raw.position : 0
        batch.events.append(EventRow(id: event.id, call: id, rawPosition: position, body: event.encoded(by: &json)))
    }

    /// The row's records tell of both calls from now on: a replay takes them back wherever they are.
    private func noteDecodings(of move: RowMove, _ homes: Set<CallID>, batch: inout DerivedBatch) throws {
        let records = Set(homes.flatMap { calls[$0]?.events ?? [] }.filter { $0.keys.first == move.key }.map(\.rawID))
        for id in records.sorted() {
            guard let entry = try reader.rawRecord(id), entry.state == .decoded else { continue }
            let calls = entry.calls + homes.subtracting(entry.calls).sorted()
            batch.decodings.append(DecodingRow(position: entry.raw.position, state: .decoded, calls: calls))
        }
    }
}
