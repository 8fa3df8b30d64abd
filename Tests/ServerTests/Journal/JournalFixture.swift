import Connector
import Foundation
import Synchronization

@testable import SQLiteJournal

/// A journal in a directory of its own, which goes with the fixture.
final class JournalFixture: Sendable {
    let directory: String
    let clock = SteppedClock()

    init() throws {
        let base = NSTemporaryDirectory() + "journal-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        directory = base + "/data"
    }

    deinit { try? FileManager.default.removeItem(atPath: (directory as NSString).deletingLastPathComponent) }

    func configuration(_ change: (inout JournalConfiguration) -> Void = { _ in }) -> JournalConfiguration {
        var configuration = JournalConfiguration(directory: directory, clock: clock)
        change(&configuration)
        return configuration
    }

    func open(
        _ change: (inout JournalConfiguration) -> Void = { _ in }, onChanges: @escaping @Sendable (Int64) -> Void = { _ in }
    ) throws -> SQLiteJournal {
        try SQLiteJournal(configuration(change), onChanges: onChanges)
    }

    /// Copies the files as a crash would leave them, into a directory beside; the locks stay behind.
    func crashCopy(named name: String) throws -> String {
        let copy = (directory as NSString).deletingLastPathComponent + "/" + name
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for file in ["journal.sqlite", "journal.sqlite-wal"] {
            try FileManager.default.copyItem(atPath: directory + "/" + file, toPath: copy + "/" + file)
        }
        return copy
    }
}

/// A clock that stands until it is moved.
final class SteppedClock: Timekeeper {
    private let moment = Mutex(Instant(milliseconds: 1_700_000_000_000))

    func now() -> Instant { moment.withLock { $0 } }
    func advance(_ duration: Duration) { moment.withLock { $0 = $0.advanced(by: duration) } }
}

extension RawRecord {
    /// The record number `number` of a connection, with an identifier of its own.
    static func make(_ number: Int, connection: String = "sales", body: String? = nil) -> RawRecord {
        let time = Instant(milliseconds: 1_700_000_000_000 + Int64(number))
        return RawRecord(
            id: RawID(time: time, rest: UInt128(number)), connection: ConnectionID(connection), receivedAt: time,
            peer: "192.0.2.1", path: "/events/call", query: "a=1", headers: [HeaderField(name: "sign", value: "x\(number)")],
            body: Array((body ?? "body \(number)").utf8))
    }
}

extension CallID {
    static func make(_ number: Int) -> CallID {
        CallID(time: Instant(milliseconds: 1_700_000_000_000 + Int64(number)), rest: UInt128(number))
    }
}

extension EventID {
    static func make(_ number: Int) -> EventID { EventID(bits: UInt128(number) &* 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) }
}

extension CallRow {
    static func make(
        _ number: Int, revision: Int = 1, tenant: TenantID = .standard, state: Call.State = .ringing,
        _ change: (inout CallRow) -> Void = { _ in }
    ) -> CallRow {
        let start = Instant(milliseconds: 1_700_000_000_000 + Int64(number))
        var row = CallRow(
            id: .make(number), tenant: tenant, connection: ConnectionID("sales"), revision: revision, startedAt: start,
            updatedAt: start, direction: .inbound, disposition: nil, state: state, line: "+74950000001",
            number: "+74950000002", mergedInto: nil, isDeleted: false)
        change(&row)
        return row
    }
}

extension ChangeRow {
    static func make(_ number: Int, revision: Int = 1, tenant: TenantID = .standard, type: EventType = .updated) -> ChangeRow {
        ChangeRow(
            tenant: tenant, call: .make(number), type: type, revision: revision,
            body: Array(#"{"call":\#(number),"revision":\#(revision)}"#.utf8))
    }
}

extension DerivedBatch {
    /// What a ledger might derive from the records at `positions`: an event and a revision each, of the call `call`.
    static func make(positions: [Int64], call: (Int64) -> Int = { Int($0) }) -> DerivedBatch {
        var batch = DerivedBatch(through: positions.last)
        for position in positions {
            let number = call(position)
            batch.decodings.append(DecodingRow(position: position, state: .decoded, calls: [.make(number)]))
            batch.events.append(
                EventRow(id: .make(Int(position)), call: .make(number), rawPosition: position, body: Array("event".utf8)))
            batch.calls.append(.make(number, revision: Int(position)))
            batch.changes.append(.make(number, revision: Int(position)))
        }
        return batch
    }
}

extension SQLiteJournal {
    /// Appends and waits for the outcome; `nil` where the queue was full.
    func appendAndWait(_ records: [RawRecord]) -> AppendOutcome? {
        let answer = Monitor<AppendOutcome?>(nil)
        let isTaken = append(records) { outcome in
            answer.withLock { $0 = outcome }
            answer.wake()
        }
        return isTaken ? answer.wait { $0 } : nil
    }

    /// Submits and waits until the writer has committed it or failed: tasks come after the derived rows of their turn.
    func submitAndWait(_ batch: DerivedBatch) throws {
        _ = submit(batch)
        try perform { _ in }
    }

    /// What the ledger's thread would get until it has the record at `position`.
    func drain(after start: Int64 = 0, upTo position: Int64, limit: Int = 10) throws -> [RawRecord] {
        var records: [RawRecord] = []
        while (records.last?.position ?? start) < position {
            records += try committedRecords(after: records.last?.position ?? start, limit: limit, timeout: .seconds(60))
        }
        return records
    }
}
