/// Puts rows of a provider's history into the inbox, each once.
///
/// The identifier of such a raw record is made of its content, so that a row which many overlapping pages tell is in the inbox once,
/// whatever the page looked like; a row that says something new is a new record.
struct HistoryIntake: Sendable {
    private let journal: any Journal
    private let reading: any JournalReading
    private let pause: Pause

    /// Records of one append.
    private static let batchLimit = 100
    /// How often a full queue is tried again, a second apart.
    private static let patience = 60

    init(journal: any Journal, reading: any JournalReading, pause: @escaping Pause) {
        self.journal = journal
        self.reading = reading
        self.pause = pause
    }

    /// Appends the rows of one body that are not in the inbox yet, and waits for their commit.
    /// - Returns: how many those were.
    func take(_ body: [UInt8], path: String, of connection: LiveConnection, at now: Instant) async throws -> Int {
        let rows = connection.adapter.logRows(of: body)
        var count = 0
        for start in stride(from: 0, to: rows.count, by: Self.batchLimit) {
            let slice = rows[start..<min(start + Self.batchLimit, rows.count)]
            let records = try await fresh(slice, path: path, of: connection, at: now)
            if !records.isEmpty { try await append(records) }
            count += records.count
        }
        return count
    }

    private static func records(
        _ rows: ArraySlice<[UInt8]>, path: String, of connection: LiveConnection, at now: Instant
    ) -> [RawRecord] {
        let decoder = connection.adapter.makeDecoder()
        var known: Set<RawID> = []
        return rows.compactMap { row in
            var record = RawRecord(
                id: RawID(bits: 0), connection: connection.profile.id, receivedAt: now, source: .history, method: "GET",
                path: path, body: row)
            record.id = name(of: record, told: decoder.decode(record))
            return known.insert(record.id).inserted ? record : nil
        }
    }

    /// The time of the name is that of the row, as far as it tells one.
    private static func name(of record: RawRecord, told: [Decoded]) -> RawID {
        var hash = StableHash()
        for part in ["history", record.connection.name, record.path] { hash.combine(part) }
        record.body.withUnsafeBytes { hash.combine(bytes: $0) }
        let starts = told.compactMap { part in
            if case .call(let event) = part { event.facts.startedAt } else { nil }
        }
        return RawID(time: starts.min() ?? Instant(milliseconds: 0), rest: hash.value)
    }

    /// A decoder may wait for a program of its own: where readers wait for the disk, so that nobody else does.
    private func fresh(
        _ rows: ArraySlice<[UInt8]>, path: String, of connection: LiveConnection, at now: Instant
    ) async throws -> [RawRecord] {
        try await reading.read { reader in
            try Self.records(rows, path: path, of: connection, at: now).filter { try !reader.keeps($0.id) }
        }
    }

    private func append(_ records: [RawRecord]) async throws {
        for _ in 0..<Self.patience {
            let outcome: AppendOutcome? = await withCheckedContinuation { continuation in
                let isQueued = journal.append(records) { continuation.resume(returning: $0) }
                if !isQueued { continuation.resume(returning: nil) }
            }
            switch outcome {
            case .committed?: return
            case .failed(let reason)?: throw HistoryIntakeError(reason: "the rows could not be stored: \(reason)")
            case nil: try await pause(.seconds(1))
            }
        }
        throw HistoryIntakeError(reason: "the journal's queue stays full")
    }
}

struct HistoryIntakeError: Error, CustomStringConvertible {
    let reason: String

    var description: String { reason }
}
