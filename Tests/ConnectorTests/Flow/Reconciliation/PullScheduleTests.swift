import TestSupport
import Testing

@testable import Connector

@Suite struct PullScheduleTests {
    private static let plan = ReconcilingPlan()
    private let schedule = PullSchedule(Self.plan)
    private let now = Instant.base

    private func state(through: Duration? = nil, wide: Duration? = .seconds(60), succeeded: Duration? = .zero) -> PullState {
        func ago(_ duration: Duration?) -> Instant? { duration.map { now.advanced(by: .zero - $0) } }
        var state = PullState(
            connection: ConnectionID("c"), through: ago(through), wideAt: ago(wide), succeededAt: ago(succeeded))
        state.since = state.through.map { $0.advanced(by: .seconds(-86_400)) }
        return state
    }

    private func length(_ pull: PullSchedule.Pull) -> Duration {
        pull.slices.first.flatMap { first in pull.slices.last.map { first.from.duration(to: $0.to) } } ?? .zero
    }

    @Test func `the first pull is due at once, the next one after the plan's pause`() {
        #expect(schedule.next(state(succeeded: nil), at: now) == now)
        #expect(schedule.next(state(), at: now) == now.advanced(by: Self.plan.every))
    }

    @Test(arguments: [(1, 60), (2, 120), (3, 240), (7, 3600), (1000, 3600)])
    func `after failures the pause doubles, up to an hour`(failures: Int, seconds: Int64) {
        var state = state()
        for _ in 0..<failures { state.failed("no", at: now) }
        #expect(schedule.next(state, at: now) == now.advanced(by: .seconds(seconds)))
        #expect(schedule.next(state, after: .seconds(7200), at: now) == now.advanced(by: .seconds(7200)))
    }

    @Test func `a clock that was set back makes nobody wait for longer`() {
        var late = state(succeeded: .seconds(-86_400))
        #expect(schedule.next(late, at: now) == now.advanced(by: Self.plan.every))
        late.failed("no", at: now.advanced(by: .seconds(86_400)))
        #expect(schedule.next(late, at: now) == now.advanced(by: .seconds(60)))
    }

    @Test func `a pull reaches back by the window, and a day every three hours`() {
        let usual = schedule.pull(state(through: .seconds(600)), at: now)
        #expect(!usual.isWide && length(usual) == .seconds(2 * 3600 + 600) && usual.slices.count == 1)
        let wide = schedule.pull(state(through: .seconds(600), wide: .seconds(3 * 3600)), at: now)
        #expect(wide.isWide && length(wide) == .seconds(86_400))
        #expect(schedule.pull(state(wide: nil), at: now).isWide)
        #expect(usual.slices.last?.to == now)
    }

    @Test func `after downtime a pull goes on where the last one ended, a week back at most, in days that overlap`() {
        let two = schedule.pull(state(through: .seconds(2 * 86_400)), at: now)
        #expect(length(two) == .seconds(2 * 86_400 + 7200) && two.slices.count == 3)
        let overlaps = zip(two.slices, two.slices.dropFirst()).map { $1.from.duration(to: $0.to) }
        #expect(overlaps == [.seconds(7200), .seconds(7200)], "no call of two hours is cut in two")
        #expect(length(schedule.pull(state(through: .seconds(365 * 86_400)), at: now)) == .seconds(7 * 86_400))
        let months = PullSchedule(ReconcilingPlan(longest: ReconcilingPlan.longestOfAll))
        let month = months.pull(state(through: .seconds(365 * 86_400)), at: now)
        #expect(month.slices.count == 34 && length(month) == .seconds(31 * 86_400))
        let patient = PullSchedule(ReconcilingPlan(window: .seconds(7 * 86_400), longest: ReconcilingPlan.longestOfAll))
        #expect(length(patient.pull(state(through: .seconds(365 * 86_400)), at: now)) == .seconds(31 * 86_400))
    }

    @Test func `what is known grows with parts that meet, and begins anew behind a gap`() {
        var state = PullState(connection: ConnectionID("c"))
        func at(_ hours: Int64) -> Instant { now.advanced(by: .seconds(hours * 3600)) }
        state.note(HistoryWindow(from: at(0), to: at(10)))
        state.note(HistoryWindow(from: at(8), to: at(20)))
        #expect(state.since == at(0) && state.through == at(20))
        #expect(schedule.known(state) == at(0)..<at(18), "what the window still asks for may yet appear")
        state.note(HistoryWindow(from: at(-5), to: at(15)))
        #expect(state.since == at(-5) && state.through == at(20))
        state.note(HistoryWindow(from: at(30), to: at(31)))
        #expect(state.since == at(30) && state.through == at(31))
        #expect(schedule.known(state) == nil)
    }
}
