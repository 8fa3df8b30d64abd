import NetworkTypes

/// Transfers: REFER from the peer and to it, and the NOTIFYs that tell how they go (RFC 3515, RFC 3891, RFC 4488).
extension SIPUserAgent {
    func receiveRefer(_ message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg) {
        guard leg.phase == .confirmed || leg.phase == .accepting else {
            answer(481, to: message, transaction, in: leg)
            return
        }
        guard let referral = Self.referral(in: message), leg.referrals.count < 4 else {
            answer(400, to: message, transaction, in: leg)
            return
        }
        leg.referrals.append(referral.id)
        leg.pendingReferrals.append((referral, transaction, message))
        events.append(.referred(leg.id, referral))
    }

    static func referral(in message: SIPMessage) -> SIPReferral? {
        guard let target = try? message.address(.referTo).uri else { return nil }
        let replaces = target.headers.first { $0.name[...].equals(ignoringCase: "replaces") }
        if let replaces, SIPReplaces(replaces.value ?? []) == nil { return nil }
        let isQuiet = message.value(.referSub).map { $0.equals(ignoringCase: "false") } ?? false
        return SIPReferral(
            id: message.cseq, target: target.withoutHeaders(), replaces: replaces.flatMap { SIPReplaces($0.value ?? []) },
            referredBy: message.value(.referredBy).map { QuotedText.unfolded($0) }, isQuiet: isQuiet)
    }

    /// Takes the peer's REFER on (202), or refuses it.
    package func answer(referral id: UInt32, of leg: SIPLegID, _ status: UInt16, now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = self.leg(leg), let place = leg.pendingReferrals.firstIndex(where: { $0.referral.id == id }) else {
            return
        }
        defer { settle() }
        let (referral, transaction, message) = leg.pendingReferrals.remove(at: place)
        var lines = SIPFieldLines()
        if status < 300 {
            addContact(of: leg, to: &lines)
            if referral.isQuiet { lines.add(.referSub, fixed: "false") }
        }
        answer(status, to: message, transaction, in: leg, lines)
        if status >= 300 || referral.isQuiet {
            leg.referrals.removeAll { $0 == id }
        } else {
            notify(leg, id, 100)
        }
    }

    /// Tells the peer how its REFER goes; a final status ends it.
    package func tell(referral id: UInt32, of leg: SIPLegID, _ status: UInt16, now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = self.leg(leg), leg.referrals.contains(id), leg.phase != .ended else { return }
        notify(leg, id, status)
        settle()
    }

    private func notify(_ leg: SIPLeg, _ id: UInt32, _ status: UInt16) {
        var lines = SIPFieldLines()
        lines.add(.event, parsed: Array("refer;id=\(id)".utf8)[...])
        if status >= 200 {
            lines.add(.subscriptionState, fixed: "terminated;reason=noresource")
            leg.referrals.removeAll { $0 == id }
        } else {
            lines.add(.subscriptionState, fixed: "active;expires=180")
        }
        let body = Array("SIP/2.0 \(status) \(SIPStatus.reason(status))\r\n".utf8)
        begin(.notify, .notify, in: leg, lines, contentType: "message/sipfrag;version=2.0", body: body)
    }

    // MARK: To the peer

    /// Asks the peer to call somebody in our stead.
    package func refer(_ id: SIPLegID, to target: SIPURI, replacing other: SIPLegID? = nil, now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = leg(id), leg.phase == .confirmed else { return }
        var address = Array(target.written)
        if let other = other.flatMap({ self.leg($0) })?.dialog {
            let replaces = other.callID + Array(";to-tag=".utf8) + other.remoteTag + Array(";from-tag=".utf8) + other.localTag
            address += Array("?Replaces=".utf8) + SIPEscapes.done(replaces, keeping: .unreserved)
        }
        var lines = SIPFieldLines()
        lines.add(.referTo, parsed: ([.less] + address + [.greater])[...])
        begin(.refer, .refer, in: leg, lines)
        settle()
    }

    func referAnswered(_ leg: SIPLeg, _ response: SIPMessage, _ pending: SIPPendingRequest) {
        guard response.status >= 300 else { return }
        events.append(.referralProgress(leg.id, status: response.status, isOver: true))
        loseIfUnknown(leg, response)
    }

    /// A peer that knows nothing of its REFER any more wants no more news of it; the call goes on (RFC 5057 §5.1).
    func notifyAnswered(_ leg: SIPLeg, _ response: SIPMessage) {
        if response.status == 481 { leg.referrals.removeAll() }
    }

    func receiveNotify(_ message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg) {
        guard let event = message.value(.event), event.prefix(5).equals(ignoringCase: "refer"), leg.phase != .ended else {
            answer(leg.phase == .ended ? 481 : 489, to: message, transaction, in: leg)
            return
        }
        answer(200, to: message, transaction, in: leg)
        let isOver = message.value(.subscriptionState).map { $0.prefix(10).equals(ignoringCase: "terminated") } ?? false
        guard let status = Self.fragmentStatus(message.body) else { return }
        events.append(.referralProgress(leg.id, status: status, isOver: isOver || status >= 200))
    }

    /// Of `SIP/2.0 180 Ringing`.
    private static func fragmentStatus(_ body: ArraySlice<UInt8>) -> UInt16? {
        guard body.prefix(8).equals(ignoringCase: "sip/2.0 "), body.count >= 11 else { return nil }
        let status = body.dropFirst(8).prefix(3).reduce(UInt16(0)) { $1.isDigit ? $0 &* 10 &+ UInt16($1 - 0x30) : 1000 }
        return (100...699).contains(status) ? status : nil
    }
}
