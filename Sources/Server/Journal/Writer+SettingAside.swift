import Connector

// Derived rows that break a rule of the schema for good: a fault of the ledger or of the file. One such row must not stop the
// call log, and nothing that was derived after it may be committed, since it rests on what is not there.

extension Writer {
    /// Commits what is kept batch by batch, up to the one that breaks the rule.
    func sortOut() {
        breaksRule = false
        var none: [QueuedAppend] = []
        while let batch = kept.first {
            do throws(JournalError) {
                try write(&none, [batch])
            } catch {
                guard error.code == .constraint else { return keep(kept, after: error) }
                return turnAway(batch, after: error)
            }
        }
    }

    /// A batch of many raw records is derived again, one a batch, so that the innocent ones get in.
    private func turnAway(_ batch: DerivedBatch, after error: JournalError) {
        guard let through = batch.through else {
            noteSetAside(records: max(1, batch.decodings.count), position: 0, error)
            return setBack()
        }
        guard batch.decodings.count <= 1 else { return setBack(carefulThrough: through) }
        guard passOver(batch, after: error) else { return }
        noteSetAside(records: 1, position: through, error)
        setBack()
    }

    /// Commits that the batch's record could not be taken; where even that breaks a rule, only that the ledger is past it.
    private func passOver(_ batch: DerivedBatch, after error: JournalError) -> Bool {
        var none: [QueuedAppend] = []
        for substitute in [batch.setAside(because: error), DerivedBatch(through: batch.through)] {
            do throws(JournalError) {
                try write(&none, [substitute])
                return true
            } catch {
                guard error.code == .constraint else { break }
            }
        }
        keep(kept, after: error)
        // Not before the next pause is over.
        breaksRule = false
        return false
    }

    private func noteSetAside(records: Int, position: Int64, _ error: JournalError) {
        meters.setAside(records: records)
        guard let count = setAsideTrouble.failed(times: records, at: now) else { return }
        onNews(.setAside(records: count, position: position, reason: error.description))
    }

    /// Everything else that was derived is dropped: the ledger begins anew.
    private func setBack(carefulThrough position: Int64 = 0) {
        settleAll()
        meters.recovered()
        queue.setBack(carefulThrough: position)
        handOff.wakeReader()
    }
}

extension DerivedBatch {
    /// What stands for the batch in the journal: its raw records could not be taken in.
    fileprivate func setAside(because error: JournalError) -> DerivedBatch {
        let reason = "its rows break a rule of the journal: \(error.message)"
        var substitute = DerivedBatch(through: through)
        substitute.decodings = decodings.map { DecodingRow(position: $0.position, state: .undecoded, reason: reason) }
        return substitute
    }
}
