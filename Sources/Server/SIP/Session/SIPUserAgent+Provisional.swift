import NetworkTypes

/// Provisional answers of ours, reliable where the peer wants them so (RFC 3262).
extension SIPUserAgent {
    /// Says how the call goes: 180, 181, 182, 183. With `session` the peer hears us before we answer: an answer to its offer, or our
    /// offer, where it made none and takes reliable answers.
    package func progress(
        _ id: SIPLegID, _ status: UInt16, session: [UInt8] = [], lines: SIPFieldLines = SIPFieldLines(), now: MonotonicInstant
    ) {
        advanceClock(to: now)
        guard let leg = leg(id), leg.phase == .invited, var invitation = leg.invitation, (101...199).contains(status) else {
            return
        }
        defer { settle() }
        let isReliable = isReliable(invitation, leg, hasSession: !session.isEmpty)
        if isReliable, invitation.reliable != nil {
            if invitation.waiting.count < 8 {
                invitation.waiting.append(SIPWaitingAnswer(status: status, lines: lines, body: session))
                leg.invitation = invitation
            }
            return
        }
        send(status, session, lines, isReliable: isReliable, in: leg, invitation)
    }

    private func isReliable(_ invitation: SIPInvitation, _ leg: SIPLeg, hasSession: Bool) -> Bool {
        if invitation.requiresReliability { return true }
        return hasSession && settings.prefersReliableProvisionals && leg.abilities.contains(.reliableProvisional)
    }

    private func send(
        _ status: UInt16, _ session: [UInt8], _ lines: SIPFieldLines, isReliable: Bool, in leg: SIPLeg,
        _ invitation: SIPInvitation
    ) {
        var invitation = invitation
        let makesOffer = !session.isEmpty && !hasSession(invitation.message)
        // An offer needs an answer, which only a PRACK can bring (RFC 3262 §5).
        let body = makesOffer && !isReliable || invitation.isAnsweredReliably ? [] : session
        var all = lines
        addContact(of: leg, to: &all)
        if isReliable {
            all.add(.require, fixed: "100rel")
            all.add(.rseq, invitation.nextRSeq)
        }
        if !body.isEmpty { leg.localSession = body }
        let bytes = answer(status, to: invitation.message, invitation.transaction, in: leg, all, body: body)
        if isReliable {
            var repetition = SIPRepetition(at: now, t1: settings.t1, longest: .seconds(32))
            repetition.timer = setTimer(.repeatProvisional(leg.id), after: settings.t1)
            invitation.reliable = SIPReliableProvisional(
                rseq: invitation.nextRSeq, status: status, bytes: bytes, hasBody: !body.isEmpty, repetition: repetition)
            invitation.nextRSeq &+= 1
            if makesOffer { leg.negotiation = .ours }
        }
        leg.invitation = invitation
    }

    /// Twice as long each time; a peer that never acknowledges gets 504 (RFC 3262 §3 leaves the 5xx to us).
    func repeatProvisional(_ leg: SIPLeg) {
        guard var invitation = leg.invitation, var reliable = invitation.reliable else { return }
        guard !reliable.repetition.isOver(at: now, t1: settings.t1) else {
            answer(504, to: invitation.message, invitation.transaction, in: leg)
            events.append(.ended(leg.id, SIPEnding(kind: .unacknowledged, message: nil)))
            end(leg)
            return
        }
        transactions.respond(invitation.transaction, status: reliable.status, reliable.bytes, now: now)
        reliable.repetition.timer = setTimer(.repeatProvisional(leg.id), after: reliable.repetition.interval)
        invitation.reliable = reliable
        leg.invitation = invitation
    }

    // MARK: PRACK

    func receivePrack(_ message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg) {
        if let overtaken = leg.overtaken, leg.phase != .ended, acknowledges(message, overtaken.rseq, overtaken.cseq) {
            leg.overtaken = nil
            answer(200, to: message, transaction, in: leg)
            return
        }
        guard var invitation = leg.invitation, let reliable = invitation.reliable,
            acknowledges(message, reliable.rseq, invitation.message.cseq)
        else {
            answer(481, to: message, transaction, in: leg)
            return
        }
        if let timer = reliable.repetition.timer { wheel.cancel(timer) }
        invitation.reliable = nil
        let bringsOffer = takeSession(in: message, transaction, leg, reliable, &invitation)
        leg.invitation = invitation
        if !bringsOffer { answer(200, to: message, transaction, in: leg) }
        sendWaiting(leg)
    }

    /// `RAck: 776656 1 INVITE`.
    private func acknowledges(_ message: SIPMessage, _ rseq: UInt32, _ cseq: UInt32) -> Bool {
        guard let value = message.value(.rack) else { return false }
        let parts = QuotedText.unfolded(value).split(separator: UInt8.space)
        return parts.count == 3 && parts[0].elementsEqual("\(rseq)".utf8) && parts[1].elementsEqual("\(cseq)".utf8)
            && parts[2].elementsEqual("INVITE".utf8)
    }

    /// A PRACK may bring the answer to our offer, or an offer of its own.
    /// - Returns: whether its 200 waits for our answer.
    private func takeSession(
        in message: SIPMessage, _ transaction: SIPTransactionID, _ leg: SIPLeg, _ reliable: SIPReliableProvisional,
        _ invitation: inout SIPInvitation
    ) -> Bool {
        let wasOurOffer = if case .ours = leg.negotiation { true } else { false }
        if reliable.hasBody { invitation.isAnsweredReliably = true }
        if reliable.hasBody, wasOurOffer {
            takeAnswer(in: message, leg)
            return false
        }
        if reliable.hasBody { leg.negotiation = .agreed }
        guard hasSession(message), leg.negotiation.isStable else { return false }
        leg.negotiation = .theirs(transaction, message)
        events.append(.offer(leg.id, sdp: message.body))
        return true
    }

    /// What waited for the PRACK goes out in its order.
    private func sendWaiting(_ leg: SIPLeg) {
        guard var invitation = leg.invitation, invitation.reliable == nil, !invitation.waiting.isEmpty else { return }
        let next = invitation.waiting.removeFirst()
        leg.invitation = invitation
        guard next.status == 200 else {
            let isReliable = isReliable(invitation, leg, hasSession: !next.body.isEmpty)
            send(next.status, next.body, next.lines, isReliable: isReliable, in: leg, invitation)
            if !isReliable { sendWaiting(leg) }
            return
        }
        accept(leg, invitation, next.body, next.lines)
    }
}
