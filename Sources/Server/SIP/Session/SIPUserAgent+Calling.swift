import NetworkTypes

/// Calls of ours: INVITE, its forks and its answers (RFC 3261 §13.2).
extension SIPUserAgent {
    /// Calls somebody.
    /// - Returns: nil where there are too many legs.
    package func call(_ request: SIPCallRequest, now: MonotonicInstant) -> SIPLegID? {
        advanceClock(to: now)
        guard let id = makeLegID() else { return nil }
        let tag = SIPLegTag.written(shard: settings.shard, id, chance: settings.chance())
        let from = SIPFieldLines.party(displayName: request.displayName, request.from, tag: tag)
        let dialog = SIPDialog(callID: makeCallID(), localTag: tag, from: from, to: request.to, target: request.target)
        let leg = SIPLeg(id: id, flow: request.flow, contact: settings.contact(request.flow), phase: .calling, dialog: dialog)
        leg.call = request
        leg.authorizer = request.authorizer
        leg.localSession = request.offer
        leg.negotiation = .ours
        keep(leg)
        let isSent = sendInvite(leg, credentials: request.authorizer?.advance(method: .invite, uri: request.target))
        if !isSent { refuse(leg, SIPCallRefusal(status: 503, response: nil)) }
        settle()
        return id
    }

    /// Call-ID carries the shard, and nothing of who we are.
    private func makeCallID() -> [UInt8] {
        let high = String(settings.chance(), radix: 16)
        let low = String(settings.chance(), radix: 16)
        return Array("\(settings.shard)-\(high)\(low)".utf8)
    }

    private func sendInvite(_ leg: SIPLeg, credentials: SIPFieldLines?, least: UInt32? = nil, wasChallenged: Bool = false) -> Bool
    {
        guard let call = leg.call else { return false }
        var lines = SIPFieldLines()
        Self.addAbilities(to: &lines)
        if let wished = call.sessionInterval ?? settings.sessionTimer.wished {
            let interval = max(wished, least ?? 0, settings.sessionTimer.least)
            settings.sessionTimer.add(interval: interval, weRefresh: nil, to: &lines)
        }
        lines.add(call.lines)
        return begin(
            .invite, .invite, in: leg, lines, credentials: credentials, contentType: Self.sessionType, body: call.offer,
            wasChallenged: wasChallenged)
    }

    // MARK: Answers

    func inviteAnswered(_ leg: SIPLeg, _ response: SIPMessage, _ place: Int) {
        switch response.status {
        case 100: break
        case 101...199: progressed(leg, response)
        case 200...299: accepted(leg, response, place)
        default: inviteRefused(leg, response, place)
        }
    }

    private func progressed(_ leg: SIPLeg, _ response: SIPMessage) {
        guard leg.phase == .calling else { return }
        guard let fork = fork(of: response, in: leg) else {
            if response.toTag == nil { events.append(.progress(leg.id, response)) }
            return
        }
        leg.abilities.formUnion(.told(by: response))
        if isReliable(response), let rseq = response.number(.rseq) {
            guard takeReliable(rseq, of: fork, in: leg) else { return }
            acknowledgeProvisional(response, rseq, fork, in: leg)
        }
        tellAnswer(in: response, to: leg)
        events.append(.progress(leg.id, response))
    }

    private func isReliable(_ response: SIPMessage) -> Bool {
        ((try? response.list(.require)) ?? []).contains { $0.equals(ignoringCase: "100rel") }
    }

    /// The place of the fork that a provisional answer is of; it begins with its first. nil where there are too many, or it names none.
    private func fork(of response: SIPMessage, in leg: SIPLeg) -> Int? {
        guard let tag = response.toTag else { return nil }
        if let known = leg.forks.firstIndex(where: { tag.elementsEqual($0.dialog.remoteTag) }) { return known }
        guard leg.forks.count < 20, let dialog = try? leg.dialog.answered(by: response) else { return nil }
        leg.forks.append(SIPFork(dialog: dialog))
        return leg.forks.count - 1
    }

    /// Provisional answers are taken in their order; a repeated one is acknowledged already (RFC 3262 §4).
    private func takeReliable(_ rseq: UInt32, of fork: Int, in leg: SIPLeg) -> Bool {
        if let last = leg.forks[fork].lastRSeq, rseq != last &+ 1 { return false }
        leg.forks[fork].lastRSeq = rseq
        return true
    }

    private func acknowledgeProvisional(_ response: SIPMessage, _ rseq: UInt32, _ fork: Int, in leg: SIPLeg) {
        var lines = SIPFieldLines()
        lines.add(.rack, parsed: Array("\(rseq) \(response.cseq) INVITE".utf8)[...])
        let draft = leg.forks[fork].dialog.draft(.prack, contact: leg.contact, lines)
        begin(draft, .prack, cseq: leg.forks[fork].dialog.localCSeq, in: leg, lines)
    }

    private func accepted(_ leg: SIPLeg, _ response: SIPMessage, _ place: Int) {
        let pending = leg.pending[place]
        if let known = leg.acknowledgements.first(where: { $0.transaction == pending.id }), leg.dialog.holds(response) {
            send(known.bytes, over: leg.flow)
            return
        }
        guard leg.phase == .calling, let dialog = try? leg.dialog.answered(by: response) else {
            letGo(response, pending, of: leg)
            if leg.phase == .cancelling { end(leg) }
            return
        }
        confirm(leg, dialog, response, pending)
    }

    private func confirm(_ leg: SIPLeg, _ dialog: SIPDialog, _ response: SIPMessage, _ pending: SIPPendingRequest) {
        leg.dialog = dialog
        leg.dialog.localCSeq = max(dialog.localCSeq, leg.forks.first { $0.dialog.holds(response) }?.dialog.localCSeq ?? 0)
        leg.forks = []
        leg.phase = .confirmed
        leg.call = nil
        markAnswered(pending, in: leg)
        leg.abilities.formUnion(.told(by: response))
        acknowledge(leg, pending)
        leg.negotiation = .agreed
        tellAnswer(in: response, to: leg)
        events.append(.accepted(leg.id, response))
        agree(leg, on: settings.sessionTimer.agreement(byAnswer: response))
        makeWaitingOffer(leg)
    }

    /// A 200 that nobody waits for: of a second fork, or after we took the call back. It is acknowledged and ended (§13.2.2.4).
    private func letGo(_ response: SIPMessage, _ pending: SIPPendingRequest, of leg: SIPLeg) {
        guard var dialog = try? leg.dialog.answered(by: response) else { return }
        let fork = leg.forks.first { $0.dialog.holds(response) }
        dialog.localCSeq = max(pending.cseq, fork?.dialog.localCSeq ?? 0)
        let ack = dialog.draft(.ack, number: pending.cseq, contact: leg.contact, pending.credentials ?? SIPFieldLines())
        if let bytes = try? transactions.bytes(ofStateless: ack, over: leg.flow) { send(bytes, over: leg.flow) }
        guard fork?.isLetGo != true else { return }
        let bye = dialog.draft(.bye, contact: leg.contact, SIPFieldLines())
        leg.forks.removeAll { $0.dialog.holds(response) }
        if leg.forks.count < 20 { leg.forks.append(SIPFork(dialog: dialog, isLetGo: true)) }
        begin(bye, .letGo, cseq: dialog.localCSeq, in: leg, SIPFieldLines())
    }

    /// Ends a fork with credentials, where its peer wants some for that, too.
    func isLetGoAgain(_ challenge: SIPMessage, _ pending: SIPPendingRequest, of leg: SIPLeg) -> Bool {
        guard let place = leg.forks.firstIndex(where: { $0.dialog.holds(challenge) }),
            let credentials = leg.authorizer?.answer(challenge, method: .bye, uri: leg.forks[place].dialog.remoteTarget)
        else { return false }
        let bye = leg.forks[place].dialog.draft(.bye, contact: leg.contact, credentials)
        return begin(
            bye, .letGo, cseq: leg.forks[place].dialog.localCSeq, in: leg, SIPFieldLines(), credentials: credentials,
            wasChallenged: true)
    }

    /// The session in a provisional answer or a 200, where it is news. A provisional answer that is not reliable only shows what the
    /// 200 will say (RFC 6337 §2.1); where the 200 says something else after all, that counts.
    private func tellAnswer(in response: SIPMessage, to leg: SIPLeg) {
        guard hasSession(response), !response.body.elementsEqual(leg.remoteAnswer) else { return }
        leg.remoteAnswer = Array(response.body)
        events.append(.answer(leg.id, sdp: response.body))
    }

    private func inviteRefused(_ leg: SIPLeg, _ response: SIPMessage, _ place: Int) {
        let pending = leg.pending.remove(at: place)
        if leg.phase == .calling, isRepeated(leg, response, pending) { return }
        refuse(leg, SIPCallRefusal(status: response.status, response: response))
    }

    /// Asks again where the peer wanted credentials or a longer session (RFC 3261 §22.2, RFC 4028 §7.3).
    private func isRepeated(_ leg: SIPLeg, _ response: SIPMessage, _ pending: SIPPendingRequest) -> Bool {
        if response.status == 401 || response.status == 407, let call = leg.call, !pending.wasChallenged || isStale(response) {
            guard let credentials = leg.authorizer?.answer(response, method: .invite, uri: call.target) else { return false }
            return sendInvite(leg, credentials: credentials, wasChallenged: true)
        }
        if response.status == 422, let least = response.number(.minSE), let call = leg.call, least <= 86_400 {
            leg.call?.sessionInterval = least
            guard call.sessionInterval != least else { return false }
            return sendInvite(leg, credentials: leg.authorizer?.advance(method: .invite, uri: call.target), least: least)
        }
        return false
    }

    func refuse(_ leg: SIPLeg, _ refusal: SIPCallRefusal) {
        let wasOurWord = leg.phase == .cancelling || leg.phase == .ended
        if !wasOurWord { events.append(.refused(leg.id, refusal)) }
        end(leg)
    }
}
