import Connector
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SQLiteJournal

@Suite struct JournalReliabilityTests {
    let fixture: JournalFixture

    init() throws { fixture = try JournalFixture() }

    @Test func `a full disk fails the append, keeps what was derived, and recovers by itself`() throws {
        let newest = Monitor<Int64>(0)
        let news = Mutex<[JournalNews]>([])
        let configuration = fixture.configuration {
            $0.pageLimit = 64
            // The derived rows meet the full disk beside the raw record, not alone.
            $0.derivedPatience = .zero
        }
        let journal = try SQLiteJournal(configuration) { one in
            news.withLock { $0.append(one) }
        } onChanges: { position in
            newest.withLock { $0 = position }
            newest.wake()
        }
        let body = String(repeating: "x", count: 20_000)
        var accepted: [Int] = []
        var number = 0
        while number < 200 {
            number += 1
            guard journal.appendAndWait([.make(number, body: body)]) == .committed else { break }
            accepted.append(number)
        }
        #expect(!accepted.isEmpty && accepted.count < 100)

        var batch = DerivedBatch.make(positions: Array(1...Int64(accepted.count)))
        for index in batch.events.indices { batch.events[index].body = Array(body.utf8) }
        journal.submit(batch)
        #expect(journal.appendAndWait([.make(1000, body: body)]) != .committed)
        #expect(journal.statistics.failedCommits > 0)
        #expect(journal.statistics.failure?.contains("full") == true)

        try journal.perform { database throws(JournalError) in try database.execute("PRAGMA max_page_count = 100000") }
        #expect(journal.appendAndWait([.make(1001, body: body)]) == .committed)
        newest.wait { $0 >= Int64(accepted.count) ? () : nil }
        let reader = try journal.makeReader()
        #expect(try reader.derivedPosition() == Int64(accepted.count))
        #expect(try reader.rawRecords(after: 0, limit: 1000).map(\.id) == (accepted + [1001]).map { RawRecord.make($0).id })
        #expect(try journal.drain(upTo: Int64(accepted.count + 1)).map(\.position) == Array(1...Int64(accepted.count + 1)))
        #expect(journal.statistics.failure == nil)
        let told = news.withLock { $0 }
        guard case .derivedFailing(let reason, failures: 1) = told.first else {
            Issue.record("\(told)")
            return
        }
        #expect(reason.contains("full"))
        #expect(told.dropFirst() == [.derivedRecovered], "what goes on is not told each time")
    }

    @Test func `after an error of input or output the file is opened anew`() throws {
        let journal = try fixture.open()
        #expect(journal.appendAndWait([.make(1)]) == .committed)
        #expect(throws: JournalError.self) {
            try journal.perform { database throws(JournalError) in
                try database.execute("INSERT INTO meta(name, value) VALUES ('half', 1)")
                throw JournalError(.inputOutput, "injected")
            }
        }
        #expect(journal.appendAndWait([.make(2)]) == .committed)
        let reader = try journal.reader()
        #expect(try reader.database.number("SELECT count(*) FROM meta WHERE name = 'half'") == 0)
        #expect(try reader.lastRawPosition() == 2)
    }

    @Test func `whatever was acknowledged is there after a crash, and the ledger's cursor fits its rows`() throws {
        let journal = try fixture.open { configuration in
            configuration.checkpointInterval = .milliseconds(1)
            configuration.logByteCount = 200_000
        }
        var random = SeededRandom(seed: 7)
        let acknowledged = Monitor(0)
        var sent = 0
        var derived: Int64 = 0
        var copies: [(path: String, acknowledged: Int)] = []
        for round in 0..<8 {
            for _ in 0..<Int.random(in: 20...120, using: &random) {
                sent += 1
                #expect(
                    journal.append([.make(sent, body: String(repeating: "y", count: 1500))]) { _ in
                        acknowledged.withLock { $0 += 1 }
                        acknowledged.wake()
                    })
            }
            for record in try journal.committedRecords(after: derived, limit: 50, timeout: .seconds(60)) {
                journal.submit(.make(positions: [record.position]))
                derived = record.position
            }
            let share = sent - Int.random(in: 0...20, using: &random)
            acknowledged.wait { $0 >= share ? () : nil }
            let gate = Gate(journal)
            let count = acknowledged.withLock { $0 }
            copies.append((try fixture.crashCopy(named: "crash-\(round)"), count))
            gate.open()
        }
        for copy in copies { try checkCopy(copy.path, acknowledged: copy.acknowledged) }
    }

    private func checkCopy(_ path: String, acknowledged: Int) throws {
        let journal = try SQLiteJournal(JournalConfiguration(directory: path, clock: fixture.clock))
        let reader = try journal.makeReader()
        let records = try reader.rawRecords(after: 0, limit: 10_000)
        #expect(records.count >= acknowledged)
        #expect(records.map(\.position) == records.indices.map { Int64($0 + 1) })
        let derived = try reader.derivedPosition()
        #expect(derived <= Int64(records.count))
        #expect(
            try reader.changes(tenant: .standard, after: 0, limit: 10_000).map(\.position) == Array(0..<derived).map { $0 + 1 })
        #expect(
            try journal.committedRecords(after: derived, limit: 1, timeout: .zero).first?.position ?? derived + 1 == derived + 1)
        #expect(journal.appendAndWait([.make(100_000)]) == .committed)
        #expect(try reader.lastRawPosition() == Int64(records.count + 1))
    }

    @Test func `a connection that does not sync its commits is refused`() throws {
        let journal = try fixture.open()
        journal.close()
        let database = try Database(path: fixture.directory + "/journal.sqlite")
        try database.execute("PRAGMA synchronous = FULL")
        try WriterConnection.requireDurability(database)
        try database.execute("PRAGMA synchronous = NORMAL")
        let error = #expect(throws: JournalError.self) { try WriterConnection.requireDurability(database) }
        #expect(error?.code == .notDurable)
        let memory = try Database(path: ":memory:")
        #expect(throws: JournalError.self) { try WriterConnection.requireDurability(memory) }
    }

    @Test func `a file of a newer version is refused and left as it is`() throws {
        try fixture.open().close()
        let database = try Database(path: fixture.directory + "/journal.sqlite")
        try database.execute("PRAGMA user_version = 1000")
        let error = #expect(throws: JournalError.self) { try fixture.open() }
        #expect(error?.code == .newerSchema)
        #expect(try database.number("PRAGMA user_version") == 1000)
    }

    @Test func `a directory is held by one journal, and the other is told by whom`() throws {
        let journal = try fixture.open()
        let error = #expect(throws: JournalError.self) { try fixture.open() }
        #expect(error?.code == .locked)
        #expect(error?.message.contains("process \(getpid())") == true)
        #expect(error?.hint?.contains("--data") == true)
        withExtendedLifetime(journal) {}
    }

    @Test func `directory and files are readable by their owner alone`() throws {
        let journal = try fixture.open()
        #expect(journal.appendAndWait([.make(1)]) == .committed)
        let rights = try ["", "/lock", "/journal.sqlite", "/journal.sqlite-wal"].map { file in
            try FileManager.default.attributesOfItem(atPath: fixture.directory + file)[.posixPermissions] as? Int
        }
        #expect(rights == [0o700, 0o600, 0o600, 0o600])
    }

    @Test func `the log is started anew once it is larger than its bound`() throws {
        let journal = try fixture.open { configuration in
            configuration.logByteCount = 300_000
            configuration.checkpointInterval = .seconds(3600)
        }
        for number in 1...300 { #expect(journal.appendAndWait([.make(number)]) == .committed) }
        #expect(journal.statistics.logByteCount < 600_000)
        let attributes = try FileManager.default.attributesOfItem(atPath: fixture.directory + "/journal.sqlite-wal")
        #expect((attributes[.size] as? Int ?? .max) < 600_000)
    }
}
