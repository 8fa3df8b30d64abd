import Synchronization

/// Puts rows of a provider's history into the inbox, each once.
///
/// The identifier of such a raw record is made of its content, so that a row which many overlapping pages tell is in the inbox once,
/// whatever the page looked like; a row that says something new is a new record.
struct HistoryIntake: Sendable {
    private let journal: any Journal
    private let reading: any JournalReading
    private let pause: Pause
    /// Rows that are in the inbox: a window tells most of its rows again at each pull, and they need not be read to know them.
    private let known = KnownRows()

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
            let marks = slice.map { Self.mark(of: $0, path: path, of: connection.profile.id) }
            let unknown = known.unknown(among: zip(marks, slice))
            guard !unknown.isEmpty else { continue }
            let fresh = try await fresh(unknown, path: path, of: connection, at: now)
            if !fresh.records.isEmpty { try await append(fresh.records) }
            known.note(fresh.read)
            count += fresh.records.count
        }
        return count
    }

    /// What reading rows led to.
    private struct Reading {
        var records: [RawRecord] = []
        /// Marks of the rows that could be read. The others are read again: a program that was down reads them later.
        var read: [UInt128] = []
    }

    private static func read(
        _ rows: [KnownRows.Row], path: String, of connection: LiveConnection, at now: Instant
    ) -> Reading {
        let decoder = connection.adapter.makeDecoder()
        var known: Set<RawID> = []
        var reading = Reading()
        for row in rows {
            var record = RawRecord(
                id: RawID(bits: 0), connection: connection.profile.id, receivedAt: now, source: .history, method: "GET",
                path: path, body: row.body)
            let told = decoder.decode(record)
            record.id = name(row.mark, told: told)
            if !told.contains(where: \.isUndecoded) { reading.read.append(row.mark) }
            if known.insert(record.id).inserted { reading.records.append(record) }
        }
        return reading
    }

    private static func mark(of row: [UInt8], path: String, of connection: ConnectionID) -> UInt128 {
        var hash = StableHash()
        for part in ["history", connection.name, path] { hash.combine(part) }
        row.withUnsafeBytes { hash.combine(bytes: $0) }
        return hash.value
    }

    /// The time of the name is that of the row, as far as it tells one.
    private static func name(_ mark: UInt128, told: [Decoded]) -> RawID {
        let starts = told.compactMap { part in
            if case .call(let event) = part { event.facts.startedAt } else { nil }
        }
        return RawID(time: starts.min() ?? Instant(milliseconds: 0), rest: mark)
    }

    /// A decoder may wait for a program of its own: where readers wait for the disk, so that nobody else does.
    private func fresh(
        _ rows: [KnownRows.Row], path: String, of connection: LiveConnection, at now: Instant
    ) async throws -> Reading {
        try await reading.read { reader in
            var reading = Self.read(rows, path: path, of: connection, at: now)
            reading.records = try reading.records.filter { try !reader.keeps($0.id) }
            return reading
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

/// Marks of rows that are in the inbox: the latest tens of thousands, in two halves of which the older is forgotten at once.
///
/// What is forgotten, as everything is at a restart, is read once more, and found in the inbox.
private final class KnownRows: Sendable {
    struct Row: Sendable {
        let mark: UInt128
        let body: [UInt8]
    }

    private struct State {
        var young: Set<UInt128> = []
        var old: Set<UInt128> = []
    }

    /// Of one half: a megabyte.
    private static let capacity = 40_000

    private let state = Mutex(State())

    func unknown(among rows: some Sequence<(UInt128, [UInt8])>) -> [Row] {
        state.withLock { state in
            rows.compactMap { mark, body in
                if state.young.contains(mark) { return nil }
                if state.old.contains(mark) {
                    // Still told: it is of those to be remembered.
                    Self.insert(mark, in: &state)
                    return nil
                }
                return Row(mark: mark, body: body)
            }
        }
    }

    func note(_ marks: [UInt128]) {
        state.withLock { state in
            for mark in marks { Self.insert(mark, in: &state) }
        }
    }

    private static func insert(_ mark: UInt128, in state: inout State) {
        guard state.young.insert(mark).inserted, state.young.count >= capacity else { return }
        state.old = state.young
        state.young = []
    }
}

extension Decoded {
    fileprivate var isUndecoded: Bool {
        if case .undecoded = self { true } else { false }
    }
}

struct HistoryIntakeError: Error, CustomStringConvertible {
    let reason: String

    var description: String { reason }
}
