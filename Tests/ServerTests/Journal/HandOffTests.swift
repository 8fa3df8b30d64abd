import Connector
import TestSupport
import Testing
import Threading

@testable import SQLiteJournal

@Suite struct HandOffTests {
    let fixture: JournalFixture

    init() throws { fixture = try JournalFixture() }

    @Test(arguments: [1, 2, 3, 17])
    func `the ledger gets every record once and in order, however small the hand-off`(bound: Int) throws {
        let journal = try fixture.open { configuration in
            configuration.handedOffRecords = bound
            configuration.handedOffBytes = 200
        }
        let total = 1500
        _ = try SystemThread(named: "producer") {
            var random = SeededRandom(seed: UInt64(bound))
            var next = 1
            while next <= total {
                let count = min(Int.random(in: 1...40, using: &random), total - next + 1)
                _ = journal.appendAndWait((next..<next + count).map { .make($0) })
                next += count
            }
        }
        var random = SeededRandom(seed: 99)
        var positions: [Int64] = []
        while positions.count < total {
            let records = try journal.committedRecords(
                after: positions.last ?? 0, limit: Int.random(in: 1...50, using: &random), timeout: .seconds(60))
            #expect(records.map(\.id) == records.map { RawRecord.make(Int($0.position)).id })
            positions += records.map(\.position)
        }
        #expect(positions == (1...Int64(total)).map { $0 })
        #expect(journal.statistics.handOffOverflows > 0)
    }

    @Test func `a ledger that starts late reads the table first`() throws {
        let journal = try fixture.open()
        #expect(journal.appendAndWait((1...20).map { .make($0) }) == .committed)
        journal.close()
        let reopened = try SQLiteJournal(fixture.configuration())
        #expect(reopened.appendAndWait([.make(21)]) == .committed)
        #expect(try reopened.drain(upTo: 21, limit: 4).map(\.position) == (1...21).map { $0 })
    }
}
