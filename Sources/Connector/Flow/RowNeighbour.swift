/// A call as its own news tell it, and the rows of a history that are with it.
struct RowNeighbour {
    let id: CallID
    /// `nil` where rows alone tell of it.
    let told: Call?
    /// By the row's own name; those of which the news have some name, too, are certain.
    let rows: [(key: ExternalKey, likeness: CallLikeness, isCertain: Bool)]

    /// Whether a row of one may tell of the other.
    func hasToDo(with other: RowNeighbour) -> Bool { mayTell(of: other) || other.mayTell(of: self) }

    private func mayTell(of other: RowNeighbour) -> Bool {
        guard let told = other.told else { return false }
        return rows.contains { $0.likeness.distance(to: told) != nil }
    }
}

/// Where to look for what has to do with a neighbour.
struct NearbyQuery {
    /// How long before a row the call may have begun in which an employee has a part.
    private static let longestWait = Duration.seconds(3600)
    /// Numbers of one call that are looked for.
    private static let numberLimit = 4

    /// When it began.
    var span: ClosedRange<Instant>
    /// In E.164 or as it came; `nil` for all.
    var number: String?

    /// With the number: all that began within an hour before, since an employee's part begins when his phone rings. Without it: what
    /// began at that very time.
    static func around(_ neighbour: RowNeighbour, _ profile: ConnectionProfile, _ numbering: any NumberingPlan) -> [NearbyQuery] {
        var moments = neighbour.rows.map { ($0.likeness.startedAt, $0.likeness.number) }
        if let told = neighbour.told {
            moments += ([told.startedAt] + told.legs.compactMap(\.startedAt)).map { ($0, told.externalParty?.number.raw) }
        }
        guard let first = moments.map(\.0).min(), let last = moments.map(\.0).max() else { return [] }
        let (from, to) = (first.advanced(by: .zero - CallLikeness.tolerance), last.advanced(by: CallLikeness.tolerance))
        let numbers = Set(moments.compactMap(\.1)).sorted().prefix(numberLimit)
        return [NearbyQuery(span: from...to)]
            + numbers.map { number in
                let phone = numbering.number(number, defaultCountry: profile.defaultCountry)
                return NearbyQuery(span: from.advanced(by: .zero - longestWait)...to, number: phone.e164 ?? phone.raw)
            }
    }

    /// The same in words of the call log.
    func search(_ profile: ConnectionProfile, limit: Int) -> CallQuery {
        var search = CallQuery(tenant: profile.tenant, limit: limit)
        search.connection = profile.id
        search.startedFrom = span.lowerBound
        search.startedTo = span.upperBound.advanced(by: .milliseconds(1))
        search.number = number
        return search
    }
}
