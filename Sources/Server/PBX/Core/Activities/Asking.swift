import Connector
import Media
import NetworkTypes
import PBXPlan

/// Asks the caller to press a key, and goes where it leads.
final class Asking: CallActivity {
    private unowned let call: PBXCall
    private let menu: Menu
    private let leg: String
    private var timesLeft: Int
    private var digits = ""
    private var timer: TimerID?
    private var isInvalidPrompt = false

    init(_ call: PBXCall, _ menu: Menu) {
        self.call = call
        self.menu = menu
        leg = call.nextLegName()
        timesLeft = menu.times
    }

    func enter() {
        call.core.accept(callerOf: call)
        call.tell(.station(PBXRecord.StationMoment(.menu, .entered, name: menu.name, leg: leg, from: call.caller?.party)))
        ask()
    }

    private func ask() {
        guard timesLeft > 0 else { return go(to: menu.otherwise, .noAnswer) }
        timesLeft -= 1
        digits = ""
        play(menu.prompt)
    }

    private func play(_ prompt: String) {
        stopTimer()
        guard let caller = call.caller else { return }
        call.core.media.play(caller.stream, .file(call.core.promptPath(prompt)))
    }

    /// The wait begins when the question has been heard.
    func played(to leg: PBXLeg) {
        if isInvalidPrompt {
            isInvalidPrompt = false
            ask()
        } else {
            wait()
        }
    }

    private func wait() {
        stopTimer()
        timer = call.core.after(menu.wait) { [weak self] in self?.timeIsUp() }
    }

    private func timeIsUp() {
        timer = nil
        digits.isEmpty ? ask() : decide()
    }

    // MARK: Keys

    func pressed(_ key: Character, on leg: PBXLeg) {
        guard leg === call.caller, digits.count < 20 else { return }
        call.core.media.stop(leg.stream)
        digits.append(key)
        guard menu.dialsExtensions, call.core.dialPlanMayContinue(digits) else { return decide() }
        wait()
    }

    private func decide() {
        stopTimer()
        call.tell(.digits(PBXRecord.Digits(digits, leg: leg, menu: menu.name, by: call.caller?.party)))
        if digits.count == 1, let steps = digits.first.flatMap({ menu.keys[$0] }) { return go(to: steps, .transferred) }
        if menu.dialsExtensions, let steps = call.core.steps(dialledInMenu: digits) { return go(to: steps, .transferred) }
        guard let invalid = menu.invalid else { return ask() }
        digits = ""
        isInvalidPrompt = true
        play(invalid)
    }

    /// Without steps of its own the call goes on behind the menu.
    private func go(to steps: [PlanStep], _ reason: EndReason) {
        leaveStation(reason)
        call.script.jump(otherwise: steps)
        call.proceed()
    }

    private var isLeft = false

    private func leaveStation(_ reason: EndReason) {
        guard !isLeft else { return }
        isLeft = true
        call.tell(
            .station(PBXRecord.StationMoment(.menu, .left, name: menu.name, leg: leg, from: call.caller?.party, reason: reason)))
    }

    private func stopTimer() {
        if let timer { call.core.cancel(timer) }
        timer = nil
    }

    func leave() {
        stopTimer()
        leaveStation(.callerHungUp)
        if let caller = call.caller { call.core.media.stop(caller.stream) }
    }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) { call.callerGone(ending) }
}
