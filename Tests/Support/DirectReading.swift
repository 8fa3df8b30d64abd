import Connector

/// Reads a journal in memory at once, on the caller's thread.
package struct DirectReading: JournalReading {
    private let journal: MemoryJournal

    package init(journal: MemoryJournal) { self.journal = journal }

    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (any JournalReader) throws -> Result
    ) async throws -> Result {
        try body(journal.makeReader())
    }
}
