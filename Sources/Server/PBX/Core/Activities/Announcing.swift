import Connector
import Media
import PBXPlan

/// Plays a prompt to the caller, whose call is answered for it. A prompt that cannot be played is told of, and passed over.
final class Announcing: CallActivity {
    private unowned let call: PBXCall
    private let prompt: String

    init(_ call: PBXCall, _ prompt: String) {
        self.call = call
        self.prompt = prompt
    }

    func enter() {
        guard let caller = call.caller else { return }
        call.core.accept(callerOf: call)
        call.recorder.isAnnounced = true
        call.core.media.play(caller.stream, .file(call.core.promptPath(prompt)))
    }

    func leave() { if let caller = call.caller { call.core.media.stop(caller.stream) } }

    func played(to leg: PBXLeg) {
        call.tell(.step(PBXRecord.Step(.announcement, ref: prompt, result: "played")))
        call.proceed()
    }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) { call.callerGone(ending) }
}
