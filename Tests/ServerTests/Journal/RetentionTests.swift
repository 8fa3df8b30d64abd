import Connector
import Testing

@testable import SQLiteJournal

@Suite struct RetentionTests {
    let fixture: JournalFixture
    let journal: SQLiteJournal

    init() throws {
        fixture = try JournalFixture()
        journal = try fixture.open()
    }

    private func collapse() -> Int? {
        let answer = Monitor<Result<Int, JournalError>?>(nil)
        let isTaken = journal.collapseChanges(olderThan: fixture.clock.now()) { result in
            answer.withLock { $0 = result }
            answer.wake()
        }
        guard isTaken, case .success(let count) = answer.wait({ $0 }) else { return nil }
        return count
    }

    @Test func `old revisions go, each call's latest stays, and the horizon moves`() throws {
        // 3 revisions each of 400 calls: more than one slice.
        for revision in 1...3 {
            var batch = DerivedBatch()
            for number in 1...400 {
                batch.calls.append(.make(number, revision: revision))
                batch.changes.append(.make(number, revision: revision))
            }
            try journal.submitAndWait(batch)
        }
        fixture.clock.advance(.seconds(60))
        var young = DerivedBatch()
        young.calls = [.make(1, revision: 4), .make(1, revision: 5)]
        young.changes = [.make(1, revision: 4), .make(1, revision: 5)]
        try journal.submitAndWait(young)
        let reader = try journal.makeReader()
        #expect(try reader.changeHorizon(tenant: .standard) == 0)

        // Of the old revisions the latest of calls 2 to 400 stay; call 1 lives on among the young ones.
        #expect(collapse() == 1200 - 399)
        let left = try reader.changes(tenant: .standard, after: 0, limit: 2000)
        #expect(left.map(\.position) == (802...1202).map { $0 })
        #expect(try reader.changeHorizon(tenant: .standard) == 1200)
        #expect(try reader.call(.make(2))?.revision == 3)
        #expect(collapse() == 0)
    }

    @Test func `a latest revision in the collapsed part goes when the call changes again`() throws {
        try journal.submitAndWait(.make(positions: [1, 2]))
        fixture.clock.advance(.seconds(60))
        #expect(collapse() == 0)
        let reader = try journal.makeReader()
        #expect(try reader.changeHorizon(tenant: .standard) == 2)

        var late = DerivedBatch()
        late.calls = [.make(1, revision: 9)]
        late.changes = [.make(1, revision: 9)]
        try journal.submitAndWait(late)
        #expect(try reader.changes(tenant: .standard, after: 0, limit: 10).map(\.position) == [2, 3])
        journal.close()
        let reopened = try SQLiteJournal(fixture.configuration())
        var later = DerivedBatch()
        later.changes = [.make(2, revision: 9)]
        try reopened.submitAndWait(later)
        #expect(try reopened.makeReader().changes(tenant: .standard, after: 0, limit: 10).map(\.position) == [3, 4])
    }

    // MARK: Raw records

    private func remove(before moment: Instant) -> Int? {
        let answer = Monitor<Result<Int, JournalError>?>(nil)
        let isTaken = journal.removeRawRecords(olderThan: moment) { result in
            answer.withLock { $0 = result }
            answer.wake()
        }
        guard isTaken, case .success(let count) = answer.wait({ $0 }) else { return nil }
        return count
    }

    private func received(_ number: Int) -> Instant { RawRecord.make(number).receivedAt }

    @Test func `old raw records of calls that are over go, and what was derived from them stays`() throws {
        // More than two slices; every tenth record tells of call 1, which is open.
        let count = 600
        #expect(journal.appendAndWait((1...count).map { .make($0) }) == .committed)
        var batch = DerivedBatch.make(positions: (1...Int64(count)).map { $0 }) { $0.isMultiple(of: 10) ? 1 : Int($0) + 1 }
        for index in batch.calls.indices where batch.calls[index].id != .make(1) { batch.calls[index].state = .ended }
        batch.decodings[4] = DecodingRow(position: 5, state: .undecoded, reason: "odd")
        batch.decodings[5] = DecodingRow(position: 6, state: .decoded, calls: [.make(7), .make(1)])
        try journal.submitAndWait(batch)
        let reader = try journal.makeReader()

        #expect(remove(before: received(551)) == 550 - 55 - 1)
        let left = try reader.rawRecords(after: 0, limit: 1000).map(\.position)
        #expect(left == [6] + (1...55).map { $0 * 10 } + (551...600).map { $0 })
        #expect(try reader.rawRecord(RawRecord.make(5).id) == nil)
        #expect(try !reader.keeps(RawRecord.make(5).id))
        #expect(try reader.keeps(RawRecord.make(6).id))
        #expect(try reader.inbox(state: .undecoded, connections: [ConnectionID("sales")], before: nil, limit: 9).isEmpty)
        #expect(try reader.call(.make(3))?.revision == 2)
        #expect(try reader.events(of: .make(3)).count == 1)
        #expect(try reader.lastChangePosition() == 600)

        var end = DerivedBatch()
        end.calls = [.make(1, revision: 900, state: .ended)]
        try journal.submitAndWait(end)
        #expect(remove(before: received(551)) == 56)
        #expect(remove(before: received(551)) == 0)
        #expect(try journal.reader().database.number("SELECT count(*) FROM decoding") == 50)
    }

    @Test func `a merged call is as open as the one it became`() throws {
        #expect(journal.appendAndWait([.make(1)]) == .committed)
        var batch = DerivedBatch.make(positions: [1])
        batch.calls = [.make(1) { $0.mergedInto = .make(2) }, .make(2)]
        try journal.submitAndWait(batch)
        #expect(remove(before: received(9)) == 0)
        var end = DerivedBatch()
        end.calls = [.make(2, revision: 2, state: .ended)]
        try journal.submitAndWait(end)
        #expect(remove(before: received(9)) == 1)
    }

    @Test func `what the ledger has not read stays, and positions go on after everything else has gone`() throws {
        #expect(journal.appendAndWait((1...4).map { .make($0) }) == .committed)
        var batch = DerivedBatch(through: 3)
        batch.decodings = (1...3).map { DecodingRow(position: $0, state: .ignored) }
        try journal.submitAndWait(batch)
        #expect(remove(before: .latest) == 3)
        #expect(try journal.makeReader().rawRecords(after: 0, limit: 9).map(\.position) == [4])
        try journal.submitAndWait(DerivedBatch(through: 4))
        #expect(remove(before: .latest) == 1)
        journal.close()
        let reopened = try SQLiteJournal(fixture.configuration())
        #expect(reopened.appendAndWait([.make(5)]) == .committed)
        #expect(try reopened.drain(after: 4, upTo: 5).map(\.position) == [5])
    }

    @Test func `changes and raw records are looked after side by side, each once at a time`() throws {
        #expect(journal.appendAndWait((1...600).map { .make($0) }) == .committed)
        var batch = DerivedBatch(through: 600)
        batch.decodings = (1...600).map { DecodingRow(position: $0, state: .ignored) }
        for revision in 1...600 { batch.changes.append(.make(1, revision: revision)) }
        batch.calls = [.make(1, revision: 600)]
        try journal.submitAndWait(batch)
        fixture.clock.advance(.seconds(60))
        let gate = Gate(journal)
        let done = Monitor<[String: Int]>([:])
        @Sendable func note(_ name: String, _ result: Result<Int, JournalError>) {
            if case .success(let count) = result { done.withLock { $0[name] = count } }
            done.wake()
        }
        #expect(journal.collapseChanges(olderThan: fixture.clock.now()) { note("changes", $0) })
        #expect(!journal.collapseChanges(olderThan: fixture.clock.now()) { note("again", $0) })
        #expect(journal.removeRawRecords(olderThan: .latest) { note("raw", $0) })
        #expect(!journal.removeRawRecords(olderThan: .latest) { note("again", $0) })
        gate.open()
        #expect(done.wait { $0.count == 2 ? $0 : nil } == ["changes": 599, "raw": 600])
        #expect(journal.removeRawRecords(olderThan: .latest) { note("later", $0) })
        done.wait { $0["later"] == 0 ? () : nil }
    }
}
