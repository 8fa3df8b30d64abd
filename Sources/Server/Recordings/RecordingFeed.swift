import Connector
import Glibc

/// What the service reads of the journal, and where it stands, on a queue that may wait for the disk.
///
/// `@unchecked Sendable`: `reader`, `firstTarget` and `isAbreast` are touched on `queue` only.
final class RecordingFeed: @unchecked Sendable {
    private let journal: any Journal
    private let cursorPath: String
    private let queue = DiskQueue("recordings.feed", isSerial: true)
    private var reader: (any JournalReader)?
    /// The raw position that must be derived before the feed tells what the keeper before wrote down.
    private var firstTarget: Int64?
    private var isAbreast = false

    private static let pageLimit = 200

    /// - Parameter cursorPath: the file that keeps the cursor.
    init(journal: any Journal, cursorPath: String) {
        self.journal = journal
        self.cursorPath = cursorPath
    }

    /// Whether everything that was in the journal at the first ask is derived by now.
    func isCaughtUp() async throws -> Bool {
        try await perform { reader in
            if self.isAbreast { return true }
            let target = try self.firstTarget ?? reader.lastRawPosition()
            self.firstTarget = target
            self.isAbreast = try reader.derivedPosition() >= target
            return self.isAbreast
        }
    }

    /// Changes of a tenant behind `position`, and up to where there are none further.
    struct Page: Sendable {
        var changes: [StoredChange]
        /// `nil` where more may follow.
        var end: Int64?
    }

    func page(of tenant: TenantID, after position: Int64) async throws -> Page {
        try await perform { reader in
            let end = try reader.lastChangePosition()
            let changes = try reader.changes(tenant: tenant, after: position, limit: Self.pageLimit)
            return Page(changes: changes, end: changes.count < Self.pageLimit ? end : nil)
        }
    }

    /// What the call's latest record says, by way of merges; `nil` where there is none, or it was deleted.
    func latest(of call: CallID) async throws -> PublishedCall? {
        try await perform { reader in
            var id = call
            for _ in 0..<8 {
                guard let stored = try reader.call(id), !stored.isDeleted else { return nil }
                guard let survivor = stored.mergedInto else { return PublishedCall(stored.body) }
                id = survivor
            }
            return nil
        }
    }

    // MARK: The cursor

    /// Where the service before was; 0 where nobody knows, or the journal is another one.
    func loadCursor() async throws -> Int64 {
        try await perform { reader in
            guard let file = fopen(self.cursorPath, "re") else { return 0 }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 32)
            let count = fread(&bytes, 1, bytes.count, file)
            let digits = bytes.prefix(count).prefix { (0x30...0x39).contains($0) }
            let cursor = Int64(String(decoding: digits, as: UTF8.self)) ?? 0
            return cursor <= (try reader.lastChangePosition()) ? cursor : 0
        }
    }

    /// Keeps the cursor. It is not flushed: an older one costs some reading.
    func save(_ cursor: Int64) async throws {
        try await perform { _ in
            let draft = self.cursorPath + ".new"
            guard let file = fopen(draft, "we") else { throw RecordingStoreError(.inputOutput, "the cursor cannot be written") }
            let isWritten = fputs("\(cursor)\n", file) >= 0
            guard fclose(file) == 0, isWritten, rename(draft, self.cursorPath) == 0 else {
                throw RecordingStoreError(.inputOutput, "the cursor cannot be written")
            }
        }
    }

    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable (any JournalReader) throws -> Value
    ) async throws -> Value {
        try await queue.run {
            let reader = try self.reader ?? self.journal.makeReader()
            self.reader = reader
            return try body(reader)
        }
    }
}
