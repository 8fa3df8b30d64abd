import Connector
import TestSupport
import Testing

@testable import Gateway

struct ClockSkewTests {
    /// Events that came so many milliseconds after their own time.
    private func skew(_ delays: Int64...) -> ClockSkew? {
        ClockSkew(
            delays.map { delay in
                var event = CallEvent.make()
                event.receivedAt = event.occurredAt.advanced(by: .milliseconds(delay))
                return event
            })
    }

    private static let cases: [(Int64, ClockSkew.Verdict)] = [
        (120, .good), (-900, .good), (-2000, .good), (30_000, .good), (-2001, .oursIsBehind), (-90_000, .oursIsBehind),
        (30_001, .oursIsAhead), (600_000, .oursIsAhead), (3_600_400, .wrongZone), (-10_800_000, .wrongZone),
        (-10_799_000, .wrongZone), (19_800_900, .wrongZone), (-1_000_000, .oursIsBehind), (90_000_000, .oursIsAhead),
        (-5_340_000, .oursIsBehind), (.max, .oursIsAhead), (.min + 1, .oursIsBehind),
    ]

    @Test(arguments: cases) func `the quickest event tells`(delay: Int64, expected: ClockSkew.Verdict) {
        #expect(skew(delay)?.verdict == expected)
    }

    @Test func `late ones do not count against the clock`() throws {
        let quickest = try #require(skew(4_000_000, 250, 90_000, 7_200_000))
        #expect(quickest.verdict == .good)
        #expect(quickest.least == 250)
        #expect(quickest.count == 4)
    }

    @Test func `events without a time of their own tell nothing`() {
        #expect(skew(0, 0) == nil)
        #expect(skew() == nil)
        #expect(skew(0, -60_000)?.count == 1)
    }
}
