// How it stands and how it came out: state, disposition, who ended it (rules 3, 6, 7, 8).

extension CallFold {
    /// Somebody talked, by the vendor's word or by what the legs show.
    var isAnswered: Bool { call.answeredAt != nil || digest.answeredByWord == true }

    func readState() {
        call.state = isEnded ? .ended : openState
    }

    private var openState: Call.State {
        let open = legs.indices.filter { !legs[$0].isEnded }
        let kinds = open.compactMap { spans[$0].last }.filter { $0.to == nil }.map(\.kind)
        if kinds.contains(where: { if case .talk = $0 { true } else { false } }) { return .inProgress }
        if kinds.contains(where: { if case .hold = $0 { true } else { false } }) { return .onHold }
        if call.answeredAt != nil { return .inProgress }
        if open.contains(where: { legs[$0].to?.isSystem != true }) { return .ringing }
        if legs.isEmpty { return hasTraceOfTalk ? .inProgress : .ringing }
        return call.direction == .outbound ? .ringing : .queued
    }

    /// A recording or a transcript: somebody talks or has talked.
    private var hasTraceOfTalk: Bool { !digest.recordings.isEmpty || digest.hasTranscript }

    func readDisposition() {
        guard let ending else { return }
        let reason = lastReason(ending)
        call.disposition = disposition(reason: reason)
        call.missedReason = missedReason(reason: reason)
        call.endedBy = ending.by ?? endedBy(reason: reason)
        call.cause = ending.cause.isEmpty ? nil : ending.cause
        readOwners(ending)
        readCompleteness(ending)
    }

    /// Why the call ended: what the last leg with a human or the caller says, where it says who; else the ending's own word.
    private func lastReason(_ ending: EndReport) -> EndReason {
        let last = legs.filter(\.isEnded).max { ($0.endedAt ?? .earliest, $0.key) < ($1.endedAt ?? .earliest, $1.key) }
        guard let reason = last?.reason else { return ending.reason }
        if reason == .callerHungUp || reason == .calleeHungUp || ending.reason == .unknown { return reason }
        return ending.reason
    }

    private func disposition(reason: EndReason) -> Call.Disposition {
        if isAnswered { return .answered }
        if ending?.isStale == true, ending?.reason == .unknown, !allLegsEnded { return .unknown }
        if reason == .voicemail || legs.contains(where: { if case .voicemail = $0.to { $0.isAnswered } else { false } }) {
            return .voicemail
        }
        return call.direction == .inbound ? inboundDisposition(reason) : outboundDisposition(reason)
    }

    /// Rule 3: abandoned where the caller left before any employee's phone rang, else missed.
    private func inboundDisposition(_ reason: EndReason) -> Call.Disposition {
        switch reason {
        case .blocked: .blocked
        case .callerHungUp where !hasRung: .abandoned
        // Sent out of the house: what became of it there is not told.
        case .transferred: .unknown
        case .unknown where call.ringingAt == nil && legs.isEmpty && ending?.answered != false: .unknown
        default: .missed
        }
    }

    /// An employee's phone rang: a leg shows it, or the vendor names whose.
    private var hasRung: Bool { call.ringingAt != nil || ending?.user?.isUser == true }

    private func outboundDisposition(_ reason: EndReason) -> Call.Disposition {
        switch reason {
        case .callerHungUp, .byCommand: .canceled
        case .busy: .busy
        case .rejected, .calleeHungUp: .rejected
        case .noAnswer, .queueTimeout, .noAgentAvailable, .outOfHours, .answeredElsewhere, .transferred: .noAnswer
        case .unreachable: .unreachable
        case .invalidNumber: .invalidNumber
        case .blocked: .blocked
        case .failed: .failed
        case .normal: .noAnswer
        case .voicemail: .voicemail
        case .unknown: .unknown
        }
    }

    private func missedReason(reason: EndReason) -> Call.MissedReason? {
        switch call.disposition {
        case .abandoned: return lastStation == .queue ? .abandonedInQueue : .abandonedInIVR
        case .missed: break
        default: return nil
        }
        switch reason {
        case .callerHungUp: return .abandonedRinging
        case .outOfHours: return .outOfHours
        case .noAgentAvailable, .busy, .unreachable: return .noAgentAvailable
        case .failed, .invalidNumber: return .error
        case .unknown: return hasRung ? .noAgentAnswered : nil
        default: return hasRung ? .noAgentAnswered : .noAgentAvailable
        }
    }

    private var lastStation: RouteStep.Kind {
        if case .queue = legs.last(where: { $0.to?.isSystem == true })?.to { .queue } else { .ivr }
    }

    private func endedBy(reason: EndReason) -> Call.EndedBy {
        let last = lastLegOfPeople
        let callerIsOutside = last.map { $0.from?.isExternal == true } ?? (call.direction == .inbound)
        let calleeIsOutside = last.map { $0.to?.isExternal == true } ?? (call.direction == .outbound)
        switch reason {
        case .callerHungUp: return callerIsOutside ? .externalParty : .user
        case .calleeHungUp, .rejected: return calleeIsOutside ? .externalParty : .user
        // Whose telephone was to ring first for his own call did not take it.
        case .busy: return calleeIsOutside ? .externalParty : call.direction == .outbound ? .user : .system
        case .byCommand: return .user
        case .noAnswer, .unreachable, .blocked, .failed, .invalidNumber, .outOfHours, .queueTimeout, .noAgentAvailable:
            return .system
        case .normal, .answeredElsewhere, .transferred, .voicemail, .unknown: return .unknown
        }
    }

    /// The leg that ended last, of those that tell who was with whom: on the first leg of a callback nobody calls.
    private var lastLegOfPeople: LegTimeline? {
        let ended = legs.filter { $0.isEnded && $0.to?.isSystem != true }
        let called = ended.filter { $0.firstFrom != nil }
        return (called.isEmpty ? ended : called).max { ($0.endedAt ?? .earliest, $0.key) < ($1.endedAt ?? .earliest, $1.key) }
    }

    // MARK: Owners

    /// First and last employee who talked. Of whom is only said that he did, he counts from when he was rung; where nothing shows a talk,
    /// whom the ending names is the one.
    private func readOwners(_ ending: EndReport) {
        var talkers = talkSpans.sorted { $0.from < $1.from }.compactMap { span -> (user: String, from: Instant)? in
            if case .talk(let user, _) = span.kind { (user, span.from) } else { nil }
        }
        let named = isAnswered ? ending.user?.extension : nil
        if let named, ending.answered == true, !talkers.contains(where: { $0.user == named }), let rang = lastRing(of: named) {
            name(named, after: rang)
        }
        for named in namedTalkers {
            talkers.insert((named.user, named.after), at: talkers.firstIndex { $0.from > named.after } ?? talkers.endIndex)
        }
        call.firstUserID = (talkers.first?.user ?? named).map(userID)
        call.ownerUserID = (talkers.last?.user ?? named).map(userID)
    }

    private func readCompleteness(_ ending: EndReport) {
        var missing: [Completeness.Gap] = []
        let isHandedOut = ending.scope != .call && ending.reason == .transferred
        if call.endedAt == nil || isHandedOut { missing.append(.hangup) }
        if isAnswered, call.answeredAt == nil { missing.append(.answerTime) }
        if isAnswered, call.ownerUserID == nil { missing.append(.agent) }
        let isReconciled = digest.sources.contains(.history)
        call.completeness = Completeness(
            level: !missing.isEmpty ? .partial : isReconciled ? .reconciled : .complete, missing: missing)
    }
}
