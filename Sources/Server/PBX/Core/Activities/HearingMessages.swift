import Connector
import Media
import PBXPlan

/// Plays an employee the messages of his boxes, the newest first: # goes on to the next, 7 throws this one away.
///
/// A beep stands before each, so that one knows where it begins; a low double tone says that there is no more.
final class HearingMessages: CallActivity {
    private unowned let call: PBXCall
    private let short: String
    private var rest: [PBXRecordingName] = []
    private var current: PBXRecordingName?
    private var phase = Phase.beep

    private enum Phase { case beep, message, end }

    init(_ call: PBXCall, of short: String) {
        self.call = call
        self.short = short
    }

    func enter() {
        rest = call.core.messages.messages(of: call.core.plan.boxes(of: short)).map(\.name)
        call.core.accept(callerOf: call)
        next()
    }

    private func next() {
        guard let caller = call.caller else { return }
        guard !rest.isEmpty else {
            current = nil
            phase = .end
            return call.core.media.play(caller.stream, AudioProgram(.tone(.busy), rounds: 2))
        }
        current = rest.removeFirst()
        phase = .beep
        call.core.media.play(caller.stream, AudioProgram(.tone(.beep), rounds: 1))
    }

    func played(to leg: PBXLeg) {
        switch phase {
        case .beep: play()
        case .message: heard()
        case .end: call.end(.normal, by: .system, cause: Cause(q850: 16))
        }
    }

    private func play() {
        guard let caller = call.caller, let current else { return }
        phase = .message
        call.core.media.play(caller.stream, .file(call.core.messages.path(current)))
    }

    private func heard() {
        guard let current else { return }
        call.core.messages.markHeard(current)
        tellLamps(current)
        next()
    }

    func pressed(_ key: Character, on leg: PBXLeg) {
        guard let current else { return }
        switch key {
        // Who goes on has heard enough of it.
        case "#": phase == .message ? heard() : next()
        case "7":
            call.core.messages.throwAway(current)
            tellLamps(current)
            next()
        default: break
        }
    }

    private func tellLamps(_ name: PBXRecordingName) { if let box = name.box { call.core.lamps.changed(box) } }

    func leave() { if let caller = call.caller { call.core.media.stop(caller.stream) } }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) { call.callerGone(ending) }
}
