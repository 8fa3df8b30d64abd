extension LedgerService: Replayer {
    /// Raw records read again in one go on the ledger's thread; live calls wait no longer than that.
    private static let replaySlice = 200
    /// Differences carried in a report; what goes beyond is counted in `records` only.
    private static let differenceLimit = 1000

    package func replay(_ selection: ReplaySelection, dryRun: Bool) async throws -> ReplayReport {
        var report = ReplayReport(records: 0)
        var before: Int64?
        repeat {
            try Task.checkCancellation()
            let start = before
            let slice = try await onLedger { room in
                try room.replaySlice(selection, before: start, limit: Self.replaySlice, dryRun: dryRun)
            }
            report.records += slice.report.records
            report.states.merge(slice.report.states, uniquingKeysWith: +)
            let room = Self.differenceLimit - report.differences.count
            report.differences.append(contentsOf: slice.report.differences.prefix(room))
            before = slice.next
        } while before != nil
        return report
    }

    /// Runs `work` on the ledger's thread, and waits for it and for the commit of what it handed in.
    /// - Throws: what `work` throws; `LedgerError` where there is no answer within `patience`, or never will be.
    private func onLedger<Value: Sendable>(
        _ work: @escaping @Sendable (inout LedgerRoom) throws -> Value
    ) async throws -> Value {
        let answer = LedgerAnswer<Value>()
        perform(Self.job(work, answering: answer))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [patience] in
                try await Task.sleep(for: patience)
                answer.settle(.failure(LedgerError.busy))
            }
            defer { group.cancelAll() }
            return try await answer.value
        }
    }

    private static func job<Value: Sendable>(
        _ work: @escaping @Sendable (inout LedgerRoom) throws -> Value, answering answer: LedgerAnswer<Value>
    ) -> LedgerJob {
        LedgerJob { room in
            // Who had to wait for too long has been told that nothing was done.
            guard !answer.isSettled else { return }
            do {
                let former = room.lastTicket
                let result = try work(&room)
                guard room.lastTicket != former else { return answer.settle(.success(result)) }
                room.whenCommitted { outcome in answer.settle(outcome.map { result }.mapError { $0 as any Error }) }
            } catch {
                room.isSpoiled = true
                answer.settle(.failure(error))
            }
        } refuse: { error in
            answer.settle(.failure(error))
        }
    }
}

extension LedgerRoom {
    /// Reads one page of the selection again.
    /// - Returns: what came of it, and where the next page begins; `nil` behind the last.
    mutating func replaySlice(
        _ selection: ReplaySelection, before: Int64?, limit: Int, dryRun: Bool
    ) throws -> (report: ReplayReport, next: Int64?) {
        if let record = selection.record {
            let entry = try reader.rawRecord(record).flatMap { selection.connections.contains($0.raw.connection) ? $0 : nil }
            return (try replay(entry.map { [$0] } ?? [], dryRun: dryRun), nil)
        }
        let page = try reader.inbox(state: selection.state, connections: selection.connections, before: before, limit: limit)
        let chosen = page.filter { selection.includes($0.raw.receivedAt) }
        return (try replay(chosen, dryRun: dryRun), page.count < limit ? nil : page.last?.raw.position)
    }

    /// A dry run folds in a ledger of its own, whose batch is thrown away.
    private mutating func replay(_ entries: [InboxEntry], dryRun: Bool) throws -> ReplayReport {
        let workbench = dryRun ? CallLedger(reader: reader, numbering: ledger.numbering) : ledger
        var batch = DerivedBatch()
        var report = ReplayReport(records: 0)
        var touched: [CallID] = []
        for entry in entries where entry.state != .received {
            guard let profile = decoder.profile(entry.raw.connection) else { continue }
            var reading = Reading(decoder.decode(entry.raw))
            do {
                reading.note(
                    try workbench.replay(reading.events, of: entry.raw, formerly: entry.calls, profile: profile, into: &batch))
            } catch let unreadable as UnreadableEvent {
                reading.note(unreadable, formerly: entry.calls)
                // A call may have come into memory without the event that was to be taken back.
                isSpoiled = isSpoiled || !dryRun
            }
            touched += entry.calls + reading.calls
            batch.decodings.append(reading.row(at: entry.raw.position))
            report.records += 1
            report.states[reading.state, default: 0] += 1
        }
        report.differences = try batch.changes.map { change in
            ReplayReport.Difference(
                call: change.call, before: try reader.call(change.call)?.body,
                after: change.type == .deleted ? nil : try PackedJSON.expand(change.body))
        }
        if !dryRun, !batch.isEmpty { submit(batch, touching: touched + batch.changes.map(\.call)) }
        return report
    }
}

extension ReplaySelection {
    fileprivate func includes(_ moment: Instant) -> Bool {
        (receivedFrom.map { moment >= $0 } ?? true) && (receivedTo.map { moment < $0 } ?? true)
    }
}
