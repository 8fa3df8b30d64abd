import Connector
import Media
import NetworkTypes
import PBXPlan
import SIP

/// What happens to legs, and what is done for the leg that called in.
extension PBXCore {
    // MARK: What the user agent tells

    func progressed(_ leg: PBXLeg, _ message: SIPMessage) {
        leg.attempt?.progressed(leg, message.status, hasSound: leg.session.isAgreed)
    }

    func accepted(_ leg: PBXLeg, _ message: SIPMessage) {
        leg.sipCallID = String(decoding: message.callID, as: UTF8.self)
        guard leg.session.isAgreed else {
            let ending = LegEnding(.failed, cause: Cause(sip: 488, q850: 79, text: "no common codec"))
            hangUp(leg, ending)
            leg.attempt?.refused(leg, ending)
            return
        }
        leg.attempt?.accepted(leg)
    }

    /// Our 200 is acknowledged. A session whose answer did not come with the ACK is none.
    func confirmed(_ leg: PBXLeg) {
        guard !leg.session.isAgreed else { return }
        let ending = LegEnding(.failed, cause: Cause(sip: 488, q850: 79, text: "no common codec"))
        hangUp(leg, ending)
        over(leg, ending)
    }

    func refused(_ leg: PBXLeg, _ refusal: SIPCallRefusal) {
        let ending = LegEnding(EndReason(status: refusal.status), cause: Cause(refusal.response, status: refusal.status))
        if let trunk = leg.trunk, [403, 408].contains(refusal.status) { trunks.doubt(trunk, now: now) }
        guard let attempt = leg.attempt else { return over(leg, ending) }
        attempt.refused(leg, ending)
    }

    /// A leg is gone that nobody was calling any more.
    func over(_ leg: PBXLeg, _ ending: LegEnding) {
        if let attempt = leg.attempt { return attempt.refused(leg, ending) }
        let call = leg.call
        ended(leg, ending)
        call.activity?.gone(leg, ending)
    }

    // MARK: Sessions

    /// The peer wants another session: hold, another address, another codec.
    func offered(_ leg: PBXLeg, _ sdp: ArraySlice<UInt8>) {
        guard let sip = leg.sip else { return }
        do {
            let answer = try leg.session.answer(Array(sdp))
            agent.answer(offerOf: sip, session: answer, now: now)
            applySession(of: leg)
        } catch {
            agent.refuse(offerOf: sip, 488, now: now)
        }
    }

    func answered(_ leg: PBXLeg, _ sdp: ArraySlice<UInt8>) {
        do {
            try leg.session.accept(Array(sdp))
            applySession(of: leg)
        } catch {
            // Nothing was agreed on; whoever waits for it finds that out.
        }
    }

    private func applySession(of leg: PBXLeg) {
        guard let terms = leg.session.terms else { return }
        media.configure(leg.stream, terms)
        let isHolding = leg.session.isHeldByPeer
        guard isHolding != leg.isHoldingUs else { return }
        leg.isHoldingUs = isHolding
        if leg.state == .answered { leg.call.activity?.held(leg) }
    }

    // MARK: For whoever called in

    /// Says that it rings; to whom hears us already, by a tone.
    func ring(callerOf call: PBXCall) {
        guard let caller = call.caller, caller.state != .ended else { return }
        guard caller.isCaller, caller.state < .answered else { return media.play(caller.stream, .tone(.ringback)) }
        guard caller.state == .trying, let sip = caller.sip else { return }
        caller.state = .ringing
        agent.progress(sip, 180, now: now)
    }

    /// Lets the caller hear what comes before anybody answers.
    func progress(callerOf call: PBXCall) {
        guard let caller = call.caller, let sip = caller.sip else { return }
        guard caller.isCaller, caller.state < .answered else { return media.stop(caller.stream) }
        caller.state = .ringing
        agent.progress(sip, 183, session: caller.session.text, now: now)
    }

    func accept(callerOf call: PBXCall) {
        guard let caller = call.caller, caller.isCaller, caller.state < .answered, let sip = caller.sip else { return }
        caller.state = .answered
        agent.accept(sip, session: caller.session.text, now: now)
    }

    // MARK: Referrals

    func referred(_ leg: PBXLeg, _ referral: SIPReferral) {
        guard let activity = leg.call.activity, leg.referral == nil else { return answer(referral, of: leg, 603) }
        activity.referred(leg, referral)
    }

    func answer(_ referral: SIPReferral, of leg: PBXLeg, _ status: UInt16) {
        guard let sip = leg.sip else { return }
        if status < 300 { leg.referral = referral.isQuiet ? nil : referral.id }
        agent.answer(referral: referral.id, of: sip, status, now: now)
    }

    /// Tells whoever asked by REFER how it goes.
    func notify(_ leg: PBXLeg, _ status: UInt16) {
        guard let sip = leg.sip, let referral = leg.referral, leg.state != .ended else { return }
        if status >= 200 { leg.referral = nil }
        agent.tell(referral: referral, of: sip, status, now: now)
    }
}
