import Connector

/// A journal in which nothing is kept: what is played stays in the ledger's memory.
final class EmptyJournal: JournalReader {
    func derivedPosition() -> Int64 { 0 }
    func rawRecords(after position: Int64, limit: Int) -> [RawRecord] { [] }
    func rawRecord(_ id: RawID) -> InboxEntry? { nil }
    func keeps(_ id: RawID) -> Bool { false }
    func rawRecords(at positions: [Int64]) -> [RawRecord] { [] }
    func inbox(state: DecodingState?, connections: [ConnectionID], before: Int64?, limit: Int) -> [InboxEntry] { [] }
    func call(of key: ExternalKey, in connection: ConnectionID) -> CallID? { nil }
    func events(of call: CallID) -> [EventRow] { [] }
    func call(_ id: CallID) -> StoredCall? { nil }
    func openCalls() -> [CallID] { [] }
    func command(_ id: CommandID) -> CommandRow? { nil }
    func command(tenant: TenantID, key: String) -> CommandRow? { nil }
    func openCommands() -> [CommandRow] { [] }
    func calls(_ query: CallQuery) -> [StoredCall] { [] }
    /// Rows may have come before anything else.
    func pullState(of connection: ConnectionID) -> PullState? { PullState(connection: connection, reach: .latest) }
    func seenCalls(_ query: SeenQuery) -> [SeenCalls] { [] }
    func unreadRows(of connection: ConnectionID, from: Instant, to: Instant) -> [Instant: Int] { [:] }
    func lastWebhook(of connection: ConnectionID) -> Instant? { nil }
    func changes(tenant: TenantID, after position: Int64, limit: Int) -> [StoredChange] { [] }
    func changeHorizon(tenant: TenantID) -> Int64 { 0 }
    func lastChangePosition() -> Int64 { 0 }
    func lastRawPosition() -> Int64 { 0 }
}
