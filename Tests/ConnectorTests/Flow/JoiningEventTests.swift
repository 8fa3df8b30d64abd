import TestSupport
import Testing

@testable import Connector

/// News that only join a call: the row of a list of recordings, which says too little to be one.
@Suite struct JoiningEventTests {
    private static let session = ExternalKey(.session, "s1")

    private static func event(
        _ name: String, at second: Int64, keys: [ExternalKey] = [session], _ change: (inout CallEvent) -> Void = { _ in }
    ) -> CallEvent {
        var event = CallEvent.make(name, at: second, keys: keys)
        var hash = StableHash()
        hash.combine(name)
        event.rawID = RawID(time: event.receivedAt, rest: hash.value)
        change(&event)
        return event
    }

    private static func leg(_ phase: LegReport.Phase, at second: Int64, keys: [ExternalKey] = [session]) -> CallEvent {
        event("\(phase)", at: second, keys: keys) {
            $0.leg = LegReport(
                key: "l", phase: phase, from: .external(number: "79000001234"), to: .user(extension: "101", endpoint: nil))
            if phase == .ended { $0.ending = EndReport(reason: .normal, answered: true, endedAt: $0.occurredAt) }
        }
    }

    private static func recording(_ name: String = "r1", at second: Int64 = 600, of key: ExternalKey = session) -> CallEvent {
        event(name, at: second, keys: [key]) {
            $0.type = .recordingReady
            $0.source = .history
            $0.recording = RecordingReport(key: name, phase: .ready)
            $0.onlyJoins = true
        }
    }

    private static let call = [leg(.ringing, at: 0), leg(.answered, at: 5), leg(.ended, at: 60)]

    @Test func `what only joins begins no call, and closes none`() throws {
        let bench = try HistoryBench()
        try bench.tell([Self.recording()])
        #expect(try bench.calls.isEmpty)
        #expect(bench.changes.isEmpty)
        #expect(bench.staleCalls(at: .latest).isEmpty)
    }

    @Test(arguments: 0..<20, [false, true])
    func `whenever it comes, the call is the same`(seed: UInt64, restarts: Bool) throws {
        var chance = SeededRandom(seed: seed)
        let whole = try HistoryBench()
        try whole.tell(Self.call + [Self.recording(), Self.recording("r2")])
        let bench = try HistoryBench()
        for event in (Self.call + [Self.recording(), Self.recording("r2"), Self.recording()]).shuffled(using: &chance) {
            try bench.tell([event])
            if restarts { try bench.restart() }
        }
        #expect(try bench.log == whole.log)
        let calls = try bench.calls
        #expect(calls.count == 1 && calls[0]["recordings"]?.elements.count == 2)
        #expect(!bench.changes.contains { [.merged, .deleted].contains($0.type) })
    }

    /// The call is known by one name, the recording by another, and then one event has both.
    @Test(arguments: 0..<12, [false, true])
    func `it goes up in the call that turns out to have its name`(seed: UInt64, restarts: Bool) throws {
        var chance = SeededRandom(seed: seed)
        let half = ExternalKey(.call, "half")
        let events = [
            Self.leg(.ringing, at: 0, keys: [half]), Self.leg(.answered, at: 5, keys: [half, Self.session]),
            Self.leg(.ended, at: 60, keys: [half]), Self.recording(),
        ]
        let bench = try HistoryBench()
        for event in events.shuffled(using: &chance) {
            try bench.tell([event])
            if restarts { try bench.restart() }
        }
        let calls = try bench.calls
        #expect(calls.count == 1 && calls[0]["recordings"]?.elements.count == 1 && calls[0]["state"]?.string == "ended")
        #expect(!bench.changes.contains { $0.type == .merged }, "nobody has seen another one")
    }

    @Test func `forgotten by memory, it is found when its call comes`() throws {
        let bench = try HistoryBench()
        try bench.tell([Self.recording()])
        bench.evict(at: .latest)
        #expect(bench.liveCount == 0)
        try bench.tell(Self.call)
        #expect(try bench.calls.first?["recordings"]?.elements.count == 1)
    }

    @Test func `a call of which a replay leaves nothing but what joins is taken back`() throws {
        let bench = try HistoryBench()
        let ring = Self.leg(.ringing, at: 0)
        try bench.tell([ring, Self.recording()])
        let id = try #require(bench.changes.last?.call)
        try bench.replay([], of: ring, formerly: [id])
        #expect(bench.changes.last?.type == .deleted)
        try bench.tell([Self.leg(.ended, at: 60)])
        #expect(try bench.calls.first?["recordings"]?.elements.count == 1, "it waits for the next one")
    }

    @Test func `a call that a replay makes a row that only joins is taken back`() throws {
        let bench = try HistoryBench()
        var row = Self.recording()
        row.onlyJoins = false
        try bench.tell([row])
        let id = try #require(bench.changes.last?.call)
        try bench.replay([Self.recording()], of: row, formerly: [id])
        #expect(bench.changes.map(\.type) == [.created, .deleted])
    }

    @Test(arguments: [false, true])
    func `a call that was taken back is not closed for its age when more joins it`(restarts: Bool) throws {
        let bench = try HistoryBench()
        let ring = Self.leg(.ringing, at: 0)
        try bench.tell([ring, Self.recording()])
        try bench.replay([], of: ring, formerly: [try #require(bench.changes.last?.call)])
        if restarts { try bench.restart() } else { bench.rest() }
        try bench.tell([Self.recording("r2")])
        #expect(bench.staleCalls(at: .latest).isEmpty)
        bench.rest()
        #expect(bench.liveCount == 0)
        #expect(bench.changes.last?.type == .deleted)
    }

    /// The statistics make a call of their own, the list of recordings makes none, and then both turn out to be of the same.
    @Test(arguments: [false, true])
    func `with a call that goes up in that of a row, what only joins it goes along`(rests: Bool) throws {
        let bench = try HistoryBench()
        var statistics = Self.event("statistics", at: 60, keys: [ExternalKey(.call, "history:1")]) {
            $0.source = .history
            $0.facts = CallFacts(direction: .inbound, startedAt: .base, externalNumber: "79000001234")
            $0.ending = EndReport(reason: .normal, answered: true, user: .user(extension: "101", endpoint: nil))
        }
        statistics.likeness = CallLikeness(part: "101", direction: .inbound, number: "79000001234", startedAt: .base)
        try bench.tell([Self.recording(), statistics])
        if rests { bench.rest() }
        let waiting = try #require(try bench.journal.makeReader().call(of: Self.session, in: bench.profile.id))
        try bench.tell(Self.call)
        #expect(Set(bench.changes.map(\.call)).count == 1 && !bench.changes.contains { $0.type == .merged })
        #expect(try bench.journal.makeReader().events(of: waiting).isEmpty, "its events are in the other one")
        #expect(try bench.calls.first?["recordings"]?.elements.count == 1)
        let id = try #require(bench.changes.last?.call)
        try bench.replay([], of: Self.recording(), formerly: [waiting, id])
        #expect(try bench.calls.first?["recordings"]?.elements.isEmpty ?? true)
    }

    @Test func `that it only joins is kept with the event`() {
        let event = Self.recording()
        #expect(CallEvent(encoded: event.encoded()) == event)
    }
}
