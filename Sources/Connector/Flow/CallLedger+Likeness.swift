// Rows of a provider's history whose names find no call: each goes to the call that it is like, or makes one of its own.
//
// Which it is is worked out anew whenever a row or a call comes to the neighbourhood, and rows are moved where it comes out
// otherwise, so that the order of arrival does not matter. A row is a few events of the call that it is thought to tell of; only a
// call that consists of rows alone is ever merged with another.

extension CallLedger {
    /// How long before a row the call may have begun in which an employee has a part.
    private static let longestWait = Duration.seconds(3600)
    /// Calls of a neighbourhood, and calls that are looked at to find them.
    private static let neighbourLimit = 32
    private static let lookLimit = 512

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
        let neighbours = try neighbourhood(of: id, profile: profile)
        for move in Self.settlement(of: neighbours) {
            let now = move.moving(by: moves)
            guard now.from != now.to else { continue }
            moves.note(try perform(now, of: raw, profile: profile, batch: &batch))
        }
        return moves
    }

    /// News name a call by a name that only a row had, and the row was thought to tell of another call: it goes with its name.
    func releaseRow(_ key: ExternalKey, from id: CallID, of raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch)
    {
        guard let live = calls[id],
            let row = live.history.events.first(where: { $0.likeness != nil && $0.keys.contains(key) })?.keys.first
        else { return }
        let told = live.history.events.filter { $0.isTold }
        guard !told.isEmpty, !live.isProven(row, by: told) else { return }
        let move = RowMove(key: row, from: id, to: nil)
        released.formUnion(takeOut(move, of: raw, profile: profile, batch: &batch))
    }

    // MARK: The neighbourhood

    /// A call as its own news tell it, and the rows that are with it.
    private struct Neighbour {
        let id: CallID
        /// `nil` where rows alone tell of it.
        let told: Call?
        /// By the row's own name; those of which the news have some name, too, are certain.
        let rows: [(key: ExternalKey, likeness: CallLikeness, isCertain: Bool)]

        /// Whether a row of one may tell of the other.
        func hasToDo(with other: Neighbour) -> Bool { mayTell(of: other) || other.mayTell(of: self) }

        private func mayTell(of other: Neighbour) -> Bool {
            guard let told = other.told else { return false }
            return rows.contains { $0.likeness.distance(to: told) != nil }
        }
    }

    /// Everything that may be alike, or have to do with what is.
    private func neighbourhood(of id: CallID, profile: ConnectionProfile) throws -> [Neighbour] {
        guard let first = neighbour(id, profile) else { return [] }
        var known = [first]
        var looked: Set = [id]
        var place = 0
        while place < known.count, known.count < Self.neighbourLimit, looked.count < Self.lookLimit {
            for query in queries(around: known[place], profile) {
                for other in try self.calls(like: query, profile) where looked.insert(other).inserted {
                    guard let neighbour = neighbour(other, profile), neighbour.hasToDo(with: known[place]) else {
                        // It may have to do with the next one.
                        looked.remove(other)
                        continue
                    }
                    known.append(neighbour)
                }
            }
            place += 1
        }
        return known.sorted { $0.id < $1.id }
    }

    private func neighbour(_ id: CallID, _ profile: ConnectionProfile) -> Neighbour? {
        guard let live = calls[id], live.standing.mergedInto == nil, !live.history.events.isEmpty else { return nil }
        let told = live.history.events.filter { $0.isTold }
        let record: Call? =
            told.isEmpty
            ? nil
            : CallFold.record(
                of: CallHistory(told), id: id, createdAt: live.standing.createdAt, profile: profile, numbering: numbering)
        var rows: [(key: ExternalKey, likeness: CallLikeness, isCertain: Bool)] = []
        for event in live.history.events {
            guard let likeness = event.likeness, let key = event.keys.first, !rows.contains(where: { $0.key == key }) else {
                continue
            }
            rows.append((key, likeness, live.isProven(key, by: told)))
        }
        return Neighbour(id: id, told: record, rows: rows)
    }

    /// Where to look for what has to do with a neighbour.
    private struct NearbyQuery {
        var from: Instant
        var to: Instant
        /// In E.164 or as it came; `nil` for all.
        var number: String?
    }

    /// With the number: all that began within an hour before, since an employee's part begins when his phone rings. Without it: what began at that
    /// very time.
    private func queries(around neighbour: Neighbour, _ profile: ConnectionProfile) -> [NearbyQuery] {
        var moments = neighbour.rows.map { ($0.likeness.startedAt, $0.likeness.number) }
        if let told = neighbour.told {
            moments += ([told.startedAt] + told.legs.compactMap(\.startedAt)).map { ($0, told.externalParty?.number.raw) }
        }
        guard let first = moments.map(\.0).min(), let last = moments.map(\.0).max() else { return [] }
        let (from, to) = (first.advanced(by: .zero - CallLikeness.tolerance), last.advanced(by: CallLikeness.tolerance))
        var queries = [NearbyQuery(from: from, to: to)]
        for number in Set(moments.compactMap(\.1)).sorted().prefix(4) {
            let phone = numbering.number(number, defaultCountry: profile.defaultCountry)
            queries.append(
                NearbyQuery(from: from.advanced(by: .zero - Self.longestWait), to: to, number: phone.e164 ?? phone.raw))
        }
        return queries
    }

    /// Calls of the connection that began then, in memory or not; those that are not are brought back.
    private func calls(like query: NearbyQuery, _ profile: ConnectionProfile) throws -> [CallID] {
        var search = CallQuery(tenant: profile.tenant, limit: Self.neighbourLimit)
        search.connection = profile.id
        search.startedFrom = query.from
        search.startedTo = query.to.advanced(by: .milliseconds(1))
        search.number = query.number
        var found = Set(try reader.calls(search).map(\.id).filter { try load($0, profile: profile) })
        // What is in memory may not be committed; by time alone, since its number may be told a moment later.
        for (id, live) in calls where live.standing.connection == profile.id && live.standing.mergedInto == nil {
            if (query.from...query.to).contains(live.standing.startedAt) { found.insert(id) }
        }
        return found.sorted()
    }

    // MARK: The decision

    /// The rows that have to move, and where to: `nil` for a call of their own.
    private static func settlement(of neighbours: [Neighbour]) -> [RowMove] {
        var moves: [RowMove] = []
        let rows = neighbours.flatMap { neighbour in
            neighbour.rows.map { (home: neighbour, key: $0.key, likeness: $0.likeness, isCertain: $0.isCertain) }
        }
        for part in Set(rows.map(\.likeness.part)).sorted(by: { $0 ?? "" < $1 ?? "" }) {
            let ofPart = rows.filter { $0.likeness.part == part }
            let taken = Set(ofPart.filter(\.isCertain).map(\.home.id))
            let guessed = ofPart.filter { !$0.isCertain }
                .sorted { ($0.likeness.startedAt, $0.key) < ($1.likeness.startedAt, $1.key) }
            let places = neighbours.compactMap(\.told).filter { !taken.contains($0.id) }
                .flatMap { call in CallLikeness.occasions(of: part, in: call).map { (call: call, occasion: $0) } }
                .sorted { ($0.occasion.beginnings[0], $0.call.firstName) < ($1.occasion.beginnings[0], $1.call.firstName) }
            let matches = LikenessMatching.match(rowCount: guessed.count, callCount: places.count) { row, place in
                guessed[row].likeness.distance(to: places[place].occasion, in: places[place].call)
            }
            for (row, match) in zip(guessed, matches) {
                let target = match.map { places[$0].call.id }
                if let target, target != row.home.id {
                    moves.append(RowMove(key: row.key, from: row.home.id, to: target))
                } else if target == nil, row.home.told != nil {
                    moves.append(RowMove(key: row.key, from: row.home.id, to: nil))
                }
            }
        }
        // First make room: a row that leaves takes none of another's events along.
        return moves.filter { $0.to == nil } + moves.filter { $0.to != nil }
    }

    // MARK: Moving

    private func perform(
        _ move: RowMove, of raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) throws -> RowMoves {
        var moves = RowMoves()
        guard let home = calls[move.from] else { return moves }
        guard let target = move.to, home.history.events.allSatisfy({ !$0.isTold }), home.rowKeys.count == 1 else {
            moves.changed = takeOut(move, of: raw, profile: profile, batch: &batch)
            try noteDecodings(of: move, moves.changed, batch: &batch)
            return moves
        }
        // The row was all there was of a call of its own, which is the target by now.
        let isNewer = calls[target]?.standing.revision == 0
        if home.standing.revision == 0 || isNewer {
            let (loser, survivor) = home.standing.revision == 0 ? (move.from, target) : (target, move.from)
            dissolve(loser, in: survivor, of: raw, profile: profile, batch: &batch)
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
    private func takeOut(
        _ move: RowMove, of raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) -> Set<CallID> {
        guard let home = calls[move.from] else { return [] }
        let keys = Set(home.history.events.filter { $0.keys.first == move.key && $0.likeness != nil }.flatMap(\.keys))
        let leaving = home.history.events.filter { event in
            (event.likeness != nil || event.source == .system) && event.keys.allSatisfy(keys.contains)
        }
        guard let first = leaving.first else { return [] }
        calls[move.from]?.history.remove(Set(leaving.map(\.id)))
        let target = move.to ?? ownCall(of: first, key: move.key, profile)
        for event in leaving {
            batch.events.removeAll { $0.id == event.id && $0.call == move.from }
            batch.removedEvents.append(RemovedEvent(id: event.id, call: move.from))
            put(event, into: target, of: raw, batch: &batch)
        }
        let names = names(of: profile.id)
        for key in keys.sorted() { register(key, target, in: names, profile: profile, batch: &batch) }
        return [move.from, target]
    }

    /// A call for a row that was with another: named by the row's record and name, whatever else the record tells.
    private func ownCall(of event: CallEvent, key: ExternalKey, _ profile: ConnectionProfile) -> CallID {
        var hash = StableHash()
        hash.combine(event.rawID.upper)
        hash.combine(event.rawID.lower)
        hash.combine("row")
        hash.combine(key.value)
        let id = CallID(time: event.receivedAt, rest: hash.value)
        if calls[id] == nil {
            let standing = Standing(connection: profile.id, startedAt: event.occurredAt, createdAt: event.receivedAt)
            calls[id] = LiveCall(standing: standing, lastNews: event.receivedAt)
        }
        return id
    }

    /// A call that nobody has seen yet goes up in another.
    private func dissolve(
        _ loser: CallID, in survivor: CallID, of raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) {
        batch.events.removeAll { $0.call == loser }
        guard let live = calls[loser] else { return }
        let names = names(of: profile.id)
        for event in live.history.events {
            put(event, into: survivor, of: raw, batch: &batch)
            for key in event.keys { register(key, survivor, in: names, profile: profile, batch: &batch) }
        }
        calls[survivor]?.lastNews = max(calls[survivor]?.lastNews ?? live.lastNews, live.lastNews)
        calls[loser] = nil
    }

    private func put(_ event: CallEvent, into id: CallID, of raw: RawRecord, batch: inout DerivedBatch) {
        guard let live = calls[id] else { return }
        live.lastNews = max(live.lastNews, raw.receivedAt)
        live.lookAgain = .earliest
        if case .repeated = live.history.insert(event) { return }
        let position = event.rawID == raw.id ? raw.position : 0
        batch.events.append(EventRow(id: event.id, call: id, rawPosition: position, body: event.encoded(by: &json)))
    }

    /// The row's records tell of both calls from now on: a replay takes them back wherever they are.
    private func noteDecodings(of move: RowMove, _ homes: Set<CallID>, batch: inout DerivedBatch) throws {
        let records = Set(homes.flatMap { calls[$0]?.history.events ?? [] }.filter { $0.keys.first == move.key }.map(\.rawID))
        for id in records.sorted() {
            guard let entry = try reader.rawRecord(id), entry.state == .decoded else { continue }
            let calls = entry.calls + homes.subtracting(entry.calls).sorted()
            batch.decodings.append(DecodingRow(position: entry.raw.position, state: .decoded, calls: calls))
        }
    }
}

/// A row goes from one call to another; `nil`: to one of its own.
struct RowMove {
    /// The row's own name.
    let key: ExternalKey
    var from: CallID
    var to: CallID?

    /// The same after others have moved.
    func moving(by moves: RowMoves) -> RowMove {
        RowMove(key: key, from: moves.present(from), to: to.map(moves.present))
    }
}

/// What came of moving rows.
struct RowMoves {
    /// Calls that are to be folded anew.
    var changed: Set<CallID> = []
    /// Calls that are no more, and which one took their place.
    var replaced: [CallID: CallID] = [:]

    func present(_ id: CallID) -> CallID {
        var id = id
        while let next = replaced[id] { id = next }
        return id
    }

    mutating func note(_ other: RowMoves) {
        changed.formUnion(other.changed)
        replaced.merge(other.replaced) { $1 }
    }
}

extension CallEvent {
    /// A provider or a device tells of the call itself: neither a row that is like it or only joins it, nor the gateway.
    var isTold: Bool { likeness == nil && !onlyJoins && source != .system }
}

extension CallLedger.LiveCall {
    /// The names of the rows that are with it.
    fileprivate var rowKeys: Set<ExternalKey> { Set(history.events.lazy.filter { $0.likeness != nil }.compactMap(\.keys.first)) }

    /// Whether the call's own news have a name of that row's that joins calls: its own, or that of its recording.
    fileprivate func isProven(_ row: ExternalKey, by told: [CallEvent]) -> Bool {
        let events = history.events.lazy.filter { $0.likeness != nil && $0.keys.first == row }
        let names = Set(events.flatMap(\.keys)).filter(\.kind.namesOneCall)
        return told.contains { !names.isDisjoint(with: $0.keys) }
    }
}

extension Call {
    fileprivate var firstName: ExternalKey { externalIDs.first ?? ExternalKey(.call, "") }
}
