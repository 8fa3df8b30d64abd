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
    /// Which call an outside name means, of the calls in memory.
    var callOfKey: [ConnectionID: [ExternalKey: CallID]] = [:]
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
            let next = if let live = calls[id] { live.record.mergedInto } else { try reader.call(id)?.mergedInto }
            guard let next else { return id }
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
        if let id = callOfKey[profile.id]?[key], let live = calls[id], live.record.mergedInto == nil { return id }
        guard let named = try callOfKey[profile.id]?[key] ?? reader.call(of: key, in: profile.id) else { return nil }
        let id = try survivor(of: named)
        guard try load(id, profile: profile) else { return nil }
        callOfKey[profile.id, default: [:]][key] = id
        return id
    }

    func register(_ key: ExternalKey, _ id: CallID, profile: ConnectionProfile, batch: inout DerivedBatch) {
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

    func emit(_ record: Call, type: EventType, body: [UInt8], batch: inout DerivedBatch) {
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

    func encode(_ record: Call) -> (body: [UInt8], hash: UInt128) {
        json.restart()
        let content = record.write(to: &json)
        var hash = StableHash()
        json.withBytes { hash.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[content...])) }
        return (json.bytes, hash.value)
    }
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
