import TestSupport
import Testing

@testable import Connector

/// A ledger over a journal in memory, fed by hand.
private final class LedgerWorkbench {
    let journal = MemoryJournal()
    let ledger: CallLedger
    private(set) var changes: [ChangeRow] = []
    /// Names that the last batch gave to calls.
    private(set) var names: [KeyRow] = []

    init() throws { ledger = CallLedger(reader: try journal.makeReader(), numbering: PlainNumbering()) }

    static func raw(_ events: [CallEvent]) -> RawRecord {
        RawRecord(
            id: events[0].rawID, position: 1, connection: ConnectionProfile.test.id, receivedAt: events[0].receivedAt, body: [])
    }

    /// Applies events as those of one raw record and commits what follows.
    @discardableResult
    func apply(_ events: CallEvent...) throws -> CallLedger.Application {
        var batch = DerivedBatch()
        let applied = try ledger.apply(events, of: Self.raw(events), profile: .test, into: &batch)
        commit(batch)
        return applied
    }

    func replay(_ events: [CallEvent], of former: CallEvent, formerly calls: [CallID]) throws {
        var batch = DerivedBatch()
        _ = try ledger.replay(events, of: Self.raw([former]), formerly: calls, profile: .test, into: &batch)
        commit(batch)
    }

    /// Ended calls leave memory.
    func evict(at moment: Instant = .latest, under profile: ConnectionProfile = .test) {
        ledger.evict(at: moment, committedTicket: .max, profiles: { _ in profile })
    }

    /// Spoils an event of the journal, as a fault of the disk would.
    func spoil(_ event: CallEvent, of call: CallID) {
        var batch = DerivedBatch()
        batch.events = [EventRow(id: event.id, call: call, rawPosition: 1, body: Array("{}".utf8))]
        journal.submit(batch)
    }

    private func commit(_ batch: DerivedBatch) {
        changes += batch.changes
        names = batch.keys
        journal.submit(batch)
    }

    var types: [EventType] { changes.map(\.type) }
}

@Suite struct CallLedgerTests {
    private static let other = [ExternalKey(.recording, "r1")]

    private func ringing(at second: Int64 = 0, keys: [ExternalKey] = [ExternalKey(.session, "s1")]) -> CallEvent {
        let leg = LegReport(
            key: "l1", phase: .ringing, sequence: 1, from: .external(number: "79000001234"),
            to: .user(extension: "101", endpoint: nil))
        return .make("ring", type: .ringing, at: second, keys: keys, leg: leg)
    }

    private func end(at second: Int64 = 30, keys: [ExternalKey] = [ExternalKey(.session, "s1")]) -> CallEvent {
        .make("end", type: .ended, at: second, keys: keys, ending: EndReport(reason: .noAnswer))
    }

    @Test func `each visible change is one revision, and a repeat is none`() throws {
        let bench = try LedgerWorkbench()
        try bench.apply(ringing())
        try bench.apply(ringing())
        try bench.apply(end())
        try bench.apply(end(at: 30))
        #expect(bench.types == [.created, .ended])
        #expect(bench.changes.map(\.revision) == [1, 2])
    }

    @Test func `late news finds a call that has left memory`() throws {
        let bench = try LedgerWorkbench()
        let id = try bench.apply(ringing()).calls[0]
        try bench.apply(end())
        bench.evict()
        #expect(bench.ledger.liveCount == 0)
        let late = try bench.apply(.make("late", at: 40, custom: [CustomField("task_id", "5")]))
        #expect(late.calls == [id])
        #expect(bench.changes.map(\.revision) == [1, 2, 3])
        #expect(bench.types.last == .updated)
    }

    @Test func `a connection that becomes less patient is obeyed within a minute`() throws {
        let bench = try LedgerWorkbench()
        try bench.apply(ringing())
        try bench.apply(end())
        var profile = ConnectionProfile.test
        profile.settleAfter = .seconds(3600)
        bench.evict(at: .base.advanced(by: .seconds(60)), under: profile)
        #expect(bench.ledger.liveCount == 1)
        profile.settleAfter = .seconds(1)
        bench.evict(at: .base.advanced(by: .seconds(120)), under: profile)
        #expect(bench.ledger.liveCount == 0)
    }

    @Test func `news of a call that was not due makes it due by what is known now`() throws {
        let bench = try LedgerWorkbench()
        try bench.apply(ringing())
        // Open, and so nothing is due for hours; then it ends, and settles soon.
        #expect(bench.ledger.staleCalls(at: .base.advanced(by: .seconds(1)), profiles: { _ in .test }).isEmpty)
        try bench.apply(end(at: 2))
        var profile = ConnectionProfile.test
        profile.settleAfter = .seconds(5)
        bench.evict(at: .base.advanced(by: .seconds(20)), under: profile)
        #expect(bench.ledger.liveCount == 0)
    }

    @Test func `a call that is not over stays in memory`() throws {
        let bench = try LedgerWorkbench()
        try bench.apply(ringing())
        bench.evict()
        #expect(bench.ledger.liveCount == 1)
    }

    @Test func `an event with the names of two calls makes them one`() throws {
        let bench = try LedgerWorkbench()
        let first = try bench.apply(ringing()).calls[0]
        let second = try bench.apply(.make("transcript", at: 50, keys: Self.other)).calls[0]
        #expect(first != second)
        let both = try bench.apply(.make("both", at: 60, keys: [ExternalKey(.session, "s1")] + Self.other))
        #expect(both.calls == [first])
        #expect(bench.types == [.created, .created, .merged, .updated])
        let loser = try JSONValue(parsing: PackedJSON.expand(bench.changes[2].body))
        #expect(loser["merged_into"]?.string == first.description)
        #expect(try bench.apply(.make("more", at: 70, keys: Self.other, custom: [CustomField("x", "1")])).calls == [first])
        let reader = try bench.journal.makeReader()
        #expect(try reader.events(of: second).isEmpty)
        #expect(try reader.call(of: Self.other[0], in: ConnectionProfile.test.id) == first)
    }

    @Test func `names that others choose never join two calls`() throws {
        let bench = try LedgerWorkbench()
        let command = ExternalKey(.crmCommand, "constant")
        let first = try bench.apply(ringing(keys: [ExternalKey(.session, "s1"), command])).calls
        let second = try bench.apply(ringing(at: 5, keys: [ExternalKey(.session, "s2"), command])).calls
        #expect(first != second)
    }

    @Test func `a replay takes back what was read before`() throws {
        let bench = try LedgerWorkbench()
        let former = ringing()
        let id = try bench.apply(former).calls[0]
        var better = ringing()
        better.facts.line = "74950000001"
        try bench.replay([better], of: former, formerly: [id])
        #expect(bench.types == [.created, .ringing])
        #expect(try JSONValue(parsing: PackedJSON.expand(bench.changes[1].body))["line"]?["id"]?.string == "+74950000001")
    }

    @Test func `a call whose last event is taken back is deleted`() throws {
        let bench = try LedgerWorkbench()
        let former = ringing()
        let id = try bench.apply(former).calls[0]
        try bench.replay([], of: former, formerly: [id])
        #expect(bench.types == [.created, .deleted])
        #expect(try bench.journal.makeReader().events(of: id).isEmpty)
        bench.evict()
        let again = try bench.apply(ringing(at: 9))
        #expect(again.refused == 0)
        #expect(again.calls.count == 1)
    }

    @Test func `an event with the names of three calls makes them one`() throws {
        let bench = try LedgerWorkbench()
        let keys = (1...3).map { ExternalKey(.session, "s\($0)") }
        let last = try bench.apply(ringing(at: 20, keys: [keys[0]])).calls[0]
        let middle = try bench.apply(.make("b", at: 10, keys: [keys[1]])).calls[0]
        let first = try bench.apply(.make("c", at: 0, keys: [keys[2]])).calls[0]
        #expect(try bench.apply(.make("all", at: 30, keys: keys)).calls == [first])
        let reader = try bench.journal.makeReader()
        for key in keys { #expect(try reader.call(of: key, in: ConnectionProfile.test.id) == first) }
        for loser in [last, middle] { #expect(try reader.events(of: loser).isEmpty) }
    }

    @Test func `a call without news is named once as stale, and closed by its record`() throws {
        let bench = try LedgerWorkbench()
        try bench.apply(ringing())
        let tooEarly = Instant.base.advanced(by: .seconds(4 * 3600 - 1))
        #expect(bench.ledger.staleCalls(at: tooEarly, profiles: { _ in .test }).isEmpty)
        let due = Instant.base.advanced(by: .seconds(4 * 3600))
        let stale = bench.ledger.staleCalls(at: due, profiles: { _ in .test })
        #expect(stale.count == 1)
        #expect(bench.ledger.staleCalls(at: due, profiles: { _ in .test }).isEmpty)
        let closing = SystemRecord.closing(stale[0], id: RawID(time: due, rest: 9), at: due)
        guard case .call(let event) = SystemRecord.decode(closing).first else {
            Issue.record("the closing record is not read")
            return
        }
        try bench.apply(event)
        let call = try JSONValue(parsing: PackedJSON.expand(#require(bench.changes.last).body))
        #expect(call["state"]?.string == "ended")
        #expect(call["disposition"]?.string == "unknown")
        #expect(call["completeness"]?["missing"]?.elements == ["hangup"])
        #expect(call["sources"]?.elements == ["system", "webhook"])
    }

    @Test func `a call whose every leg has ended is closed when it has settled`() throws {
        let bench = try LedgerWorkbench()
        try bench.apply(ringing())
        let leg = LegReport(key: "l1", phase: .ended, sequence: 2, reason: .callerHungUp)
        try bench.apply(.make("gone", at: 20, leg: leg))
        let tooEarly = Instant.base.advanced(by: .milliseconds(49_999))
        #expect(bench.ledger.staleCalls(at: tooEarly, profiles: { _ in .test }).isEmpty)
        let due = Instant.base.advanced(by: .seconds(50))
        let stale = try #require(bench.ledger.staleCalls(at: due, profiles: { _ in .test }).first)
        guard
            case .call(let event) = SystemRecord.decode(SystemRecord.closing(stale, id: RawID(time: due, rest: 9), at: due)).first
        else {
            Issue.record("the closing record is not read")
            return
        }
        try bench.apply(event)
        let call = try JSONValue(parsing: PackedJSON.expand(#require(bench.changes.last).body))
        #expect(call["disposition"]?.string == "missed")
        #expect(call["missed_reason"]?.string == "abandoned_ringing")
        #expect(call["ended_at"]?.string == Instant.base.advanced(by: .seconds(20)).description)
        #expect(call["completeness"]?["missing"]?.elements == [])
    }

    @Test func `a phone that rings again holds a call open`() throws {
        let bench = try LedgerWorkbench()
        try bench.apply(.make("gone", at: 0, leg: LegReport(key: "l0", phase: .ended, reason: .noAnswer)))
        try bench.apply(ringing(at: 1))
        let later = Instant.base.advanced(by: .seconds(3600))
        #expect(bench.ledger.staleCalls(at: later, profiles: { _ in .test }).isEmpty)
    }

    @Test func `a call takes a bounded number of events`() throws {
        let bench = try LedgerWorkbench()
        for number in 0..<CallLedger.eventLimit { try bench.apply(.make("e\(number)", at: Int64(number))) }
        let more = try bench.apply(.make("one more", at: 5))
        #expect(more.refused == 1)
        #expect(try bench.apply(.make("e5", at: 5)).refused == 0, "a repeat is no further event")
        #expect(bench.changes.count < 5)
    }

    @Test func `an explanation names the event that gave a field its value`() throws {
        let bench = try LedgerWorkbench()
        let id = try bench.apply(ringing()).calls[0]
        let ending = end()
        try bench.apply(ending)
        let explanation = CallExplanation(
            journal: bench.journal, roster: TestRoster(), numbering: PlainNumbering())
        let json = try JSONValue(parsing: try #require(try explanation.explain(id)))
        let field = json["fields"]?.elements.first { $0["field"]?.string == "disposition" }
        #expect(field?["event_id"]?.string == ending.id.description)
        #expect(field?["inbound_id"]?.string == ending.rawID.description)
        #expect(json["inputs"]?.elements.count == 2)
        #expect(try explanation.explain(CallID(time: .base, rest: 77)) == nil)
    }

    @Test func `an explanation says which raw requests are gone`() throws {
        let bench = try LedgerWorkbench()
        let ringing = ringing()
        let id = try bench.apply(ringing).calls[0]
        try bench.apply(end())
        #expect(bench.journal.append([LedgerWorkbench.raw([ringing])]) { _ in })
        let explanation = CallExplanation(journal: bench.journal, roster: TestRoster(), numbering: PlainNumbering())
        let json = try JSONValue(parsing: try #require(try explanation.explain(id)))
        #expect(json["inputs"]?.elements.count == 2)
        #expect(json["removed_inputs"]?.elements.map(\.string) == [end().rawID.description])
    }

    // MARK: Names

    @Test func `a merge hands over the loser's names in the order in which they were told`() throws {
        let bench = try LedgerWorkbench()
        let first = try bench.apply(ringing()).calls[0]
        let names = (1...12).map { ExternalKey(.recording, "r\($0)") }
        for (number, name) in names.enumerated() {
            try bench.apply(.make("e\(number)", at: Int64(40 + number), keys: [names[0], name]))
        }
        try bench.apply(.make("both", at: 60, keys: [ExternalKey(.session, "s1"), names[0]]))
        #expect(bench.names.map(\.key) == names)
        #expect(bench.names.allSatisfy { $0.call == first })
    }

    @Test func `a name that no event has any more leads to the call that survived`() throws {
        let bench = try LedgerWorkbench()
        let first = try bench.apply(ringing()).calls[0]
        let former = CallEvent.make("former", at: 40, keys: [ExternalKey(.recording, "gone"), ExternalKey(.recording, "r1")])
        let second = try bench.apply(former).calls
        try bench.replay([.make("better", at: 40, keys: Self.other)], of: former, formerly: second)
        try bench.apply(.make("both", at: 60, keys: [ExternalKey(.session, "s1")] + Self.other))
        let late = CallEvent.make("late", at: 70, keys: [ExternalKey(.recording, "gone")])
        #expect(try bench.apply(late).calls == [first])
        try bench.apply(end())
        bench.evict()
        let later = CallEvent.make("later", at: 80, keys: [ExternalKey(.recording, "gone")])
        #expect(try bench.apply(later).calls == [first])
    }

    // MARK: Events that cannot be read

    /// A call that has left memory, and whose first event is spoilt.
    private func spoiltCall(_ bench: LedgerWorkbench) throws -> (call: CallID, event: CallEvent) {
        let event = ringing()
        let call = try bench.apply(event).calls[0]
        try bench.apply(end())
        bench.evict()
        bench.spoil(event, of: call)
        return (call, event)
    }

    @Test func `a call with an event that cannot be read is left alone, and others go on`() throws {
        let bench = try LedgerWorkbench()
        let (call, event) = try spoiltCall(bench)
        let changesBefore = bench.changes.count
        let applied = try bench.apply(.make("late", at: 40), .make("another", at: 41, keys: Self.other))
        #expect(applied.unreadable == UnreadableEvent(event: event.id, call: call))
        #expect(applied.calls.count == 1)
        #expect(!applied.calls.contains(call))
        #expect(bench.changes.dropFirst(changesBefore).map(\.call) == applied.calls)
        #expect(try bench.journal.makeReader().call(call)?.revision == 2)
    }

    @Test func `reading its raw record again mends an event that cannot be read`() throws {
        let bench = try LedgerWorkbench()
        let (call, event) = try spoiltCall(bench)
        var better = event
        better.facts.line = "74950000001"
        try bench.replay([better], of: event, formerly: [call])
        #expect(bench.changes.last?.call == call)
        #expect(bench.changes.last?.revision == 3)
        let record = try JSONValue(parsing: PackedJSON.expand(#require(bench.changes.last).body))
        #expect(record["line"]?["id"]?.string == "+74950000001")
        #expect(record["disposition"]?.string == "missed")
        #expect(try bench.apply(.make("late", at: 40)).calls == [call])
    }

    @Test func `a replay of another raw record says which event cannot be read, and does nothing`() throws {
        let bench = try LedgerWorkbench()
        let (call, event) = try spoiltCall(bench)
        let ending = end()
        var batch = DerivedBatch()
        var raw = LedgerWorkbench.raw([ending])
        raw.position = 2
        #expect(throws: UnreadableEvent(event: event.id, call: call)) {
            try bench.ledger.replay([ending], of: raw, formerly: [call], profile: .test, into: &batch)
        }
        #expect(batch.isEmpty)
        #expect(bench.ledger.liveCount == 0)
    }

    @Test func `a call with an event that cannot be read is not explained`() throws {
        let bench = try LedgerWorkbench()
        let (call, event) = try spoiltCall(bench)
        let explanation = CallExplanation(journal: bench.journal, roster: TestRoster(), numbering: PlainNumbering())
        #expect(throws: UnreadableEvent(event: event.id, call: call)) { try explanation.explain(call) }
    }

    // MARK: Age

    @Test func `a closing that came to nothing is asked for again after as long a time, by the next ledger too`() throws {
        let bench = try LedgerWorkbench()
        try bench.apply(ringing())
        let due = Instant.base.advanced(by: .seconds(4 * 3600))
        #expect(bench.ledger.staleCalls(at: due, profiles: { _ in .test }).count == 1)
        let next = CallLedger(
            reader: try bench.journal.makeReader(), numbering: PlainNumbering(), closings: bench.ledger.closings)
        for call in try bench.journal.makeReader().openCalls() { #expect(try next.load(call, profile: .test)) }
        #expect(next.staleCalls(at: due.advanced(by: .seconds(4 * 3600 - 1)), profiles: { _ in .test }).isEmpty)
        #expect(next.staleCalls(at: due.advanced(by: .seconds(4 * 3600)), profiles: { _ in .test }).count == 1)
    }
}
