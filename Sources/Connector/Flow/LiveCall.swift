extension CallLedger {
    /// A call in memory. A class, so that looking at it copies nothing; the ledger alone holds it.
    ///
    /// Many are under way at once, and each event finds its call cold: what is kept is what the next event needs.
    final class LiveCall {
        var history = CallHistory()
        let memory = FoldMemory()
        var standing: Standing
        /// Hash of the last revision's visible content, to tell a change from a repeat.
        var contentHash: UInt128 = 0
        /// When the last raw record of it was received.
        var lastNews: Instant
        /// Before this moment nothing is due for its age: there are many calls, and a look at each takes time.
        var lookAgain = Instant.earliest
        /// The batch that carries its last change; the call stays in memory until that is committed.
        var lastTicket: Int = 0

        init(history: CallHistory = CallHistory(), standing: Standing, lastNews: Instant) {
            self.history = history
            self.standing = standing
            self.lastNews = lastNews
        }

        /// No event tells that there is such a call: those that it has only join one.
        var isUntold: Bool { history.events.allSatisfy(\.onlyJoins) }
    }

    /// What the ledger remembers of a call's last revision.
    struct Standing {
        let connection: ConnectionID
        /// 0 before the first.
        var revision = 0
        var state: Call.State = .ringing
        /// Nobody is on it any more, as far as its vendor tells.
        var allLegsEnded = false
        var startedAt: Instant
        let createdAt: Instant
        /// The first of its outside names.
        var firstKey: ExternalKey?
        /// The employees who are noted as its participants.
        var users: [String] = []
        var mergedInto: CallID?
        var isDeleted = false

        init(connection: ConnectionID, startedAt: Instant, createdAt: Instant) {
            self.connection = connection
            self.startedAt = startedAt
            self.createdAt = createdAt
        }

        /// Nothing more is expected of it. Of a call without a record nothing ever was: news find it in the journal.
        var isOver: Bool { revision == 0 || state == .ended || mergedInto != nil || isDeleted }

        /// How long without news it stays open.
        func patience(_ profile: ConnectionProfile) -> Duration { allLegsEnded ? profile.nextLegAfter : profile.staleAfter }

        /// Takes over what `record` says now.
        mutating func follow(_ record: Call) {
            revision = record.revision
            state = record.state
            startedAt = record.startedAt
            allLegsEnded = !record.legs.isEmpty && record.legs.allSatisfy { $0.endedAt != nil }
            firstKey = record.externalIDs.first
            mergedInto = record.mergedInto
            isDeleted = record.deletedAt != nil
        }
    }
}
