import Connector
import TestSupport
import Testing

@testable import PBXPlan

@Suite struct TollGuardTests {
    private var toll: TollGuard
    private let noon = PlanBench.moment("2026-12-01T12:00:00Z")
    private let minsk = PlanBench.number("+375291234567")
    private let moscow = PlanBench.number("+74950000001")
    private let price = CallPrice(minute: Money("2") ?? .zero)

    init() throws {
        toll = TollGuard(
            try PlanBench.plan(
                """
                extensions:
                  101: {secret: env:A, limits: {at_once: 2, an_hour: 4, money_a_day: 10}}
                  102: {secret: env:B}
                trunks: {megafon: {limits: {at_once: 1}}, zadarma: {}}
                outgoing: [{to: any, by: {megafon: 2, zadarma: 2}}]
                limits: {BY: {at_once: 1, an_hour: 2}, any: {an_hour: 100}}
                alarm_at: 75
                """))
    }

    private func at(_ minutes: Int) -> Instant { noon.advanced(by: .seconds(minutes * 60)) }

    private mutating func call(_ id: UInt64, _ caller: String = "101", from: Int, talk: Int) {
        _ = toll.begin(id, caller: caller, number: moscow, at: at(from))
        _ = toll.attempt(id, trunk: "zadarma", price: price, at: at(from))
        toll.answered(id, at: at(from))
        _ = toll.end(id, at: at(from + talk))
    }

    @Test mutating func `calls at the same time are counted until they end`() {
        for id in UInt64(1)...2 { _ = toll.begin(id, caller: "101", number: moscow, at: noon) }
        #expect(toll.obstacle(caller: "101", number: moscow, at: noon) == .init(.extension("101"), .atOnce))
        #expect(toll.obstacle(caller: "102", number: moscow, at: noon) == nil)
        _ = toll.end(1, at: noon)
        _ = toll.end(1, at: noon)
        #expect(toll.obstacle(caller: "101", number: moscow, at: noon) == nil)
        #expect(toll.used(.atOnce, .extension("101"), at: noon) == 1)
    }

    @Test mutating func `a destination is limited for all who call there together`() {
        _ = toll.begin(1, caller: "101", number: minsk, at: noon)
        #expect(toll.obstacle(caller: "102", number: minsk, at: noon) == .init(.destination(.country("BY", kind: nil)), .atOnce))
        #expect(toll.obstacle(caller: "102", number: moscow, at: noon) == nil)
        #expect(toll.obstacle(caller: nil, number: minsk, at: noon) != nil)
    }

    @Test mutating func `an hour slides`() {
        for id in UInt64(1)...4 { call(id, from: Int(id) * 10, talk: 0) }
        #expect(toll.obstacle(caller: "101", number: moscow, at: at(60)) == .init(.extension("101"), .anHour))
        #expect(toll.obstacle(caller: "101", number: moscow, at: at(76)) == nil)
        #expect(toll.used(.anHour, .extension("101"), at: at(76)) == 3)
        #expect(toll.used(.anHour, .extension("101"), at: at(1000)) == 0)
    }

    @Test mutating func `money is booked when a call ends, counted while it goes on, and forgotten after a day`() {
        call(1, from: 0, talk: 3)
        #expect(toll.used(.moneyADay, .extension("101"), at: at(10)) == 60_000)
        _ = toll.begin(2, caller: "101", number: moscow, at: at(10))
        _ = toll.attempt(2, trunk: "zadarma", price: price, at: at(10))
        #expect(toll.used(.moneyADay, .extension("101"), at: at(11)) == 60_000)
        toll.answered(2, at: at(11))
        #expect(toll.exhausted(at: at(12)) == [])
        #expect(toll.exhausted(at: at(13)) == [2])
        #expect(toll.obstacle(caller: "101", number: moscow, at: at(13)) == .init(.extension("101"), .moneyADay))
        _ = toll.end(2, at: at(13))
        #expect(toll.used(.moneyADay, .extension("101"), at: at(13)) == 100_000)
        #expect(toll.used(.moneyADay, .extension("101"), at: at(23 * 60)) == 100_000)
        #expect(toll.used(.moneyADay, .extension("101"), at: at(25 * 60)) == 0)
    }

    @Test mutating func `a trunk that failed is free again when the next is tried`() {
        _ = toll.begin(1, caller: "101", number: moscow, at: noon)
        _ = toll.attempt(1, trunk: "megafon", price: price, at: noon)
        #expect(toll.obstacle(trunk: "megafon", at: noon) == .init(.trunk("megafon"), .atOnce))
        _ = toll.attempt(1, trunk: "zadarma", price: price, at: noon)
        #expect(toll.obstacle(trunk: "megafon", at: noon) == nil)
        #expect(toll.used(.anHour, .extension("101"), at: noon) == 1)
        #expect(toll.used(.atOnce, .trunk("zadarma"), at: noon) == 1)
    }

    @Test mutating func `an alarm is told when a limit is near, when it is reached, and for a refusal: each once an hour`() {
        func words(_ alarms: [TollGuard.Alarm]) -> [String] {
            alarms.map { "\($0.obstacle.measure.rawValue) \($0.level.rawValue)" }
        }
        for id in UInt64(1)...2 {
            _ = toll.begin(id, caller: "101", number: moscow, at: noon)
            _ = toll.end(id, at: noon)
        }
        #expect(words(toll.begin(3, caller: "101", number: moscow, at: noon)) == ["an_hour near"])
        #expect(words(toll.begin(4, caller: "101", number: moscow, at: noon)) == ["at_once reached", "an_hour reached"])
        _ = toll.end(4, at: noon)
        #expect(words(toll.begin(5, caller: "101", number: moscow, at: noon)) == [])
        let obstacle = TollGuard.Obstacle(.extension("101"), .anHour)
        #expect(toll.refused(obstacle, at: at(1))?.level == .refused)
        #expect(toll.refused(obstacle, at: at(60)) == nil)
        #expect(toll.refused(obstacle, at: at(61)) != nil)
    }

    @Test mutating func `a call that grows dear raises its alarm while it goes on`() {
        _ = toll.begin(1, caller: "101", number: moscow, at: noon)
        _ = toll.attempt(1, trunk: "zadarma", price: price, at: noon)
        toll.answered(1, at: noon)
        #expect(toll.alarms(at: at(3)) == [])
        #expect(toll.alarms(at: at(4)).map(\.level) == [.near])
        #expect(toll.alarms(at: at(5)).map(\.level) == [.reached])
    }

    @Test mutating func `another plan keeps what was counted`() throws {
        call(1, from: 0, talk: 1)
        toll.adopt(
            try PlanBench.plan(
                """
                extensions: {101: {secret: env:A, limits: {an_hour: 1}}}
                trunks: {zadarma: {}}
                """))
        #expect(toll.obstacle(caller: "101", number: moscow, at: at(2)) == .init(.extension("101"), .anHour))
        #expect(toll.obstacle(caller: "102", number: minsk, at: at(2)) == nil)
        // A call that began before its trunk was forgotten ends in peace.
        _ = toll.begin(2, caller: nil, number: moscow, at: at(2))
        _ = toll.attempt(2, trunk: "zadarma", price: nil, at: at(2))
        toll.adopt(DialPlan())
        toll.adopt(try PlanBench.plan("extensions: {101: {secret: env:A}}\ntrunks: {zadarma: {}}"))
        #expect(toll.end(2, at: at(3)) == [])
        #expect(toll.used(.atOnce, .trunk("zadarma"), at: at(3)) == 0)
    }
}

@Suite struct SlidingCountTests {
    @Test func `it sums up what a plain list of the same moments sums up`() {
        for seed in 0..<200 {
            var random = SeededRandom(seed: UInt64(seed))
            var count = SlidingCount(step: .seconds(300), steps: 12)
            var all: [(step: Int64, amount: Int64)] = []
            var now: Int64 = Int64(Int.random(in: 0..<2000, using: &random)) - 1000
            for _ in 0..<60 {
                now += Int64(Int.random(in: 0..<900, using: &random))
                let amount = Int64(Int.random(in: 0..<50, using: &random))
                count.add(amount, at: Instant(unixSeconds: now))
                all.append((Self.step(now), amount))
                let later = now + Int64(Int.random(in: 0..<5000, using: &random))
                let expected = all.filter { $0.step > Self.step(later) - 12 }.reduce(0) { $0 + $1.amount }
                #expect(count.sum(at: Instant(unixSeconds: later)) == expected)
            }
        }
    }

    private static func step(_ seconds: Int64) -> Int64 { Int64((Double(seconds) / 300).rounded(.down)) }

    @Test func `time that goes back stands still`() {
        var count = SlidingCount(step: .seconds(300), steps: 12)
        count.add(5, at: Instant(unixSeconds: 100_000))
        count.add(2, at: Instant(unixSeconds: 1000))
        #expect(count.sum(at: Instant(unixSeconds: 500)) == 7)
        #expect(count.sum(at: Instant(unixSeconds: 100_000)) == 7)
        count.add(.max, at: Instant(unixSeconds: 100_001))
        #expect(count.sum(at: Instant(unixSeconds: 100_001)) == .max)
    }
}
