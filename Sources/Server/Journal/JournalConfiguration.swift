import Connector

/// Bounds and sizes of the journal. The defaults are those measured for the gateway.
package struct JournalConfiguration: Sendable {
    /// The data directory; holds `journal.sqlite` and `lock`.
    package var directory: String
    /// Gives changes their time, which retention goes by.
    package var clock: any Timekeeper
    /// Records that may wait for their commit, the group under way included; `append` refuses beyond.
    package var queuedRecords = 16_384
    /// Bytes of bodies that may wait.
    package var queuedBytes = 64 << 20
    /// Derived sets (one raw record's worth of rows) that may wait before `submit` blocks.
    package var queuedDerivedSets = 2048
    /// Derived sets in one commit while raw records come in: bounds what an acknowledgement waits for.
    package var derivedSetsPerBusyCommit = 128
    /// How long derived rows wait for more of their kind while raw records come in: neighbours share pages, so that one commit
    /// of fifty sets writes a fifth of what ten commits of five do.
    package var derivedPatience = Duration.milliseconds(4)
    /// Raw records committed without their derived rows, from which on the ledger lags: the load is more than the machine can do.
    package var laggingRecords = 4096
    /// Raw records that come into one commit on average, from which on acknowledgements have the writer's time while the ledger
    /// lags. Below, there is time for both: derived rows make commits longer and so the next ones larger, up to this.
    package var pressingRecords = 16
    /// Raw records that earn one derived set its place in such commits.
    package var recordsPerDerivedSet = 16
    /// Without appends for so long, a lagging ledger has the writer to itself.
    package var pause = Duration.milliseconds(2)
    /// Derived sets in one commit while none do; who comes meanwhile waits for it.
    package var derivedSetsPerIdleCommit = 256
    /// Committed records kept for the ledger; what does not fit is read back from the table.
    package var handedOffRecords = 8192
    package var handedOffBytes = 16 << 20
    /// The log's size from which the writer itself starts it anew.
    package var logByteCount = 64 << 20
    /// How often the checkpointer looks, where the log has grown.
    package var checkpointInterval = Duration.milliseconds(50)
    /// Fixed when the file is made. 8 KB holds two encoded calls; at 4 KB a derived set costs a third more CPU, at 16 KB
    /// nothing is gained and a small commit writes twice as much.
    package var pageByteCount = 8192
    /// The most pages the file may have; 0 for no limit. For tests of a full disk.
    package var pageLimit = 0
    /// The writer's page cache, in KiB.
    package var writerCacheKilobytes = 4096
    /// Each reader's page cache, in KiB.
    package var readerCacheKilobytes = 512
    /// How long `close()` waits for what is queued.
    package var closeDeadline = Duration.seconds(10)

    package init(directory: String, clock: any Timekeeper) {
        self.directory = directory
        self.clock = clock
    }
}
