/// Folds events into calls and says what changed. The gateway's bookkeeper.
///
/// Keeps live calls in memory, finds older ones again by their outside names, and writes what follows from a raw record
/// into a `DerivedBatch`: events, call, names, and at most one change a call. Confined to the ledger's thread; no clock, no
/// threads, no SQL.
package final class CallLedger {
    /// A call in memory. A class, so that looking at it copies nothing; the ledger alone holds it.
    final class LiveCall {
        var history = CallHistory()
        var record: Call
        /// Hash of the record's visible content, to tell a change from a repeat.
        var contentHash: UInt128
        /// When the last raw record of it was received.
        var lastNews: Instant
        /// The batch that carries its last change; the call stays in memory until that is committed.
        var lastTicket: Int = 0
        /// A closing record is on its way.
        var isClosing = false

        init(history: CallHistory = CallHistory(), record: Call, contentHash: UInt128 = 0, lastNews: Instant) {
            self.history = history
            self.record = record
            self.contentHash = contentHash
            self.lastNews = lastNews
        }
    }

    /// Events that one call may have. A real one has some tens; what goes on and on is a vendor's fault or somebody's malice,
    /// and folding it costs more with each.
    package static let eventLimit = 1000

    private(set) var calls: [CallID: LiveCall] = [:]
    private var callOfKey: [ConnectionID: [ExternalKey: CallID]] = [:]
    private let reader: any JournalReader
    let numbering: any NumberingPlan
    private var json = JSONWriter()

    /// - Parameter reader: where calls are found that are no longer in memory.
    package init(reader: any JournalReader, numbering: any NumberingPlan) {
        self.reader = reader
        self.numbering = numbering
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
    }

    /// Takes in what was read from one raw record and adds everything that follows to `batch`.
    /// - Throws: what the journal's reader throws.
    @discardableResult
    package func apply(
        _ events: [CallEvent], of raw: RawRecord, profile: ConnectionProfile, into batch: inout DerivedBatch
    ) throws -> Application {
        var applied = Application()
        for (ordinal, event) in events.enumerated() {
            let id = try home(of: event, ordinal: ordinal, raw: raw, profile: profile, batch: &batch)
            if !insert(event, into: id, raw: raw, batch: &batch) { applied.refused += 1 }
            if !applied.calls.contains(id) { applied.calls.append(id) }
        }
        for id in applied.calls { publish(id, because: events.first?.type, profile: profile, batch: &batch) }
        return applied
    }

    /// Takes back what was read from `raw` earlier, then applies `events`: a replay after a fix.
    package func replay(
        _ events: [CallEvent], of raw: RawRecord, formerly former: [CallID], profile: ConnectionProfile,
        into batch: inout DerivedBatch
    ) throws -> Application {
        var emptied: [CallID] = []
        for tombstone in former {
            let id = try survivor(of: tombstone)
            guard try load(id, profile: profile) else { continue }
            let removed = calls[id]?.history.removeEvents(of: raw.id) ?? []
            batch.removedEvents.append(contentsOf: removed.map { RemovedEvent(id: $0, call: id) })
            emptied.append(id)
        }
        let applied = try apply(events, of: raw, profile: profile, into: &batch)
        for id in emptied where !applied.calls.contains(id) { publish(id, because: .updated, profile: profile, batch: &batch) }
        return applied
    }

    /// The call into which `id` was merged, or `id` itself.
    private func survivor(of id: CallID) throws -> CallID {
        var id = id
        for _ in 0..<8 {
            guard let next = try calls[id]?.record.mergedInto ?? reader.call(id)?.mergedInto else { return id }
            id = next
        }
        return id
    }

    /// The call that `event` belongs to: known by one of its keys, or new. Two calls that share it become one.
    private func home(
        of event: CallEvent, ordinal: Int, raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) throws -> CallID {
        var known: [CallID] = []
        for key in event.keys where key.kind.namesOneCall {
            guard let id = try call(of: key, profile: profile), !known.contains(id) else { continue }
            known.append(id)
        }
        guard var survivor = known.first else {
            return begin(event, ordinal: ordinal, raw: raw, profile: profile, batch: &batch)
        }
        for other in known.dropFirst() { survivor = merge(survivor, other, profile: profile, batch: &batch) }
        for key in event.keys { register(key, survivor, profile: profile, batch: &batch) }
        return survivor
    }

    private func begin(
        _ event: CallEvent, ordinal: Int, raw: RawRecord, profile: ConnectionProfile, batch: inout DerivedBatch
    ) -> CallID {
        var hash = StableHash()
        hash.combine(UInt64(truncatingIfNeeded: raw.id.bits >> 64))
        hash.combine(UInt64(truncatingIfNeeded: raw.id.bits))
        hash.combine(UInt64(truncatingIfNeeded: ordinal))
        let id = CallID(time: raw.receivedAt, rest: hash.value)
        let record = Call(
            id: id, tenant: profile.tenant, connection: profile.id, provider: profile.provider, startedAt: event.occurredAt,
            createdAt: raw.receivedAt, updatedAt: raw.receivedAt)
        calls[id] = LiveCall(record: record, lastNews: raw.receivedAt)
        for key in event.keys { register(key, id, profile: profile, batch: &batch) }
        return id
    }

    /// - Returns: `false` where the call is full; the gateway's own closing always has a place.
    private func insert(_ event: CallEvent, into id: CallID, raw: RawRecord, batch: inout DerivedBatch) -> Bool {
        guard let live = calls[id] else { return false }
        live.lastNews = max(live.lastNews, raw.receivedAt)
        let isFull = live.history.events.count >= Self.eventLimit && event.source != .system
        guard !isFull else { return live.history.events.contains { $0.id == event.id } }
        if case .repeated = live.history.insert(event) { return true }
        batch.events.append(EventRow(id: event.id, call: id, rawPosition: raw.position, body: event.encoded()))
        return true
    }

    // MARK: Names

    private func call(of key: ExternalKey, profile: ConnectionProfile) throws -> CallID? {
        if let id = callOfKey[profile.id]?[key], calls[id] != nil { return id }
        guard let id = try reader.call(of: key, in: profile.id), try load(id, profile: profile) else { return nil }
        callOfKey[profile.id, default: [:]][key] = id
        return id
    }

    private func register(_ key: ExternalKey, _ id: CallID, profile: ConnectionProfile, batch: inout DerivedBatch) {
        guard callOfKey[profile.id]?[key] != id else { return }
        callOfKey[profile.id, default: [:]][key] = id
        batch.keys.append(KeyRow(connection: profile.id, key: key, call: id))
    }

    /// Brings a call back into memory.
    /// - Returns: whether there is such a call with events.
    func load(_ id: CallID, profile: ConnectionProfile) throws -> Bool {
        if calls[id] != nil { return true }
        guard let stored = try reader.call(id), stored.mergedInto == nil, stored.connection == profile.id else { return false }
        let history = CallHistory(try reader.events(of: id).compactMap { CallEvent(encoded: $0.body) })
        guard let lastNews = history.events.lazy.map(\.receivedAt).max() else { return false }
        var record = fold(history, id: id, createdAt: id.time, profile: profile)
        record.revision = stored.revision
        calls[id] = LiveCall(history: history, record: record, contentHash: encode(record).hash, lastNews: lastNews)
        for key in record.externalIDs where key.kind != .leg { callOfKey[profile.id, default: [:]][key] = id }
        return true
    }

    // MARK: Publishing

    /// Folds the call anew; where a reader can see a difference, that is the next revision.
    private func publish(_ id: CallID, because type: EventType?, profile: ConnectionProfile, batch: inout DerivedBatch) {
        guard let live = calls[id] else { return }
        guard !live.history.events.isEmpty else { return delete(id, batch: &batch) }
        var record = fold(live.history, id: id, createdAt: live.record.createdAt, profile: profile)
        record.revision = live.record.revision + 1
        let (body, hash) = encode(record)
        guard hash != live.contentHash else { return }
        let change = changeType(from: live.record, to: record, because: type)
        noteParticipants(of: record, formerly: live.record, batch: &batch)
        calls[id]?.record = record
        calls[id]?.contentHash = hash
        calls[id]?.isClosing = false
        emit(record, type: change, body: body, batch: &batch)
    }

    private func emit(_ record: Call, type: EventType, body: [UInt8], batch: inout DerivedBatch) {
        batch.calls.append(CallRow(record))
        batch.changes.append(
            ChangeRow(tenant: record.tenant, call: record.id, type: type, revision: record.revision, body: body))
    }

    /// A call without events is taken back; its record stays as a tombstone.
    private func delete(_ id: CallID, batch: inout DerivedBatch) {
        guard var record = calls[id]?.record, record.deletedAt == nil else { return }
        record.revision += 1
        record.deletedAt = record.updatedAt
        let (body, hash) = encode(record)
        calls[id]?.record = record
        calls[id]?.contentHash = hash
        emit(record, type: .deleted, body: body, batch: &batch)
    }

    private func changeType(from old: Call, to new: Call, because type: EventType?) -> EventType {
        if old.revision == 0 { return .created }
        if new.state == .ended, old.state != .ended { return .ended }
        switch type {
        case .created, .ended, nil: return .updated
        case .ringing, .queued, .routeStep, .answered: return new.state == .ended ? .updated : type ?? .updated
        case let type?: return type
        }
    }

    private func noteParticipants(of record: Call, formerly old: Call, batch: inout DerivedBatch) {
        let known = old.revision == 0 ? [] : old.participants.compactMap(\.userID)
        for userID in record.participants.compactMap(\.userID) where !known.contains(userID) {
            batch.participants.append(ParticipantRow(tenant: record.tenant, userID: userID, call: record.id))
        }
    }

    private func fold(_ history: CallHistory, id: CallID, createdAt: Instant, profile: ConnectionProfile) -> Call {
        CallFold.record(of: history, id: id, createdAt: createdAt, profile: profile, numbering: numbering)
    }

    private func encode(_ record: Call) -> (body: [UInt8], hash: UInt128) {
        json.restart()
        let content = record.write(to: &json)
        var hash = StableHash()
        json.withBytes { hash.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[content...])) }
        return (json.bytes, hash.value)
    }
}

// MARK: - Merging

extension CallLedger {
    /// Two records prove to be one call: the one that started earlier survives, then the one with the smaller outside name.
    /// - Returns: the survivor.
    private func merge(_ one: CallID, _ other: CallID, profile: ConnectionProfile, batch: inout DerivedBatch) -> CallID {
        guard let first = calls[one], let second = calls[other], second.record.mergedInto == nil else { return one }
        let firstSurvives =
            (first.record.startedAt, first.record.externalIDs.first ?? ExternalKey(.call, ""))
            <= (second.record.startedAt, second.record.externalIDs.first ?? ExternalKey(.call, ""))
        let (survivor, loser) = firstSurvives ? (one, other) : (other, one)
        moveEvents(from: loser, to: survivor, batch: &batch)
        moveNames(from: loser, to: survivor, profile: profile, batch: &batch)
        bury(loser, in: survivor, batch: &batch)
        return survivor
    }

    private func moveEvents(from loser: CallID, to survivor: CallID, batch: inout DerivedBatch) {
        // Removals come first in a commit: rows of the loser that this very batch brought must not be in it.
        batch.events.removeAll { $0.call == loser }
        for event in calls[loser]?.history.events ?? [] {
            batch.removedEvents.append(RemovedEvent(id: event.id, call: loser))
            guard let insertion = calls[survivor]?.history.insert(event) else { continue }
            if case .repeated = insertion { continue }
            batch.events.append(EventRow(id: event.id, call: survivor, rawPosition: 0, body: event.encoded()))
        }
    }

    private func moveNames(from loser: CallID, to survivor: CallID, profile: ConnectionProfile, batch: inout DerivedBatch) {
        for (key, id) in callOfKey[profile.id] ?? [:] where id == loser {
            register(key, survivor, profile: profile, batch: &batch)
        }
    }

    private func bury(_ loser: CallID, in survivor: CallID, batch: inout DerivedBatch) {
        guard var record = calls[loser]?.record else { return }
        record.revision += 1
        record.mergedInto = survivor
        let (body, hash) = encode(record)
        calls[loser]?.record = record
        calls[loser]?.contentHash = hash
        emit(record, type: .merged, body: body, batch: &batch)
    }
}

// MARK: - Age

extension CallLedger {
    /// Says that everything touched since the last mark is carried by the batch `ticket`.
    func mark(_ ids: some Sequence<CallID>, ticket: Int) {
        for id in ids { calls[id]?.lastTicket = ticket }
    }

    /// Calls without an end that have had no news for their connection's `stale_after`, as records that close them (rule 8);
    /// where only a next leg could go on with the call, `settle_after` is long enough. Each is named once until its record comes by.
    package func staleCalls(at now: Instant, profiles: (ConnectionID) -> ConnectionProfile?) -> [StaleCall] {
        var stale: [StaleCall] = []
        for (id, live) in calls where live.record.state != .ended && !live.isClosing && live.record.mergedInto == nil {
            guard let profile = profiles(live.record.connection), live.record.deletedAt == nil,
                live.lastNews.advanced(by: live.history.digest.awaitsLeg ? profile.nextLegAfter : profile.staleAfter) <= now,
                let key = live.history.events.first?.keys.first
            else { continue }
            calls[id]?.isClosing = true
            stale.append(StaleCall(connection: profile.id, key: key))
        }
        return stale.sorted { ($0.connection, $0.key) < ($1.connection, $1.key) }
    }

    /// A closing record could not be journalled: the call may be named again.
    package func reopen(_ stale: StaleCall) {
        guard let id = callOfKey[stale.connection]?[stale.key] else { return }
        calls[id]?.isClosing = false
    }

    /// Forgets ended calls that have had no news for their connection's `settle_after` and whose rows are committed.
    package func evict(at now: Instant, committedTicket: Int, profiles: (ConnectionID) -> ConnectionProfile?) {
        for (id, live) in calls where live.record.state == .ended || live.record.mergedInto != nil || live.record.deletedAt != nil
        {
            let patience = profiles(live.record.connection)?.settleAfter ?? ConnectionProfile.standardSettleAfter
            guard live.lastTicket <= committedTicket, live.lastNews.advanced(by: patience) <= now else { continue }
            forget(id, live)
        }
    }

    private func forget(_ id: CallID, _ live: LiveCall) {
        calls[id] = nil
        for key in live.history.events.lazy.flatMap(\.keys) where callOfKey[live.record.connection]?[key] == id {
            callOfKey[live.record.connection]?[key] = nil
        }
    }
}

/// A call that is to be closed for its age.
package struct StaleCall: Sendable, Equatable {
    package var connection: ConnectionID
    package var key: ExternalKey
}

extension CallRow {
    /// What the call log is searched by.
    init(_ call: Call) {
        self.init(
            id: call.id, tenant: call.tenant, connection: call.connection, revision: call.revision, startedAt: call.startedAt,
            updatedAt: call.updatedAt, direction: call.direction, disposition: call.disposition, state: call.state,
            line: call.line?.id, number: call.externalParty.map { $0.number.e164 ?? $0.number.raw },
            mergedInto: call.mergedInto, isDeleted: call.deletedAt != nil)
    }
}
