/// What the writer tells the operator. Trouble that goes on is told at the pace of `TroublePace`.
package enum JournalNews: Sendable, Equatable {
    /// Derived rows cannot be committed, so often since this was last told; they are kept and tried again. Webhooks are
    /// still accepted where their own commit succeeds; the call log stands still.
    case derivedFailing(reason: String, failures: Int)
    /// Derived rows are committed again.
    case derivedRecovered
    /// Derived rows broke a rule for good and were set aside, so many raw records since this was last told. The newest of
    /// them, at `position`, is now `undecoded`; 0 where it was a replay, which has then failed.
    case setAside(records: Int, position: Int64, reason: String)
}
