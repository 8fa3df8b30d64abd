import NetworkTypes

@testable import SIP

/// What a person makes of what its user agent tells.
extension SimulatedPerson {
    func hear(_ event: SIPUserAgentEvent) {
        if let word = event.word { note("\(name) hears \(word)") }
        switch event {
        case .request(let message, let transaction, let flow): requested(message, transaction, flow)
        case .progress(let leg, _): mustBeOpen(leg, event)
        case .accepted(let leg, _), .confirmed(let leg):
            mustBeOpen(leg, event)
            talk(leg)
        case .refused(let leg, _), .cancelled(let leg, _), .ended(let leg, _): ended(leg, event)
        case .offer(let leg, let sdp):
            mustBeOpen(leg, event)
            if habits.forgets, chance.happens(percent: 20) { return }
            if chance.happens(percent: 20) { return plan(.refuseOffer(leg), in: 0...1_500) }
            plan(.answer(leg, offer: Array(sdp)), in: 0...1_500)
        case .answer(let leg, let sdp):
            mustBeOpen(leg, event)
            talks[leg]?.agreed = Array(sdp)
        case .offerRefused(let leg, _), .referralProgress(let leg, _, _), .info(let leg, _): mustBeOpen(leg, event)
        case .referred(let leg, let referral): referred(leg, referral)
        case .response, .failed: answeredCount += 1
        case .forgotten(let leg): forgotten(leg)
        }
    }

    private func requested(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow) {
        switch message.method {
        case _ where message.toTag != nil: agent.respond(481, to: message, transaction, now: now)
        case .invite: invited(message, transaction, flow)
        case .options: agent.respond(200, to: message, transaction, now: now)
        default: agent.respond(405, to: message, transaction, now: now)
        }
    }

    private func invited(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow) {
        if habits.wantsProof, !message.has(.authorization) {
            var lines = SIPFieldLines()
            lines.add(.wwwAuthenticate, fixed: "Digest realm=\"made-up\", nonce=\"1\"")
            return agent.respond(401, to: message, transaction, lines, now: now)
        }
        guard let leg = agent.admit(message, transaction, flow, now: now) else {
            if !agent.settings.sessionTimer.refuses(message) { faults.append("\(name) admits no call") }
            return
        }
        let session = Array(message.body) + Array(">".utf8) + newSession()
        talks[leg] = SimulatedTalk(callID: Array(message.callID), isCaller: false, session: session, agreed: session)
        for _ in 0..<chance.below(3) {
            plan(.ring(leg, chance.one(of: [180, 182, 183]), hasSession: chance.happens(percent: 50)), in: 0...4_000)
        }
        if chance.happens(percent: 70) {
            plan(.accept(leg), in: 0...6_000)
            if chance.happens(percent: 5) { plan(.hangUp(leg), in: 0...6_000) }
        } else {
            plan(.reject(leg), in: 0...20_000)
        }
        plan(.hangUp(leg), in: 150_000...200_000)
    }

    /// From here on both talk, and do all that can be done in a call.
    private func talk(_ leg: SIPLegID) {
        guard talks[leg]?.hasTalked == false else { return }
        talks[leg]?.hasTalked = true
        for _ in 0..<chance.below(3) { plan(.offer(leg), in: 0...8_000) }
        if chance.happens(percent: 30) { plan(.inform(leg), in: 0...8_000) }
        if chance.happens(percent: 30) { plan(.refer(leg), in: 0...8_000) }
        if chance.happens(percent: 30) { plan(.hangUp(leg), in: chance.one(of: [0...10, 0...10_000])) }
    }

    private func referred(_ leg: SIPLegID, _ referral: SIPReferral) {
        mustBeOpen(leg, .referred(leg, referral))
        if habits.forgets, chance.happens(percent: 20) { return }
        let isTaken = chance.happens(percent: 70)
        plan(.answerReferral(leg, referral.id, isTaken ? 202 : 603), in: 0...1_500)
        guard isTaken else { return }
        plan(.tellReferral(leg, referral.id, 180), in: 1_500...3_000)
        plan(.tellReferral(leg, referral.id, chance.one(of: [200, 486])), in: 2_000...9_000)
    }

    // MARK: Rules

    /// Nothing is told of a leg that is over for the person, or that it never heard of.
    private func mustBeOpen(_ leg: SIPLegID, _ event: SIPUserAgentEvent) {
        guard let talk = talks[leg], talk.ending == nil, !talk.isForgotten else {
            return faults.append("\(name) hears \(event.word ?? "") of a leg that is over")
        }
    }

    private func ended(_ leg: SIPLegID, _ event: SIPUserAgentEvent) {
        mustBeOpen(leg, event)
        if talks[leg]?.hasLeft == true { faults.append("\(name) hears \(event.word ?? "") of what it ended itself") }
        talks[leg]?.ending = event.word
    }

    private func forgotten(_ leg: SIPLegID) {
        guard let talk = talks[leg], !talk.isForgotten else { return faults.append("\(name) forgets a leg twice") }
        talks[leg]?.isForgotten = true
        if talk.ending == nil, !talk.hasLeft { faults.append("\(name) never heard how a leg ended") }
    }
}
