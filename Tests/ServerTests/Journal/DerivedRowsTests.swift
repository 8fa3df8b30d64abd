import Connector
import Testing

@testable import SQLiteJournal

@Suite struct DerivedRowsTests {
    let fixture: JournalFixture
    let journal: SQLiteJournal

    init() throws {
        fixture = try JournalFixture()
        journal = try fixture.open()
    }

    @Test func `a merge moves events and names to the survivor`() throws {
        let sales = ConnectionID("sales")
        let key = ExternalKey(.call, "abc")
        var first = DerivedBatch.make(positions: [1, 2])
        first.keys = [KeyRow(connection: sales, key: key, call: .make(2))]
        try journal.submitAndWait(first)

        var merge = DerivedBatch()
        merge.removedEvents = [RemovedEvent(id: .make(2), call: .make(2))]
        merge.events = [EventRow(id: .make(2), call: .make(1), rawPosition: 2, body: Array("moved".utf8))]
        merge.keys = [KeyRow(connection: sales, key: key, call: .make(1))]
        merge.calls = [.make(2, revision: 3) { $0.mergedInto = .make(1) }, .make(1, revision: 2)]
        merge.changes = [.make(2, revision: 3, type: .merged), .make(1, revision: 2)]
        try journal.submitAndWait(merge)

        let reader = try journal.makeReader()
        #expect(try reader.events(of: .make(2)).isEmpty)
        #expect(try reader.events(of: .make(1)).map { String(decoding: $0.body, as: UTF8.self) } == ["event", "moved"])
        #expect(try reader.call(of: key, in: sales) == .make(1))
        #expect(try reader.call(of: key, in: ConnectionID("other")) == nil)
        #expect(try reader.call(.make(2))?.mergedInto == .make(1))
        #expect(try reader.changes(tenant: .standard, after: 2, limit: 10).map(\.type) == ["call.merged", "call.updated"])
    }

    @Test func `a repeat that came earlier replaces the event's row`() throws {
        try journal.submitAndWait(.make(positions: [5], call: { _ in 1 }))
        var again = DerivedBatch()
        again.events = [EventRow(id: .make(5), call: .make(1), rawPosition: 3, body: [])]
        try journal.submitAndWait(again)
        let events = try journal.makeReader().events(of: .make(1))
        #expect(events.map(\.rawPosition) == [3])
        #expect(events.map(\.body) == [[]])
    }

    @Test func `a change without a call row moves the call on, a call row without a change leaves its record`() throws {
        try journal.submitAndWait(.make(positions: [1]))
        var change = DerivedBatch()
        change.changes = [.make(1, revision: 2)]
        try journal.submitAndWait(change)
        var row = DerivedBatch()
        row.calls = [.make(1, revision: 3, state: .ended)]
        try journal.submitAndWait(row)
        let call = try #require(try journal.makeReader().call(.make(1)))
        #expect(call.revision == 3)
        #expect(String(decoding: call.body, as: UTF8.self) == #"{"call":1,"revision":2}"#)
    }

    @Test func `each tenant sees its own changes, at positions that all share`() throws {
        var batch = DerivedBatch()
        for number in 1...4 {
            let tenant = TenantID(number % 2 == 0 ? "even" : "odd")
            batch.calls.append(.make(number, tenant: tenant))
            batch.changes.append(.make(number, tenant: tenant))
        }
        try journal.submitAndWait(batch)
        let reader = try journal.makeReader()
        #expect(try reader.changes(tenant: TenantID("even"), after: 0, limit: 10).map(\.position) == [2, 4])
        #expect(try reader.changes(tenant: TenantID("odd"), after: 1, limit: 10).map(\.position) == [3])
        #expect(try reader.changes(tenant: TenantID("none"), after: 0, limit: 10).isEmpty)
        #expect(try reader.lastChangePosition() == 4)
    }

    @Test func `the inbox shows what became of each record`() throws {
        #expect(journal.appendAndWait((1...6).map { .make($0, connection: $0 == 6 ? "other" : "sales") }) == .committed)
        var batch = DerivedBatch(through: 4)
        batch.decodings = [
            DecodingRow(position: 1, state: .decoded, calls: [.make(1), .make(2), .make(3)]),
            DecodingRow(position: 2, state: .undecoded, reason: "odd"), DecodingRow(position: 3, state: .ignored),
            DecodingRow(position: 4, state: .undecoded),
        ]
        try journal.submitAndWait(batch)
        let reader = try journal.makeReader()
        let sales = [ConnectionID("sales")]
        func positions(_ state: DecodingState?, _ connections: [ConnectionID], before: Int64? = nil, limit: Int = 9) throws
            -> [Int64]
        {
            try reader.inbox(state: state, connections: connections, before: before, limit: limit).map(\.raw.position)
        }
        #expect(try positions(nil, sales) == [5, 4, 3, 2, 1])
        #expect(try positions(nil, sales + [ConnectionID("other"), ConnectionID("unseen")]) == [6, 5, 4, 3, 2, 1])
        #expect(try positions(nil, sales + [ConnectionID("other")], before: 6, limit: 2) == [5, 4])
        #expect(try positions(.undecoded, sales) == [4, 2])
        #expect(try positions(.undecoded, sales, before: 4) == [2])
        #expect(try positions(.ignored, sales) == [3])
        #expect(try positions(.decoded, sales) == [1])
        #expect(try positions(.received, sales) == [5])
        #expect(try positions(nil, []) == [])

        let entry = try #require(try reader.rawRecord(RawRecord.make(1).id))
        #expect(entry.calls == [.make(1), .make(2), .make(3)])
        #expect(try reader.rawRecord(RawRecord.make(2).id)?.reason == "odd")
        #expect(try reader.rawRecords(at: [5, 99, 2]).map(\.position) == [5, 2])

        var replay = DerivedBatch()
        replay.decodings = [DecodingRow(position: 2, state: .decoded, calls: [.make(1)])]
        try journal.submitAndWait(replay)
        #expect(try positions(.undecoded, sales) == [4])
        #expect(try reader.derivedPosition() == 4)
    }

    @Test func `text of any sort comes back as it was`() throws {
        var record = RawRecord.make(1, connection: "Ж\u{0}x")
        record.query = "a\u{0}b=я"
        record.body = Array(0...255)
        record.headers = [HeaderField(name: "", value: ""), HeaderField(name: "long", value: String(repeating: "é", count: 300))]
        record.source = .system
        #expect(journal.appendAndWait([record]) == .committed)
        record.position = 1
        #expect(try journal.makeReader().rawRecords(after: 0, limit: 1) == [record])
    }

    @Test(arguments: [[0x80], [5, 0x41], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80], [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [1, 0x41]])
    func `headers that are cut off are an error`(bytes: [UInt8]) {
        #expect(throws: JournalError.self) { try HeaderCoding.decode(bytes) }
    }

    @Test func `keys are kept, revoked once, and never twice the same`() throws {
        let key = APIKey(
            id: "k1", name: "CRM", tenant: .standard, scopes: [.read, .command], secretHash: [1, 2, 3],
            createdAt: Instant(milliseconds: 5))
        try journal.insert(key)
        #expect(try journal.keys() == [key])
        #expect(throws: JournalError.self) { try journal.insert(key) }
        #expect(try !journal.revoke(id: "k2", at: Instant(milliseconds: 6)))
        #expect(try journal.revoke(id: "k1", at: Instant(milliseconds: 6)))
        #expect(try !journal.revoke(id: "k1", at: Instant(milliseconds: 7)))
        #expect(try journal.keys().first?.revokedAt == Instant(milliseconds: 6))
        journal.close()
        #expect(throws: JournalError.self) { try journal.insert(key) }
    }
}
