import TestSupport
import Testing

@testable import NetworkTypes

/// The wheel against a sorted list, and its edges.
struct TimerWheelTests {
    @Test func `timers fire in time, whatever the distance`() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<200 {
            let start = Int64(random.next() % 1_000_000_000)
            var wheel = TimerWheel<Int64>(startingAt: start)
            var expected: [Int64] = []
            for _ in 0..<50 {
                let due = start + 1 + Int64(random.next() % (1 << (random.next() % 34)))
                expected.append(due)
                _ = wheel.insert(due, due: due)
            }
            #expect(drain(&wheel) == expected.sorted())
            #expect(wheel.count == 0)
        }
    }

    /// Walks the wheel from tick to tick; each timer must come at its own.
    private func drain(_ wheel: inout TimerWheel<Int64>) -> [Int64] {
        var fired: [Int64] = []
        while let tick = wheel.nextTick {
            #expect(wheel.takeDue(at: tick - 1) == nil)
            while let due = wheel.takeDue(at: tick) {
                #expect(due == tick)
                fired.append(due)
            }
        }
        return fired
    }

    @Test func `a cancelled timer does not fire, and its name fits no later one`() {
        var wheel = TimerWheel<String>(startingAt: 0)
        let first = wheel.insert("first", due: 5)
        let wasCancelled = wheel.cancel(first)
        _ = wheel.insert("second", due: 5)
        let wasCancelledAgain = wheel.cancel(first)
        #expect(wasCancelled && !wasCancelledAgain)
        #expect(wheel.takeDue(at: 5) == "second")
        #expect(wheel.takeDue(at: 5) == nil)
    }

    @Test func `a timer that is due can still be cancelled by the one before it`() {
        var wheel = TimerWheel<Int>(startingAt: 0)
        let ids = (0..<3).map { wheel.insert($0, due: 3) }
        var fired: [Int] = []
        while let number = wheel.takeDue(at: 10) {
            fired.append(number)
            ids.forEach { wheel.cancel($0) }
        }
        #expect(fired.count == 1)
    }

    @Test func `a late look fires all that is due at once`() {
        var wheel = TimerWheel<Int>(startingAt: 100)
        for due in [101, 165, 5_000, 300_000] { _ = wheel.insert(due, due: Int64(due)) }
        var fired: [Int] = []
        while let due = wheel.takeDue(at: 299_999) { fired.append(due) }
        #expect(fired.sorted() == [101, 165, 5_000])
        #expect(wheel.nextTick ?? 0 <= 300_000)
    }
}
