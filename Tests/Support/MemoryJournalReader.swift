import Connector

/// Reads a `MemoryJournal`.
final class MemoryJournalReader: JournalReader {
    private let journal: MemoryJournal

    init(_ journal: MemoryJournal) { self.journal = journal }

    private func look<Result>(_ body: (MemoryJournal.State) throws -> sending Result) rethrows -> Result {
        try journal.state.withLock { try body($0) }
    }

    // MARK: Raw records

    func derivedPosition() throws -> Int64 { look { $0.derived } }

    func lastRawPosition() throws -> Int64 { look { Int64($0.raw.count) } }

    func rawRecords(after position: Int64, limit: Int) throws -> [RawRecord] {
        look { state in Array(state.raw.filter { $0.position > position }.prefix(limit)) }
    }

    func rawRecords(at positions: [Int64]) throws -> [RawRecord] {
        look { state in state.raw.filter { positions.contains($0.position) } }
    }

    func rawRecord(_ id: RawID) throws -> InboxEntry? {
        look { state in state.raw.first { $0.id == id }.map { Self.entry($0, state) } }
    }

    func keeps(_ id: RawID) throws -> Bool { look { state in state.raw.contains { $0.id == id } } }

    func inbox(state wanted: DecodingState?, connections: [ConnectionID], before: Int64?, limit: Int) throws -> [InboxEntry] {
        look { state in
            let entries = state.raw.reversed().map { Self.entry($0, state) }.filter { entry in
                connections.contains(entry.raw.connection) && (wanted == nil || entry.state == wanted)
                    && entry.raw.position < before ?? .max
            }
            return Array(entries.prefix(limit))
        }
    }

    private static func entry(_ raw: RawRecord, _ state: MemoryJournal.State) -> InboxEntry {
        let row = state.decodings[raw.position]
        return InboxEntry(raw: raw, state: row?.state ?? .received, calls: row?.calls ?? [], reason: row?.reason)
    }

    // MARK: Calls

    func call(of key: ExternalKey, in connection: ConnectionID) throws -> CallID? {
        look { state in state.keyRows.last { $0.key == key && $0.connection == connection }?.call }
    }

    func events(of call: CallID) throws -> [EventRow] { look { state in state.events.filter { $0.call == call } } }

    func call(_ id: CallID) throws -> StoredCall? { try look { state in try state.calls[id].map { try Self.stored($0, state) } } }

    func openCalls() throws -> [CallID] {
        look { state in state.calls.values.filter { $0.state != .ended }.map(\.id).sorted() }
    }

    func command(_ id: CommandID) throws -> CommandRow? { look { $0.commands[id] } }

    func command(tenant: TenantID, key: String) throws -> CommandRow? {
        look { state in state.commands.values.first { $0.tenant == tenant && $0.idempotencyKey == key } }
    }

    func openCommands() throws -> [CommandRow] {
        look { state in state.commands.values.filter(\.isOpen).sorted { $0.id < $1.id } }
    }

    func calls(_ query: CallQuery) throws -> [StoredCall] {
        try look { state in
            let rows = state.calls.values.filter { Self.matches($0, query, state) }
            let sorted = rows.sorted { ($0.startedAt, $0.id) > ($1.startedAt, $1.id) }
            return try sorted.prefix(query.limit).map { try Self.stored($0, state) }
        }
    }

    private static func matches(_ row: CallRow, _ query: CallQuery, _ state: MemoryJournal.State) -> Bool {
        guard row.tenant == query.tenant, row.mergedInto == nil, !row.isDeleted,
            row.startedAt >= query.startedFrom ?? .earliest, row.startedAt < query.startedTo ?? .latest,
            row.updatedAt >= query.updatedSince ?? .earliest
        else { return false }
        if let after = query.after, (row.startedAt, row.id) >= (after.startedAt, after.id) { return false }
        if let employee = query.employee,
            !state.participants.contains(where: { $0.call == row.id && $0.userID == employee && $0.tenant == row.tenant })
        {
            return false
        }
        return [
            query.direction.map { $0 == row.direction }, query.disposition.map { $0 == row.disposition },
            query.state.map { $0 == row.state }, query.connection.map { $0 == row.connection },
            query.line.map { $0 == row.line }, query.number.map { $0 == row.number },
        ].allSatisfy { $0 ?? true }
    }

    private static func stored(_ row: CallRow, _ state: MemoryJournal.State) throws -> StoredCall {
        StoredCall(
            id: row.id, tenant: row.tenant, connection: row.connection, revision: row.revision, startedAt: row.startedAt,
            mergedInto: row.mergedInto, isDeleted: row.isDeleted,
            body: try state.bodies[row.id].map(PackedJSON.expand) ?? [])
    }

    // MARK: Reconciliation

    func pullState(of connection: ConnectionID) throws -> PullState? { look { $0.pullStates[connection] } }

    func seenCalls(_ query: SeenQuery) throws -> [SeenCalls] {
        look { state in
            var units: [Int64: SeenCalls] = [:]
            for row in state.calls.values where row.tenant == query.tenant && row.connection == query.connection {
                guard row.mergedInto == nil, !row.isDeleted, (query.from..<query.to).contains(row.startedAt) else { continue }
                let unit = row.startedAt.milliseconds / query.unit.rawValue
                var seen = units[unit] ?? SeenCalls(begin: Instant(milliseconds: unit * query.unit.rawValue))
                seen.seenByWebhook += row.isSeenLive ? 1 : 0
                seen.seenByHistory += row.isSeenInHistory ? 1 : 0
                seen.recovered += row.isSeenInHistory && !row.isSeenLive ? 1 : 0
                let isDue = row.state == .ended && query.known?.contains(row.startedAt) == true
                seen.missingInHistory += isDue && row.isSeenLive && !row.isSeenInHistory ? 1 : 0
                units[unit] = seen
            }
            return units.values.sorted { $0.begin < $1.begin }
        }
    }

    func unreadRows(of connection: ConnectionID, from: Instant, to: Instant) throws -> [Instant: Int] {
        look { state in
            let rows = state.raw.filter {
                $0.connection == connection && $0.source == .history && $0.receivedAt >= from && $0.receivedAt < to
                    && state.decodings[$0.position]?.state == .undecoded
            }
            let day = SeenQuery.Unit.day.rawValue
            return Dictionary(grouping: rows) { Instant(milliseconds: $0.receivedAt.milliseconds / day * day) }.mapValues(\.count)
        }
    }

    func lastWebhook(of connection: ConnectionID) throws -> Instant? {
        look { $0.raw.last { $0.connection == connection && $0.source == .webhook }?.receivedAt }
    }

    // MARK: Changes

    func changes(tenant: TenantID, after position: Int64, limit: Int) throws -> [StoredChange] {
        try look { state in
            // Positions count from 1 without gaps, so the place in the array is known.
            let rest = state.changes.dropFirst(Int(max(0, position))).lazy.filter { $0.row.tenant == tenant }
            return try rest.prefix(limit).map {
                StoredChange(position: $0.position, type: $0.row.type.rawValue, body: try PackedJSON.expand($0.row.body))
            }
        }
    }

    func changeHorizon(tenant: TenantID) throws -> Int64 { look { $0.horizon } }

    func lastChangePosition() throws -> Int64 { look { $0.lastChange } }
}
