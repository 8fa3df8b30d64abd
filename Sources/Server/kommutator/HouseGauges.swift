import Connector
import Gateway
import HTTPServer
import Recordings
import SQLiteJournal
import Synchronization

/// What the machinery counts, for `/metrics`: the journal's queue and commits, the ledger's place, the server's connections.
final class HouseGauges: Sendable {
    let journal: SQLiteJournal
    private let ledger: LedgerService
    private let recordings: RecordingService
    private let upkeep: UpkeepService
    private let server = Mutex<HTTPServer?>(nil)

    init(journal: SQLiteJournal, ledger: LedgerService, recordings: RecordingService, upkeep: UpkeepService) {
        self.journal = journal
        self.ledger = ledger
        self.recordings = recordings
        self.upkeep = upkeep
    }

    /// The server is built last: its routes tell of it.
    func watch(_ server: HTTPServer) { self.server.withLock { $0 = server } }

    @Sendable func write(to text: inout PrometheusText) {
        writeJournal(to: &text)
        gauge("kommutator_ledger_folded_position", "Raw position up to which records are folded", ledger.foldedPosition, &text)
        writeRecordings(recordings.statistics, to: &text)
        writeUpkeep(upkeep.all, to: &text)
        if let statistics = server.withLock({ $0 })?.statistics { writeServer(statistics, to: &text) }
    }

    private func writeJournal(to text: inout PrometheusText) {
        let counts = journal.statistics
        gauge("kommutator_journal_queued_records", "Raw records that wait for their commit", counts.queuedRecords, &text)
        gauge("kommutator_journal_queued_bytes", "Bytes of bodies that wait for their commit", counts.queuedBytes, &text)
        gauge("kommutator_journal_queued_derived", "Derived sets that wait for their commit", counts.queuedDerivedSets, &text)
        gauge("kommutator_journal_log_bytes", "Size of the write-ahead log", counts.logByteCount, &text)
        counter("kommutator_journal_commits_total", "Commits", counts.commits, &text)
        counter("kommutator_journal_failed_commits_total", "Commits that failed as a whole", counts.failedCommits, &text)
        counter(
            "kommutator_journal_set_aside_records_total", "Raw records whose derived rows broke a rule of the journal",
            counts.setAsideRecords, &text)
        counter("kommutator_journal_refused_appends_total", "Appends refused by a full queue", counts.refusedAppends, &text)
        counter(
            "kommutator_journal_hand_off_overflows_total", "Times the ledger had to read the table", counts.handOffOverflows,
            &text)
        text.family("kommutator_journal_commit_seconds_total", .counter, "Time spent in commits")
        text.sample("kommutator_journal_commit_seconds_total", Double(counts.commitTime.milliseconds) / 1000)
    }

    private func writeRecordings(_ counts: RecordingStatistics, to text: inout PrometheusText) {
        gauge("kommutator_recordings_waiting", "Recordings that are ready and not here yet", counts.known, &text)
        gauge("kommutator_recordings_fetching", "Recordings being fetched", counts.running, &text)
        counter("kommutator_recordings_stored_total", "Recordings fetched", counts.stored, &text)
        counter("kommutator_recordings_stored_bytes_total", "Bytes of fetched recordings", counts.storedBytes, &text)
        counter("kommutator_recordings_failed_attempts_total", "Attempts that failed", counts.failedAttempts, &text)
        counter("kommutator_recordings_given_up_total", "Recordings given up", counts.givenUp, &text)
    }

    private func writeUpkeep(_ all: [(connection: ConnectionID, status: UpkeepStatus)], to text: inout PrometheusText) {
        func family(_ name: String, _ help: String, _ kind: PrometheusText.Kind = .gauge, _ value: (UpkeepStatus) -> Int) {
            text.family(name, kind, help)
            for (connection, status) in all {
                text.sample(name, labels: [("connection", connection.name)], value(status))
            }
        }
        family("kommutator_upkeep_wanted", "Things to keep alive at the provider") { $0.upkeep.wanted }
        family("kommutator_upkeep_kept", "Things that are kept alive there") { $0.upkeep.kept }
        family("kommutator_upkeep_ok", "Whether all is well with what is kept alive") { $0.condition == .good ? 1 : 0 }
        family("kommutator_upkeep_restarts_total", "Times it was begun anew after a failure", .counter) { $0.restarts }
    }

    private func writeServer(_ counts: HTTPStatistics, to text: inout PrometheusText) {
        gauge("kommutator_http_connections_open", "Open connections", counts.connectionsOpen, &text)
        counter("kommutator_http_connections_total", "Accepted connections", counts.connectionsAccepted, &text)
        counter("kommutator_http_connections_refused_total", "Connections refused by a limit", counts.connectionsRefused, &text)
        counter("kommutator_http_timeouts_total", "Requests cut for their slowness", counts.timeouts, &text)
        counter("kommutator_http_received_bytes_total", "Bytes received", counts.bytesReceived, &text)
        counter("kommutator_http_sent_bytes_total", "Bytes sent", counts.bytesSent, &text)
        text.family("kommutator_http_responses_total", .counter, "Answers by class of status")
        for (index, count) in counts.responsesByClass.enumerated() where index > 0 {
            text.sample("kommutator_http_responses_total", labels: [("class", "\(index)xx")], count)
        }
        text.family("kommutator_http_malformed_total", .counter, "Requests that could not be read, by reason")
        for (reason, count) in counts.parseErrors.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            text.sample("kommutator_http_malformed_total", labels: [("reason", reason.rawValue)], count)
        }
    }

    private func gauge(_ name: String, _ help: String, _ value: some FixedWidthInteger, _ text: inout PrometheusText) {
        text.family(name, .gauge, help)
        text.sample(name, value)
    }

    private func counter(_ name: String, _ help: String, _ value: some FixedWidthInteger, _ text: inout PrometheusText) {
        text.family(name, .counter, help)
        text.sample(name, value)
    }
}
