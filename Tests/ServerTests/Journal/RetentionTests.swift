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
}
