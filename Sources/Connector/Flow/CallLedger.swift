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
    /// Calls that a row left while events were taken in: they are folded anew with the others.
    var released: Set<CallID> = []
    /// Calls that changed though the news were of others, since this was last asked.
    var alsoTouched: Set<CallID> = []
    let numbering: any NumberingPlan
    var json = PackedJSONWriter()

    /// - Parameters:
    ///   - reader: where calls are found that are no longer in memory.
    ///   - closings: those of the ledger before this one, so that nothing is asked for twice.
    package init(reader: any JournalReader, numbering: any NumberingPlan, closings: [CallID: Instant] = [:]) {
        self.reader = reader
        self.numbering = numbering
        self.closings = closings
    }

    /// How many calls are in memory.
    package var liveCount: Int { calls.count }

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
        for id in touched { publish(id, because: events.first?.type, profile: profile, batch: &batch) }
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
            let removed = calls[id]?.history.removeEvents(of: raw.id) ?? []
            batch.removedEvents.append(contentsOf: removed.map { RemovedEvent(id: $0, call: id) })
        }
        let applied = try apply(events, of: raw, profile: profile, into: &batch)
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
                releaseRow(key, from: id, of: raw, profile: profile, batch: &batch)
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
        calls[id] = LiveCall(standing: standing, lastNews: raw.receivedAt)
        return id
    }

    /// - Returns: `false` where the call is full; the gateway's own closing always has a place.
    private func insert(_ event: CallEvent, into id: CallID, raw: RawRecord, batch: inout DerivedBatch) -> Bool {
        guard let live = calls[id] else { return false }
        live.lastNews = max(live.lastNews, raw.receivedAt)
        live.lookAgain = .earliest
        let isFull = live.history.events.count >= Self.eventLimit && event.source != .system
        guard !isFull else { return live.history.contains(event.id) }
        if case .repeated = live.history.insert(event) { return true }
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
        if let known, let live = calls[known], live.standing.mergedInto == nil { return known }
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

    /// Brings a call back into memory.
    /// - Returns: whether there is such a call with events.
    /// - Throws: `UnreadableEvent`, with nothing done; what the journal's reader throws.
    func load(_ id: CallID, profile: ConnectionProfile) throws -> Bool {
        var none: [RemovedEvent] = []
        return try load(id, profile: profile, replaying: nil, lost: &none)
    }

    /// Brings a call back whose events from `raw` are about to be taken back: those of them that cannot be read are told in
    /// `lost`.
    private func load(
        _ id: CallID, profile: ConnectionProfile, replaying raw: RawRecord?, lost: inout [RemovedEvent]
    ) throws -> Bool {
        if calls[id] != nil { return true }
        let stored = try reader.call(id)
        if let stored, stored.mergedInto != nil || stored.connection != profile.id { return false }
        let rows = try reader.events(of: id)
        let (history, unreadable) = try CallHistory.read(rows, forgiving: raw?.position)
        lost += unreadable.map { RemovedEvent(id: $0, call: id) }
        guard !rows.isEmpty else { return false }
        calls[id] =
            stored.map { liveCall($0, history, profile: profile) } ?? Self.untoldCall(id, history, profile: profile)
        let names = names(of: profile.id)
        for event in history.events { for key in event.keys { names[key] = id } }
        return true
    }

    /// Nobody has told of it: it has events that only join, and no record.
    private static func untoldCall(_ id: CallID, _ history: CallHistory, profile: ConnectionProfile) -> LiveCall {
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
        if lastNews != nil {
            let record = fold(live, id: stored.id, revision: stored.revision, profile: profile)
            live.standing.follow(record)
            live.standing.users = record.participants.compactMap(\.userID)
            live.contentHash = encode(record).hash
        }
        return live
    }

    /// The record of a call as of its last revision: of its events, or an empty one where none can be read; `nil` where it has none.
    func lastRecord(of id: CallID, profile: ConnectionProfile) -> Call? {
        guard let live = calls[id], live.standing.revision > 0 || !live.isUntold else { return nil }
        guard live.history.events.isEmpty else {
            return fold(live, id: id, revision: live.standing.revision, profile: profile)
        }
        return Call(
            id: id, revision: live.standing.revision, tenant: profile.tenant, connection: profile.id, provider: profile.provider,
            startedAt: live.standing.startedAt, createdAt: live.standing.createdAt, updatedAt: live.standing.createdAt)
    }

    // MARK: Publishing

    /// Folds the call anew; where a reader can see a difference, that is the next revision. Of what nobody has told there is none.
    /// - Parameter formerly: the record before events were taken back, where they may have been all there were.
    private func publish(
        _ id: CallID, because type: EventType?, formerly: Call? = nil, profile: ConnectionProfile, batch: inout DerivedBatch
    ) {
        guard let live = calls[id], live.standing.mergedInto == nil else { return }
        if live.isUntold {
            if let formerly { delete(formerly, live, batch: &batch) }
            return
        }
        let record = fold(live, id: id, revision: live.standing.revision + 1, profile: profile)
        let (body, hash) = encode(record)
        guard hash != live.contentHash else { return }
        let change = changeType(from: live.standing, to: record, because: type)
        noteParticipants(of: record, live, batch: &batch)
        live.standing.follow(record)
        live.contentHash = hash
        live.lookAgain = .earliest
        closings[id] = nil
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

    /// The record of a call's events.
    private func fold(_ live: LiveCall, id: CallID, revision: Int, profile: ConnectionProfile) -> Call {
        var record = CallFold.record(
            of: live.history.digest, id: id, createdAt: live.standing.createdAt, profile: profile, numbering: numbering,
            memory: live.memory)
        record.revision = revision
        return record
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
