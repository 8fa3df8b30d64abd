import NetworkTypes

/// The peer's requests in a leg.
extension SIPUserAgent {
    func receive(request message: SIPMessage, _ transaction: SIPTransactionID, over flow: SIPFlow, in leg: SIPLeg) {
        guard isInOrder(message, of: leg) else {
            answer(500, to: message, transaction, in: leg)
            return
        }
        // Whom address translation gave another port is answered there; another machine is not believed to be the peer.
        if flow.remote.ip == leg.flow.remote.ip { leg.flow = flow }
        switch message.method {
        case .invite: receiveReinvite(message, transaction, in: leg)
        case .bye: receiveBye(message, transaction, in: leg)
        case .prack: receivePrack(message, transaction, in: leg)
        case .update: receiveUpdate(message, transaction, in: leg)
        case .info: receiveInfo(message, transaction, in: leg)
        case .refer: receiveRefer(message, transaction, in: leg)
        case .notify: receiveNotify(message, transaction, in: leg)
        case .options: answer(200, to: message, transaction, in: leg, abilityLines())
        default: answer(405, to: message, transaction, in: leg, abilityLines())
        }
    }

    private func isInOrder(_ message: SIPMessage, of leg: SIPLeg) -> Bool {
        if leg.dialog.holds(message) { return leg.dialog.takes(message) }
        guard let fork = leg.forks.firstIndex(where: { $0.dialog.holds(message) }) else { return false }
        return leg.forks[fork].dialog.takes(message)
    }

    private func abilityLines() -> SIPFieldLines {
        var lines = SIPFieldLines()
        Self.addAbilities(to: &lines)
        return lines
    }

    private func receiveInfo(_ message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg) {
        answer(leg.phase == .ended ? 481 : 200, to: message, transaction, in: leg)
        if leg.phase != .ended { events.append(.info(leg.id, message)) }
    }

    // MARK: BYE

    private func receiveBye(_ message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg) {
        answer(200, to: message, transaction, in: leg)
        guard leg.phase != .ended else { return }
        if leg.phase == .cancelling {
            end(leg)
            return
        }
        if leg.endsWhenAcknowledged == nil {
            events.append(.ended(leg.id, SIPEnding(kind: .peer, message: message)))
        }
        end(leg)
    }

    /// Requests of the peer that still wait when the call ends get 487 (RFC 3261 §15.1.2).
    func refuseWhatWaits(_ leg: SIPLeg) {
        if let invitation = leg.invitation {
            answer(487, to: invitation.message, invitation.transaction, in: leg)
        } else if case .theirs(let transaction, let message) = leg.negotiation {
            answer(487, to: message, transaction, in: leg)
        }
        leg.negotiation = .agreed
        for waiting in leg.pendingReferrals { answer(487, to: waiting.message, waiting.transaction, in: leg) }
        leg.pendingReferrals = []
    }

    /// Ends the leg, whatever state it is in: CANCEL, a refusal, or BYE, at once or as soon as the rules let it.
    /// - Parameter lines: Reason (RFC 3326).
    package func hangUp(_ id: SIPLegID, lines: SIPFieldLines = SIPFieldLines(), now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = leg(id) else { return }
        defer { settle() }
        switch leg.phase {
        case .calling:
            leg.phase = .cancelling
            for pending in leg.pending where pending.kind == .invite {
                transactions.cancel(pending.id, fields: lines.bytes, now: now)
            }
        case .invited: reject(id, 480, lines: lines, now: now)
        case .accepting: leg.endsWhenAcknowledged = leg.endsWhenAcknowledged ?? lines
        case .confirmed:
            refuseWhatWaits(leg)
            begin(.bye, .bye, in: leg, lines)
            end(leg)
        case .cancelling, .ended: break
        }
    }

    /// Sends keys or other news to the peer (RFC 6086).
    package func inform(_ id: SIPLegID, contentType: String, body: [UInt8], now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = leg(id), leg.phase == .confirmed, leg.pending.count < 32 else { return }
        begin(.info, .info, in: leg, contentType: contentType, body: body)
        settle()
    }
}
