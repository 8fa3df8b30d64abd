import TestSupport
import Testing

@testable import Connector

/// A ledger whose calls leave memory, over a journal in memory.
private final class MemoryBench {
    let journal = MemoryJournal()
    private(set) var ledger: CallLedger
    private(set) var changes: [ChangeRow] = []

    init(_ bounds: CallLedger.MemoryBounds = CallLedger.MemoryBounds()) throws {
        ledger = CallLedger(reader: try journal.makeReader(), numbering: PlainNumbering(), bounds: bounds)
    }

    /// Applies one event and hands in what follows, as the ledger's thread does.
    @discardableResult
    func apply(_ event: CallEvent) throws -> CallLedger.Application {
        let raw = RawRecord(
            id: event.rawID, position: 1, connection: ConnectionProfile.test.id, receivedAt: event.receivedAt, body: [])
        var batch = DerivedBatch()
        let applied = try ledger.apply([event], of: raw, profile: .test, into: &batch)
        changes += batch.changes
        ledger.mark(applied.calls, ticket: journal.submit(batch))
        ledger.makeRoom(committedTicket: journal.committedTicket)
        return applied
    }

    /// What is done each second.
    func keepHouse(at second: Int64, under profile: ConnectionProfile = .test) {
        let now = Instant.base.advanced(by: .seconds(second))
        ledger.evict(at: now, committedTicket: journal.committedTicket, profiles: { _ in profile })
    }

    /// Lets everything rest that can.
    func rest() { ledger.evict(at: .latest, committedTicket: journal.committedTicket, profiles: { _ in .test }) }

    /// A new start: nothing is in memory.
    func restart() throws { ledger = CallLedger(reader: try journal.makeReader(), numbering: PlainNumbering()) }
}

@Suite struct CallLedgerMemoryTests {
    private func ringing(_ call: String = "a", at second: Int64 = 0, keys: [ExternalKey] = []) -> CallEvent {
        let leg = LegReport(
            key: "\(call)-1", phase: .ringing, sequence: 1, from: .external(number: "79000001234"),
            to: .user(extension: "101", endpoint: nil))
        return .make("\(call) ring", type: .ringing, at: second, keys: [ExternalKey(.session, call)] + keys, leg: leg)
    }

    private func end(_ call: String = "a", at second: Int64) -> CallEvent {
        .make(
            "\(call) end", type: .ended, at: second, keys: [ExternalKey(.session, call)], ending: EndReport(reason: .noAnswer))
    }

    @Test func `an open call of which nothing is heard rests, and news wake it`() throws {
        let bench = try MemoryBench()
        bench.keepHouse(at: 0)
        let id = try bench.apply(ringing()).calls[0]
        bench.keepHouse(at: 4)
        #expect(bench.ledger.awakeCount == 1)
        bench.keepHouse(at: 5)
        #expect(bench.ledger.awakeCount == 0)
        #expect(bench.ledger.liveCount == 1)
        #expect(bench.ledger.awakeBytes == 0)
        #expect(try bench.apply(end(at: 9)).calls == [id])
        #expect(bench.changes.map(\.revision) == [1, 2])
        #expect(bench.changes.map(\.type) == [.created, .ended])
    }

    @Test func `a call that is over leaves as a whole`() throws {
        let bench = try MemoryBench()
        try bench.apply(ringing())
        try bench.apply(end(at: 1))
        var profile = ConnectionProfile.test
        profile.settleAfter = .seconds(3600)
        bench.keepHouse(at: 10, under: profile)
        #expect(bench.ledger.liveCount == 0)
        #expect(bench.ledger.awakeBytes == 0)
    }

    @Test func `a call whose rows are not committed stays awake`() throws {
        let bench = try MemoryBench()
        bench.journal.holdsBatches = true
        try bench.apply(ringing())
        bench.rest()
        #expect(bench.ledger.awakeCount == 1)
        bench.journal.releaseBatches()
        bench.rest()
        #expect(bench.ledger.awakeCount == 0)
    }

    @Test func `as many calls are awake as the newest news are of`() throws {
        var bounds = CallLedger.MemoryBounds()
        bounds.recentNews = 3
        let bench = try MemoryBench(bounds)
        for call in ["a", "b", "c", "d", "a", "e"] { try bench.apply(ringing(call)) }
        #expect(bench.ledger.awakeCount == 3)
        #expect(bench.ledger.liveCount == 5)
    }

    @Test func `a call with many events makes others rest sooner`() throws {
        var bounds = CallLedger.MemoryBounds()
        bounds.awakeBytes = CallLedger.bytesPerCall * 3 + CallLedger.bytesPerEvent * 8
        let bench = try MemoryBench(bounds)
        try bench.apply(ringing("a"))
        try bench.apply(ringing("b"))
        for second in 1...4 { try bench.apply(.make("c \(second)", at: Int64(second), keys: [ExternalKey(.session, "c")])) }
        #expect(bench.ledger.awakeCount == 3)
        for second in 5...10 { try bench.apply(.make("c \(second)", at: Int64(second), keys: [ExternalKey(.session, "c")])) }
        #expect(bench.ledger.awakeCount == 1)
        #expect(bench.ledger.awakeBytes == CallLedger.bytesPerCall + CallLedger.bytesPerEvent * 10)
    }

    /// A row that only joins: of the recording `name`, by a name of the call's, or by that of the recording.
    private func joining(_ name: String, at second: Int64, by key: ExternalKey? = nil) -> CallEvent {
        var event = CallEvent.make(
            "row \(name)", type: .recordingReady, at: second, keys: [key ?? ExternalKey(.recording, name)],
            recording: RecordingReport(key: name, phase: .ready))
        event.onlyJoins = true
        return event
    }

    /// A story with rows that only join it: some by the name of the call, one by a name that a single event of it has, too, and one that
    /// nobody else ever names.
    private func storyWithRows(_ seed: UInt64, _ chance: inout SeededRandom) -> [CallEvent] {
        var events = CallStory(seed: seed).events
        let end = events.last.map { $0.occurredAt.milliseconds(since: .base) / 1000 } ?? 0
        let tied = Int.random(in: 0..<events.count, using: &chance)
        events[tied].keys.append(ExternalKey(.recording, "tied"))
        let rows = [
            joining("one", at: end + 300, by: events[0].keys[0]), joining("other", at: 0, by: events[0].keys[0]),
            joining("tied", at: end + 300), joining("stray", at: end),
        ]
        for row in rows { events.insert(row, at: Int.random(in: 0...events.count, using: &chance)) }
        return events
    }

    @Test(arguments: 0..<80 as Range<UInt64>)
    func `rest between two events changes no record`(seed: UInt64) throws {
        var chance = SeededRandom(seed: seed)
        let benches = try (0..<3).map { _ in try MemoryBench() }
        let (restless, resting, restarting) = (benches[0], benches[1], benches[2])
        let events = seed < 40 ? CallStory(seed: seed).events : storyWithRows(seed, &chance)
        for event in seed < 60 ? events : events.shuffled(using: &chance) {
            for bench in benches { try bench.apply(event) }
            resting.rest()
            try restarting.restart()
        }
        for bench in [resting, restarting] {
            #expect(bench.changes.map(\.body) == restless.changes.map(\.body))
            #expect(bench.changes.map(\.type) == restless.changes.map(\.type))
        }
        #expect(resting.ledger.awakeCount == 0 && resting.ledger.awakeBytes == 0)
        if seed >= 40 {
            #expect(Set(restless.changes.map(\.call)).count == 1, "of what only joins there is no record")
            let names = restless.changes.last.map { String(decoding: (try? PackedJSON.expand($0.body)) ?? [], as: UTF8.self) }
            for name in ["one", "other", "tied"] { #expect(names?.contains("\"\(name)\"") == true) }
            #expect(names?.contains("stray") == false)
        }
    }

    @Test func `what only joins leaves memory as a whole, and waits in the journal`() throws {
        let bench = try MemoryBench()
        let row = joining("r", at: 300, by: ExternalKey(.session, "a"))
        let id = try bench.apply(row).calls[0]
        #expect(bench.ledger.liveCount == 1)
        bench.rest()
        #expect(bench.ledger.liveCount == 0 && bench.ledger.awakeBytes == 0)
        #expect(bench.ledger.staleCalls(at: .latest, profiles: { _ in .test }).isEmpty)
        #expect(try bench.apply(ringing()).calls == [id])
        #expect(bench.changes.map(\.type) == [.created])
    }

    @Test func `a call at rest is no call of which nobody has told`() throws {
        let bench = try MemoryBench()
        let id = try bench.apply(ringing()).calls[0]
        bench.rest()
        let live = try #require(bench.ledger.calls[id])
        #expect(!live.isAwake && live.events.isEmpty)
        #expect(!live.isUntold && live.hasRecord)
    }

    @Test(arguments: [false, true])
    func `a call at rest and what only joins it by another name become one`(restarts: Bool) throws {
        let bench = try MemoryBench()
        // It is older than the call, and still goes up in it.
        try bench.apply(joining("r", at: -5))
        let id = try bench.apply(ringing()).calls[0]
        if restarts { try bench.restart() } else { bench.rest() }
        let both = CallEvent.make("both", at: 2, keys: [ExternalKey(.recording, "r"), ExternalKey(.session, "a")])
        #expect(try bench.apply(both).calls == [id])
        #expect(bench.changes.map(\.type) == [.created, .updated], "nobody has seen another one")
        bench.rest()
        #expect(try bench.journal.makeReader().events(of: id).count == 3)
        #expect(try bench.journal.makeReader().call(of: ExternalKey(.recording, "r"), in: ConnectionProfile.test.id) == id)
    }

    @Test func `a call at rest is closed for its age`() throws {
        let bench = try MemoryBench()
        // A name that joins no calls stands first in the record, and is none to close by.
        try bench.apply(ringing(keys: [ExternalKey(.crmCommand, "x")]))
        bench.rest()
        let due = Instant.base.advanced(by: ConnectionProfile.standardStaleAfter)
        let stale = try #require(bench.ledger.staleCalls(at: due, profiles: { _ in .test }).first)
        #expect(stale.key == ExternalKey(.session, "a"))
        let closing = SystemRecord.closing(stale, id: RawID(time: due, rest: 9), at: due)
        guard case .call(let event) = SystemRecord.decode(closing).first else {
            Issue.record("the closing record is not read")
            return
        }
        try bench.apply(event)
        #expect(bench.changes.map(\.type) == [.created, .ended])
        bench.rest()
        #expect(bench.ledger.liveCount == 0)
    }

    @Test func `a closing that could not be written down is asked for again, of a call at rest, too`() throws {
        let bench = try MemoryBench()
        try bench.apply(ringing())
        bench.rest()
        let due = Instant.base.advanced(by: ConnectionProfile.standardStaleAfter)
        let stale = try #require(bench.ledger.staleCalls(at: due, profiles: { _ in .test }).first)
        #expect(bench.ledger.staleCalls(at: due, profiles: { _ in .test }).isEmpty)
        bench.ledger.reopen(stale)
        #expect(bench.ledger.staleCalls(at: due, profiles: { _ in .test }) == [stale])
    }

    @Test func `an event with the names of two calls at rest makes them one`() throws {
        let bench = try MemoryBench()
        let first = try bench.apply(ringing("a")).calls[0]
        let second = try bench.apply(ringing("b", at: 1)).calls[0]
        bench.rest()
        let both = CallEvent.make("both", at: 2, keys: [ExternalKey(.session, "a"), ExternalKey(.session, "b")])
        #expect(try bench.apply(both).calls == [first])
        #expect(bench.changes.map(\.type) == [.created, .created, .merged, .updated])
        bench.rest()
        #expect(bench.ledger.liveCount == 1)
        #expect(try bench.journal.makeReader().events(of: second).isEmpty)
        #expect(try bench.apply(end("b", at: 9)).calls == [first])
    }

    @Test func `a call at rest with an event that cannot be read is left alone, and others go on`() throws {
        let bench = try MemoryBench()
        let id = try bench.apply(ringing()).calls[0]
        bench.rest()
        var spoilt = DerivedBatch()
        spoilt.events = [EventRow(id: ringing().id, call: id, rawPosition: 1, body: Array("{}".utf8))]
        bench.journal.submit(spoilt)
        let refused = try bench.apply(end(at: 5))
        #expect(refused.unreadable == UnreadableEvent(event: ringing().id, call: id))
        #expect(try bench.apply(ringing("b", at: 6)).unreadable == nil)
        #expect(bench.changes.map(\.type) == [.created, .created])
    }
}
