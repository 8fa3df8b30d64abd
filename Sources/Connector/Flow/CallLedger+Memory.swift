// Which calls are in memory, and how much of them: what the next news will need, within bounds.
//
// A call whose rows are committed can always be had from the journal again. So those that nothing was heard of for a while leave
// memory: one that is over as a whole, one that goes on with its events.

extension CallLedger {
    /// How much is kept in memory. What is beyond leaves it, the calls with the oldest news first.
    package struct MemoryBounds: Sendable {
        /// Calls that are awake may take so much together, as far as that is estimated.
        package var awakeBytes = 24 << 20
        /// So many of the newest news keep their calls awake. Far more than come between two of one call, where many go on at once.
        package var recentNews = 8192
        /// A call that nothing was heard of for so long goes to rest.
        package var wakefulness = Duration.seconds(5)

        package init() {}
    }

    /// What a call that is awake takes, roughly, and each of its events (`benchmarks memory`).
    static let bytesPerCall = 3072
    static let bytesPerEvent = 1152

    // MARK: Coming in

    /// A call is awake from now on.
    func take(_ live: LiveCall, _ id: CallID, _ profile: ConnectionProfile) {
        calls[id] = live
        alsoTouched.insert(id)
        noteWhereabouts(of: live, id, profile)
    }

    /// Rows of the history find the call where it is now.
    func noteWhereabouts(of live: LiveCall, _ id: CallID, _ profile: ConnectionProfile) {
        guard profile.historyIsGuessed else { return }
        let place = NearbyCalls.Place(startedAt: live.standing.startedAt, number: live.standing.number)
        guard place != live.whereabouts else { return }
        leaveWhereabouts(live, id)
        live.whereabouts = place
        nearby[profile.id, default: NearbyCalls()].add(id, at: place)
    }

    private func leaveWhereabouts(_ live: LiveCall, _ id: CallID) {
        guard let place = live.whereabouts else { return }
        nearby[live.standing.connection]?.remove(id, at: place)
        live.whereabouts = nil
    }

    /// Brings a call of the connection back into memory, with its events; one without a record, too.
    /// - Returns: whether there is such a call with events.
    /// - Throws: `UnreadableEvent`, with nothing done; what the journal's reader throws.
    func load(_ id: CallID, profile: ConnectionProfile) throws -> Bool {
        var none: [RemovedEvent] = []
        return try load(id, profile: profile, replaying: nil, lost: &none)
    }

    /// Brings a call back whose events from `raw` are about to be taken back: those of them that cannot be read are told in
    /// `lost`.
    func load(
        _ id: CallID, profile: ConnectionProfile, replaying raw: RawRecord?, lost: inout [RemovedEvent]
    ) throws -> Bool {
        let known = calls[id]
        if let known, known.isAwake { return true }
        let stored = known == nil ? try reader.call(id) : nil
        // Of a call that nobody has told of the journal has events only.
        let connection = known?.standing.connection ?? stored?.connection ?? profile.id
        guard connection == profile.id, stored?.mergedInto == nil else { return false }
        let rows = try reader.events(of: id)
        let (history, unreadable) = try CallHistory.read(rows, forgiving: raw?.position)
        lost += unreadable.map { RemovedEvent(id: $0, call: id) }
        guard !rows.isEmpty else { return false }
        known?.wake(history)
        let live = known ?? stored.map { liveCall($0, history, profile: profile) } ?? Self.untoldCall(id, history, profile)
        take(live, id, profile)
        let names = names(of: profile.id)
        for event in history.events { for key in event.keys { names[key] = id } }
        return true
    }

    /// Nobody has told of it: it has events that only join, and no record.
    private static func untoldCall(_ id: CallID, _ history: CallHistory, _ profile: ConnectionProfile) -> LiveCall {
        let start = history.events.first?.occurredAt ?? id.time
        let standing = Standing(connection: profile.id, startedAt: start, createdAt: id.time)
        return LiveCall(
            history: history, standing: standing, lastNews: history.events.lazy.map(\.receivedAt).max() ?? start)
    }

    private func liveCall(_ stored: StoredCall, _ history: CallHistory, profile: ConnectionProfile) -> LiveCall {
        let lastNews = history.events.lazy.map(\.receivedAt).max()
        let standing = Standing(connection: profile.id, startedAt: stored.startedAt, createdAt: stored.id.time)
        let live = LiveCall(history: history, standing: standing, lastNews: lastNews ?? stored.startedAt)
        live.standing.revision = stored.revision
        live.standing.isDeleted = stored.isDeleted
        if let record = live.fold(id: stored.id, revision: stored.revision, profile: profile, numbering: numbering) {
            live.standing.follow(record)
            live.standing.users = record.participants.compactMap(\.userID)
            live.contentHash = encode(record).hash
        }
        return live
    }

    /// The record of a call as of its last revision: of its events, or an empty one where none can be read; `nil` where it has none.
    func lastRecord(of id: CallID, profile: ConnectionProfile) -> Call? {
        guard let live = calls[id], live.hasRecord else { return nil }
        let revision = live.standing.revision
        if let record = live.fold(id: id, revision: revision, profile: profile, numbering: numbering) { return record }
        return Call(
            id: id, revision: revision, tenant: profile.tenant, connection: profile.id, provider: profile.provider,
            startedAt: live.standing.startedAt, createdAt: live.standing.createdAt, updatedAt: live.standing.createdAt)
    }

    // MARK: Leaving

    /// Says that everything touched since the last mark is carried by the batch `ticket`.
    package func mark(_ ids: [CallID], ticket: Int) {
        var touched: [CallID] = []
        touched.reserveCapacity(ids.count + alsoTouched.count)
        for id in ids { note(id, ticket, &touched) }
        for id in alsoTouched { note(id, ticket, &touched) }
        alsoTouched.removeAll(keepingCapacity: true)
        recent.add(touched, ticket: ticket, at: lastLook)
    }

    private func note(_ id: CallID, _ ticket: Int, _ touched: inout [CallID]) {
        guard let live = calls[id], live.lastTicket != ticket else { return }
        live.lastTicket = ticket
        weigh(live)
        touched.append(id)
    }

    private func weigh(_ live: LiveCall) {
        let weight = live.estimatedWeight
        awakeBytes += weight - live.weight
        live.weight = weight
    }

    /// Lets the calls with the oldest news leave, until the others are within bounds; those whose rows are not committed stay.
    package func makeRoom(committedTicket: Int) {
        while recent.count > bounds.recentNews || awakeBytes > bounds.awakeBytes {
            guard let oldest = recent.oldest, oldest.ticket <= committedTicket else { return }
            letOldestRest()
        }
    }

    /// Lets the calls leave that nothing was heard of for a while.
    func letIdleRest(at now: Instant, committedTicket: Int) {
        while let oldest = recent.oldest, oldest.ticket <= committedTicket, oldest.at.advanced(by: bounds.wakefulness) <= now {
            letOldestRest()
        }
    }

    private func letOldestRest() {
        guard let oldest = recent.removeOldest() else { return }
        for id in oldest.calls {
            guard let live = calls[id], live.lastTicket == oldest.ticket else { continue }
            if live.standing.isOver { forget(id, live) } else { rest(id, live) }
        }
    }

    /// Only its age is watched from now on.
    private func rest(_ id: CallID, _ live: LiveCall) {
        guard live.isAwake, live.closingKey != nil else { return }
        forgetNames(of: id, live)
        leaveWhereabouts(live, id)
        live.rest()
        weigh(live)
    }

    func forget(_ id: CallID, _ live: LiveCall) {
        forgetNames(of: id, live)
        closings[id] = nil
        remove(id)
    }

    /// The call is not in memory any more; its names stay where they are.
    func remove(_ id: CallID) {
        guard let live = calls.removeValue(forKey: id) else { return }
        leaveWhereabouts(live, id)
        awakeBytes -= live.weight
    }

    private func forgetNames(of id: CallID, _ live: LiveCall) {
        let names = names(of: live.standing.connection)
        for event in live.events { for key in event.keys where names[key] == id { names[key] = nil } }
    }
}
