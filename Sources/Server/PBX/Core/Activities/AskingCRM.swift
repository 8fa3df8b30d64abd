import Connector
import NetworkTypes
import PBXPlan

/// Asks the CRM who is responsible for the caller, and rings that one first. Silence for 2 s is an answer, too: on with the script.
final class AskingCRM: CallActivity {
    private unowned let call: PBXCall
    private let ringTime: Duration
    private var timer: TimerID?
    private var isAnswered = false

    init(_ call: PBXCall, ringTime: Duration) {
        self.call = call
        self.ringTime = ringTime
    }

    func enter() {
        call.core.ring(callerOf: call)
        guard let lookup = call.core.lookup, case .external(let number?)? = call.caller?.party else { return call.proceed() }
        timer = call.core.after(.seconds(2)) { [weak self] in self?.take(nil) }
        lookup(RoutingQuestion(call: ExternalKey(.call, call.name), number: number, line: call.line)) { [weak self] in
            self?.take($0)
        }
    }

    private func take(_ decision: RoutingDecision?) {
        guard !isAnswered else { return }
        isAnswered = true
        stopTimer()
        guard case .user(let short)? = decision?.target, call.core.plan.extensions[short] != nil else {
            call.tell(.step(PBXRecord.Step(.user, result: decision == nil ? "timeout" : "nobody")))
            return call.proceed()
        }
        let wave = RingAttempt.Wave(candidates: [.phone(extension: short)], time: ringTime)
        call.begin(Ringing(call, waves: [wave], step: PBXRecord.Step(.user, ref: short, result: "responsible")))
    }

    private func stopTimer() {
        if let timer { call.core.cancel(timer) }
        timer = nil
    }

    func leave() {
        isAnswered = true
        stopTimer()
    }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) { call.callerGone(ending) }
}
