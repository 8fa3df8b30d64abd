import Connector
import Testing
import TestSupport

@testable import SQLiteJournal

/// What the writer is given: raw records at once, derived rows when they are worth it.
@Suite struct WriteQueueTests {
    private func queue(_ change: (inout JournalConfiguration) -> Void = { _ in }) -> WriteQueue {
        var bounds = JournalConfiguration(directory: "", clock: ManualClock())
        bounds.derivedSetsPerBusyCommit = 10
        bounds.derivedPatience = .seconds(600)
        bounds.laggingRecords = 100
        bounds.pressingRecords = 4
        bounds.recordsPerDerivedSet = 2
        bounds.pause = .zero
        change(&bounds)
        return WriteQueue(bounds: bounds)
    }

    private func append(_ count: Int, to queue: WriteQueue) {
        let record = RawRecord(id: RawID(bits: 1), connection: ConnectionID("bell"), receivedAt: .base, body: [])
        #expect(queue.append(QueuedAppend(records: Array(repeating: record, count: count), byteCount: 0) { _ in }))
    }

    private func submit(_ sets: Int, to queue: WriteQueue) {
        var batch = DerivedBatch(through: 1)
        batch.decodings = (0..<sets).map { DecodingRow(position: Int64($0), state: .decoded, calls: [], reason: nil) }
        _ = queue.submit(batch)
    }

    @Test func `nobody waits for an acknowledgement, so derived rows go at once`() throws {
        let queue = queue()
        submit(1, to: queue)
        #expect(try #require(queue.next(retry: nil)).derived.count == 1)
    }

    @Test func `beside raw records a few derived rows wait for more`() throws {
        let queue = queue()
        submit(9, to: queue)
        append(1, to: queue)
        #expect(try #require(queue.next(retry: nil)).derived.isEmpty)
        submit(1, to: queue)
        append(1, to: queue)
        #expect(try #require(queue.next(retry: nil)).derived.map(\.setCount) == [9, 1])
    }

    @Test func `they do not wait longer than their patience`() throws {
        let queue = queue { $0.derivedPatience = .zero }
        submit(1, to: queue)
        append(1, to: queue)
        #expect(try #require(queue.next(retry: nil)).derived.count == 1)
    }

    @Test func `between raw records that come in a row derived rows wait for more, too`() throws {
        let queue = queue()
        for _ in 0..<2 {
            append(1, to: queue)
            #expect(try #require(queue.next(retry: nil)).appends.count == 1)
        }
        submit(9, to: queue)
        #expect(queue.derivedDue != nil)
        submit(1, to: queue)
        #expect(queue.derivedDue == nil)
        #expect(try #require(queue.next(retry: nil)).derived.map(\.setCount) == [9, 1])
    }

    @Test func `derived rows that wait are given out at the end`() throws {
        let queue = queue()
        for _ in 0..<2 {
            append(1, to: queue)
            #expect(try #require(queue.next(retry: nil)).appends.count == 1)
        }
        submit(1, to: queue)
        queue.close()
        #expect(try #require(queue.next(retry: nil)).derived.count == 1)
        #expect(queue.next(retry: nil) == nil)
    }

    @Test func `while the ledger lags under pressure, raw records earn derived rows their place`() throws {
        let queue = queue { $0.derivedPatience = .zero }
        queue.noteCommitted(batches: 0, behind: 100)
        for _ in 0..<4 { submit(5, to: queue) }
        var taken = 0
        // Large commits, from the first on: 20 records earn 10 sets.
        for _ in 0..<8 {
            append(80, to: queue)
            let group = try #require(queue.next(retry: nil))
            taken += group.derived.count
            queue.release(group.appends)
        }
        #expect(taken == 4)
        // By now ten sets are saved up, the most there may be; then it takes 20 records to earn ten more.
        for (records, expected) in [(10, 1), (10, 0), (10, 1)] {
            submit(10, to: queue)
            append(records, to: queue)
            #expect(try #require(queue.next(retry: nil)).derived.count == expected)
        }
    }

    @Test func `a lagging ledger has its way while commits are small`() throws {
        let queue = queue()
        queue.noteCommitted(batches: 0, behind: 100)
        submit(1, to: queue)
        append(1, to: queue)
        #expect(try #require(queue.next(retry: nil)).derived.count == 1)
    }

    @Test func `it has caught up at a quarter of the lag`() throws {
        let queue = queue()
        queue.noteCommitted(batches: 0, behind: 100)
        queue.noteCommitted(batches: 0, behind: 26)
        submit(1, to: queue)
        append(1, to: queue)
        #expect(try #require(queue.next(retry: nil)).derived.count == 1)
        queue.noteCommitted(batches: 0, behind: 24)
        submit(1, to: queue)
        append(1, to: queue)
        #expect(try #require(queue.next(retry: nil)).derived.isEmpty)
    }
}
