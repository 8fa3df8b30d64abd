import Connector
import Synchronization
import TestSupport
import Testing

@testable import SQLiteJournal

/// Derived rows that break a rule of the schema for good. The rule is made for the test: no event may hold the word `poison`.
@Suite(.onItsOwnThread) struct SettingAsideTests {
    let fixture: JournalFixture
    let journal: SQLiteJournal
    let news = Monitor<[JournalNews]>([])

    init() throws {
        fixture = try JournalFixture()
        let news = news
        journal = try SQLiteJournal(fixture.configuration()) { one in
            news.withLock { $0.append(one) }
            news.wake()
        }
        try journal.perform { database throws(JournalError) in
            try database.execute(
                """
                CREATE TRIGGER no_poison BEFORE INSERT ON event WHEN instr(NEW.body, 'poison') > 0
                BEGIN SELECT raise(ABORT, 'no poison'); END
                """)
        }
    }

    /// One record's rows; the one at `poisoned` breaks the rule.
    private func batch(_ positions: ClosedRange<Int64>, poisoned: Int64 = 0, setbacks: Int = 0) -> DerivedBatch {
        var batch = DerivedBatch.make(positions: Array(positions))
        for index in batch.events.indices where batch.events[index].rawPosition == poisoned {
            batch.events[index].body = Array("poison".utf8)
        }
        batch.setbacks = setbacks
        return batch
    }

    /// Waits as the ledger does: a setback ends its wait for records.
    private func waitForSetbacks(_ count: Int) throws {
        for _ in 0..<100 where journal.setback.count < count {
            _ = try journal.committedRecords(after: .max - 1, limit: 1, timeout: .seconds(1))
        }
        try #require(journal.setback.count == count)
    }

    private func state(of position: Int64) throws -> InboxEntry? {
        try journal.makeReader().rawRecord(RawRecord.make(Int(position)).id)
    }

    @Test func `a batch of many that breaks a rule is asked for again one by one, and what came after it is dropped`() throws {
        #expect(journal.appendAndWait((1...6).map { .make($0) }) == .committed)
        journal.submit(batch(1...3, poisoned: 2))
        let last = journal.submit(batch(4...6))
        try waitForSetbacks(1)
        #expect(journal.setback == Setback(count: 1, carefulThrough: 3))
        #expect(journal.committedTicket == last, "nobody waits for what was dropped")
        let reader = try journal.makeReader()
        #expect(try reader.derivedPosition() == 0)
        #expect(try reader.lastChangePosition() == 0)
        #expect(try state(of: 2)?.state == .received)
        #expect(journal.statistics.setAsideRecords == 0)
    }

    @Test func `the record that breaks a rule alone is set aside with its reason, and the others get in`() throws {
        #expect(journal.appendAndWait((1...3).map { .make($0) }) == .committed)
        for position in 1...3 { journal.submit(batch(Int64(position)...Int64(position), poisoned: 2)) }
        try waitForSetbacks(1)
        let reader = try journal.makeReader()
        #expect(try reader.derivedPosition() == 2)
        #expect(try state(of: 1)?.state == .decoded)
        #expect(try state(of: 2)?.state == .undecoded)
        #expect(try state(of: 2)?.reason?.contains("no poison") == true)
        #expect(try state(of: 3)?.state == .received, "it was derived from what is not there")
        #expect(try reader.call(.make(2)) == nil)

        let stale = journal.submit(batch(3...3))
        #expect(journal.committedTicket == stale, "a batch that knows of no setback is dropped at once")
        #expect(try state(of: 3)?.state == .received)
        try journal.submitAndWait(batch(3...3, setbacks: 1))
        #expect(try reader.derivedPosition() == 3)
        #expect(try reader.changes(tenant: .standard, after: 0, limit: 9).map(\.position) == [1, 2])
        #expect(journal.statistics.setAsideRecords == 1)
        #expect(journal.statistics.failure == nil)
        let told = news.withLock { $0 }
        #expect(told.count == 3)
        guard case .derivedFailing(let reason, failures: 1) = told.first else {
            Issue.record("\(told)")
            return
        }
        #expect(reason.contains("no poison"))
        #expect(told.contains { if case .setAside(records: 1, position: 2, _) = $0 { true } else { false } })
        #expect(told.contains(.derivedRecovered))
    }

    @Test func `where not even the reason can be kept, the ledger goes on all the same`() throws {
        try journal.perform { database throws(JournalError) in
            try database.execute(
                """
                CREATE TRIGGER no_reason BEFORE INSERT ON decoding WHEN NEW.state = 'undecoded'
                BEGIN SELECT raise(ABORT, 'no reason'); END
                """)
        }
        #expect(journal.appendAndWait([.make(1)]) == .committed)
        journal.submit(batch(1...1, poisoned: 1))
        try waitForSetbacks(1)
        #expect(try journal.makeReader().derivedPosition() == 1)
        #expect(try state(of: 1)?.state == .received)
    }

    @Test func `acknowledgements go on while rows are set aside`() throws {
        #expect(journal.appendAndWait([.make(1)]) == .committed)
        let gate = Gate(journal)
        journal.submit(batch(1...1, poisoned: 1))
        let outcomes = Monitor(0)
        for number in 2...20 {
            #expect(
                journal.append([.make(number)]) { outcome in
                    outcomes.withLock { $0 += outcome == .committed ? 1 : 0 }
                    outcomes.wake()
                })
        }
        gate.open()
        outcomes.wait { $0 == 19 ? () : nil }
        try waitForSetbacks(1)
        #expect(try journal.makeReader().lastRawPosition() == 20)
    }

    // MARK: With the ledger

    /// The ledger over this journal, running as long as `body` lasts.
    private func withLedger(_ body: (LedgerService) async throws -> Void) async throws {
        let ledger = LedgerService(
            journal: journal, roster: TestRoster([.test]), numbering: PlainNumbering(), timekeeper: fixture.clock,
            makeRawID: { RawID(time: $0, rest: 1) }, report: { _ in })
        let thread = Threads.start { ledger.run() }
        defer {
            ledger.stop()
            thread.join()
        }
        try await body(ledger)
    }

    private func wait(forDerived position: Int64) throws {
        let reader = try journal.makeReader()
        // Each wait ends with the next commit at the latest: a task comes after the derived rows of its turn.
        for _ in 0..<100_000 where try reader.derivedPosition() < position { try journal.perform { _ in } }
        try #require(try reader.derivedPosition() == position)
    }

    private func event(_ name: String, call: Int, _ second: Int64, poisoned: Bool = false) -> CallEvent {
        .make(
            name, type: .ringing, at: second, keys: [ExternalKey(.session, "s\(call)")],
            custom: [CustomField("note", poisoned ? "poison" : name)])
    }

    @Test func `one poisoned record among many costs itself alone, and memory never runs ahead of the journal`() async throws {
        let records = (0..<100).map { number in
            RawRecord.telling(event("e\(number)", call: number % 7, Int64(number), poisoned: number == 41))
        }
        #expect(journal.appendAndWait(records) == .committed)
        try await withLedger { _ in
            try wait(forDerived: 100)
            #expect(journal.appendAndWait([.telling(event("after", call: 41 % 7, 200))]) == .committed)
            try wait(forDerived: 101)
        }
        let reader = try journal.makeReader()
        let undecoded = try reader.inbox(state: .undecoded, connections: [ConnectionProfile.test.id], before: nil, limit: 200)
        #expect(undecoded.map(\.raw.position) == [42])
        #expect(journal.statistics.setAsideRecords == 1)
        let changes = try reader.changes(tenant: .standard, after: 0, limit: 500)
        #expect(changes.count == 100, "a revision for each record but one")
        #expect(!changes.contains { String(decoding: $0.body, as: UTF8.self).contains("poison") })
        var revisions: [String: Int] = [:]
        for change in changes {
            let call = try JSONValue(parsing: change.body)
            let id = try #require(call["id"]?.string)
            #expect(call["revision"]?.int == revisions[id, default: 0] + 1)
            revisions[id] = call["revision"]?.int
        }
        #expect(revisions.count == 7)
    }

    @Test func `a replay whose rows break a rule is told so, and leaves everything as it was`() async throws {
        #expect(journal.appendAndWait([.telling(event("e", call: 1, 0))]) == .committed)
        try await withLedger { ledger in
            try wait(forDerived: 1)
            try journal.perform { database throws(JournalError) in
                try database.execute(
                    "CREATE TRIGGER no_decoding BEFORE INSERT ON decoding BEGIN SELECT raise(ABORT, 'no decoding'); END")
            }
            let selection = ReplaySelection(connections: [ConnectionProfile.test.id])
            let error = await #expect(throws: LedgerError.self) { try await ledger.replay(selection, dryRun: false) }
            #expect(error?.code == .begunAnew)
            try journal.perform { database throws(JournalError) in try database.execute("DROP TRIGGER no_decoding") }
            #expect(try await ledger.replay(selection, dryRun: false).states == [.decoded: 1])
        }
        #expect(try journal.makeReader().lastChangePosition() == 1)
    }
}
