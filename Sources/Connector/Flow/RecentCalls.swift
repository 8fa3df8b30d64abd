/// Calls in the order of their newest news, by the batches that carry it. The oldest leave memory first.
///
/// A call that has news again stands in a later batch, too, and counts there: whoever takes the oldest out looks at which batch
/// touched the call last.
struct RecentCalls {
    /// What one batch touched.
    struct Round {
        let ticket: Int
        /// When age was last looked at before.
        let at: Instant
        var calls: [CallID]
    }

    private var rounds: [Round] = []
    /// The place of the oldest.
    private var first = 0
    /// How many pieces of news are noted: one for each call and batch.
    private(set) var count = 0

    var oldest: Round? { first < rounds.count ? rounds[first] : nil }

    mutating func add(_ calls: [CallID], ticket: Int, at moment: Instant) {
        guard !calls.isEmpty else { return }
        rounds.append(Round(ticket: ticket, at: moment, calls: calls))
        count += calls.count
    }

    mutating func removeOldest() -> Round? {
        guard first < rounds.count else { return nil }
        let round = rounds[first]
        rounds[first].calls = []
        first += 1
        count -= round.calls.count
        if first * 2 > rounds.count {
            rounds.removeFirst(first)
            first = 0
        }
        return round
    }
}
