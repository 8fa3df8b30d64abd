import Testing
import TestSupport

@testable import Connector

@Suite struct ProviderLaneTests {
    private let start = Instant.base

    private func moment(_ milliseconds: Int64) -> Instant { start.advanced(by: .milliseconds(milliseconds)) }

    @Test func `a burst leaves at once, what is beyond it waits its turn`() {
        var lane = ProviderLane(RateLimit(burst: 3, interval: .milliseconds(100)), at: start)
        let deadline = moment(10_000)
        let turns = (0..<5).map { _ in lane.take(at: start, deadline: deadline) }
        #expect(turns == [.now, .now, .now, .at(moment(100)), .at(moment(200))])
        #expect(lane.take(at: moment(500), deadline: deadline) == .now)
    }

    @Test func `a place beyond the deadline is told and not taken`() {
        var lane = ProviderLane(RateLimit(burst: 1, interval: .seconds(1)), at: start)
        #expect(lane.take(at: start, deadline: moment(500)) == .now)
        for _ in 0..<3 { #expect(lane.take(at: start, deadline: moment(500)) == .at(moment(1000))) }
    }

    @Test func `a failure does not shorten the rest that the provider asked for`() {
        var lane = ProviderLane(RateLimit(burst: 9, interval: .milliseconds(1)), at: start)
        lane.rest(until: moment(3_600_000))
        for _ in 0..<6 { lane.failed(at: start) }
        #expect(lane.closed(at: moment(3_599_999)) == moment(3_600_000))
    }

    @Test func `five failures close it, each further rest is longer, one success opens it`() {
        var lane = ProviderLane(RateLimit(burst: 100, interval: .milliseconds(1)), at: start)
        for _ in 0..<4 { lane.failed(at: start) }
        #expect(lane.take(at: start, deadline: moment(10_000)) == .now)
        lane.failed(at: start)
        #expect(lane.take(at: moment(9_999), deadline: moment(20_000)) == .closed(until: moment(10_000)))
        #expect(lane.take(at: moment(10_000), deadline: moment(20_000)) == .now)
        lane.failed(at: moment(10_000))
        #expect(lane.closed(at: moment(10_000)) == moment(30_000))
        for _ in 0..<20 { lane.failed(at: moment(30_000)) }
        #expect(lane.closed(at: moment(30_000)) == moment(330_000))
        lane.succeeded()
        #expect(lane.closed(at: moment(30_000)) == nil)
    }
}
