// The calls around a row of a history, or around a call that rows may tell of.

extension CallLedger {
    /// Calls of a neighbourhood.
    static let neighbourLimit = 32
    /// Calls that are read and folded to find them.
    static let lookLimit = 512

    /// Everything that may be alike, or have to do with what is.
    ///
    /// Grows outwards from `id`. Each call is folded once, however often it is come by.
    /// - Returns: the calls by their age, and how many were looked at to find them.
    func neighbourhood(of id: CallID, profile: ConnectionProfile) throws -> (calls: [RowNeighbour], looks: Int) {
        guard let first = neighbour(id, profile) else { return ([], 0) }
        var known = [first]
        var others = NeighboursSeen(id)
        var place = 0
        while place < known.count, known.count < Self.neighbourLimit {
            let present = known[place]
            for query in NearbyQuery.around(present, profile, numbering) {
                try look(for: query, around: present, profile, &others)
                let found = others.take { $0.hasToDo(with: present) }
                known += found.prefix(Self.neighbourLimit - known.count)
            }
            place += 1
        }
        return (known.sorted { $0.id < $1.id }, others.count)
    }

    /// Folds the calls of the connection that began then and were not come by before; those at rest and those that are not in memory
    /// are brought back.
    private func look(
        for query: NearbyQuery, around present: RowNeighbour, _ profile: ConnectionProfile, _ others: inout NeighboursSeen
    ) throws {
        // What is in memory may not be committed.
        for id in inMemory(query, profile) { look(at: id, around: present, profile, &others) }
        for stored in try reader.calls(query.search(profile, limit: Self.neighbourLimit)) where others.isNew(stored.id) {
            if try canBeRead(stored.id, profile) { look(at: stored.id, around: present, profile, &others) }
        }
    }

    private func look(
        at id: CallID, around present: RowNeighbour, _ profile: ConnectionProfile, _ others: inout NeighboursSeen
    ) {
        // Where neither has rows, nothing tells of the other.
        guard others.count < Self.lookLimit, others.isNew(id), !present.rows.isEmpty || calls[id]?.hasRows == true else { return }
        others.add(neighbour(id, profile), id)
    }

    private func inMemory(_ query: NearbyQuery, _ profile: ConnectionProfile) -> [CallID] {
        guard let nearby = nearby[profile.id] else { return [] }
        return query.number.map { nearby.calls(with: $0, in: query.span) } ?? nearby.calls(in: query.span)
    }

    /// A neighbour that the journal keeps and that cannot be read is left alone.
    private func canBeRead(_ id: CallID, _ profile: ConnectionProfile) throws -> Bool {
        do { return try load(id, profile: profile) } catch is UnreadableEvent { return false }
    }

    private func neighbour(_ id: CallID, _ profile: ConnectionProfile) -> RowNeighbour? {
        guard let live = calls[id], live.standing.mergedInto == nil, !live.events.isEmpty else { return nil }
        let told = live.events.filter { $0.isTold }
        let record: Call? =
            told.isEmpty
            ? nil
            : CallFold.record(
                of: CallHistory(told), id: id, createdAt: live.standing.createdAt, profile: profile, numbering: numbering)
        var rows: [(key: ExternalKey, likeness: CallLikeness, isCertain: Bool)] = []
        for event in live.events {
            guard let likeness = event.likeness, let key = event.keys.first, !rows.contains(where: { $0.key == key }) else {
                continue
            }
            rows.append((key, likeness, live.isProven(key, by: told)))
        }
        return RowNeighbour(id: id, told: record, rows: rows)
    }
}

/// Calls that a search for neighbours has come by.
private struct NeighboursSeen {
    /// Those that had to do with none so far; they may have with the next one.
    private var waiting: [RowNeighbour] = []
    private var seen: Set<CallID>

    init(_ first: CallID) { seen = [first] }

    var count: Int { seen.count }

    func isNew(_ id: CallID) -> Bool { !seen.contains(id) }

    mutating func add(_ neighbour: RowNeighbour?, _ id: CallID) {
        seen.insert(id)
        if let neighbour { waiting.append(neighbour) }
    }

    /// Those for which that holds, by their age; they do not wait any more.
    mutating func take(where holds: (RowNeighbour) -> Bool) -> [RowNeighbour] {
        var taken: [RowNeighbour] = []
        waiting.removeAll { neighbour in
            guard holds(neighbour) else { return false }
            taken.append(neighbour)
            return true
        }
        return taken.sorted { $0.id < $1.id }
    }
}
