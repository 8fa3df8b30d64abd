import TestSupport
import Testing

@testable import Connector

@Suite struct HourlyCallsTests {
    private static func hour(_ number: Int) -> Instant {
        Instant(unixSeconds: 1_790_000_000 / 3600 * 3600 + Int64(3600 * number))
    }

    private static func seen(_ hours: Range<Int>, _ count: Int) -> [SeenCalls] {
        hours.map { SeenCalls(begin: hour($0), seenByWebhook: count) }
    }

    @Test func `four weeks are read at first, and from then on what may have changed`() {
        var hours = HourlyCalls()
        let now = Self.hour(700)
        #expect(hours.isReadFrom(at: now) == Self.hour(700 - 672))
        hours.take(Self.seen(28..<700, 2), from: Self.hour(28), at: now)
        let later = now.advanced(by: .seconds(3700))
        #expect(hours.isReadFrom(at: later) == Self.hour(700 - 24))
        hours.take(Self.seen(690..<702, 5), from: Self.hour(676), at: later)
        let all = hours.all
        #expect(all.first?.begin == Self.hour(29), "what is older than four weeks is forgotten")
        #expect(all.filter { $0.begin < Self.hour(676) }.allSatisfy { $0.seenByWebhook == 2 })
        #expect(all.filter { $0.begin >= Self.hour(676) } == Self.seen(690..<702, 5))
        #expect(hours.isReadFrom(at: now) == Self.hour(700 - 672), "a clock that was set back begins anew")
    }
}

@Suite struct SilenceWatchTests {
    /// Four whole weeks before a Monday noon, UTC.
    private static let now = Instant(unixSeconds: 1_793_620_800)
    private static let hour = Duration.seconds(3600)

    private static func ago(_ hours: Int) -> Instant { now.advanced(by: hour * -hours) }

    /// So many calls in each hour of `hours`, as hours before now.
    private static func counts(_ hours: some Sequence<Int>, _ calls: (Int) -> Int) -> [SeenCalls] {
        hours.map { SeenCalls(begin: ago($0), seenByWebhook: calls($0)) }.filter { $0.seenByWebhook > 0 }
    }

    /// Twelve calls an hour from 9 to 18, none at night.
    private static func office(_ hoursAgo: Int) -> Int { (9..<18).contains((12 - hoursAgo % 24 + 24) % 24) ? 12 : 0 }

    @Test func `the usual rate is that of this hour of the week`() {
        let usual = UsualRate(Self.counts(1...672, Self.office), at: Self.now)
        #expect(usual.rate(at: Self.now) == 12 && usual.rate(at: Self.ago(10)) == 0)
        #expect(usual.expected(from: Self.ago(2), to: Self.now) == 24)
        #expect(usual.expected(from: Self.ago(16), to: Self.ago(4)) == 0, "nobody calls at night")
        #expect(usual.expected(from: Self.now, to: Self.now.advanced(by: .seconds(600))) == 2)
    }

    @Test func `one odd day moves nothing`() {
        let usual = UsualRate(Self.counts(1...672) { $0 > 168 && $0 <= 192 ? 500 : Self.office($0) }, at: Self.now)
        #expect(usual.rate(at: Self.now) == 12)
    }

    @Test func `a young connection is judged by the hour of the day, and one that is new not at all`() {
        let young = UsualRate(Self.counts(1...100, Self.office), at: Self.now)
        #expect(young.isLearned && young.rate(at: Self.now) == 12)
        #expect(!UsualRate(Self.counts(1...30, Self.office), at: Self.now).isLearned)
        #expect(!UsualRate([], at: Self.now).isLearned)
    }

    // MARK: Silence

    private let usual = UsualRate(Self.counts(1...672, Self.office), at: Self.now)

    @Test func `no call where eight are usual is an alarm, told once, and its end too`() {
        var watch = SilenceWatch()
        #expect(watch.look(usual, heardAt: Self.now, at: Self.now.advanced(by: .seconds(60))) == nil)
        #expect(watch.state == .hearing)
        #expect(watch.look(usual, heardAt: Self.now, at: Self.now.advanced(by: .seconds(2399))) == nil)
        let late = Self.now.advanced(by: .seconds(2400))
        #expect(watch.look(usual, heardAt: Self.now, at: late) == .silent(since: Self.now, expected: 8))
        #expect(watch.state == .silent && watch.since == late)
        #expect(watch.look(usual, heardAt: Self.now, at: late.advanced(by: Self.hour)) == nil)
        let heard = late.advanced(by: .seconds(7000))
        #expect(watch.look(usual, heardAt: heard, at: heard) == .recovered(silentSince: Self.now))
        #expect(watch.state == .hearing && watch.lastHeardAt == heard)
    }

    @Test func `at night nobody is missed`() {
        var watch = SilenceWatch()
        let evening = Self.ago(17)
        #expect(watch.look(usual, heardAt: evening, at: evening.advanced(by: Self.hour * 13)) == nil)
        #expect(watch.state == .hearing)
    }

    @Test func `many calls an hour make nobody nervous within a quarter of one`() {
        let busy = UsualRate(Self.counts(1...672) { _ in 3600 }, at: Self.now)
        var watch = SilenceWatch()
        #expect(watch.look(busy, heardAt: Self.now, at: Self.now.advanced(by: .seconds(899))) == nil)
        #expect(watch.look(busy, heardAt: Self.now, at: Self.now.advanced(by: .seconds(900))) != nil)
    }

    @Test func `a connection that is learned about is not silent, and a silent one stays so until it is heard`() {
        var watch = SilenceWatch()
        let nothing = UsualRate([], at: Self.now)
        #expect(watch.look(nothing, heardAt: Self.ago(100), at: Self.now) == nil && watch.state == .learning)
        #expect(watch.look(usual, heardAt: Self.ago(3), at: Self.now) != nil && watch.state == .silent)
        #expect(watch.look(nothing, heardAt: Self.ago(3), at: Self.now) == nil && watch.state == .silent)
    }
}
