import Connector
import TestSupport
import Testing

@testable import AsteriskAdapter

/// What becomes of the calls where events are lost, connections break, and several calls are on at once.
struct BrokenStreamTests {
    /// Those that lie in one connection.
    static let whole = Trace.all.filter { $0.connections.count == 1 && !$0.story.expected_calls.isEmpty }

    @Test(arguments: whole)
    func `a connection that breaks between any two events loses nothing that the server can still tell`(_ trace: Trace) throws {
        let news = trace.news()
        var story = TracePlayer(trace)
        var list = ChannelList()
        story.open()
        try story.feed(Trace.greeting + Trace.booted, at: 0)
        for cut in news.indices {
            var player = story
            player.close(at: news[cut].at)
            player.open()
            try player.feed(Trace.greeting + Trace.booted + list.answer, at: news[cut].at)
            try player.feed(news[cut...], of: trace)
            #expect(player.openCount == 0, "\(trace.name) cut before \(cut)")
            #expect(player.undecoded == [])
            let calls = try player.calls(atOnce: true)
            TraceComparison(trace, calls, "cut before \(cut) \(news[cut].message.head.value)").check()
            list.take(news[cut].message)
            try story.feed(news[cut...cut], of: trace)
        }
    }

    @Test(arguments: whole)
    func `events that are lost while the connection is broken leave each call one, and ended`(_ trace: Trace) throws {
        let news = trace.news()
        var story = TracePlayer(trace)
        var list = ChannelList()
        story.open()
        try story.feed(Trace.greeting + Trace.booted, at: 0)
        for message in news.prefix(4) { list.take(message.message) }
        for cut in news.indices {
            var player = story
            let rest = news.dropFirst(cut + 4)
            player.close(at: news[cut].at)
            player.open()
            try player.feed(Trace.greeting + Trace.booted + list.answer, at: rest.first?.at ?? news[cut].at + 1)
            try player.feed(rest, of: trace)
            #expect(player.openCount == 0, "\(trace.name) lost from \(cut)")
            try checkOneEach(trace, player, "lost from \(cut)")
            if let next = rest.first { list.take(next.message) }
            try story.feed(news[cut...cut], of: trace)
        }
    }

    @Test(arguments: whole, 0..<3)
    func `events that are lost at random leave each call one, and ended once the channels are listed`(_ trace: Trace, _ seed: Int)
        throws
    {
        var chance = SeededRandom(seed: UInt64(seed))
        var player = TracePlayer(trace)
        player.open()
        try player.feed(Trace.greeting + Trace.booted, at: 0)
        var last = 0.0
        for message in trace.news() where Int.random(in: 0..<100, using: &chance) >= 10 {
            try player.feed(message.bytes, at: message.at)
            last = message.at
        }
        try player.list(ChannelList().answer, at: last + 1)
        #expect(player.openCount == 0)
        try checkOneEach(trace, player, "seed \(seed)")
    }

    /// No call is two, none is without an end, and nobody is in it twice.
    private func checkOneEach(_ trace: Trace, _ player: TracePlayer, _ place: String) throws {
        #expect(player.undecoded == [])
        let calls = try player.calls(atOnce: true)
        #expect(calls.count <= trace.story.expected_calls.count, "\(trace.name) \(place)")
        for call in calls {
            #expect(call["state"] == "ended", "\(trace.name) \(place)")
            let people = (call["participants"]?.elements ?? []).compactMap { $0["extension"]?.string }
            #expect(Set(people).count == people.count, "\(trace.name) \(place) \(people)")
            let truth = trace.story.expected_calls.first { one in
                call["external_ids"]?.elements.contains { $0["value"]?.string == one.ami_linkedid } ?? false
            }
            guard let truth else {
                Issue.record("\(trace.name) \(place): a call that nobody made")
                continue
            }
            if !truth.answered { #expect(call["answered_at"] == .null, "\(trace.name) \(place)") }
            if let direction = call["direction"]?.string { #expect(direction == truth.direction, "\(trace.name) \(place)") }
        }
    }

    @Test(arguments: whole.indices)
    func `two calls at once stay two`(_ index: Int) throws {
        let one = Self.whole[index]
        let other = Self.whole[(index + 7) % Self.whole.count]
        // Told from one beginning; captured streams with time stamps of their own keep them.
        guard one.opening == other.opening else { return }
        let news = (one.news() + other.news()).sorted { $0.at < $1.at }
        var player = TracePlayer(one)
        player.open()
        try player.feed(Trace.greeting + Trace.booted, at: 0)
        for message in news {
            player.sendActions(of: one, until: message.at)
            player.sendActions(of: other, until: message.at)
            try player.feed(message.bytes, at: message.at)
        }
        #expect(player.openCount == 0)
        let calls = try player.calls(atOnce: true)
        for trace in [one, other] {
            let names = Set(trace.story.expected_calls.map(\.ami_linkedid))
            let own = calls.filter { call in
                call["external_ids"]?.elements.contains { names.contains($0["value"]?.string ?? "") } ?? false
            }
            TraceComparison(trace, own, "beside another").check()
        }
    }

    @Test func `a gateway that comes late to two calls ends with the same two`() throws {
        let trace = try Trace("resync-after-reconnect")
        var player = TracePlayer(trace)
        try player.play(trace, connections: 1..<2)
        #expect(player.openCount == 0)
        let calls = try player.calls(atOnce: true)
        #expect(calls.count == 2)
        for truth in trace.story.expected_calls {
            let call = calls.first { one in
                one["external_ids"]?.elements.contains { $0["value"]?.string == truth.ami_linkedid } ?? false
            }
            #expect(call?["direction"]?.string == truth.direction)
            #expect(call?["disposition"]?.string == (truth.answered ? "answered" : "canceled"))
            let people = (call?["participants"]?.elements ?? []).compactMap { $0["extension"]?.string }
            #expect(Set(people) == (truth.answered ? ["101"] : ["102", "103"]))
        }
    }

    @Test(arguments: [true, false])
    func `a hangup of ours ends the call unless the server refused it`(_ isRefused: Bool) throws {
        let trace = try Trace("inbound-answered")
        let news = trace.news()
        let end = try #require(news.firstIndex { $0.event == .hangupRequest })
        var player = TracePlayer(trace)
        player.open()
        try player.feed(Trace.greeting + Trace.booted, at: 0)
        try player.feed(news[..<end], of: trace)
        player.send("Action: Hangup\r\nChannel: PJSIP/trunk-00000041", at: 5)
        if isRefused { player.send("Action: Hangup\r\nChannel: PJSIP/trunk-00000041\r\nResult: refused", at: 5) }
        try player.feed(news[end...], of: trace)
        #expect(try player.calls().first?["ended_by"]?.string == (isRefused ? "external_party" : "user"))
    }

    @Test func `an answer that nobody heard is dated by what the server still knows`() throws {
        let trace = try Trace("inbound-answered")
        let news = trace.news()
        let answer = try #require(news.firstIndex { $0.event == .dialEnd })
        let end = try #require(news.firstIndex { $0.event == .hangupRequest })
        var list = ChannelList()
        for message in news[..<end] { list.take(message.message) }
        var player = TracePlayer(trace)
        player.open()
        try player.feed(Trace.greeting + Trace.booted, at: 0)
        try player.feed(news[..<answer], of: trace)
        player.close(at: 1.5)
        player.open()
        try player.feed(Trace.greeting + Trace.booted + list.answer, at: 5.2)
        try player.dateTalks(3, at: 5.21)
        try player.feed(news[end...], of: trace)
        let call = try #require(try player.calls().first)
        let answered = try #require(call["answered_at"]?.string.flatMap { Instant(rfc3339: $0) })
        #expect(answered == trace.moment(2.21))
    }

    @Test func `a talk that the server counts from its menu on began when nobody listened, not before`() throws {
        let trace = try Trace("inbound-answered")
        let news = trace.news()
        let answer = try #require(news.firstIndex { $0.event == .dialEnd })
        let end = try #require(news.firstIndex { $0.event == .hangupRequest })
        var list = ChannelList()
        for message in news[..<end] { list.take(message.message) }
        var player = TracePlayer(trace)
        player.open()
        try player.feed(Trace.greeting + Trace.booted, at: 0)
        try player.feed(news[..<answer], of: trace)
        player.close(at: 1.5)
        player.open()
        try player.feed(Trace.greeting + Trace.booted + list.answer, at: 5.2)
        try player.dateTalks(60, at: 5.21)
        try player.feed(news[end...], of: trace)
        let call = try #require(try player.calls().first)
        #expect(call["answered_at"]?.string.flatMap { Instant(rfc3339: $0) } == trace.moment(1.5))
    }

    @Test func `two gateways' worth of connections to one server change nothing`() throws {
        let trace = try Trace("resync-after-reconnect")
        var player = TracePlayer(trace)
        try player.play(trace, connections: 0..<1)
        let calls = try player.calls(atOnce: true)
        TraceComparison(trace, calls).check()
    }
}
