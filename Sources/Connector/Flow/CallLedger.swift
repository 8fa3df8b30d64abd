/// Folds events into calls and says what changed. The gateway's bookkeeper.
///
/// Keeps live calls in memory, finds older ones again by their outside names, and writes what follows from a raw record
/// into a `DerivedBatch`: events, call, names, and at most one change a call. Confined to the ledger's thread; no clock, no
/// threads, no SQL.
package final class CallLedger {
    /// Events that one call may have. A real one has some tens; what goes on and on is a vendor's fault or somebody's malice,
    /// and folding it costs more with each.
    package static let eventLimit = 1000

    var calls: [CallID: LiveCall] = [:]
    private var namesOfConnections: [ConnectionID: CallNames] = [:]
    /// When the closing of a call was last asked for.
    var closings: [CallID: Instant]
    let reader: any JournalReader
    /// Up to when the provider's history was told, of connections where that is asked.
    var reaches: [ConnectionID: Instant] = [:]
    /// The calls that are awake, of connections whose history is put to the calls it is like.
    var nearby: [ConnectionID: NearbyCalls] = [:]
    /// Calls that a row left while events were taken in: they are folded anew with the others.
    var released: Set<CallID> = []
    /// Calls that changed though the news were of others, and those that came into memory, since the last mark.
    var alsoTouched: Set<CallID> = []
    /// Calls by the batches that touched them last.
    var recent = RecentCalls()
    /// What calls that are awake take in memory, roughly.
    var awakeBytes = 0
    /// When age was last looked at.
    var lastLook = Instant.earliest
    let numbering: any NumberingPlan
    let bounds: MemoryBounds
    var json = PackedJSONWriter()

    /// - Parameters:
    ///   - reader: where calls are found that are no longer in memory.
    ///   - closings: those of the ledger before this one, so that nothing is asked for twice.
    ///   - bounds: of what is kept in memory.
    package init(
        reader: any JournalReader, numbering: any NumberingPlan, closings: [CallID: Instant] = [:],
        bounds: MemoryBounds = MemoryBounds()
    ) {
        self.bounds = bounds
        self.reader = reader
        self.numbering = numbering
        self.closings = closings
    }

    /// How many calls are in memory, awake or at rest.
    package var liveCount: Int { calls.count }

    /// How many calls are in memory with their events.
    package var awakeCount: Int { calls.values.count(where: \.isAwake) }

    // MARK: Applying

    /// What came of one raw record's events.
    package struct Application: Sendable, Equatable {
        /// The calls that were told of.
        package var calls: [CallID] = []
        /// Events that were left out because their call has `eventLimit` of them already.
        package var refused = 0
        /// Why an event was left out: its call's history has one that cannot be read.
        package var unreadable: UnreadableEvent?
    }

    /// Takes in what was read from one raw record and adds everything that follows to `batch`.
    /// - Throws: what the journal's reader throws.
    @discardableResult
    package func apply(
        _ events: [CallEvent], of raw: RawRecord, profile: ConnectionProfile, into batch: inout DerivedBatch
    ) throws -> Application {
        try apply(events, of: raw, formerly: [:], profile: profile, into: &batch)
    }

    /// - Parameter former: records before events were taken back.
    private func apply(
        _ events: [CallEvent], of raw: RawRecord, formerly former: [CallID: Call], profile: ConnectionProfile,
        into batch: inout DerivedBatch
    ) throws -> Application {
        var applied = Application()
        var unsettled: [CallID] = []
        for (ordinal, event) in events.enumerated() {
            do {
                let id = try home(of: event, ordinal: ordinal, raw: raw, profile: profile, batch: &batch)
                if !insert(event, into: id, raw: raw, batch: &batch) { applied.refused += 1 }
                if !applied.calls.contains(id) { applied.calls.append(id) }
                if try isUnsettled(event, in: id, profile), !unsettled.contains(id) { unsettled.append(id) }
            } catch let unreadable as UnreadableEvent {
                applied.unreadable = unreadable
            }
        }
        let touched = try settle(unsettled, of: raw, applied: &applied, profile: profile, into: &batch)
        for id in touched {
            publish(id, because: events.first?.type, formerly: former[id], profile: profile, batch: &batch)
        }
        return applied
    }

    /// Takes back what was read from `raw` earlier, then applies `events`: a replay after a fix.
    ///
    /// An event of `raw` that the journal keeps and that cannot be read is taken back like the others: a replay mends it.
    /// - Throws: what the journal's reader throws; `UnreadableEvent` for one of another raw record, with nothing done.
    package func replay(
        _ events: [CallEvent], of raw: RawRecord, formerly former: [CallID], profile: ConnectionProfile,
        into batch: inout DerivedBatch
    ) throws -> Application {
        var lost: [RemovedEvent] = []
        let homes = try former.map { try survivor(of: $0) }
        let emptied = try homes.filter { try load($0, profile: profile, replaying: raw, lost: &lost) }
        batch.removedEvents.append(contentsOf: lost)
        var former: [CallID: Call] = [:]
        for id in emptied {
            former[id] = lastRecord(of: id, profile: profile)
            let removed = calls[id]?.removeEvents(of: raw.id) ?? []
            batch.removedEvents.append(contentsOf: removed.map { RemovedEvent(id: $0, call: id) })
        }
        let applied = try apply(events, of: raw, formerly: former, profile: profile, into: &batch)
        for id in emptied where !applied.calls.contains(id) {
            publish(id, because: .updated, formerly: former[id], profile: profile, batch: &batch)
        }
        return applied
    }

    /// The call into which `id` was merged, or `id` itself.
    private func survivor(of id: CallID) throws -> CallID {
        var id = id
        for _ in 0..<8 {
            let next = if let live = calls[id] { live.standing.mergedInto } else { try reader.call(id)?.mergedInto }
            guard let next else { return id }
            id = next
        }
        return id
    }

    /// The call that `event` belongs to: known by one of its keys, or new. Two calls that share it become one.
    private func home(
        of event: CallEvent, ordinal: Int, raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) throws -> CallID {
        let names = names(of: profile.id)
        var known: CallID?
        var others: [CallID] = []
        for key in event.keys where key.kind.namesOneCall {
            guard var id = try call(of: key, in: names, profile: profile) else { continue }
            if profile.historyIsGuessed, event.isTold {
                try releaseRow(key, from: id, of: raw, profile: profile, batch: &batch)
                id = names[key] ?? id
            }
            guard id != known, !others.contains(id) else { continue }
            if known == nil { known = id } else { others.append(id) }
        }
        var id = known ?? begin(event, ordinal: ordinal, raw: raw, profile: profile)
        for other in others { id = try merge(id, other, profile: profile, batch: &batch) }
        for key in event.keys { register(key, id, in: names, profile: profile, batch: &batch) }
        return id
    }

    private func begin(_ event: CallEvent, ordinal: Int, raw: RawRecord, profile: ConnectionProfile) -> CallID {
        var hash = StableHash()
        hash.combine(raw.id.upper)
        hash.combine(raw.id.lower)
        hash.combine(UInt64(truncatingIfNeeded: ordinal))
        let id = CallID(time: raw.receivedAt, rest: hash.value)
        let standing = Standing(connection: profile.id, startedAt: event.occurredAt, createdAt: raw.receivedAt)
        take(LiveCall(standing: standing, lastNews: raw.receivedAt), id, profile)
        return id
    }

    /// - Returns: `false` where the call is full; the gateway's own closing always has a place.
    private func insert(_ event: CallEvent, into id: CallID, raw: RawRecord, batch: inout DerivedBatch) -> Bool {
        guard let live = calls[id] else { return false }
        live.lastNews = max(live.lastNews, raw.receivedAt)
        live.lookAgain = .earliest
        // Else it starts when its record says so; the same as after a rest.
        if live.standing.revision == 0 { live.standing.startedAt = min(live.standing.startedAt, event.occurredAt) }
        let isFull = live.events.count >= Self.eventLimit && event.source != .system
        guard !isFull else { return live.contains(event.id) }
        if case .repeated = live.insert(event) { return true }
        batch.events.append(EventRow(id: event.id, call: id, rawPosition: raw.position, body: event.encoded(by: &json)))
        return true
    }

    // MARK: Names

    /// The names of one connection's calls in memory.
    func names(of connection: ConnectionID) -> CallNames {
        if let known = namesOfConnections[connection] { return known }
        let names = CallNames()
        namesOfConnections[connection] = names
        return names
    }

    private func call(of key: ExternalKey, in names: CallNames, profile: ConnectionProfile) throws -> CallID? {
        let known = names[key]
        if let known, let live = calls[known], live.isAwake, live.standing.mergedInto == nil { return known }
        guard let named = try known ?? reader.call(of: key, in: profile.id) else { return nil }
        let id = try survivor(of: named)
        guard try load(id, profile: profile) else { return nil }
        names[key] = id
        return id
    }

    func register(
        _ key: ExternalKey, _ id: CallID, in names: CallNames, profile: ConnectionProfile, batch: inout DerivedBatch
    ) {
        guard names[key] != id else { return }
        names[key] = id
        batch.keys.append(KeyRow(connection: profile.id, key: key, call: id))
    }

    // MARK: Publishing

    /// Folds the call anew; where a reader can see a difference, that is the next revision. Of what nobody has told there is none.
    /// - Parameter formerly: the record before events were taken back, where they may have been all there were.
    private func publish(
        _ id: CallID, because type: EventType?, formerly: Call? = nil, profile: ConnectionProfile, batch: inout DerivedBatch
    ) {
        guard let live = calls[id], live.standing.mergedInto == nil else { return }
        let next = live.standing.revision + 1
        guard let record = live.fold(id: id, revision: next, profile: profile, numbering: numbering) else {
            if let formerly { delete(formerly, live, batch: &batch) }
            return
        }
        let (body, hash) = encode(record)
        guard hash != live.contentHash else { return }
        let change = changeType(from: live.standing, to: record, because: type)
        noteParticipants(of: record, live, batch: &batch)
        live.standing.follow(record)
        live.contentHash = hash
        live.lookAgain = .earliest
        closings[id] = nil
        noteWhereabouts(of: live, id, profile)
        emit(record, type: change, body: body, batch: &batch)
    }

    func emit(_ record: Call, type: EventType, body: [UInt8], batch: inout DerivedBatch) {
        batch.calls.append(CallRow(record))
        batch.changes.append(
            ChangeRow(tenant: record.tenant, call: record.id, type: type, revision: record.revision, body: body))
    }

    /// A call without events is taken back; its record stays as a tombstone.
    private func delete(_ formerly: Call, _ live: LiveCall, batch: inout DerivedBatch) {
        guard !live.standing.isDeleted else { return }
        var record = formerly
        record.deletedAt = record.updatedAt
        emitLast(record, of: live, type: .deleted, batch: &batch)
    }

    /// The last revision of a call that is no more.
    func emitLast(_ record: Call, of live: LiveCall, type: EventType, batch: inout DerivedBatch) {
        var record = record
        record.revision = live.standing.revision + 1
        let (body, hash) = encode(record)
        live.standing.follow(record)
        live.contentHash = hash
        live.lookAgain = .earliest
        emit(record, type: type, body: body, batch: &batch)
    }

    private func changeType(from old: Standing, to new: Call, because type: EventType?) -> EventType {
        if old.revision == 0 { return .created }
        if new.state == .ended, old.state != .ended { return .ended }
        switch type {
        case .created, .ended, nil: return .updated
        case .ringing, .queued, .routeStep, .answered: return new.state == .ended ? .updated : type ?? .updated
        case let type?: return type
        }
    }

    private func noteParticipants(of record: Call, _ live: LiveCall, batch: inout DerivedBatch) {
        for participant in record.participants {
            guard let userID = participant.userID, !live.standing.users.contains(userID) else { continue }
            live.standing.users.append(userID)
            batch.participants.append(ParticipantRow(tenant: record.tenant, userID: userID, call: record.id))
        }
    }

    func encode(_ record: Call) -> (body: [UInt8], hash: UInt128) {
        let content = record.write(to: &json)
        var hash = StableHash()
        json.withBytes(from: content) { hash.combine(bytes: $0) }
        return (json.packed, hash.value)
    }
}

extension CallRow {
    /// What the call log is searched by.
    package init(_ call: Call) {
        self.init(
            id: call.id, tenant: call.tenant, connection: call.connection, revision: call.revision, startedAt: call.startedAt,
            updatedAt: call.updatedAt, direction: call.direction, disposition: call.disposition, state: call.state,
            line: call.line?.id, number: call.externalParty.map { $0.number.e164 ?? $0.number.raw },
            mergedInto: call.mergedInto, isDeleted: call.deletedAt != nil, sources: call.sources)
    }
}
