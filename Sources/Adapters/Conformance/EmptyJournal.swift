import Connector

/// A journal in which nothing is kept: what is played stays in the ledger's memory.
package final class EmptyJournal: JournalReader {
    package init() {}

    package func derivedPosition() -> Int64 { 0 }
    package func rawRecords(after position: Int64, limit: Int) -> [RawRecord] { [] }
    package func rawRecord(_ id: RawID) -> InboxEntry? { nil }
    package func keeps(_ id: RawID) -> Bool { false }
    package func rawRecords(at positions: [Int64]) -> [RawRecord] { [] }
    package func inbox(state: DecodingState?, connections: [ConnectionID], before: Int64?, limit: Int) -> [InboxEntry] { [] }
    package func call(of key: ExternalKey, in connection: ConnectionID) -> CallID? { nil }
    package func events(of call: CallID) -> [EventRow] { [] }
    package func call(_ id: CallID) -> StoredCall? { nil }
    package func openCalls() -> [CallID] { [] }
    package func command(_ id: CommandID) -> CommandRow? { nil }
    package func command(tenant: TenantID, key: String) -> CommandRow? { nil }
    package func openCommands() -> [CommandRow] { [] }
    package func calls(_ query: CallQuery) -> [StoredCall] { [] }
    /// Rows may have come before anything else.
    package func pullState(of connection: ConnectionID) -> PullState? { PullState(connection: connection, reach: .latest) }
    package func seenCalls(_ query: SeenQuery) -> [SeenCalls] { [] }
    package func unreadRows(of connection: ConnectionID, from: Instant, to: Instant) -> [Instant: Int] { [:] }
    package func lastWebhook(of connection: ConnectionID) -> Instant? { nil }
    package func changes(tenant: TenantID, after position: Int64, limit: Int) -> [StoredChange] { [] }
    package func changeHorizon(tenant: TenantID) -> Int64 { 0 }
    package func lastChangePosition() -> Int64 { 0 }
    package func lastRawPosition() -> Int64 { 0 }
}
