import Connector
import PBXPlan

/// What is still to become of a call: the plan's steps, the next first.
struct CallScript {
    private var steps: [PlanStep] = []
    /// Steps done, so that a plan that runs in a circle ends (`route` and menus may jump).
    private var count = 0
    /// What the last one that rang came to: what the caller is told where no step is left.
    var lastFailure: LegEnding?
    private static let limit = 200

    mutating func follow(_ steps: [PlanStep]) { self.steps = steps }

    /// What follows takes the place of the rest.
    mutating func jump(to steps: [PlanStep]) { self.steps = steps }

    /// The activity of the next step. Steps that only decide are done on the way.
    mutating func next(for call: PBXCall) -> any CallActivity {
        while !steps.isEmpty {
            count += 1
            guard count <= Self.limit else { return HangingUp(call, .failed, status: 482) }
            let step = steps.removeFirst()
            if let activity = activity(for: step, call) { return activity }
        }
        let failure = lastFailure ?? LegEnding(.noAnswer)
        return HangingUp(call, failure.reason, cause: failure.cause, status: failure.cause.sip.map { UInt16(clamping: $0) } ?? 480)
    }

    private mutating func activity(for step: PlanStep, _ call: PBXCall) -> (any CallActivity)? {
        let plan = call.core.plan
        switch step {
        case .schedule(let name, let otherwise):
            let isOpen = plan.schedules[name]?.isOpen(at: call.core.wallClock()) ?? true
            call.tell(.step(PBXRecord.Step(.schedule, ref: name, result: isOpen ? "open" : "closed")))
            if !isOpen { jump(to: otherwise) }
            return nil
        case .route(let name):
            steps = (plan.routes[name] ?? []) + steps
            return nil
        case .record(let isOn):
            call.recorder.isWanted = isOn
            return nil
        case .announce(let prompt): return Announcing(call, prompt)
        case .responsible(let time): return AskingCRM(call, ringTime: time)
        case .ring(let ring): return Ringing(call, ring)
        case .forward(let target, let time): return Ringing(call, RingStep([.target(target)], ringTime: time))
        case .queue(let name): return plan.queues[name].map { Queueing(call, $0) }
        case .menu(let name): return plan.menus[name].map { Asking(call, $0) }
        case .voicemail(let name): return plan.voicemail[name].map { TakingMessage(call, $0) }
        case .hangUp(let cause):
            return HangingUp(call, EndReason(cause), cause: Cause(sip: Int(cause.status), q850: cause.q850), status: cause.status)
        }
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
