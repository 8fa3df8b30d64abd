import Connector
import TestSupport
import Testing

@testable import SQLiteJournal

@Suite struct CallSearchTests {
    let fixture: JournalFixture
    let journal: SQLiteJournal
    /// The rows as they were written last, with their employees.
    let rows: [CallRow]
    let employees: [CallID: Set<String>]

    init() throws {
        fixture = try JournalFixture()
        journal = try fixture.open()
        var random = SeededRandom(seed: 3)
        var rows: [CallRow] = []
        var employees: [CallID: Set<String>] = [:]
        for revision in 1...2 {
            var batch = DerivedBatch()
            rows = []
            for number in 0..<300 {
                let row = Self.randomRow(number, revision: revision, using: &random)
                rows.append(row)
                batch.calls.append(row)
                batch.changes.append(.make(number, revision: revision, tenant: row.tenant))
                let user = "user-\(Int.random(in: 0..<4, using: &random))"
                employees[row.id, default: []].insert(user)
                batch.participants.append(ParticipantRow(tenant: row.tenant, userID: user, call: row.id))
            }
            try journal.submitAndWait(batch)
        }
        self.rows = rows
        self.employees = employees
    }

    private static func randomRow(_ number: Int, revision: Int, using random: inout SeededRandom) -> CallRow {
        let tenant = TenantID(number % 5 == 0 ? "other" : "default")
        return .make(number, revision: revision, tenant: tenant) { row in
            row.startedAt = Instant(milliseconds: Int64.random(in: 0..<60, using: &random))
            row.updatedAt = Instant(milliseconds: Int64.random(in: 0..<60, using: &random))
            row.direction = [.inbound, .outbound, nil].randomElement(using: &random) ?? nil
            row.disposition = [.answered, .missed, nil].randomElement(using: &random) ?? nil
            row.state = [.ringing, .ended].randomElement(using: &random) ?? .ended
            row.connection = ConnectionID("line-\(Int.random(in: 0..<3, using: &random))")
            row.line = ["+74950000001", nil].randomElement(using: &random) ?? nil
            row.number = ["+74950000002", "+74950000003", nil].randomElement(using: &random) ?? nil
            row.mergedInto = Int.random(in: 0..<20, using: &random) == 0 ? .make(0) : nil
            row.isDeleted = Int.random(in: 0..<20, using: &random) == 0
        }
    }

    private static func randomQuery(using random: inout SeededRandom) -> CallQuery {
        var query = CallQuery(tenant: TenantID(["default", "other", "nobody"].randomElement(using: &random) ?? ""), limit: 7)
        func sometimes<Value>(_ value: Value) -> Value? { Int.random(in: 0..<4, using: &random) == 0 ? value : nil }
        query.startedFrom = sometimes(Instant(milliseconds: 10))
        query.startedTo = sometimes(Instant(milliseconds: 50))
        query.updatedSince = sometimes(Instant(milliseconds: 20))
        query.direction = sometimes(.inbound)
        query.disposition = sometimes(.answered)
        query.state = sometimes(.ended)
        query.connection = sometimes(ConnectionID("line-1"))
        query.line = sometimes("+74950000001")
        query.employee = sometimes("user-2")
        query.number = sometimes("+74950000003")
        return query
    }

    private func matches(_ row: CallRow, _ query: CallQuery) -> Bool {
        row.tenant == query.tenant && row.mergedInto == nil && !row.isDeleted
            && row.startedAt >= query.startedFrom ?? .earliest && row.startedAt < query.startedTo ?? .latest
            && row.updatedAt >= query.updatedSince ?? .earliest
            && (query.direction == nil || row.direction == query.direction)
            && (query.disposition == nil || row.disposition == query.disposition)
            && (query.state == nil || row.state == query.state)
            && (query.connection == nil || row.connection == query.connection)
            && (query.line == nil || row.line == query.line) && (query.number == nil || row.number == query.number)
            && (query.employee.map { employees[row.id]?.contains($0) == true } ?? true)
    }

    @Test func `every mixture of conditions gives the matching calls, newest first, page by page`() throws {
        let reader = try journal.makeReader()
        var random = SeededRandom(seed: 11)
        for _ in 0..<200 {
            var query = Self.randomQuery(using: &random)
            let expected = rows.filter { matches($0, query) }
                .sorted { ($0.startedAt, $0.id) > ($1.startedAt, $1.id) }.map(\.id)
            var found: [CallID] = []
            while true {
                let page = try reader.calls(query)
                found += page.map(\.id)
                guard page.count == 7, let last = page.last else { break }
                query.after = (last.startedAt, last.id)
            }
            #expect(found == expected)
        }
    }

    @Test func `a page never sorts or scans all calls of a tenant`() throws {
        let reader = try journal.reader()
        var queries = [CallQuery(tenant: .standard), CallQuery(tenant: .standard)]
        queries[0].state = .ended
        queries[0].after = (Instant(milliseconds: 5), .make(5))
        queries[1].number = "+74950000003"
        queries[1].employee = "user-1"
        for query in queries {
            var search = CallSearch()
            #expect(try search.add(query, in: reader.database, names: &reader.names))
            let plan = try Statement("EXPLAIN QUERY PLAN " + SQLiteReader.sql(of: search), in: reader.database).rows {
                $0.text(3)
            }
            #expect(!plan.contains { $0.contains("TEMP B-TREE") || $0.contains("SCAN") }, "\(plan)")
        }
    }

    @Test func `open calls are those that have not ended`() throws {
        let open = rows.filter { $0.state != .ended }.map(\.id)
        #expect(try journal.makeReader().openCalls() == open.sorted())
    }

    @Test func `a call is its latest revision`() throws {
        let reader = try journal.makeReader()
        let call = try #require(try reader.call(.make(7)))
        #expect(call.revision == 2)
        #expect(call.connection == rows[7].connection)
        #expect(String(decoding: call.body, as: UTF8.self) == #"{"call":7,"revision":2}"#)
        #expect(try reader.call(.make(5))?.tenant == TenantID("other"))
        #expect(try reader.call(.make(9999)) == nil)
    }
}

func > (left: (Instant, CallID), right: (Instant, CallID)) -> Bool {
    left.0 == right.0 ? left.1 > right.1 : left.0 > right.0
}
