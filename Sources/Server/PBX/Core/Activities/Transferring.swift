import Connector
import Media
import PBXPlan

/// Somebody passes a call on without a talk before: the target rings for the other one, who hears it ring.
final class Transferring: CallActivity {
    private unowned let call: PBXCall
    private let transferor: PBXLeg
    private let other: PBXLeg
    private let target: TransferTarget
    private var attempt: RingAttempt?
    /// It came to nothing, and the transferor, who has hung up, is rung.
    private var isReturning = false

    /// Whether the transferor is let go at once, as by the CRM's command; who asks by REFER hears how it goes and hangs up himself.
    private let letsGo: Bool

    init(_ call: PBXCall, by transferor: PBXLeg, of other: PBXLeg, to target: TransferTarget, letsGo: Bool = false) {
        self.letsGo = letsGo
        self.call = call
        self.transferor = transferor
        self.other = other
        self.target = target
    }

    func enter() {
        call.core.media.unbridge(other.stream)
        call.core.media.play(other.stream, .tone(.ringback))
        tell(.started)
        if letsGo { call.core.release(transferor, ending: LegEnding(.transferred, cause: Cause(q850: 16))) }
        ring(target.waves, .blind)
    }

    private func ring(_ waves: [RingAttempt.Wave], _ handover: LegReport.Handover) {
        let attempt = RingAttempt(call, caller: other, group: target.group, handover: handover, waves: waves) { [unowned self] in
            concluded($0)
        }
        attempt.goesOn = target.goesOn
        attempt.onRinging = { [unowned self] _, _ in call.core.notify(transferor, 180) }
        self.attempt = attempt
        attempt.begin()
    }

    private func concluded(_ outcome: RingAttempt.Outcome) {
        attempt = nil
        switch outcome {
        case .answered(let leg) where isReturning:
            tell(.returned)
            call.begin(Talking(call, other, leg))
        case .answered(let leg): succeed(leg)
        case .unanswered(let ending): fail(ending)
        }
    }

    private func succeed(_ leg: PBXLeg) {
        call.core.notify(transferor, 200)
        tell(.completed, to: leg)
        call.core.letGo(transferor, LegEnding(.transferred, cause: Cause(q850: 16)))
        call.begin(Talking(call, other, leg))
    }

    /// Back to whoever passed the call on: he is there still, or his telephone rings.
    private func fail(_ ending: LegEnding) {
        guard !isReturning else { return call.end(ending.reason, by: .system, cause: ending.cause) }
        call.core.notify(transferor, ending.cause.sip.map { UInt16(clamping: $0) } ?? 480)
        tell(.failed, cause: ending.cause)
        guard transferor.state == .ended else { return call.begin(Talking(call, transferor, other)) }
        guard let short = transferor.extension else { return call.end(ending.reason, by: .system, cause: ending.cause) }
        isReturning = true
        ring([RingAttempt.Wave(candidates: [.phone(extension: short)], time: .seconds(25))], .returned)
    }

    private func tell(_ phase: PBXRecord.TransferMoment.Phase, to leg: PBXLeg? = nil, cause: Cause = Cause()) {
        call.tell(
            .transfer(
                PBXRecord.TransferMoment(
                    phase, .blind, by: transferor.party, to: leg?.party ?? target.party,
                    fromLeg: transferor.isCaller ? nil : transferor.name, toLeg: leg?.name, cause: cause)))
    }

    func leave() {
        attempt?.stop(LegEnding(.callerHungUp))
        call.core.media.stop(other.stream)
    }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) {
        // The transferor has done his part.
        guard leg === other else { return }
        call.end(
            leg === call.caller ? .callerHungUp : .calleeHungUp, by: leg.extension == nil ? .externalParty : .user,
            cause: ending.cause)
    }
}

/// Where a call is passed on to.
struct TransferTarget {
    var waves: [RingAttempt.Wave]
    var group: String?
    var party: Party?
    var goesOn: (UInt16?, Bool) -> Bool = { _, _ in true }
}
