/// The gateway's memory: raw records first, then what was derived from them.
///
/// One writer commits in groups; an append is acknowledged only after its commit is on disk. Derived rows ride on the next
/// group. Readers have their own view and never wait for the writer. Positions are given in commit order and none becomes
/// visible before a lower one.
package protocol Journal: AnyObject, Sendable {
    /// Queues records of the accept path, in order.
    ///
    /// `completion` is called once, on the writer's thread, after the commit or its failure; it must not block.
    /// - Returns: `false`, with nothing queued and no completion, where the queue is full: answer 503 and Retry-After.
    func append(_ records: consuming [RawRecord], completion: @escaping @Sendable (AppendOutcome) -> Void) -> Bool

    /// Whether the queue would take another record now; asked before a body is read.
    var hasRoom: Bool { get }

    /// Hands over derived rows for the next group commit. Blocks while too many wait: only the ledger's thread calls it.
    ///
    /// A batch that knows of fewer setbacks than there were is dropped: what it was derived from is not in the journal.
    /// - Returns: the batch's number, from 1; batches are committed in this order.
    @discardableResult
    func submit(_ batch: DerivedBatch) -> Int

    /// The number of the newest batch that is committed, or was dropped; 0 before the first.
    var committedTicket: Int { get }

    /// Whether derived rows could not be taken for good. Changes before the tickets of what was dropped count as committed.
    var setback: Setback { get }

    /// Committed raw records behind `position`, oldest first: from the writer's hand-off, or from the table where that had
    /// overflowed. Blocks up to `timeout` for the first one. Only the ledger's thread calls it.
    /// - Returns: empty where nothing came in time, after `wakeLedger()`, or when the journal is closing.
    func committedRecords(after position: Int64, limit: Int, timeout: Duration) throws -> [RawRecord]

    /// Ends the ledger's present wait in `committedRecords`; from any thread.
    func wakeLedger()

    /// A reader for the calling thread; cheap to keep, not to be shared.
    func makeReader() throws -> any JournalReader
}

/// What became of an append.
package enum AppendOutcome: Sendable, Equatable {
    case committed
    /// Nothing of the batch is in the journal. `reason` is for the log.
    case failed(reason: String)
}

/// Derived rows broke a rule of the journal for good. They and all that were derived after them were dropped, so what the
/// ledger has in memory is not what the journal holds: it reads everything anew and goes on behind `derivedPosition`.
package struct Setback: Sendable, Equatable {
    /// How often that happened since the journal was opened.
    package var count: Int
    /// Raw records up to this position are to be derived one a batch: so the one is found that breaks the rule. The journal
    /// then sets it aside, as `undecoded`.
    package var carefulThrough: Int64

    package init(count: Int = 0, carefulThrough: Int64 = 0) {
        self.count = count
        self.carefulThrough = carefulThrough
    }
}

/// What the ledger derived from the raw records up to `through`, all or nothing.
package struct DerivedBatch: Sendable {
    /// How many setbacks of the journal the ledger knew of.
    package var setbacks = 0
    /// After this commit the ledger goes on behind this raw position; `nil` leaves it (replay, housekeeping).
    package var through: Int64?
    package var decodings: [DecodingRow] = []
    package var events: [EventRow] = []
    /// Events that a replay took back, or that a merge moved to another call (they are then in `events` too). Removed first.
    package var removedEvents: [RemovedEvent] = []
    package var calls: [CallRow] = []
    package var keys: [KeyRow] = []
    package var participants: [ParticipantRow] = []
    package var changes: [ChangeRow] = []

    package init(through: Int64? = nil) { self.through = through }

    package var isEmpty: Bool {
        through == nil && decodings.isEmpty && events.isEmpty && removedEvents.isEmpty && calls.isEmpty && keys.isEmpty
            && participants.isEmpty && changes.isEmpty
    }
}

/// What became of one raw record. Written again by a replay.
package struct DecodingRow: Sendable {
    package var position: Int64
    package var state: DecodingState
    /// The calls it told of; mostly one.
    package var calls: [CallID]
    /// Why it was ignored or not decoded.
    package var reason: String?

    package init(position: Int64, state: DecodingState, calls: [CallID] = [], reason: String? = nil) {
        self.position = position
        self.state = state
        self.calls = calls
        self.reason = reason
    }
}

/// One event of a call. `body` is `CallEvent`'s JSON; a repeat that came earlier in time replaces the row.
package struct EventRow: Sendable {
    package var id: EventID
    package var call: CallID
    package var rawPosition: Int64
    package var body: [UInt8]

    package init(id: EventID, call: CallID, rawPosition: Int64, body: [UInt8]) {
        self.id = id
        self.call = call
        self.rawPosition = rawPosition
        self.body = body
    }
}

/// Takes one event off one call.
package struct RemovedEvent: Hashable, Sendable {
    package var id: EventID
    package var call: CallID

    package init(id: EventID, call: CallID) {
        self.id = id
        self.call = call
    }
}

/// What the call log is searched by; the record itself is the call's latest change. Replaces the call's row.
package struct CallRow: Sendable {
    package var id: CallID
    package var tenant: TenantID
    package var connection: ConnectionID
    package var revision: Int
    package var startedAt: Instant
    package var updatedAt: Instant
    package var direction: Direction?
    package var disposition: Call.Disposition?
    package var state: Call.State
    /// E.164 of our line, or its raw text.
    package var line: String?
    /// E.164 of the outside party, or its raw text.
    package var number: String?
    package var mergedInto: CallID?
    package var isDeleted: Bool
    /// By which ways it was seen.
    package var sources: [CallSource]

    package init(
        id: CallID, tenant: TenantID, connection: ConnectionID, revision: Int, startedAt: Instant, updatedAt: Instant,
        direction: Direction?, disposition: Call.Disposition?, state: Call.State, line: String?, number: String?,
        mergedInto: CallID?, isDeleted: Bool, sources: [CallSource] = [.webhook]
    ) {
        self.id = id
        self.tenant = tenant
        self.connection = connection
        self.revision = revision
        self.startedAt = startedAt
        self.updatedAt = updatedAt
        self.direction = direction
        self.disposition = disposition
        self.state = state
        self.line = line
        self.number = number
        self.mergedInto = mergedInto
        self.isDeleted = isDeleted
        self.sources = sources
    }

    /// Told of while it happened.
    package var isSeenLive: Bool { sources.contains { $0 != .history && $0 != .system && $0 != .manual } }
    package var isSeenInHistory: Bool { sources.contains(.history) }
}

/// Which call an outside name means. Replaces an older row of the same name (a merge moves names to the survivor).
package struct KeyRow: Sendable {
    package var connection: ConnectionID
    package var key: ExternalKey
    package var call: CallID

    package init(connection: ConnectionID, key: ExternalKey, call: CallID) {
        self.connection = connection
        self.key = key
        self.call = call
    }
}

/// An employee took part in a call: what `/calls?employee=` looks up. Repeats are ignored.
package struct ParticipantRow: Sendable {
    package var tenant: TenantID
    package var userID: String
    package var call: CallID

    package init(tenant: TenantID, userID: String, call: CallID) {
        self.tenant = tenant
        self.userID = userID
        self.call = call
    }
}

/// One revision of a call, encoded once and served verbatim. Its position is given at the commit, in the order of the batch;
/// the call's row then points at it.
package struct ChangeRow: Sendable {
    package var tenant: TenantID
    package var call: CallID
    package var type: EventType
    package var revision: Int
    /// The call's JSON object, packed (`PackedJSON`); readers give it back as text.
    package var body: [UInt8]

    package init(tenant: TenantID, call: CallID, type: EventType, revision: Int, body: [UInt8]) {
        self.tenant = tenant
        self.call = call
        self.type = type
        self.revision = revision
        self.body = body
    }
}

// MARK: - Reading

/// A view of what is committed. Used by one thread; each call is one short transaction.
package protocol JournalReader: AnyObject {
    /// The last raw position whose derived rows are committed; 0 in an empty journal.
    func derivedPosition() throws -> Int64

    /// Raw records behind `position`, oldest first.
    func rawRecords(after position: Int64, limit: Int) throws -> [RawRecord]
    /// One raw record with what became of it; `nil` for one that is not kept any more, too.
    func rawRecord(_ id: RawID) throws -> InboxEntry?
    /// Whether a raw record is there: retention removes old ones, and what was derived from them stays.
    func keeps(_ id: RawID) throws -> Bool
    /// Raw records at these positions, in any order; missing ones are left out.
    func rawRecords(at positions: [Int64]) throws -> [RawRecord]
    /// A page of the inbox, newest first, behind `before` where given.
    func inbox(state: DecodingState?, connections: [ConnectionID], before: Int64?, limit: Int) throws -> [InboxEntry]

    /// The call that `key` means in `connection`.
    func call(of key: ExternalKey, in connection: ConnectionID) throws -> CallID?
    /// The encoded events of a call, oldest row first.
    func events(of call: CallID) throws -> [EventRow]
    /// The latest revision of a call, whoever owns it: check the tenant.
    func call(_ id: CallID) throws -> StoredCall?
    /// Calls that were not ended at the last commit, with what the ledger needs to go on: their identifiers.
    func openCalls() throws -> [CallID]

    /// A command, whoever asked for it: check the tenant.
    func command(_ id: CommandID) throws -> CommandRow?
    /// The command that `key` asked for.
    func command(tenant: TenantID, key: String) throws -> CommandRow?
    /// Commands of which something is still expected.
    func openCommands() throws -> [CommandRow]

    /// How far the pulling of a connection's history has come; `nil` before the first.
    func pullState(of connection: ConnectionID) throws -> PullState?
    /// How calls were seen, by day or hour, oldest first; units without calls are left out. Merged and deleted calls do not count.
    func seenCalls(_ query: SeenQuery) throws -> [SeenCalls]
    /// Rows of the connection's history, received in `[from, to)`, that could not be read: by the day they were received on.
    func unreadRows(of connection: ConnectionID, from: Instant, to: Instant) throws -> [Instant: Int]
    /// When the newest webhook of the connection came.
    func lastWebhook(of connection: ConnectionID) throws -> Instant?

    /// A page of the call log, newest first.
    func calls(_ query: CallQuery) throws -> [StoredCall]
    /// Changes of a tenant behind `position`, oldest first.
    func changes(tenant: TenantID, after position: Int64, limit: Int) throws -> [StoredChange]
    /// The oldest position from which every change of the tenant is still there; an older cursor has expired.
    func changeHorizon(tenant: TenantID) throws -> Int64
    /// The newest change position of all tenants.
    func lastChangePosition() throws -> Int64
    /// The newest raw position.
    func lastRawPosition() throws -> Int64
}

/// A raw record and what became of it.
package struct InboxEntry: Sendable {
    package var raw: RawRecord
    package var state: DecodingState
    package var calls: [CallID]
    package var reason: String?

    package init(raw: RawRecord, state: DecodingState, calls: [CallID], reason: String?) {
        self.raw = raw
        self.state = state
        self.calls = calls
        self.reason = reason
    }
}

/// The latest revision of one call.
package struct StoredCall: Sendable {
    package var id: CallID
    package var tenant: TenantID
    package var connection: ConnectionID
    package var revision: Int
    package var startedAt: Instant
    package var mergedInto: CallID?
    package var isDeleted: Bool
    /// The call's JSON object.
    package var body: [UInt8]

    package init(
        id: CallID, tenant: TenantID, connection: ConnectionID, revision: Int, startedAt: Instant, mergedInto: CallID?,
        isDeleted: Bool, body: [UInt8]
    ) {
        self.id = id
        self.tenant = tenant
        self.connection = connection
        self.revision = revision
        self.startedAt = startedAt
        self.mergedInto = mergedInto
        self.isDeleted = isDeleted
        self.body = body
    }
}

/// One change as it is served.
package struct StoredChange: Sendable {
    package var position: Int64
    package var type: String
    package var body: [UInt8]

    package init(position: Int64, type: String, body: [UInt8]) {
        self.position = position
        self.type = type
        self.body = body
    }
}

/// What to look for in the call log; every given condition must hold. Merged and deleted calls are left out.
package struct CallQuery: Sendable {
    package var tenant: TenantID
    /// `started_at` in `[from, to)`.
    package var startedFrom: Instant?
    package var startedTo: Instant?
    package var updatedSince: Instant?
    package var direction: Direction?
    package var disposition: Call.Disposition?
    package var state: Call.State?
    package var connection: ConnectionID?
    package var line: String?
    /// A user id, as in `participants[].user_id`.
    package var employee: String?
    package var number: String?
    /// Behind this call of the previous page.
    package var after: (startedAt: Instant, id: CallID)?
    package var limit: Int

    package init(tenant: TenantID, limit: Int = 200) {
        self.tenant = tenant
        self.limit = limit
    }
}

// MARK: - Keys

/// Who may use the API.
package struct APIKey: Sendable, Equatable {
    package enum Scope: String, Sendable, CaseIterable { case read, command, admin }

    package var id: String
    package var name: String
    package var tenant: TenantID
    package var scopes: [Scope]
    /// SHA-256 of the secret; the secret itself is shown once and kept nowhere.
    package var secretHash: [UInt8]
    package var createdAt: Instant
    package var revokedAt: Instant?

    package init(
        id: String, name: String, tenant: TenantID, scopes: [Scope], secretHash: [UInt8], createdAt: Instant,
        revokedAt: Instant? = nil
    ) {
        self.id = id
        self.name = name
        self.tenant = tenant
        self.scopes = scopes
        self.secretHash = secretHash
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }
}

/// Where API keys are kept. Calls are rare and may block for a commit.
package protocol KeyStore: Sendable {
    func keys() throws -> [APIKey]
    func insert(_ key: APIKey) throws
    /// - Returns: whether there was such a key that was not revoked yet.
    func revoke(id: String, at moment: Instant) throws -> Bool
}
