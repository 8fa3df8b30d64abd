import Connector
import PBXPlan
import SIP

/// Calls taken over: a call that rings elsewhere, and a leg that another takes the place of.
extension PBXCore {
    /// A telephone takes a call that rings at a colleague's, or at anybody's of its groups.
    func pickUp(ringingAt owner: String?, by short: String, with call: PBXCall) {
        let owners = owner.map { Set([$0]) } ?? plan.colleagues(of: short)
        let ringing = owners.flatMap { legs(of: $0) }.filter { $0.call !== call && waiting(for: $0) != nil }
        let first = ringing.min { ($0.call.began, $0.call.name) < ($1.call.began, $1.call.name) }
        guard let leg = first, move(callerOf: call, to: leg) else {
            return call.end(.noAnswer, by: .system, cause: Cause(sip: 480, q850: 20), status: 480)
        }
    }

    /// For whom a leg rings that is still to be answered; nil of a telephone that rings for its own call to somebody.
    private func waiting(for leg: PBXLeg) -> PBXLeg? {
        guard leg.state < .answered, let attempt = leg.attempt, !attempt.isOver else { return nil }
        return attempt.caller.flatMap { $0.state == .ended ? nil : $0 }
    }

    /// INVITE with Replaces (RFC 3891): the telephone takes the place of a leg: one that rings (pick-up), or one that talks.
    func pickUp(_ replaces: SIPReplaces, with call: PBXCall) {
        guard let id = agent.leg(replacedBy: replaces), let replaced = leg(id), replaced.call !== call else {
            return call.end(.failed, by: .system, cause: Cause(sip: 481), status: 481)
        }
        let other = replaced.call
        if move(callerOf: call, to: replaced) { return }
        guard let talking = other.activity as? Talking, talking.first === replaced || talking.second === replaced else {
            return call.end(.failed, by: .system, cause: Cause(sip: 481), status: 481)
        }
        let partner = talking.partner(of: replaced)
        guard let leg = adopt(callerOf: call, into: other, from: partner, handover: .consultative) else { return }
        release(replaced, ending: LegEnding(.transferred, cause: Cause(q850: 16)))
        other.begin(Talking(other, partner, leg))
    }

    /// The caller of one call answers for a telephone that rings in another. What becomes of that call is its own affair, as if the
    /// telephone had answered: whoever waits for it may be a caller, one who is passed on, or a colleague with a question.
    /// - Returns: false where nobody waits for it.
    private func move(callerOf call: PBXCall, to ringing: PBXLeg) -> Bool {
        guard let partner = waiting(for: ringing), let attempt = ringing.attempt,
            let leg = adopt(callerOf: call, into: ringing.call, from: partner, handover: attempt.handover)
        else { return false }
        attempt.pickedUp(by: leg)
        return true
    }

    /// Makes the leg that called in one of another call; its own call is over.
    private func adopt(callerOf call: PBXCall, into other: PBXCall, from: PBXLeg, handover: LegReport.Handover?) -> PBXLeg? {
        guard let caller = call.caller, let sip = caller.sip else { return nil }
        accept(callerOf: call)
        call.remove(caller)
        call.caller = nil
        let leg = PBXLeg(other.nextLegName(), caller.place, in: other, session: caller.session, isCaller: true, parent: from)
        leg.sip = sip
        leg.state = .answered
        leg.handover = handover
        replace(caller, by: leg)
        call.end(.transferred, by: .user, cause: Cause(q850: 16))
        other.tell(.answered, leg)
        return leg
    }

    // MARK: Transfers

    /// A telephone passes its call on, by REFER.
    func pass(on call: PBXCall, by transferor: PBXLeg, from other: PBXLeg, _ referral: SIPReferral) {
        if let replaces = referral.replaces { return attend(call, by: transferor, from: other, referral, replaces) }
        let text = referral.target.user.map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let target = transferTarget(text, by: transferor) else { return answer(referral, of: transferor, 603) }
        answer(referral, of: transferor, 202)
        call.begin(Transferring(call, by: transferor, of: other, to: target))
    }

    /// Where a call may be passed on to: what the one who passes it on may call himself, and nothing else (sip.md "Pitfalls" 13).
    func transferTarget(_ text: String, by transferor: PBXLeg) -> TransferTarget? {
        switch DialledText(text, in: plan, home: settings.country, numbering: numbering) {
        case .extension(let short):
            let time = plan.extensions[short]?.ringTime ?? .seconds(25)
            return TransferTarget(
                waves: [RingAttempt.Wave(candidates: [.phone(extension: short)], time: time)],
                party: .user(extension: short, endpoint: nil))
        case .group(let name):
            let order = ringOrder(RingStep([.group(name)]), for: transferor.call)
            return TransferTarget(waves: order.waves, group: name, party: .queue(ref: name))
        case .outside(let number):
            // Whoever is outside passes nothing on to the outside.
            guard let short = transferor.extension else { return nil }
            let route = outgoingRoute(number, by: short, line: nil)
            guard route.refusal == nil else { return nil }
            return TransferTarget(
                waves: waves(route, number, by: short), party: .external(number: number.e164 ?? number.raw),
                goesOn: { [plan] in plan.failOver.goesOn(status: $0, rang: $1) })
        default: return nil
        }
    }

    /// The transferor has talked to the target in another call of his: the two whom he talked with now talk with each other.
    private func attend(
        _ call: PBXCall, by transferor: PBXLeg, from other: PBXLeg, _ referral: SIPReferral, _ replaces: SIPReplaces
    ) {
        guard let id = agent.leg(replacedBy: replaces), let second = leg(id), second.extension == transferor.extension,
            second.call !== call, let talking = second.call.activity as? Talking
        else { return answer(referral, of: transferor, 603) }
        let consultation = second.call
        let target = talking.partner(of: second)
        answer(referral, of: transferor, 202)
        tell(call, .started, transferor, target)
        let moved = take(target, from: consultation, into: call, talkingWith: other)
        tell(call, .completed, transferor, moved)
        notify(transferor, 200)
        release(transferor, ending: LegEnding(.transferred, cause: Cause(q850: 16)))
        consultation.end(.transferred, by: .user, cause: Cause(q850: 16))
        call.begin(Talking(call, other, moved))
    }

    private func tell(_ call: PBXCall, _ phase: PBXRecord.TransferMoment.Phase, _ by: PBXLeg, _ to: PBXLeg) {
        call.tell(
            .transfer(
                PBXRecord.TransferMoment(
                    phase, .attended, by: by.party, to: to.party, fromLeg: by.isCaller ? nil : by.name,
                    toLeg: to.call === call ? to.name : nil)))
    }

    /// A leg of the consultation becomes one of the call.
    private func take(_ leg: PBXLeg, from consultation: PBXCall, into call: PBXCall, talkingWith other: PBXLeg) -> PBXLeg {
        let isOneRecord = consultation.book === call.book && !leg.isCaller
        if !isOneRecord { consultation.tell(.ended, leg, reason: .transferred) }
        consultation.remove(leg)
        if consultation.caller === leg { consultation.caller = nil }
        media.unbridge(leg.stream)
        let moved = PBXLeg(
            isOneRecord ? leg.name : call.nextLegName(), leg.place, in: call, session: leg.session, isCaller: leg.isCaller,
            parent: other)
        moved.sip = leg.sip
        moved.sipCallID = leg.sipCallID
        moved.state = .answered
        replace(leg, by: moved)
        call.tell(isOneRecord ? .moved : .answered, moved)
        return moved
    }
}
