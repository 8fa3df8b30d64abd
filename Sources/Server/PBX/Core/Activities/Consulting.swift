import Connector
import Media
import PBXPlan

/// An employee asks a third one, by the CRM's command, while his partner hears music; when he hangs up, those two talk.
final class Consulting: CallActivity {
    private unowned let call: PBXCall
    private let employee: PBXLeg
    private let waiting: PBXLeg
    private let target: TransferTarget
    private var attempt: RingAttempt?
    private var third: PBXLeg?

    init(_ call: PBXCall, by employee: PBXLeg, for waiting: PBXLeg, with target: TransferTarget) {
        self.call = call
        self.employee = employee
        self.waiting = waiting
        self.target = target
    }

    func enter() {
        let media = call.core.media
        media.unbridge(waiting.stream)
        media.play(waiting.stream, call.core.holdMusic)
        media.play(employee.stream, .tone(.ringback))
        tell(.started)
        let attempt = RingAttempt(call, caller: employee, group: target.group, handover: .consultative, waves: target.waves) {
            [unowned self] in concluded($0)
        }
        attempt.goesOn = target.goesOn
        self.attempt = attempt
        attempt.begin()
    }

    private func concluded(_ outcome: RingAttempt.Outcome) {
        attempt = nil
        switch outcome {
        case .answered(let leg):
            third = leg
            tell(.answered)
            call.core.media.stop(employee.stream)
            call.core.media.bridge(employee.stream, leg.stream)
        case .unanswered(let ending): goBack(ending.cause)
        }
    }

    private func goBack(_ cause: Cause) {
        tell(.failed, cause)
        call.begin(Talking(call, employee, waiting))
    }

    private func tell(_ phase: PBXRecord.TransferMoment.Phase, _ cause: Cause = Cause()) {
        call.tell(
            .transfer(
                PBXRecord.TransferMoment(
                    phase, .attended, by: employee.party, to: third?.party ?? target.party,
                    fromLeg: employee.isCaller ? nil : employee.name, toLeg: third?.name, cause: cause)))
    }

    func leave() {
        attempt?.stop(LegEnding(.callerHungUp))
        for leg in [employee, waiting] + (third.map { [$0] } ?? []) where leg.state != .ended {
            call.core.media.unbridge(leg.stream)
            call.core.media.stop(leg.stream)
        }
    }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) {
        if leg === employee { return complete() }
        if leg === third {
            third = nil
            return goBack(ending.cause)
        }
        // Whoever waited has gone: the two go on talking about it.
        if let third { return call.begin(Talking(call, employee, third)) }
        call.end(leg === call.caller ? .callerHungUp : .calleeHungUp, by: .externalParty, cause: ending.cause)
    }

    private func complete() {
        // Who does not wait for the answer passes the call on without a word.
        guard let third else { return call.begin(Transferring(call, by: employee, of: waiting, to: target)) }
        tell(.completed)
        call.begin(Talking(call, waiting, third))
    }
}
