import TestSupport
import Testing

@testable import Connector

@Suite struct NearbyCallsTests {
    private func call(_ number: Int) -> CallID { CallID(upper: 0, lower: UInt64(number)) }

    private func moment(_ seconds: Int64) -> Instant { .base.advanced(by: .seconds(seconds)) }

    private func place(_ seconds: Int64, _ number: String? = nil) -> NearbyCalls.Place {
        NearbyCalls.Place(startedAt: moment(seconds), number: number)
    }

    @Test func `calls are found by when they began, the newest first`() {
        var nearby = NearbyCalls()
        for second in 0..<100 { nearby.add(call(second), at: place(Int64(second))) }
        #expect(nearby.calls(in: moment(10)...moment(13)) == [13, 12, 11, 10].map(call))
        #expect(nearby.calls(in: moment(200)...moment(300)).isEmpty)
    }

    @Test func `with a number those are found that have it, and those of which none is known`() {
        var nearby = NearbyCalls()
        nearby.add(call(1), at: place(0, "+79000000001"))
        nearby.add(call(2), at: place(10, "+79000000002"))
        nearby.add(call(3), at: place(20))
        nearby.add(call(4), at: place(-7200, "+79000000001"))
        #expect(nearby.calls(with: "+79000000001", in: moment(-3600)...moment(60)) == [3, 1].map(call))
    }

    @Test func `what was taken out is found no more`() {
        var nearby = NearbyCalls()
        nearby.add(call(1), at: place(0, "+79000000001"))
        nearby.remove(call(1), at: place(0, "+79000000001"))
        #expect(nearby.calls(in: moment(-1)...moment(1)).isEmpty)
        #expect(nearby.isEmpty)
    }

    @Test func `a span of all time takes no longer than there are calls`() {
        var nearby = NearbyCalls()
        nearby.add(call(1), at: place(0, "+79000000001"))
        nearby.add(call(2), at: place(100_000_000, "+79000000002"))
        #expect(nearby.calls(in: .earliest ... .latest) == [2, 1].map(call))
        #expect(nearby.calls(with: "+79000000001", in: .earliest ... .latest) == [call(1)])
    }

    @Test func `it finds what a look at all calls finds`() {
        var chance = SeededRandom(seed: 7)
        var nearby = NearbyCalls()
        var all: [(CallID, NearbyCalls.Place)] = []
        for number in 0..<400 {
            let new = place(Int64.random(in: 0..<20_000, using: &chance), ["1", "2", nil].randomElement(using: &chance) ?? nil)
            nearby.add(call(number), at: new)
            all.append((call(number), new))
            guard chance.oneIn(3), let gone = all.indices.randomElement(using: &chance) else { continue }
            nearby.remove(all[gone].0, at: all[gone].1)
            all.remove(at: gone)
        }
        for _ in 0..<50 {
            let from = Int64.random(in: 0..<20_000, using: &chance)
            let span = moment(from)...moment(from + Int64.random(in: 0..<9000, using: &chance))
            let within = all.filter { span.contains($0.1.startedAt) }
            #expect(Set(nearby.calls(in: span)) == Set(within.map(\.0)))
            #expect(Set(nearby.calls(with: "1", in: span)) == Set(within.filter { $0.1.number != "2" }.map(\.0)))
        }
    }
}
