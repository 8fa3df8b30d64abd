import TestSupport
import Testing

@testable import Connector

/// A ledger of a vendor whose history names no calls.
final class HistoryBench {
    let journal = MemoryJournal()
    let profile: ConnectionProfile
    private var ledger: CallLedger
    private var position: Int64 = 0
    private(set) var changes: [ChangeRow] = []

    init() throws {
        var profile = ConnectionProfile.test
        profile.historyIsGuessed = true
        self.profile = profile
        ledger = CallLedger(reader: try journal.makeReader(), numbering: PlainNumbering())
        _ = journal.save(PullState(connection: profile.id, reach: .latest)) { _ in }
    }

    /// Each event as a raw record of its own.
    func tell(_ events: [CallEvent]) throws {
        for event in events {
            position += 1
            let raw = RawRecord(
                id: event.rawID, position: position, connection: profile.id, receivedAt: event.receivedAt, source: event.source,
                body: [])
            var batch = DerivedBatch(through: position)
            let applied = try ledger.apply([event], of: raw, profile: profile, into: &batch)
            changes += batch.changes
            ledger.mark(applied.calls, ticket: journal.submit(batch))
        }
    }

    /// Nothing is heard for long: all calls leave memory, open ones with their events.
    func rest() { evict(at: .latest) }

    /// How many calls were looked at to find the neighbours of the call with that name, and how many those are.
    func neighbourhood(of name: ExternalKey) throws -> (neighbours: Int, looks: Int) {
        let id = try #require(ledger.names(of: profile.id)[name])
        let found = try ledger.neighbourhood(of: id, profile: profile)
        return (found.calls.count, found.looks)
    }

    /// Spoils an event of the journal, as a fault of the disk would.
    func spoil(_ event: CallEvent) throws {
        let id = try #require(try journal.makeReader().call(of: event.keys[0], in: profile.id))
        var batch = DerivedBatch()
        batch.events = [EventRow(id: event.id, call: id, rawPosition: 0, body: Array("{}".utf8))]
        journal.submit(batch)
    }

    /// What was read from an event's raw record is taken back; `events` take its place.
    func replay(_ events: [CallEvent], of event: CallEvent, formerly calls: [CallID]) throws {
        let raw = RawRecord(
            id: event.rawID, position: 1, connection: profile.id, receivedAt: event.receivedAt, source: event.source, body: [])
        var batch = DerivedBatch(through: position)
        _ = try ledger.replay(events, of: raw, formerly: calls, profile: profile, into: &batch)
        changes += batch.changes
        journal.submit(batch)
    }

    func staleCalls(at now: Instant) -> [StaleCall] { ledger.staleCalls(at: now) { [profile] _ in profile } }

    func evict(at now: Instant) {
        ledger.evict(at: now, committedTicket: journal.committedTicket) { [profile] _ in profile }
    }

    var liveCount: Int { ledger.liveCount }

    /// A new start: nothing is in memory.
    func restart() throws { ledger = CallLedger(reader: try journal.makeReader(), numbering: PlainNumbering()) }

    /// The calls there are, each as text without what the order of arrival may change; sorted.
    var log: [String] {
        get throws {
            var query = CallQuery(tenant: .standard, limit: 1000)
            query.connection = profile.id
            return try journal.makeReader().calls(query).map { stored in
                let call = try JSONValue(parsing: stored.body)
                let kept = call.members.filter { !["id", "revision", "created_at", "updated_at"].contains($0.name) }
                return Self.withoutIDs(String(decoding: JSONValue.object(kept).encoded, as: UTF8.self))
            }.sorted()
        }
    }

    private static func withoutIDs(_ text: String) -> String {
        text.replacing(#/(leg|par|rec|trf|call)_[0-9a-f-]{36}/#, with: "id")
    }

    var calls: [JSONValue] {
        get throws { try log.map { try JSONValue(parsing: Array($0.utf8)) } }
    }
}

/// What really happened, and what webhooks and history say of it.
private struct Conversation {
    let name: String
    let employee: String
    let number: String
    /// Milliseconds behind the base.
    let start: Int64
    let direction: Direction

    func webhooks() -> [CallEvent] {
        let (client, user) = (Party.external(number: number), Party.user(extension: employee, endpoint: nil))
        let course: [(String, LegReport.Phase, Int64)] = [
            ("ring", .ringing, 0), ("answer", .answered, 5000), ("end", .ended, 65_000),
        ]
        return course.map { word, phase, after in
            let leg = LegReport(
                key: name, phase: phase, from: direction == .inbound ? client : user,
                to: direction == .inbound ? user : client, reason: phase == .ended ? .normal : nil, ringingAt: moment(0),
                answeredAt: phase == .ringing ? nil : moment(5000))
            var event = event(word, at: after, keys: [ExternalKey(.session, name)])
            event.leg = leg
            event.facts.direction = direction
            if phase == .ended { event.ending = EndReport(scope: .lastLeg, reason: .normal, answered: true) }
            return event
        }
    }

    /// The employee's row, which may be as far from the webhooks as the tolerance lets it.
    func row(off: Int64 = 0) -> CallEvent {
        var event = event("row", at: 600_000, keys: [ExternalKey(.call, "history:\(name)")])
        event.source = .history
        event.type = .ended
        event.facts = CallFacts(direction: direction, startedAt: moment(off), externalNumber: number)
        event.ending = EndReport(reason: .normal, answered: true, user: .user(extension: employee, endpoint: nil))
        event.custom = [CustomField("row", name)]
        event.likeness = CallLikeness(part: employee, direction: direction, number: number, startedAt: moment(off))
        return event
    }

    private func event(_ word: String, at milliseconds: Int64, keys: [ExternalKey]) -> CallEvent {
        var event = CallEvent.make("\(name) \(word)", keys: keys)
        event.occurredAt = moment(milliseconds)
        event.receivedAt = moment(milliseconds)
        var hash = StableHash()
        hash.combine("\(name) \(word)")
        event.rawID = RawID(time: event.receivedAt, rest: hash.value)
        return event
    }

    private func moment(_ milliseconds: Int64) -> Instant { .base.advanced(by: .milliseconds(start + milliseconds)) }
}

@Suite struct CallLedgerLikenessTests {
    private let call = Conversation(
        name: "a", employee: "101", number: "79000001234", start: 0, direction: .inbound)

    private func conversation(_ name: String, start: Int64, employee: String = "101", number: String = "79000001234")
        -> Conversation
    {
        Conversation(name: name, employee: employee, number: number, start: start, direction: .inbound)
    }

    @Test func `a row goes to the call that it is like, and makes no other`() throws {
        let bench = try HistoryBench()
        try bench.tell(call.webhooks() + [call.row(off: 900)])
        let calls = try bench.calls
        #expect(calls.count == 1 && bench.changes.count == 4)
        #expect(calls[0]["sources"]?.elements.compactMap(\.string) == ["history", "webhook"])
        #expect(calls[0]["completeness"]?["level"]?.string == "reconciled")
    }

    @Test func `a row whose call nobody told of makes one, and webhooks that come late join it`() throws {
        let bench = try HistoryBench()
        try bench.tell([call.row()])
        #expect(try bench.calls.count == 1)
        let id = bench.changes[0].call
        try bench.tell(call.webhooks())
        #expect(try bench.calls.count == 1)
        #expect(bench.changes.allSatisfy { $0.call == id }, "the reader sees one call all along")
    }

    @Test func `late webhooks find the row after a new start, too`() throws {
        let bench = try HistoryBench()
        try bench.tell([call.row()])
        try bench.restart()
        try bench.tell([call.webhooks()[0]])
        try bench.restart()
        try bench.tell(Array(call.webhooks().dropFirst()))
        #expect(try bench.calls.count == 1)
    }

    @Test func `two calls of one number within the tolerance stay two, each with its own row`() throws {
        let (one, other) = (conversation("a", start: 0), conversation("b", start: 1500))
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
            let bench = try HistoryBench()
            let told = [one.webhooks(), other.webhooks(), [one.row(off: 400)], [other.row(off: 400)]]
            try bench.tell(order.flatMap { told[$0] })
            let calls = try bench.calls
            #expect(calls.count == 2, "\(order)")
            for call in calls {
                let names = call["external_ids"]?.elements.compactMap { $0["value"]?.string } ?? []
                let name = names.contains("a") ? "a" : "b"
                #expect(names.contains("history:\(name)"), "\(order): \(names)")
            }
        }
    }

    @Test func `a row that belongs to another call by its name leaves the one it was put to`() throws {
        var row = call.row()
        row.keys = [ExternalKey(.call, "their-name")]
        row.likeness?.part = nil
        let bench = try HistoryBench()
        try bench.tell(call.webhooks() + [row])
        #expect(try bench.calls.count == 1)
        var named = conversation("b", start: 1200).webhooks()
        for place in named.indices { named[place].keys.append(ExternalKey(.call, "their-name")) }
        try bench.tell(named)
        let calls = try bench.calls
        #expect(calls.count == 2)
        let withRow = calls.filter { $0["sources"]?.elements.contains("history") == true }
        #expect(withRow.count == 1 && withRow[0]["external_ids"]?.elements.contains { $0["value"]?.string == "b" } == true)
    }

    @Test func `a row whose recording the call has belongs to it, whatever the clocks say`() throws {
        let recording = ExternalKey(.recording, "r1")
        var row = call.row(off: 90_000)
        row.keys.append(recording)
        var ready = call.webhooks()[2]
        ready.id = EventID(bits: 3)
        ready.keys.append(recording)
        for events in [call.webhooks() + [ready, row], [row, ready] + call.webhooks(), call.webhooks() + [row, ready]] {
            let bench = try HistoryBench()
            try bench.tell(events)
            #expect(try bench.calls.count == 1)
        }
    }

    @Test func `an employee who comes into a call twice has two rows of it`() throws {
        let back = conversation("a", start: 300_000)
        var row = back.row()
        row.keys = [ExternalKey(.call, "history:back")]
        row.id = EventID(bits: 77)
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let bench = try HistoryBench()
            var second = back.webhooks()
            for place in second.indices {
                second[place].leg?.key = "second"
                second[place].id = EventID(bits: 100 + UInt128(place))
            }
            let told = [call.webhooks(), second, [call.row()], [row]]
            try bench.tell(order.flatMap { told[$0] })
            #expect(try bench.calls.count == 1, "\(order)")
        }
    }

    /// News of a call that tell its direction.
    private func news(_ name: String, at milliseconds: Int64, _ direction: Direction) -> CallEvent {
        var event = CallEvent.make("\(name) \(milliseconds)", keys: [ExternalKey(.session, name)])
        event.occurredAt = .base.advanced(by: .milliseconds(milliseconds))
        event.facts = CallFacts(direction: direction, externalNumber: call.number)
        return event
    }

    /// It joins a call that began before it, and goes up in that, or one that began after it, which goes up in the row's.
    @Test(arguments: [500, 1200])
    func `a row that leaves a call for the second time is a call of its own again`(start: Int64) throws {
        let bench = try HistoryBench()
        try bench.tell([news("a", at: 1000, .inbound), call.row(off: 900)])
        #expect(try bench.calls.count == 1)
        // What came first in time counts: the row cannot be of this call, nor yet of that one.
        try bench.tell([news("a", at: 0, .outbound), news("b", at: start, .outbound)])
        #expect(try bench.calls.count == 3)
        try bench.tell([news("b", at: 200, .inbound)])
        #expect(try bench.calls.count == 2)
        try bench.tell([news("b", at: -300, .outbound)])
        let calls = try bench.calls
        #expect(calls.count == 3)
        #expect(calls.count { $0["sources"]?.elements == ["history"] } == 1)
    }

    @Test func `a row looks at a bounded number of calls, however many began when it did`() throws {
        let bench = try HistoryBench()
        for number in 0..<(CallLedger.lookLimit + 100) {
            try bench.tell([conversation("c\(number)", start: Int64(number % 1000)).webhooks()[0]])
        }
        let row = conversation("c0", start: 0).row()
        try bench.tell([row])
        let found = try bench.neighbourhood(of: ExternalKey(.call, "history:c0"))
        #expect(found.looks == CallLedger.lookLimit)
        #expect(found.neighbours <= CallLedger.neighbourLimit)
    }

    @Test func `a row does not look at calls that have nothing to do with it`() throws {
        let bench = try HistoryBench()
        for number in 0..<200 {
            let other = conversation(
                "c\(number)", start: Int64(number + 1) * 10_000, number: "7900\(1_000_000 + number)")
            try bench.tell([other.webhooks()[0]])
        }
        try bench.tell(call.webhooks() + [call.row()])
        #expect(try bench.neighbourhood(of: ExternalKey(.session, "a")) == (1, 1))
    }

    @Test func `a neighbour that cannot be read is left alone`() throws {
        let bench = try HistoryBench()
        let other = conversation("b", start: 1500, employee: "102")
        try bench.tell(other.webhooks())
        bench.rest()
        try bench.spoil(other.webhooks()[0])
        try bench.tell(call.webhooks() + [call.row(off: 300)])
        #expect(try bench.calls.count == 2)
    }

    @Test func `reading a row again changes nothing`() throws {
        let bench = try HistoryBench()
        try bench.tell(call.webhooks() + [call.row()])
        let (log, count) = (try bench.log, bench.changes.count)
        var later = call.row()
        later.rawID = RawID(time: later.receivedAt.advanced(by: .seconds(600)), rest: 9)
        later.receivedAt = later.receivedAt.advanced(by: .seconds(600))
        try bench.tell([later])
        #expect(try bench.log == log && bench.changes.count == count)
    }

    @Test(arguments: 0..<60)
    func `whatever is lost and in whatever order the rest comes, each call is there once`(seed: UInt64) throws {
        var chance = SeededRandom(seed: seed)
        let people = ["101", "102"]
        let numbers = ["79000001234", "79000005678"]
        var start: Int64 = 0
        let conversations = (0..<12).map { number in
            // Some begin within the tolerance of the one before.
            start +=
                chance.oneIn(3) ? Int64.random(in: 500...2500, using: &chance) : Int64.random(in: 5000...90_000, using: &chance)
            return Conversation(
                name: "c\(number)", employee: people.randomElement(using: &chance) ?? "",
                number: numbers.randomElement(using: &chance) ?? "",
                start: start, direction: chance.oneIn(3) ? .outbound : .inbound)
        }
        // A whole call's webhooks, or one of them, may be lost.
        let told = conversations.map { call in
            chance.oneIn(4) ? [] : call.webhooks().filter { _ in !chance.oneIn(8) }
        }
        let rows = conversations.map { $0.row(off: Int64.random(in: -200...200, using: &chance)) }
        let first = try HistoryBench()
        try first.tell(told.flatMap(\.self) + rows)
        #expect(try first.calls.count == conversations.count)
        for call in try first.calls {
            let names = call["external_ids"]?.elements.compactMap { $0["value"]?.string } ?? []
            #expect(names.count { $0.hasPrefix("history:") } == 1, "\(names)")
        }
        let shuffled = try HistoryBench()
        let resting = try HistoryBench()
        var events = (told.flatMap(\.self) + rows)
        events += events.filter { _ in chance.oneIn(4) }
        for event in events.shuffled(using: &chance) {
            try shuffled.tell([event])
            if chance.oneIn(10) { try shuffled.restart() }
            try resting.tell([event])
            resting.rest()
        }
        #expect(try shuffled.log == first.log)
        #expect(try resting.log == first.log)
    }
}
