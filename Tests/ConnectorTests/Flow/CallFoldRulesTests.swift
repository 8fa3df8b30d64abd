import Connector
import Testing
import TestSupport

/// The rules of call-record.md over thousands of generated calls.
@Suite struct CallFoldRulesTests {
    static let seeds: Range<UInt64> = 0..<3000

    static func record(_ events: some Sequence<CallEvent>, id: CallID = CallID(time: .base, rest: 1)) -> Call {
        CallFold.record(of: CallHistory(events), id: id, createdAt: .base, profile: .test, numbering: PlainNumbering())
    }

    @Test func `rule 1: order and repeats do not matter`() {
        for seed in Self.seeds {
            var chance = SeededRandom(seed: seed ^ 0xABCD)
            let events = CallStory(seed: seed).events
            let truth = Self.record(events)
            var repeated = events
            for _ in 0..<3 { if let again = events.randomElement(using: &chance) { repeated.append(again) } }
            #expect(Self.record(repeated.shuffled(using: &chance)) == truth, "seed \(seed)")
        }
    }

    @Test func `rule 1: a subset gives the same record in any order`() {
        for seed in Self.seeds {
            var chance = SeededRandom(seed: seed ^ 0x5EED)
            let events = CallStory(seed: seed).events.filter { _ in !chance.oneIn(4) }
            guard !events.isEmpty else { continue }
            #expect(Self.record(events.shuffled(using: &chance)) == Self.record(events), "seed \(seed)")
        }
    }

    @Test func `rule 2: the record's moments stand in order, whatever is missing and whatever the clocks say`() {
        for seed in Self.seeds {
            var chance = SeededRandom(seed: seed ^ 0xC10C)
            var events = CallStory(seed: seed).events.filter { _ in !chance.oneIn(5) }
            for index in events.indices where chance.oneIn(3) {
                events[index].occurredAt = events[index].occurredAt.advanced(
                    by: .seconds(Int.random(in: -90...90, using: &chance)))
            }
            guard !events.isEmpty else { continue }
            let call = Self.record(events)
            let moments = [call.startedAt, call.ringingAt, call.answeredAt, call.endedAt].compactMap { $0 }
            #expect(moments == moments.sorted(), "seed \(seed)")
            #expect(call.clock.skewMilliseconds >= 0)
        }
    }

    @Test func `rule 3: an ended call has one disposition, and an answer means answered`() {
        for seed in Self.seeds {
            var chance = SeededRandom(seed: seed ^ 0xD15)
            let story = CallStory(seed: seed)
            let call = Self.record(story.events.filter { $0.ending != nil || !chance.oneIn(4) })
            #expect(call.state == .ended)
            #expect(call.disposition != nil)
            if call.answeredAt != nil { #expect(call.disposition == .answered, "seed \(seed)") }
            if call.disposition == .answered, call.answeredAt == nil { #expect(call.completeness.missing.contains(.answerTime)) }
        }
    }

    @Test func `rule 3: a missed call rang, an abandoned one did not`() {
        for seed in Self.seeds {
            let story = CallStory(seed: seed)
            guard story.direction == .inbound, !story.isAnswered else { continue }
            #expect(Self.record(story.events).disposition == (story.rang ? .missed : .abandoned), "seed \(seed)")
        }
    }

    @Test func `rule 4: talk lies between answer and end, and waiting ends with the answer`() throws {
        for seed in Self.seeds {
            let call = Self.record(CallStory(seed: seed).events)
            let end = try #require(call.endedAt)
            if let answer = call.answeredAt {
                let talk = try #require(call.talkMilliseconds)
                let hold = try #require(call.holdMilliseconds)
                #expect(talk >= 0 && talk + hold <= end.milliseconds(since: answer), "seed \(seed)")
                #expect(call.waitMilliseconds == answer.milliseconds(since: call.startedAt))
            } else {
                #expect(call.talkMilliseconds == 0)
                #expect(call.waitMilliseconds == end.milliseconds(since: call.startedAt))
            }
        }
    }

    @Test func `rule 4: where no leg shows the talk, what the hold leaves is talk`() {
        let hold = CallEvent.make(
            "hold", at: 17,
            leg: LegReport(
                key: "l", phase: .held, from: .external(number: "79000000101"), to: .user(extension: "101", endpoint: nil)))
        var end = CallEvent.make("end", at: 100, ending: EndReport(reason: .normal, answered: true))
        end.ending?.answeredAt = Instant.base.advanced(by: .seconds(7))
        let call = Self.record([CallEvent.make("begun"), hold, end])
        #expect(call.holdMilliseconds == 83_000)
        #expect(call.talkMilliseconds == 10_000)
    }

    @Test func `rule 5: direction is what happened, with and without the vendor's word`() {
        for seed in Self.seeds {
            let story = CallStory(seed: seed)
            #expect(Self.record(story.events).direction == story.direction, "seed \(seed)")
            let silent = story.events.map { event in
                var event = event
                event.facts.direction = nil
                return event
            }
            #expect(Self.record(silent).direction == story.direction, "seed \(seed)")
        }
    }

    @Test func `rule 6: a member of a group who did not get the call is answered elsewhere`() {
        for seed in Self.seeds {
            let story = CallStory(seed: seed)
            guard story.direction == .inbound, story.isAnswered else { continue }
            let call = Self.record(story.events)
            for agent in call.participants where agent.role == .agent && agent.answeredAt == nil {
                #expect(agent.outcome == .answeredElsewhere, "seed \(seed)")
            }
            #expect(call.ownerUserID == story.talker.map { $0 == "101" ? "17" : "test/\($0)" }, "seed \(seed)")
        }
    }

    @Test func `rule 7: an ended call stays ended when late events come one by one`() {
        for seed in Self.seeds {
            var chance = SeededRandom(seed: seed ^ 0x1A7E)
            let events = CallStory(seed: seed).events.shuffled(using: &chance)
            var history = CallHistory()
            var hasEnded = false
            for event in events {
                history.insert(event)
                let call = Self.record(history.events)
                hasEnded = hasEnded || event.ending != nil
                #expect((call.state == .ended) == hasEnded, "seed \(seed)")
            }
        }
    }

    @Test func `rule 8: a call without an end is closed, and says what is missing`() {
        for seed in Self.seeds {
            let story = CallStory(seed: seed)
            let open = story.events.filter { $0.ending == nil && $0.leg?.phase != .ended }
            guard !open.isEmpty else { continue }
            let closing = CallEvent.make(
                "stale", at: 20_000, keys: open[0].keys, ending: EndReport(reason: .unknown, isStale: true))
            let call = Self.record(open + [closing])
            #expect(call.state == .ended)
            #expect(call.completeness.missing.contains(.hangup))
            #expect(call.disposition == (call.answeredAt == nil ? .unknown : .answered), "seed \(seed)")
            #expect(call.endedAt == nil)
            let better = Self.record(story.events + [closing])
            #expect(better.disposition != .unknown)
            #expect(better.endedAt != nil)
        }
    }

    @Test func `rule 9: fields that are not mapped are kept, the latest of each name`() {
        let early = CallEvent.make("a", at: 1, custom: [CustomField("task_id", "5"), CustomField("note", "x")])
        let late = CallEvent.make("b", at: 2, custom: [CustomField("task_id", "6")])
        let call = Self.record([late, early])
        #expect(call.custom == [CustomField("note", "x"), CustomField("task_id", "6")])
    }

    @Test func `an event comes back from its stored form as it was`() {
        for seed in Self.seeds.prefix(500) {
            for event in CallStory(seed: seed).events {
                #expect(CallEvent(encoded: event.encoded()) == event)
            }
        }
    }
}
