import Connector
import Testing

@testable import AsteriskAdapter

/// Every captured stream gives the calls that its endpoints saw.
struct TraceTests {
    @Test func `all thirty-five are there`() { #expect(Trace.all.count == 35) }

    /// Read in one go after its end, a stream without time stamps tells of no moments; who called whom it tells all the same.
    @Test(arguments: Trace.all)
    func `a stream that is read in one piece gives the same calls but for their times`(_ trace: Trace) throws {
        guard trace.name != "resync-after-reconnect" else { return }
        var player = TracePlayer(trace)
        try player.play(trace, cut: .inOnePiece)
        #expect(player.undecoded == [])
        #expect(player.openCount == 0)
        let calls = try player.calls()
        for truth in trace.story.expected_calls {
            let call = calls.first { one in
                one["external_ids"]?.elements.contains { $0["value"]?.string == truth.ami_linkedid } ?? false
            }
            #expect(call?["direction"]?.string == truth.direction, "\(trace.name)")
            #expect(call?["state"] == "ended", "\(trace.name)")
            #expect((call?["disposition"] == "answered") == truth.answered, "\(trace.name)")
            let outside = truth.direction == "outbound" ? truth.callee : truth.direction == "inbound" ? truth.caller : nil
            #expect(call?["external_party"]?["number"]?["raw"]?.string == outside, "\(trace.name)")
        }
    }

    @Test(arguments: Trace.all, [TracePlayer.Cut.asCaptured, .byteByByte])
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
