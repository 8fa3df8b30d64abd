import Connector
import Synchronization
import TestSupport
import Testing

@testable import SQLiteJournal

@Suite struct PullStateTests {
    private static let sales = ConnectionID("sales")

    private func save(_ state: PullState, in journal: SQLiteJournal) async -> AppendOutcome? {
        await withCheckedContinuation { continuation in
            if !journal.save(state, completion: { continuation.resume(returning: $0) }) { continuation.resume(returning: nil) }
        }
    }

    @Test func `how far a connection's history was pulled outlives the process`() async throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        #expect(try journal.makeReader().pullState(of: Self.sales) == nil)
        var state = PullState(
            connection: Self.sales, since: .base, through: .base.advanced(by: .seconds(60)), reach: .latest, wideAt: .earliest,
            succeededAt: .base, failure: .init(at: .base, reason: "no (401)", count: 2), rowCount: 7)
        #expect(await save(PullState(connection: Self.sales), in: journal) == .committed)
        #expect(await save(state, in: journal) == .committed)
        #expect(await save(PullState(connection: ConnectionID("other"), rowCount: 1), in: journal) == .committed)
        #expect(try journal.makeReader().pullState(of: Self.sales) == state)
        journal.close()
        #expect(await save(state, in: journal) == nil)
        let next = try fixture.open()
        #expect(try next.makeReader().pullState(of: Self.sales) == state)
        state.failure = nil
        #expect(await save(state, in: next) == .committed)
        #expect(try next.makeReader().pullState(of: Self.sales) == state)
        next.close()
    }

    @Test func `a journal of the version before is brought on, and its calls count as seen by webhook`() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        var batch = DerivedBatch()
        batch.calls = [.make(1)]
        batch.changes = [ChangeRow(tenant: .standard, call: .make(1), type: .created, revision: 1, body: [])]
        journal.submit(batch)
        journal.close()
        let database = try Database(path: fixture.directory + "/journal.sqlite")
        try database.execute("ALTER TABLE call DROP COLUMN seen; DROP TABLE pull_state; PRAGMA user_version = 2")
        try #require(try database.number("PRAGMA user_version") == 2)
        let next = try fixture.open()
        let seen = try next.makeReader().seenCalls(
            SeenQuery(tenant: .standard, connection: Self.sales, from: .earliest, to: .latest, unit: .day))
        #expect(seen.map(\.seenByWebhook) == [1] && seen[0].seenByHistory == 0)
        next.close()
    }

    /// The journal in memory counts alike: tests elsewhere rely on it.
    @Test func `calls are counted by the way they were seen, by day and by hour`() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let memory = MemoryJournal()
        var batch = DerivedBatch()
        var chance = SeededRandom(seed: 4)
        let ways: [[CallSource]] = [[.webhook], [.history], [.history, .webhook], [.ami], [.system], [.history, .system]]
        for number in 0..<200 {
            var row = CallRow.make(number, state: chance.oneIn(3) ? .ringing : .ended) { row in
                row.startedAt = Instant.base.advanced(by: .seconds(Int64.random(in: -200_000...200_000, using: &chance)))
                row.sources = ways.randomElement(using: &chance) ?? []
                row.isDeleted = chance.oneIn(9)
            }
            if chance.oneIn(9) { row.mergedInto = .make(0) }
            batch.calls.append(row)
            batch.changes.append(ChangeRow(tenant: .standard, call: row.id, type: .created, revision: 1, body: []))
        }
        journal.submit(batch)
        memory.submit(batch)
        journal.close()
        let reader = try SQLiteJournal.reader(directory: fixture.directory)
        for unit in [SeenQuery.Unit.hour, .day] {
            let query = SeenQuery(
                tenant: .standard, connection: Self.sales, from: .base.advanced(by: .seconds(-100_000)), to: .latest, unit: unit,
                known: Instant.base..<Instant.base.advanced(by: .seconds(50_000)))
            let counted = try reader.seenCalls(query)
            #expect(try counted == memory.makeReader().seenCalls(query))
            #expect(counted.contains { $0.missingInHistory > 0 } && counted.contains { $0.recovered > 0 })
        }
        var foreign = SeenQuery(tenant: TenantID("x"), connection: Self.sales, from: .earliest, to: .latest, unit: .day)
        #expect(try reader.seenCalls(foreign).isEmpty)
        foreign.tenant = .standard
        foreign.connection = ConnectionID("x")
        #expect(try reader.seenCalls(foreign).isEmpty)
    }

    @Test func `the newest webhook is found behind what else came, and rows that cannot be read are counted`() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        var records = (1...4).map { RawRecord.make($0) }
        for place in 2..<4 { records[place].source = .history }
        let done = Mutex(false)
        #expect(journal.append(records) { _ in done.withLock { $0 = true } })
        var batch = DerivedBatch()
        batch.decodings = [
            DecodingRow(position: 1, state: .undecoded, reason: "x"), DecodingRow(position: 3, state: .undecoded, reason: "x"),
            DecodingRow(position: 4, state: .decoded),
        ]
        journal.submit(batch)
        journal.close()
        #expect(done.withLock { $0 })
        let reader = try SQLiteJournal.reader(directory: fixture.directory)
        #expect(try reader.lastWebhook(of: Self.sales) == records[1].receivedAt)
        #expect(try reader.lastWebhook(of: ConnectionID("x")) == nil)
        let unread = try reader.unreadRows(of: Self.sales, from: .earliest, to: .latest)
        #expect(Array(unread.values) == [1] && unread.keys.first.map { $0.milliseconds % 86_400_000 } == 0)
        #expect(try reader.unreadRows(of: Self.sales, from: .base, to: .latest).isEmpty)
    }
}
