import NetworkTypes

/// Requests of ours in a leg, and what becomes of them.
extension SIPUserAgent {
    func advanceClock(to now: MonotonicInstant) { self.now = max(self.now, now) }

    /// - Returns: whether it could be written; else nothing was begun.
    @discardableResult
    func begin(
        _ method: SIPMethod, _ kind: SIPPendingRequest.Kind, in leg: SIPLeg, _ lines: SIPFieldLines = SIPFieldLines(),
        credentials: SIPFieldLines? = nil, contentType: String? = nil, body: [UInt8] = [], wasChallenged: Bool = false
    ) -> Bool {
        var all = lines
        if let credentials { all.add(credentials) }
        var draft = leg.dialog.draft(method, contact: leg.contact, all)
        draft.contentType = body.isEmpty ? nil : contentType
        draft.body = body
        return begin(
            draft, kind, cseq: leg.dialog.localCSeq, in: leg, lines, credentials: credentials, wasChallenged: wasChallenged)
    }

    @discardableResult
    func begin(
        _ draft: SIPRequestDraft, _ kind: SIPPendingRequest.Kind, cseq: UInt32, in leg: SIPLeg, _ lines: SIPFieldLines,
        credentials: SIPFieldLines? = nil, wasChallenged: Bool = false
    ) -> Bool {
        guard let id = try? transactions.begin(draft, over: leg.flow, owner: leg.id.owner, now: now) else { return false }
        leg.pending.append(
            SIPPendingRequest(
                kind: kind, id: id, cseq: cseq, lines: lines, credentials: credentials, contentType: draft.contentType,
                body: draft.body, wasChallenged: wasChallenged))
        return true
    }

    func receive(response: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg) {
        guard let place = leg.pendingRequest(transaction) else { return }
        switch leg.pending[place].kind {
        case .invite: inviteAnswered(leg, response, place)
        case .reinvite: reinviteAnswered(leg, response, place)
        default: if response.status >= 200 { answered(leg, response, place) }
        }
    }

    private func answered(_ leg: SIPLeg, _ response: SIPMessage, _ place: Int) {
        let pending = leg.pending.remove(at: place)
        defer { forgetIfDone(leg) }
        // Of a call that is over, only its end is still worth asking for.
        let isEnd = pending.kind == .bye || pending.kind == .letGo
        guard leg.phase != .ended || isEnd, !isAskedAgain(pending, response, in: leg) else { return }
        switch pending.kind {
        case .update: updateAnswered(leg, response, pending)
        case .refer: referAnswered(leg, response, pending)
        case .notify: notifyAnswered(leg, response)
        // A PRACK that comes behind the final answer may find nothing: that is no word on the call.
        case .bye, .letGo, .prack: break
        case .info, .invite, .reinvite: loseIfUnknown(leg, response)
        }
    }

    /// Asks once more with credentials, where the peer wants some.
    func isAskedAgain(_ pending: SIPPendingRequest, _ response: SIPMessage, in leg: SIPLeg) -> Bool {
        guard response.status == 401 || response.status == 407, !pending.wasChallenged || isStale(response),
            let method = Self.method(of: pending.kind)
        else { return false }
        if pending.kind == .letGo { return isLetGoAgain(response, pending, of: leg) }
        guard let credentials = leg.authorizer?.answer(response, method: method, uri: leg.dialog.remoteTarget) else {
            return false
        }
        return begin(
            method, pending.kind, in: leg, pending.lines, credentials: credentials, contentType: pending.contentType,
            body: pending.body, wasChallenged: true)
    }

    func isStale(_ response: SIPMessage) -> Bool {
        let header = response.status == 407 ? SIPHeaderName.proxyAuthenticate : .wwwAuthenticate
        let challenges = (try? response.credentials(header)) ?? []
        return challenges.contains {
            $0.parameters["stale"].map { $0.count == 4 && $0[...].equals(ignoringCase: "true") } ?? false
        }
    }

    /// PRACK is never challenged by who sent the answer it acknowledges.
    private static func method(of kind: SIPPendingRequest.Kind) -> SIPMethod? {
        switch kind {
        case .invite, .reinvite: .invite
        case .update: .update
        case .bye, .letGo: .bye
        case .info: .info
        case .refer: .refer
        case .notify: .notify
        case .prack: nil
        }
    }

    /// A peer that knows nothing of the call has ended it (RFC 3261 §12.2.1.2).
    func loseIfUnknown(_ leg: SIPLeg, _ response: SIPMessage) {
        guard response.status == 481 || response.status == 408 else { return }
        lose(leg, .lost, response)
    }

    func requestFailed(_ leg: SIPLeg, _ transaction: SIPTransactionID, _ failure: SIPTransactionFailure) {
        guard let place = leg.pendingRequest(transaction) else { return }
        let pending = leg.pending.remove(at: place)
        switch pending.kind {
        case .invite:
            refuse(leg, SIPCallRefusal(status: failure == .timeout ? 408 : 503, response: nil))
        case .reinvite, .update: lose(leg, .lost, nil)
        case .refer where leg.phase != .ended:
            events.append(.referralProgress(leg.id, status: 408, isOver: true))
        default: break
        }
        forgetIfDone(leg)
    }

    /// Ends a leg whose peer is gone: BYE all the same, so that whoever is there knows.
    func lose(_ leg: SIPLeg, _ kind: SIPEnding.Kind, _ message: SIPMessage?) {
        guard leg.phase == .confirmed || leg.phase == .accepting else { return }
        if message == nil { begin(.bye, .bye, in: leg) }
        events.append(.ended(leg.id, SIPEnding(kind: kind, message: message)))
        end(leg)
    }

    /// ACK for the 200 to an INVITE of ours, kept for its repetitions. It goes with the credentials of the INVITE (§22.1).
    func acknowledge(_ leg: SIPLeg, _ pending: SIPPendingRequest, answer: [UInt8] = []) {
        var draft = leg.dialog.draft(
            .ack, number: pending.cseq, contact: leg.contact, pending.credentials ?? SIPFieldLines())
        draft.body = answer
        draft.contentType = answer.isEmpty ? nil : Self.sessionType
        guard let bytes = try? transactions.bytes(ofStateless: draft, over: leg.flow) else { return }
        leg.acknowledgements.append(SIPAcknowledgement(transaction: pending.id, bytes: bytes))
        send(bytes, over: leg.flow)
    }

    /// Whether the message brings a session: a body that is SDP. One without Content-Type is taken for it.
    func hasSession(_ message: SIPMessage) -> Bool {
        guard !message.body.isEmpty else { return false }
        return message.contentType.map { $0.elementsEqual("application/sdp".utf8) } ?? true
    }
}
