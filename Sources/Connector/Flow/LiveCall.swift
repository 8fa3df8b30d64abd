extension CallLedger {
    /// A call in memory. A class, so that looking at it copies nothing; the ledger alone holds it.
    ///
    /// Many are under way at once, and each event finds its call cold: what is kept is what the next event needs. One that nothing is
    /// heard of rests: its events are in the journal, and only what its age is watched by stays here.
    final class LiveCall {
        /// What its events say; `nil` while it rests.
        private var content: Content?
        var standing: Standing
        /// Hash of the last revision's visible content, to tell a change from a repeat.
        var contentHash: UInt128 = 0
        /// When the last raw record of it was received.
        var lastNews: Instant
        /// Before this moment nothing is due for its age: there are many calls, and a look at each takes time.
        var lookAgain = Instant.earliest
        /// The batch that carries its last change; the call stays in memory until that is committed.
        var lastTicket = LiveCall.unmarked
        /// Bytes that it counts for, as of the last mark.
        var weight = 0
        /// The name by which it is closed while it rests.
        private var restingKey: ExternalKey?
        /// Where rows of a history look for it; `nil` where none do.
        var whereabouts: NearbyCalls.Place?

        /// Before the first batch.
        static let unmarked = -1

        init(history: CallHistory = CallHistory(), standing: Standing, lastNews: Instant) {
            content = Content(history)
            self.standing = standing
            self.lastNews = lastNews
        }
    }

    /// What a call's events say, and what was read of them.
    fileprivate final class Content {
        var history: CallHistory
        let memory = FoldMemory()

        init(_ history: CallHistory) { self.history = history }
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
        /// E.164 of the outside party, or its raw text; `nil` where that is not known yet.
        var number: String?
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

        /// Readers have seen it, and it was not taken back.
        var hasRecord: Bool { revision > 0 && !isDeleted }

        /// How long without news it stays open.
        func patience(_ profile: ConnectionProfile) -> Duration { allLegsEnded ? profile.nextLegAfter : profile.staleAfter }

        /// Takes over what `record` says now.
        mutating func follow(_ record: Call) {
            revision = record.revision
            state = record.state
            startedAt = record.startedAt
            allLegsEnded = !record.legs.isEmpty && record.legs.allSatisfy { $0.endedAt != nil }
            firstKey = record.externalIDs.first
            number = record.externalParty.map { $0.number.e164 ?? $0.number.raw }
            mergedInto = record.mergedInto
            isDeleted = record.deletedAt != nil
        }
    }
}

// MARK: - Events

extension CallLedger.LiveCall {
    /// Its events in their order; none while it rests.
    var events: [CallEvent] { content?.history.events ?? [] }

    var isAwake: Bool { content != nil }

    /// No event tells that there is such a call: those that it has only join one. One that rests was told of, and what was told is in the
    /// journal; without its events it only looks as if nobody had.
    var isUntold: Bool { content?.history.events.allSatisfy(\.onlyJoins) ?? false }

    /// There is a record of it, or the next fold makes one.
    var hasRecord: Bool { standing.hasRecord || !isUntold }

    /// The name by which the gateway closes it: one of its oldest event.
    var closingKey: ExternalKey? { content == nil ? restingKey : events.first?.keys.first }

    func contains(_ event: EventID) -> Bool { content?.history.contains(event) ?? false }

    /// Takes in one event; a call that rests has to be woken first, and takes none.
    func insert(_ event: CallEvent) -> CallHistory.Insertion { content?.history.insert(event) ?? .repeated }

    /// Takes back the events that were read from `raw`; returns their identifiers.
    func removeEvents(of raw: RawID) -> [EventID] { content?.history.removeEvents(of: raw) ?? [] }

    func remove(_ events: Set<EventID>) { content?.history.remove(events) }

    /// The record of its events, at the revision that is given; `nil` where none tells of it, and while it rests.
    func fold(id: CallID, revision: Int, profile: ConnectionProfile, numbering: any NumberingPlan) -> Call? {
        guard let content, !isUntold else { return nil }
        var record = CallFold.record(
            of: content.history.digest, id: id, createdAt: standing.createdAt, profile: profile, numbering: numbering,
            memory: content.memory)
        record.revision = revision
        return record
    }

    // MARK: Rest

    /// Lets go of its events, which are in the journal.
    func rest() {
        restingKey = closingKey
        content = nil
    }

    /// Takes its events back from the journal.
    func wake(_ history: CallHistory) {
        content = CallLedger.Content(history)
        restingKey = nil
    }

    /// What it takes in memory, roughly.
    var estimatedWeight: Int {
        guard let content else { return 0 }
        return CallLedger.bytesPerCall + content.history.events.count * CallLedger.bytesPerEvent
    }
}
