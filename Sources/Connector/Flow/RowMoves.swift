// Which rows of a history have to go where: a pure function of the calls around them.

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

extension RowMove {
    /// The rows that have to move, and where to: `nil` for a call of their own.
    static func all(in neighbours: [RowNeighbour]) -> [RowMove] {
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
}

extension Call {
    fileprivate var firstName: ExternalKey { externalIDs.first ?? ExternalKey(.call, "") }
}
