import Connector
import Testing

@Suite struct TroublePaceTests {
    private func moment(_ seconds: Int64) -> Instant { Instant(milliseconds: seconds * 1000) }

    @Test func `trouble is told at once, then after pauses that grow, with what happened between`() {
        var pace = TroublePace()
        // Every second for an hour.
        let told = (0..<3600).compactMap { second in pace.failed(at: moment(second)).map { (second, $0) } }
        #expect(told.map(\.0) == [0, 10, 30, 70, 150, 310, 630, 1230, 1830, 2430, 3030])
        #expect(told.map(\.1) == [1, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600])
    }

    @Test func `an end is told where the beginning was`() {
        var pace = TroublePace()
        var told: [Bool] = [pace.recovered()]
        #expect(pace.failed(at: moment(0)) == 1)
        told += [pace.recovered(), pace.recovered()]
        #expect(pace.failed(at: moment(1)) == nil, "what comes and goes is one trouble")
        told.append(pace.recovered())
        #expect(pace.failed(at: moment(10)) == 2)
        #expect(told == [false, true, false, false])
    }

    @Test func `after a calm the pauses begin anew, and a clock that was set back silences nobody`() {
        var pace = TroublePace()
        for second in 0..<400 { _ = pace.failed(at: moment(Int64(second))) }
        #expect(pace.failed(at: moment(1100)) != nil)
        #expect(pace.failed(at: moment(1109)) == nil)
        #expect(pace.failed(at: moment(1110)) == 2)
        #expect(pace.failed(at: moment(500)) == 1)
    }
}
