import NetworkTypes

/// Offers and answers after the first: re-INVITE and UPDATE, ours and the peer's (RFC 3264, RFC 3311, RFC 6337).
extension SIPUserAgent {
    /// Offers the peer another session: hold, another port, another address. Waits its turn where a negotiation is under way; of several
    /// that wait the last one counts. The answer comes as `.answer`, or `.offerRefused`.
    package func offer(_ id: SIPLegID, session: [UInt8], now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = leg(id), leg.phase != .ended, leg.phase != .cancelling else { return }
        leg.waitingOffer = session
        makeWaitingOffer(leg)
        settle()
    }

    /// Makes the offer that waits, if it can be made now.
    func makeWaitingOffer(_ leg: SIPLeg) {
        guard let session = leg.waitingOffer, leg.negotiation.isStable, leg.retryTimerID == nil, leg.awaited == nil,
            !leg.isPending(.invite, .reinvite, .update)
        else { return }
        guard leg.phase == .confirmed else { return }
        leg.waitingOffer = nil
        leg.negotiation = .ours
        begin(.invite, .reinvite, in: leg, sessionLines(of: leg), contentType: Self.sessionType, body: session)
    }

    func sessionLines(of leg: SIPLeg) -> SIPFieldLines {
        var lines = SIPFieldLines()
        Self.addAbilities(to: &lines)
        if let timer = leg.sessionTimer {
            settings.sessionTimer.add(interval: timer.interval, weRefresh: timer.isOurs, to: &lines)
        }
        return lines
    }

    // MARK: The peer's answers

    func reinviteAnswered(_ leg: SIPLeg, _ response: SIPMessage, _ place: Int) {
        let pending = leg.pending[place]
        switch response.status {
        case ..<200: break
        case 200...299: reinviteAccepted(leg, response, pending)
        default:
            leg.pending.remove(at: place)
            guard leg.phase != .ended, !isAskedAgain(pending, response, in: leg) else { return }
            offerRefused(leg, response, pending)
        }
    }

    private func reinviteAccepted(_ leg: SIPLeg, _ response: SIPMessage, _ pending: SIPPendingRequest) {
        if let known = leg.acknowledgements.first(where: { $0.transaction == pending.id }) {
            send(known.bytes, over: leg.flow)
            return
        }
        leg.dialog.refreshTarget(from: response)
        markAnswered(pending, in: leg)
        acknowledge(leg, pending)
        guard leg.phase == .confirmed else { return }
        settled(leg, by: response, pending)
    }

    func markAnswered(_ pending: SIPPendingRequest, in leg: SIPLeg) {
        if let place = leg.pendingRequest(pending.id) { leg.pending[place].isAnswered = true }
    }

    func updateAnswered(_ leg: SIPLeg, _ response: SIPMessage, _ pending: SIPPendingRequest) {
        guard response.status < 300 else { return offerRefused(leg, response, pending) }
        leg.dialog.refreshTarget(from: response)
        settled(leg, by: response, pending)
    }

    private func settled(_ leg: SIPLeg, by response: SIPMessage, _ pending: SIPPendingRequest) {
        if pending.isOffer {
            leg.localSession = pending.body
            takeAnswer(in: response, leg)
        }
        agree(leg, on: settings.sessionTimer.agreement(byAnswer: response))
        makeWaitingOffer(leg)
    }

    /// An answer to an offer of ours, in a 200, a PRACK or an ACK. A peer that sends none agreed to nothing new.
    func takeAnswer(in message: SIPMessage, _ leg: SIPLeg) {
        leg.negotiation = .agreed
        guard hasSession(message) else {
            events.append(.offerRefused(leg.id, status: 488))
            return
        }
        leg.remoteAnswer = Array(message.body)
        events.append(.answer(leg.id, sdp: message.body))
    }

    private func offerRefused(_ leg: SIPLeg, _ response: SIPMessage, _ pending: SIPPendingRequest) {
        if pending.isOffer { leg.negotiation = .agreed }
        switch response.status {
        case 491: retry(leg, pending, after: clashDelay(leg))
        case 500 where response.has(.retryAfter): retry(leg, pending, after: .seconds(min(response.number(.retryAfter) ?? 1, 10)))
        case 408, 481: lose(leg, .lost, response)
        case 422: retryLonger(leg, response, pending)
        case 405 where isRefresh(pending), 501 where isRefresh(pending):
            // It said otherwise: from here on it is asked by INVITE.
            leg.abilities.remove(.update)
            refreshSession(leg)
        default:
            if pending.isOffer { events.append(.offerRefused(leg.id, status: response.status)) }
            makeWaitingOffer(leg)
        }
    }

    private func isRefresh(_ pending: SIPPendingRequest) -> Bool { pending.kind == .update && !pending.isOffer }

    /// Both offered at once: who owns Call-ID waits 2.1 to 4 s, the other one up to 2 s, in steps of 10 ms (RFC 3261 §14.1).
    private func clashDelay(_ leg: SIPLeg) -> Duration {
        let chance = Int(settings.chance() % 200)
        return leg.ownsCallID ? .milliseconds(2100 + chance % 191 * 10) : .milliseconds(chance * 10)
    }

    private func retry(_ leg: SIPLeg, _ pending: SIPPendingRequest, after delay: Duration) {
        // A refresh is tried again by the session timer.
        guard leg.phase == .confirmed, leg.retryTimerID == nil, pending.isOffer else { return }
        if leg.waitingOffer == nil { leg.waitingOffer = pending.body }
        leg.retryTimerID = setTimer(.retryOffer(leg.id), after: delay)
    }

    private func retryLonger(_ leg: SIPLeg, _ response: SIPMessage, _ pending: SIPPendingRequest) {
        guard let least = response.number(.minSE), least <= 86_400, leg.sessionTimer.map({ $0.interval < least }) ?? false else {
            if pending.isOffer { events.append(.offerRefused(leg.id, status: 422)) }
            return
        }
        leg.sessionTimer?.interval = least
        if pending.isOffer {
            leg.waitingOffer = leg.waitingOffer ?? pending.body
            makeWaitingOffer(leg)
        } else {
            refreshSession(leg)
        }
    }

    // MARK: The peer's offers

    func receiveReinvite(_ message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg) {
        guard leg.phase == .confirmed, leg.awaited == nil else {
            // RFC 5407 §3.1.5: our 200 before it is not acknowledged yet.
            var lines = SIPFieldLines()
            lines.add(.retryAfter, UInt32(settings.chance() % 10))
            answer(
                leg.phase == .ended ? 481 : 500, to: message, transaction, in: leg, leg.phase == .ended ? SIPFieldLines() : lines)
            return
        }
        guard mayNegotiate(message, transaction, in: leg) else { return }
        leg.dialog.refreshTarget(from: message)
        leg.abilities.formUnion(.told(by: message))
        guard hasSession(message) else {
            // The peer wants our offer: what we said last.
            leg.negotiation = .ours
            answerReinvite(leg, message, transaction, leg.localSession, expectsAnswer: true)
            return
        }
        leg.negotiation = .theirs(transaction, message)
        events.append(.offer(leg.id, sdp: message.body))
    }

    func receiveUpdate(_ message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg) {
        guard leg.phase != .ended else {
            answer(481, to: message, transaction, in: leg)
            return
        }
        let brings = hasSession(message)
        if brings || settings.sessionTimer.refuses(message) {
            guard mayNegotiate(message, transaction, in: leg) else { return }
        }
        leg.dialog.refreshTarget(from: message)
        leg.abilities.formUnion(.told(by: message))
        guard brings else {
            answerUpdate(leg, message, transaction, [])
            return
        }
        leg.negotiation = .theirs(transaction, message)
        events.append(.offer(leg.id, sdp: message.body))
    }

    /// Whether a request may change the session now; else it is answered.
    private func mayNegotiate(_ message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg) -> Bool {
        var lines = SIPFieldLines()
        let unknown = unknownExtensions(message)
        if !unknown.isEmpty {
            for option in unknown { lines.add(.unsupported, parsed: option) }
            answer(420, to: message, transaction, in: leg, lines)
        } else if settings.sessionTimer.refuses(message) {
            lines.add(.minSE, settings.sessionTimer.least)
            answer(422, to: message, transaction, in: leg, lines)
        } else if leg.isPending(.reinvite, .update) {
            answer(491, to: message, transaction, in: leg)
        } else if !leg.negotiation.isStable {
            // An offer of theirs before this one waits for us (RFC 3311 §5.2), or one of ours for them.
            if case .theirs = leg.negotiation {
                lines.add(.retryAfter, UInt32(settings.chance() % 10))
                answer(500, to: message, transaction, in: leg, lines)
            } else {
                answer(491, to: message, transaction, in: leg)
            }
        } else {
            return true
        }
        return false
    }

    /// Answers the offer that `.offer` brought.
    package func answer(offerOf id: SIPLegID, session: [UInt8], now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = leg(id), case .theirs(let transaction, let message) = leg.negotiation else { return }
        defer { settle() }
        leg.localSession = session
        leg.negotiation = .agreed
        switch message.method {
        case .update: answerUpdate(leg, message, transaction, session)
        case .prack: answer(200, to: message, transaction, in: leg, body: session)
        default:
            guard leg.phase == .confirmed else { return }
            answerReinvite(leg, message, transaction, session, expectsAnswer: false)
        }
        makeWaitingOffer(leg)
    }

    /// Refuses it: the session stays what it was (RFC 3264 §8).
    package func refuse(offerOf id: SIPLegID, _ status: UInt16 = 488, now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = leg(id), case .theirs(let transaction, let message) = leg.negotiation,
            leg.phase == .confirmed || message.method != .invite
        else { return }
        defer { settle() }
        leg.negotiation = .agreed
        answer(status, to: message, transaction, in: leg)
        makeWaitingOffer(leg)
    }

    private func answerReinvite(
        _ leg: SIPLeg, _ message: SIPMessage, _ transaction: SIPTransactionID, _ session: [UInt8], expectsAnswer: Bool
    ) {
        answer(200, to: message, transaction, in: leg, acceptanceLines(leg, message), body: session)
        awaitAcknowledgement(of: message, transaction, in: leg, expectsAnswer: expectsAnswer)
    }

    private func answerUpdate(_ leg: SIPLeg, _ message: SIPMessage, _ transaction: SIPTransactionID, _ session: [UInt8]) {
        answer(200, to: message, transaction, in: leg, acceptanceLines(leg, message), body: session)
    }

    /// Contact, abilities and the session timer, which every re-INVITE and UPDATE agrees on anew.
    private func acceptanceLines(_ leg: SIPLeg, _ message: SIPMessage) -> SIPFieldLines {
        var lines = SIPFieldLines()
        addContact(of: leg, to: &lines)
        Self.addAbilities(to: &lines)
        let supports = leg.abilities.contains(.timer)
        if let timer = settings.sessionTimer.agreement(onRequest: message, peerSupportsTimer: supports) {
            settings.sessionTimer.add(timer, peerSupportsTimer: supports, toAnswer: &lines)
            if leg.phase == .confirmed || leg.phase == .accepting { agree(leg, on: timer) }
        }
        return lines
    }

    // MARK: Session timer

    func agree(_ leg: SIPLeg, on timer: SIPSessionTimer?) {
        if let running = leg.sessionTimerID { wheel.cancel(running) }
        leg.sessionTimer = timer
        leg.sessionTimerID = timer.map { setTimer(.session(leg.id), after: $0.isOurs ? $0.refreshDelay : $0.expiryDelay) }
    }

    func sessionTimerFired(_ leg: SIPLeg) {
        leg.sessionTimerID = nil
        guard let timer = leg.sessionTimer else { return }
        guard timer.isOurs else { return lose(leg, .expired, nil) }
        refreshSession(leg)
        // A refresh that cannot be sent now, or is refused because the peer negotiates, is tried again until one is agreed on.
        if leg.phase == .confirmed, leg.sessionTimerID == nil {
            leg.sessionTimerID = setTimer(.session(leg.id), after: timer.retryDelay)
        }
    }

    /// By UPDATE where the peer has it, else by an INVITE that changes nothing.
    private func refreshSession(_ leg: SIPLeg) {
        guard leg.phase == .confirmed, leg.awaited == nil, leg.negotiation.isStable, !leg.isPending(.reinvite, .update) else {
            return
        }
        if leg.abilities.contains(.update) {
            begin(.update, .update, in: leg, sessionLines(of: leg))
        } else {
            leg.waitingOffer = leg.waitingOffer ?? leg.localSession
            makeWaitingOffer(leg)
        }
    }
}
