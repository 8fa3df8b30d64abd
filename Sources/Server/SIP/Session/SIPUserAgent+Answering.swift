import NetworkTypes

/// Calls to us: what becomes of a peer's INVITE (RFC 3261 §13.3).
extension SIPUserAgent {
    /// Makes a leg of an INVITE that `.request` brought. What no call can come of is answered here.
    /// - Returns: nil where it was refused: an extension we do not have (420), a session too short (422), no Contact (400), too many legs.
    package func admit(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow, now: MonotonicInstant)
        -> SIPLegID?
    {
        if refuses(message, transaction, now: now) { return nil }
        defer { settle() }
        guard let id = makeLegID() else {
            respond(503, to: message, transaction, now: now)
            return nil
        }
        let tag = SIPLegTag.written(shard: settings.shard, id, chance: settings.chance())
        guard let dialog = try? SIPDialog(invitedBy: message, localTag: tag) else {
            discard(id)
            respond(400, to: message, transaction, now: now)
            return nil
        }
        let leg = SIPLeg(id: id, flow: flow, contact: settings.contact(flow), phase: .invited, dialog: dialog)
        leg.abilities = .told(by: message)
        leg.invitation = SIPInvitation(
            transaction: transaction, message: message, requiresReliability: requires("100rel", message),
            nextRSeq: UInt32(truncatingIfNeeded: settings.chance()) & 0x3FFF_FFFF | 1)
        if hasSession(message) { leg.negotiation = .theirs(transaction, message) }
        keep(leg)
        transactions.own(transaction, by: id.owner)
        return id
    }

    /// Answers a request outside of dialogs that nothing can come of, whoever sent it, as `admit` does.
    package func refuses(_ message: SIPMessage, _ transaction: SIPTransactionID, now: MonotonicInstant) -> Bool {
        advanceClock(to: now)
        guard let (status, lines) = objection(to: message) else { return false }
        respond(status, to: message, transaction, lines, now: now)
        return true
    }

    /// Why a request cannot be served at all (RFC 3261 §8.2.2.3, §8.2.3, §13.2.1; RFC 3891 §3; RFC 4028 §9).
    private func objection(to message: SIPMessage) -> (UInt16, SIPFieldLines)? {
        var lines = SIPFieldLines()
        let unknown = unknownExtensions(message)
        guard unknown.isEmpty else {
            for option in unknown { lines.add(.unsupported, parsed: option) }
            return (420, lines)
        }
        guard message.method == .invite else { return nil }
        if !message.body.isEmpty, !hasSession(message) {
            lines.add(.accept, fixed: "application/sdp")
            return (415, lines)
        }
        if !acceptsSessions(message) { return (406, lines) }
        if let value = message.value(.replaces), SIPReplaces(value) == nil { return (400, lines) }
        if settings.sessionTimer.refuses(message) {
            lines.add(.minSE, settings.sessionTimer.least)
            return (422, lines)
        }
        return nil
    }

    /// Whether the caller reads the session of our answer; who does not say, does (RFC 3261 §20.1).
    private func acceptsSessions(_ message: SIPMessage) -> Bool {
        guard let types = try? message.list(.accept), !types.isEmpty else { return true }
        return types.contains { type in
            let name = type.prefix { $0 != .semicolon && !$0.isLinearSpace }
            return ["application/sdp", "application/*", "*/*"].contains { name.equals(ignoringCase: $0) }
        }
    }

    /// What the peer insists on and we have not (RFC 3261 §8.2.2.3).
    func unknownExtensions(_ message: SIPMessage) -> [ArraySlice<UInt8>] {
        ((try? message.list(.require)) ?? []).filter { option in
            !["100rel", "timer", "replaces", "norefersub"].contains { option.elementsEqual($0.utf8) }
        }
    }

    func requires(_ option: StaticString, _ message: SIPMessage) -> Bool {
        ((try? message.list(.require)) ?? []).contains { $0.equals(ignoringCase: option) }
    }

    // MARK: Final answers

    /// Takes the call. Where the INVITE brought an offer, `session` answers it (empty: as a provisional answer said already); else it is
    /// our offer, whose answer comes with the ACK. Nothing where the call is over already.
    package func accept(_ id: SIPLegID, session: [UInt8], lines: SIPFieldLines = SIPFieldLines(), now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = leg(id), leg.phase == .invited, var invitation = leg.invitation else { return }
        defer { settle() }
        if let reliable = invitation.reliable, reliable.hasBody {
            invitation.waiting.append(SIPWaitingAnswer(status: 200, lines: lines, body: session))
            leg.invitation = invitation
            return
        }
        accept(leg, invitation, session, lines)
    }

    func accept(_ leg: SIPLeg, _ invitation: SIPInvitation, _ session: [UInt8], _ lines: SIPFieldLines) {
        var all = lines
        let timer = settings.sessionTimer.agreement(
            onRequest: invitation.message, peerSupportsTimer: leg.abilities.contains(.timer))
        addContact(of: leg, to: &all)
        Self.addAbilities(to: &all)
        if let timer { settings.sessionTimer.add(timer, peerSupportsTimer: leg.abilities.contains(.timer), toAnswer: &all) }
        let isOurOffer = !hasSession(invitation.message) && !invitation.isAnsweredReliably
        let body = invitation.isAnsweredReliably ? [] : session.isEmpty ? leg.localSession : session
        if !body.isEmpty { leg.localSession = body }
        leg.negotiation = isOurOffer ? .ours : .agreed
        answer(200, to: invitation.message, invitation.transaction, in: leg, all, body: body)
        if let reliable = invitation.reliable {
            if let timer = reliable.repetition.timer { wheel.cancel(timer) }
            leg.overtaken = (reliable.rseq, invitation.message.cseq)
        }
        leg.invitation = nil
        leg.phase = .accepting
        awaitAcknowledgement(of: invitation.message, invitation.transaction, in: leg, expectsAnswer: isOurOffer)
        agree(leg, on: timer)
    }

    func addContact(of leg: SIPLeg, to lines: inout SIPFieldLines) { lines.add(.contact, parsed: leg.contact[...]) }

    /// Refuses the call, or sends it elsewhere (3xx with Contact in `lines`).
    /// - Parameter status: 300 to 699.
    package func reject(_ id: SIPLegID, _ status: UInt16, lines: SIPFieldLines = SIPFieldLines(), now: MonotonicInstant) {
        advanceClock(to: now)
        guard let leg = leg(id), leg.phase == .invited, let invitation = leg.invitation else { return }
        defer { settle() }
        answer(status, to: invitation.message, invitation.transaction, in: leg, lines)
        end(leg)
    }

    // MARK: ACK

    func awaitAcknowledgement(of message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg, expectsAnswer: Bool) {
        var repetition = SIPRepetition(at: now, t1: settings.t1, longest: settings.t2)
        repetition.timer = setTimer(.repeatFinal(leg.id), after: settings.t1)
        leg.awaited = SIPAwaitedAcknowledgement(
            transaction: transaction, cseq: message.cseq, expectsAnswer: expectsAnswer, repetition: repetition)
    }

    /// The 200 goes out again until its ACK is there (§13.3.1.4); whoever never sends one is no party to a call.
    func repeatFinal(_ leg: SIPLeg) {
        guard var awaited = leg.awaited else { return }
        guard !awaited.repetition.isOver(at: now, t1: settings.t1) else {
            leg.awaited = nil
            unacknowledged(leg)
            return
        }
        transactions.repeatFinal(awaited.transaction, now: now)
        awaited.repetition.timer = setTimer(.repeatFinal(leg.id), after: awaited.repetition.interval)
        leg.awaited = awaited
    }

    private func unacknowledged(_ leg: SIPLeg) {
        let lines = leg.endsWhenAcknowledged
        begin(.bye, .bye, in: leg, lines ?? SIPFieldLines())
        if lines == nil { events.append(.ended(leg.id, SIPEnding(kind: .unacknowledged, message: nil))) }
        end(leg)
    }

    func acknowledged(_ leg: SIPLeg, _ ack: SIPMessage, _ flow: SIPFlow) {
        guard let awaited = leg.awaited, ack.cseq == awaited.cseq else { return }
        if let timer = awaited.repetition.timer { wheel.cancel(timer) }
        leg.awaited = nil
        let isFirst = leg.phase == .accepting
        if isFirst { leg.phase = .confirmed }
        if awaited.expectsAnswer { takeAnswer(in: ack, leg) }
        if isFirst { events.append(.confirmed(leg.id)) }
        if let lines = leg.endsWhenAcknowledged {
            begin(.bye, .bye, in: leg, lines)
            end(leg)
        } else {
            makeWaitingOffer(leg)
        }
    }

    // MARK: CANCEL

    func cancelled(_ leg: SIPLeg, _ transaction: SIPTransactionID) {
        if let invitation = leg.invitation, invitation.transaction == transaction {
            answer(487, to: invitation.message, transaction, in: leg)
            events.append(.cancelled(leg.id, reason: nil))
            end(leg)
        } else if case .theirs(transaction, let message) = leg.negotiation, message.method == .invite {
            leg.negotiation = .agreed
            answer(487, to: message, transaction, in: leg)
            makeWaitingOffer(leg)
        }
    }
}
