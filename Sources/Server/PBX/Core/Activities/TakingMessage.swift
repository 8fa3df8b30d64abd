import Connector
import Media
import NetworkTypes
import PBXPlan

/// Voicemail: greeting, beep, and a recording of what the caller says, until he hangs up, presses #, or the time is over.
final class TakingMessage: CallActivity {
    private enum Phase { case greeting, beep, message }

    private unowned let call: PBXCall
    private let box: VoicemailBox
    private let leg: String
    private var phase = Phase.greeting
    private var timer: TimerID?
    private var isLeft = false

    init(_ call: PBXCall, _ box: VoicemailBox) {
        self.call = call
        self.box = box
        leg = call.nextLegName()
    }

    func enter() {
        call.core.accept(callerOf: call)
        call.tell(.station(PBXRecord.StationMoment(.voicemail, .entered, name: box.name, leg: leg, from: call.caller?.party)))
        guard let caller = call.caller, let greeting = box.greeting else { return beep() }
        call.core.media.play(caller.stream, .file(call.core.promptPath(greeting)))
    }

    private func beep() {
        phase = .beep
        guard let caller = call.caller else { return }
        call.core.media.play(caller.stream, AudioProgram(.tone(.beep), rounds: 1))
    }

    func played(to leg: PBXLeg) {
        switch phase {
        case .greeting: beep()
        case .beep: listen()
        case .message: break
        }
    }

    private func listen() {
        phase = .message
        guard let caller = call.caller else { return }
        call.recorder.takeMessage(from: caller, for: box.name, leg: leg, in: call)
        timer = call.core.after(box.longest) { [weak self] in self?.finish(.normal) }
    }

    func pressed(_ key: Character, on leg: PBXLeg) {
        if key == "#" { phase == .message ? finish(.normal) : beep() }
    }

    private func finish(_ reason: EndReason) { call.end(.voicemail, by: .system, cause: Cause(q850: 16)) }

    func leave() {
        if let timer { call.core.cancel(timer) }
        timer = nil
        guard !isLeft else { return }
        isLeft = true
        call.recorder.finish(in: call)
        call.tell(
            .station(
                PBXRecord.StationMoment(.voicemail, .left, name: box.name, leg: leg, from: call.caller?.party, reason: .voicemail)
            ))
    }

    /// Hanging up is how most messages end; before the beep nothing was left.
    func gone(_ leg: PBXLeg, _ ending: LegEnding) {
        guard phase == .message else { return call.callerGone(ending) }
        call.end(.voicemail, by: call.caller?.extension == nil ? .externalParty : .user, cause: ending.cause)
    }
}
