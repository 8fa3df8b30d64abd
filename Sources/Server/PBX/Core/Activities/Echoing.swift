import Connector
import Media

/// Says back what one says: a test of a telephone's sound.
final class Echoing: CallActivity {
    private unowned let call: PBXCall

    init(_ call: PBXCall) { self.call = call }

    func enter() {
        call.core.accept(callerOf: call)
        if let caller = call.caller { call.core.media.bridge(caller.stream, caller.stream) }
    }

    func leave() { if let caller = call.caller { call.core.media.unbridge(caller.stream) } }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) { call.callerGone(ending) }
}
