import Connector
import Media
import NetworkTypes
import PBXPlan

/// Rings somebody for the call's caller; goes on with the script where nobody answers.
final class Ringing: CallActivity {
    private unowned let call: PBXCall
    private let waves: [RingAttempt.Wave]
    private let group: String?
    private let step: PBXRecord.Step?
    private var attempt: RingAttempt?
    /// Whether the next wave is to try; of calls to the outside, by the plan's rule.
    private let goesOn: (_ status: UInt16?, _ rang: Bool) -> Bool
    /// The leg whose early sound the caller hears.
    private var early: PBXLeg?

    init(
        _ call: PBXCall, waves: [RingAttempt.Wave], group: String? = nil, step: PBXRecord.Step? = nil,
        goesOn: @escaping (UInt16?, Bool) -> Bool = { _, _ in true }
    ) {
        self.call = call
        self.waves = waves
        self.group = group
        self.step = step
        self.goesOn = goesOn
    }

    convenience init(_ call: PBXCall, _ ring: RingStep) {
        let order = call.core.ringOrder(ring, for: call)
        self.init(call, waves: order.waves, group: order.group, step: order.step)
    }

    func enter() {
        if let step { call.tell(.step(step)) }
        // What a network has to say, ringing or an announcement, is not known before it says it.
        if !leadsOutside { call.core.ring(callerOf: call) }
        let attempt = RingAttempt(call, caller: call.caller, group: group, waves: waves) { [unowned self] in concluded($0) }
        attempt.goesOn = goesOn
        attempt.onRinging = { [unowned self] in if $1, $0.trunk != nil { hear($0) } else { call.core.ring(callerOf: call) } }
        self.attempt = attempt
        attempt.begin()
    }

    /// Whether the first to be rung are all numbers outside.
    private var leadsOutside: Bool {
        waves.first.map { $0.candidates.allSatisfy { if case .trunk = $0 { true } else { false } } } ?? false
    }

    /// An announcement of the network, or its own ringing tone: the caller hears it where a number outside was called.
    private func hear(_ leg: PBXLeg) {
        guard let caller = call.caller else { return }
        early = leg
        call.core.progress(callerOf: call)
        call.core.media.bridge(caller.stream, leg.stream)
    }

    private func concluded(_ outcome: RingAttempt.Outcome) {
        switch outcome {
        case .answered(let leg):
            guard let caller = call.caller else { return }
            call.begin(Talking(call, caller, leg))
        case .unanswered(let ending):
            call.script.lastFailure = ending
            call.proceed()
        }
    }

    func leave() {
        attempt?.stop(LegEnding(.callerHungUp, cause: Cause(q850: 16)))
        if let caller = call.caller, caller.state != .ended {
            call.core.media.unbridge(caller.stream)
            call.core.media.stop(caller.stream)
        }
    }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) { call.callerGone(ending) }
}

extension PBXCall {
    /// The caller hung up before anybody answered.
    func callerGone(_ ending: LegEnding) {
        end(.callerHungUp, by: caller?.extension == nil ? .externalParty : .user, cause: ending.cause, status: 487)
    }
}
