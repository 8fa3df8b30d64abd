/// Housekeeping of the file, done in slices when the writer has nothing else.
///
/// Each slice is a transaction of its own, so that an acknowledgement waits for one of them at most.
protocol Maintenance: Sendable {
    /// At most one of a kind is under way.
    var kind: MaintenanceKind { get }
    /// Rows that went so far.
    var removedCount: Int { get }
    /// Is called once, on the writer's thread, with how many rows went.
    var completion: @Sendable (Result<Int, JournalError>) -> Void { get }

    /// Works on the next slice. A slice that throws is undone, and ends the maintenance.
    /// - Returns: whether there is more to do.
    mutating func runSlice(in database: Database, _ derived: DerivedTables) throws(JournalError) -> Bool
}

enum MaintenanceKind: Sendable { case collapse, removal }
