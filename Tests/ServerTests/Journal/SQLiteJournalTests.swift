import Connector
import Foundation
import Synchronization
import Testing

@testable import SQLiteJournal

@Suite struct SQLiteJournalTests {
    let fixture: JournalFixture

    init() throws { fixture = try JournalFixture() }

    @Test func `a record is committed, handed to the ledger, and its changes can be read`() throws {
        let newest = Mutex<Int64>(0)
        let journal = try fixture.open(onChanges: { position in newest.withLock { $0 = position } })
        #expect(journal.appendAndWait([.make(1), .make(2)]) == .committed)

        let records = try journal.drain(upTo: 2)
        #expect(records.map(\.position) == [1, 2])
        var expected = RawRecord.make(1)
        expected.position = 1
        #expect(records.first == expected)

        try journal.submitAndWait(.make(positions: [1, 2]))
        let reader = try journal.makeReader()
        let changes = try reader.changes(tenant: .standard, after: 0, limit: 10)
        #expect(changes.map(\.position) == [1, 2])
        #expect(changes.map { String(decoding: $0.body, as: UTF8.self) }.first == #"{"call":1,"revision":1}"#)
        #expect(try reader.derivedPosition() == 2)
        #expect(try reader.lastChangePosition() == 2)
        #expect(newest.withLock { $0 } == 2)
        #expect(try reader.rawRecord(expected.id)?.raw == expected)
        #expect(try reader.rawRecord(expected.id)?.calls == [.make(1)])
        #expect(journal.close())
    }

    @Test func `closing commits and completes what is queued, and opening finds it`() throws {
        let outcomes = Mutex<[AppendOutcome]>([])
        let journal = try fixture.open()
        for number in 1...200 {
            #expect(journal.append([.make(number)]) { outcome in outcomes.withLock { $0.append(outcome) } })
        }
        #expect(journal.close())
        #expect(journal.close())
        #expect(outcomes.withLock { $0 } == Array(repeating: .committed, count: 200))
        #expect(!journal.append([.make(201)]) { _ in })
        #expect(!journal.hasRoom)

        #expect(!FileManager.default.fileExists(atPath: fixture.directory + "/journal.sqlite-wal"))
        let reader = try SQLiteReader(directory: fixture.directory)
        #expect(try reader.lastRawPosition() == 200)
    }

    @Test func `a full queue refuses at once and has room again after the commit`() throws {
        let journal = try fixture.open { $0.queuedRecords = 4 }
        let gate = Gate(journal)
        let done = Monitor(0)
        for number in 1...4 {
            #expect(
                journal.append([.make(number)]) { _ in
                    done.withLock { $0 += 1 }
                    done.wake()
                })
        }
        #expect(!journal.hasRoom)
        #expect(!journal.append([.make(5)]) { _ in Issue.record("a refused append was completed") })
        #expect(journal.statistics.refusedAppends == 1)
        gate.open()
        done.wait { $0 == 4 ? () : nil }
        try journal.perform { _ in }
        #expect(journal.hasRoom)
        #expect(journal.appendAndWait([.make(5)]) == .committed)
    }

    @Test func `a record whose identifier is there already does not fail its neighbours`() throws {
        let journal = try fixture.open()
        #expect(journal.appendAndWait([.make(1)]) == .committed)
        let gate = Gate(journal)
        let outcomes = Monitor<[Int: AppendOutcome]>([:])
        for (index, numbers) in [[2], [3, 1, 4], [5]].enumerated() {
            #expect(
                journal.append(numbers.map { .make($0) }) { outcome in
                    outcomes.withLock { $0[index] = outcome }
                    outcomes.wake()
                })
        }
        gate.open()
        let all = outcomes.wait { $0.count == 3 ? $0 : nil }
        #expect(all?[0] == .committed)
        #expect(all?[1] != .committed)
        #expect(all?[2] == .committed)
        let bodies = try journal.makeReader().rawRecords(after: 0, limit: 10).map { String(decoding: $0.body, as: UTF8.self) }
        #expect(bodies == ["body 1", "body 2", "body 5"])
        #expect(journal.statistics.poisonedAppends == 1)
        #expect(try journal.drain(upTo: 3).map(\.position) == [1, 2, 3])
    }

    @Test func `derived rows wait for room in the queue and keep their order`() throws {
        let journal = try fixture.open { configuration in
            configuration.queuedDerivedSets = 2
            configuration.derivedSetsPerIdleCommit = 3
        }
        for position in 1...50 { _ = journal.submit(.make(positions: [Int64(position)], call: { _ in 1 })) }
        try journal.perform { _ in }
        while journal.statistics.derivedSets < 50 { try journal.perform { _ in } }
        let reader = try journal.makeReader()
        #expect(try reader.changes(tenant: .standard, after: 0, limit: 100).count == 50)
        #expect(try reader.call(.make(1))?.revision == 50)
        #expect(try reader.derivedPosition() == 50)
    }

    @Test func `waking the ledger ends its wait`() throws {
        let journal = try fixture.open()
        journal.wakeLedger()
        #expect(try journal.committedRecords(after: 0, limit: 1, timeout: .seconds(600)).isEmpty)
        #expect(try journal.committedRecords(after: 0, limit: 1, timeout: .zero).isEmpty)
    }
}

/// Holds the writer in a task, so that what is queued meanwhile becomes one group.
final class Gate: Sendable {
    private let state = Monitor((isEntered: false, isOpen: false))

    init(_ journal: SQLiteJournal) {
        let state = state
        let task = WriterTask(
            run: { _ in
                state.withLock { $0.isEntered = true }
                state.wake()
                _ = state.wait { $0.isOpen ? () : nil }
            }, completion: { _ in })
        precondition(journal.add(task))
        _ = state.wait { $0.isEntered ? () : nil }
    }

    func open() {
        state.withLock { $0.isOpen = true }
        state.wake()
    }
}
