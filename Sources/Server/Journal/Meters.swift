/// What the journal did since it was opened, for `/metrics` and `/healthz`.
package struct JournalStatistics: Sendable {
    /// Upper bounds of `commitHistogram`'s buckets in milliseconds; the last bucket is unbounded.
    package static let commitBounds: [Double] = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]

    package var queuedRecords = 0
    package var queuedBytes = 0
    package var queuedDerivedSets = 0
    /// Appends that were answered "full".
    package var refusedAppends = 0
    package var commits = 0
    package var rawRecords = 0
    package var derivedSets = 0
    package var changes = 0
    /// Appends that broke a rule, such as an identifier that is already there.
    package var poisonedAppends = 0
    /// Raw records whose derived rows broke a rule for good.
    package var setAsideRecords = 0
    /// Commits that failed as a whole: disk full, input or output.
    package var failedCommits = 0
    /// The last of them, for the operator; `nil` once everything that waits could be committed again.
    package var failure: String?
    /// Commits by duration, one count a bound and one beyond.
    package var commitHistogram = [Int](repeating: 0, count: commitBounds.count + 1)
    package var commitTime = Duration.zero
    /// Bytes in the write-ahead log.
    package var logByteCount = 0
    package var checkpoints = 0
    /// How often the ledger lagged so far that it had to read the table.
    package var handOffOverflows = 0
}

/// Counts what the writer and the checkpointer do.
final class Meters: Sendable {
    private let counts = Monitor(JournalStatistics())

    var statistics: JournalStatistics { counts.withLock { $0 } }

    func refused() { counts.withLock { $0.refusedAppends += 1 } }

    func checkpointed() { counts.withLock { $0.checkpoints += 1 } }

    func failed(_ error: JournalError) {
        counts.withLock { counts in
            counts.failedCommits += 1
            counts.failure = error.description
        }
    }

    /// Nothing is kept back any more.
    func recovered() { counts.withLock { $0.failure = nil } }

    func setAside(records: Int) { counts.withLock { $0.setAsideRecords += records } }

    /// What one commit did.
    struct Commit {
        var rawRecords: Int
        var poisonedAppends: Int
        var derivedSets: Int
        var changes: Int
        var logByteCount: Int
        var time: Duration
        /// Nothing is kept back after a failure.
        var isWhole: Bool
    }

    func committed(_ commit: Commit) {
        let (seconds, attoseconds) = commit.time.components
        let milliseconds = Double(seconds) * 1e3 + Double(attoseconds) / 1e15
        let bucket = JournalStatistics.commitBounds.firstIndex { milliseconds <= $0 } ?? JournalStatistics.commitBounds.count
        counts.withLock { counts in
            counts.commits += 1
            counts.rawRecords += commit.rawRecords
            counts.poisonedAppends += commit.poisonedAppends
            counts.derivedSets += commit.derivedSets
            counts.changes += commit.changes
            counts.commitHistogram[bucket] += 1
            counts.commitTime += commit.time
            counts.logByteCount = commit.logByteCount
            if commit.isWhole { counts.failure = nil }
        }
    }
}
