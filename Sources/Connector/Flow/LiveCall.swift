extension CallLedger {
    /// A call in memory. A class, so that looking at it copies nothing; the ledger alone holds it.
    final class LiveCall {
        var history = CallHistory()
        var record: Call
        /// Hash of the record's visible content, to tell a change from a repeat.
        var contentHash: UInt128
        /// When the last raw record of it was received.
        var lastNews: Instant
        /// The batch that carries its last change; the call stays in memory until that is committed.
        var lastTicket: Int = 0

        init(history: CallHistory = CallHistory(), record: Call, contentHash: UInt128 = 0, lastNews: Instant) {
            self.history = history
            self.record = record
            self.contentHash = contentHash
            self.lastNews = lastNews
        }
    }
}
