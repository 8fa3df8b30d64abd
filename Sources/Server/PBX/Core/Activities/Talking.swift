import Connector
import Media
import SIP

/// Two legs talk with each other.
final class Talking: CallActivity {
    private unowned let call: PBXCall
    let first: PBXLeg
    let second: PBXLeg

    init(_ call: PBXCall, _ first: PBXLeg, _ second: PBXLeg) {
        self.call = call
        self.first = first
        self.second = second
    }

    func enter() {
        call.core.accept(callerOf: call)
        for leg in [first, second] { call.core.media.stop(leg.stream) }
        join()
        call.recorder.follow(first, second, in: call)
    }

    func leave() {
        for leg in [first, second] where leg.state != .ended {
            call.core.media.unbridge(leg.stream)
            call.core.media.stop(leg.stream)
        }
    }

    /// Who talks with this one.
    func partner(of leg: PBXLeg) -> PBXLeg { leg === first ? second : first }

    // MARK: Hold

    private func isOnHold(_ leg: PBXLeg) -> Bool { leg.isHoldingUs || leg.isHeldByCommand }

    /// Joins the two, or plays music to whoever waits for the other.
    private func join() {
        let media = call.core.media
        guard isOnHold(first) || isOnHold(second) else { return media.bridge(first.stream, second.stream) }
        media.unbridge(first.stream)
        for leg in [first, second] where isOnHold(partner(of: leg)) && !leg.isHoldingUs {
            media.play(leg.stream, call.core.holdMusic)
        }
    }

    func held(_ leg: PBXLeg) {
        let isHeld = isOnHold(leg)
        for leg in [first, second] { call.core.media.stop(leg.stream) }
        join()
        // Whoever called in has no leg of his own: what he holds is told of the one he talks with.
        let told = leg.isCaller && leg.parent == nil && leg === call.caller ? partner(of: leg) : leg
        call.tell(isHeld ? .held : .resumed, told)
    }

    /// Music comes to no end of its own: it could not be played, and a tone takes its place.
    func played(to leg: PBXLeg) {
        guard isOnHold(partner(of: leg)), !leg.isHoldingUs, !hasNoMusic else { return }
        hasNoMusic = true
        call.core.media.play(leg.stream, call.core.holdMusic)
    }

    private var hasNoMusic = false

    // MARK: Keys, ends, transfers

    func pressed(_ key: Character, on leg: PBXLeg) {
        let by = leg.party
        call.tell(.digits(PBXRecord.Digits(String(key), leg: leg.isCaller ? partner(of: leg).name : leg.name, by: by)))
    }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) {
        let by: Call.EndedBy = leg.extension == nil ? .externalParty : .user
        call.end(leg === call.caller ? .callerHungUp : .calleeHungUp, by: by, cause: ending.cause)
    }

    func referred(_ leg: PBXLeg, _ referral: SIPReferral) {
        call.core.pass(on: call, by: leg, from: partner(of: leg), referral)
    }
}
