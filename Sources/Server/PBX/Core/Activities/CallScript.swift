import Connector
import PBXPlan

/// What is still to become of a call: a walk through the plan's steps.
struct CallScript {
    private var walk: RouteWalk
    /// What the last one that rang came to: what the caller is told where no step is left.
    var lastFailure: LegEnding?

    init(_ steps: [PlanStep], of plan: DialPlan) { walk = RouteWalk(steps, of: plan) }

    /// What follows takes the place of the rest.
    mutating func jump(to steps: [PlanStep]) { walk.take(steps) }

    /// Goes on with these steps, or, where there are none, with the one that follows.
    mutating func jump(otherwise steps: [PlanStep]) { walk.take(otherwise: steps) }

    /// The activity of the next step. Steps that only decide are done on the way.
    mutating func next(for call: PBXCall) -> any CallActivity {
        while true {
            let action = walk.next(at: call.core.wallClock())
            for passed in walk.takePassed() {
                call.tell(.step(PBXRecord.Step(.schedule, ref: passed.schedule, result: passed.isOpen ? "open" : "closed")))
            }
            switch action {
            case .record(let isOn): call.recorder.isWanted = isOn
            case .hangUp(let cause): return ending(cause, call)
            default: return activity(for: action, call)
            }
        }
    }

    private func activity(for action: RouteWalk.Action, _ call: PBXCall) -> any CallActivity {
        switch action {
        case .announce(let prompt): Announcing(call, prompt)
        case .responsible(let time): AskingCRM(call, ringTime: time)
        case .ring(let ring): Ringing(call, ring)
        case .forward(let target, let time): Ringing(call, RingStep([.target(target)], ringTime: time))
        case .queue(let queue): Queueing(call, queue)
        case .menu(let menu): Asking(call, menu)
        case .voicemail(let box): TakingMessage(call, box)
        case .hangUp(let cause): ending(cause, call)
        case .record: HangingUp(call, .failed, status: 500)
        }
    }

    /// Where the plan only ran out of steps, the caller is told what ringing came to.
    private func ending(_ cause: HangUpCause, _ call: PBXCall) -> HangingUp {
        guard cause == .unavailable, let failure = lastFailure else {
            return HangingUp(call, EndReason(cause), cause: Cause(sip: Int(cause.status), q850: cause.q850), status: cause.status)
        }
        return HangingUp(
            call, failure.reason, cause: failure.cause, status: failure.cause.sip.map { UInt16(clamping: $0) } ?? 480)
    }
}

/// The end that the plan or the lack of one wants.
final class HangingUp: CallActivity {
    private unowned let call: PBXCall
    private let reason: EndReason
    private let cause: Cause
    private let status: UInt16

    init(_ call: PBXCall, _ reason: EndReason, cause: Cause = Cause(), status: UInt16) {
        self.call = call
        self.reason = reason
        self.cause = cause
        self.status = status
    }

    func enter() { call.end(reason, by: .system, cause: cause, status: status) }
    func leave() {}
    func gone(_ leg: PBXLeg, _ ending: LegEnding) {}
}

extension EndReason {
    init(_ cause: HangUpCause) {
        self =
            switch cause {
            case .normal: .normal
            case .busy: .busy
            case .declined: .rejected
            case .unavailable: .unreachable
            case .congested: .failed
            case .notFound: .invalidNumber
            }
    }
}
