// Who took part, and by which legs.

/// Somebody or something that took part.
struct CastMember {
    /// What makes two parties the same participant: what they are, and the number, short number or name that tells them apart.
    let kind: Participant.Kind
    let name: String
    /// As first shown.
    let party: Party
    let id: ParticipantID
}

extension CallFold {
    // MARK: The cast

    /// The place of `party` in the cast; a new one where it was not there.
    func member(_ party: Party) -> Int {
        // Mostly it is written as it was the first time, and need not be understood again.
        if let known = cast.firstIndex(where: { $0.party == party }) { return known }
        let (kind, name) = identity(of: party)
        if let known = cast.firstIndex(where: { $0.kind == kind && $0.name == name }) { return known }
        cast.append(
            CastMember(kind: kind, name: name, party: party, id: memory.participantID(kind, name, of: call.id)))
        return cast.count - 1
    }

    private func identity(of party: Party) -> (Participant.Kind, String) {
        switch party {
        case .external(let raw): (.external, raw.map { number($0).e164 ?? $0 } ?? "")
        case .user(let name, _): (.user, name)
        case .ivr(let ref): (.ivr, ref ?? "")
        case .queue(let ref): (.queue, ref ?? "")
        case .voicemail(let ref): (.voicemail, ref ?? "")
        }
    }

    func identifyParties() {
        called.reserveCapacity(legs.count)
        for (index, leg) in legs.enumerated() {
            called.append(leg.to.map(member))
            for moment in leg.moments { noteCaller(moment.report.from, of: index) }
        }
    }

    private func noteCaller(_ party: Party?, of leg: Int) {
        guard let member = party.map(member) else { return }
        var place = calling.count
        while place > 0, calling[place - 1].leg == leg {
            place -= 1
            if calling[place].member == member { return }
        }
        calling.append((leg, member))
    }

    private func calls(_ member: Int, on leg: Int) -> Bool { calling.contains { $0.leg == leg && $0.member == member } }

    func participantID(of party: Party?) -> ParticipantID? { party.map { cast[member($0)].id } }

    // MARK: Participants

    func listParticipants() {
        var order: [Int] = []
        func add(_ party: Party?) {
            guard let member = party.map(member), !order.contains(member) else { return }
            order.append(member)
        }
        if let raw = call.externalParty?.number.raw { add(.external(number: raw.isEmpty ? nil : raw)) }
        let main = order.first
        for leg in legs {
            add(leg.firstFrom)
            add(leg.to)
        }
        for user in untoldTalks.map(\.user) + namedTalkers.map(\.user) { add(.user(extension: user, endpoint: nil)) }
        if ending?.user?.isUser != true || !legs.contains(where: \.showsUser) { add(ending?.user) }
        call.participants.reserveCapacity(order.count)
        for member in order { call.participants.append(participant(member, isMain: member == main)) }
    }

    /// - Parameter isMain: whether it is the call's outside party.
    private func participant(_ member: Int, isMain: Bool) -> Participant {
        let one = cast[member]
        var participant = Participant(id: one.id, role: role(member, isMain: isMain), kind: one.kind)
        let own = legs.indices.filter { called[$0] == member || calls(member, on: $0) }
        readPresence(on: own, into: &participant)
        switch one.party {
        case .external(let raw):
            participant.number = number(raw ?? "")
            participant.displayName = isMain ? call.externalParty?.name : nil
        case .user(let name, _):
            participant.userID = userID(name)
            participant.extension = name
            participant.displayName = profile.employees[name]?.name
        case .ivr(let ref), .queue(let ref), .voicemail(let ref):
            participant.displayName = ref
        }
        readTalk(of: one, own: own, isMain: isMain, into: &participant)
        return participant
    }

    /// From the start of the first leg to the end of the last.
    private func readPresence(on own: [Int], into participant: inout Participant) {
        var isThere = false
        for leg in own {
            participant.joinedAt = min(participant.joinedAt ?? .latest, legs[leg].startedAt)
            guard let end = legs[leg].endedAt ?? (isEnded ? call.endedAt : nil) else {
                isThere = true
                continue
            }
            participant.leftAt = max(participant.leftAt ?? .earliest, end)
        }
        if isThere { participant.leftAt = nil }
    }

    private func readTalk(of one: CastMember, own: [Int], isMain: Bool, into participant: inout Participant) {
        switch one.party {
        case .external where isMain:
            participant.answeredAt = call.direction == .outbound ? call.answeredAt : nil
            participant.talkMilliseconds = call.talkMilliseconds
            participant.outcome = isEnded || isAnswered ? externalOutcome : nil
        case .external:
            participant.answeredAt = firstAnswer(on: own)
            participant.outcome = participant.answeredAt == nil ? own.last.flatMap { results[$0] } : .talked
        case .user(let name, _):
            let talks = talkSpans(of: name)
            let asCalled = own.filter { legs[$0].to?.extension == name }
            participant.answeredAt = firstAnswer(on: asCalled) ?? untoldAnswer(of: name)
            if isEnded, !isAnswered || call.answeredAt != nil, !isNamedTalker(name) || isOnlyTalker(name) {
                let end = max(call.endedAt ?? call.startedAt, call.startedAt)
                let hasTalkOfCall = talkSpans.isEmpty && isAnswered && call.ownerUserID == userID(name)
                participant.talkMilliseconds =
                    hasTalkOfCall ? call.talkMilliseconds : Self.union(talks, within: call.startedAt...end)
            }
            participant.outcome = userOutcome(name, called: asCalled, talked: !talks.isEmpty || isNamedTalker(name))
        case .ivr, .queue, .voicemail:
            participant.answeredAt = firstAnswer(on: own)
        }
    }

    private func isNamedTalker(_ name: String) -> Bool { namedTalkers.contains { $0.user == name } }

    /// Nobody else of ours talked: the talk of the call is his.
    private func isOnlyTalker(_ name: String) -> Bool { talkSpans.isEmpty && namedTalkers.allSatisfy { $0.user == name } }

    private func firstAnswer(on own: [Int]) -> Instant? {
        var first: Instant?
        for leg in own {
            guard let answer = legs[leg].answeredAt else { continue }
            first = min(first ?? answer, answer)
        }
        return first
    }

    /// The talks in which that employee spoke with the outside party, or with a colleague on an internal call.
    private func talkSpans(of name: String) -> [LegTimeline.Span] {
        var talks: [LegTimeline.Span] = []
        for leg in legs.indices {
            for span in spans[leg] {
                guard case .talk(let user, let external) = span.kind else { continue }
                let isOwn =
                    user == name && (external || call.direction == .internal)
                    || !external && call.direction == .internal && legs[leg].from?.extension == name
                if isOwn { talks.append(span) }
            }
        }
        return talks + untoldTalks.lazy.filter { $0.user == name && $0.leg == nil }.map(\.span)
    }

    /// On his own call out an employee answers nothing.
    private func untoldAnswer(of name: String) -> Instant? {
        guard call.direction == .inbound else { return nil }
        return untoldTalks.lazy.filter { $0.user == name }.map(\.span.from).min()
    }

    // MARK: Roles and outcomes

    private func role(_ member: Int, isMain: Bool) -> Participant.Role {
        let party = cast[member].party
        if party.isSystem { return .system }
        if transferLegs.contains(where: { called[$0.to] == member }) { return .transferTarget }
        switch (call.direction, party) {
        case (.inbound, .external): return isMain ? .caller : .callee
        case (.outbound, .external): return .callee
        case (.outbound, .user): return .caller
        case (.internal, .user): return calling.first { $0.leg == 0 }?.member == member ? .caller : .callee
        default: return party.isUser ? .agent : .caller
        }
    }

    /// How it came out for the outside party; `nil` where nobody said.
    private var externalOutcome: Outcome? {
        if isAnswered { return .talked }
        return switch call.disposition {
        case .busy: .busy
        case .rejected: .rejected
        case .noAnswer, .canceled: .noAnswer
        case .unreachable, .invalidNumber: .unavailable
        case .abandoned: .canceled
        case .missed: call.endedBy == .externalParty ? .canceled : .noAnswer
        case .failed, .blocked: .failed
        case .answered, .voicemail: .talked
        case .unknown, nil: nil
        }
    }

    private func userOutcome(_ name: String, called: [Int], talked: Bool) -> Outcome? {
        if talked {
            let handedOver = transferLegs.contains { transferor(of: $0)?.extension == name && isCompleted($0) }
            return handedOver && call.ownerUserID != userID(name) ? .transferredAway : .talked
        }
        if let last = called.last { return results[last] }
        if let end = call.disposition, end != .answered { return end == .canceled ? .canceled : nil }
        return isAnswered && call.ownerUserID == userID(name) ? .talked : nil
    }

    func readResults() { results = legs.indices.map(result) }

    /// How a leg came out; `nil` while it lasts, and where nobody said.
    private func result(of leg: Int) -> Outcome? {
        let timeline = legs[leg]
        guard timeline.isEnded || isEnded || isTakenElsewhere(leg) else { return nil }
        if timeline.to?.isSystem == true { return stationResult(of: timeline) }
        if timeline.isAnswered || untoldTalks.contains(where: { $0.leg == leg }) {
            if isAnswerDenied, timeline.to?.isExternal == true { return externalOutcome }
            let wasHandedOn = timeline.isTransferredAway || transferLegs.contains { $0.from == leg && isCompleted($0) }
            return wasHandedOn ? .transferredAway : .talked
        }
        // Of a leg of which only the end is known nobody knows who did not answer.
        guard timeline.to != nil else { return nil }
        if isTalkedByWord(leg) { return .talked }
        if let outcome = timeline.reason.flatMap(Self.outcome) { return outcome }
        if isTakenElsewhere(leg) { return .answeredElsewhere }
        return unansweredResult(of: timeline)
    }

    /// A menu or queue does not talk; what counts is whether the caller left there.
    private func stationResult(of leg: LegTimeline) -> Outcome? {
        switch leg.reason {
        case .callerHungUp: .canceled
        case .queueTimeout: .noAnswer
        default: nil
        }
    }

    /// What a reason says whatever became of the rest of the call.
    private static func outcome(of reason: EndReason) -> Outcome? {
        switch reason {
        case .busy: .busy
        case .rejected: .rejected
        case .unreachable, .noAgentAvailable, .outOfHours, .invalidNumber, .blocked: .unavailable
        case .failed: .failed
        case .answeredElsewhere: .answeredElsewhere
        default: nil
        }
    }

    private func unansweredResult(of leg: LegTimeline) -> Outcome? {
        switch leg.reason ?? ending?.reason {
        case .noAnswer, .queueTimeout: .noAnswer
        case .callerHungUp, .byCommand, .transferred, .normal, .calleeHungUp: .canceled
        case .failed where ending?.isStale == true: .failed
        default: leg.to?.isExternal == true ? externalOutcome : leg.to?.isUser == true ? .noAnswer : nil
        }
    }

    /// The vendor says that there was a talk, and no leg shows it: it was on the leg to whom the call was meant for.
    private func isTalkedByWord(_ leg: Int) -> Bool {
        if let called = legs[leg].to?.extension, isNamedTalker(called) { return true }
        guard isAnswered, !legs.contains(where: \.isAnswered) else { return false }
        guard call.direction == .inbound else { return legs[leg].to?.isExternal == true || call.direction == .internal }
        return ending?.user?.extension != nil && legs[leg].to?.extension == ending?.user?.extension
    }

    /// Rule 6: another employee took the call for which this phone rang, as a member of the group or at the same time.
    private func isTakenElsewhere(_ leg: Int) -> Bool {
        let loser = legs[leg]
        guard loser.to?.isUser == true, !loser.isAnswered, !isTransferTarget(leg) else { return false }
        return legs.contains { winner in
            guard winner.isAnswered, winner.to?.isUser == true, winner.to?.extension != loser.to?.extension,
                let answer = winner.answeredAt, winner.firstFrom?.isUser != true
            else { return false }
            if loser.group != nil, loser.group == winner.group { return true }
            return loser.startedAt <= answer && (loser.endedAt.map { $0 >= answer } ?? true)
        }
    }

    private func isTransferTarget(_ leg: Int) -> Bool { transferLegs.contains { $0.to == leg } }
}

// MARK: - Legs

extension CallFold {
    func listLegs() {
        call.legs = legs.indices.map { index in
            let timeline = legs[index]
            var leg = Leg(id: legID(timeline.key), externalIDs: [ExternalKey(.leg, timeline.key)])
            leg.participantID = called[index].map { cast[$0].id }
            leg.parentLegID = timeline.parent.map(legID)
            leg.bridgedWith = spans[index].compactMap { span in
                guard case .talk = span.kind else { return nil }
                return Leg.Bridge(leg: nil, from: span.from, to: span.to)
            }
            leg.side = timeline.to.map { $0.isExternal ? .a : .b }
            leg.endpoint = timeline.to?.endpoint
            leg.startedAt = timeline.startedAt
            leg.ringingAt = timeline.ringingAt
            leg.answeredAt = timeline.answeredAt
            leg.endedAt = timeline.endedAt ?? (isEnded ? spans[index].last?.to ?? call.endedAt : nil)
            leg.result = results[index]
            if let signalling = timeline.signalling { leg.follow(signalling) }
            return leg
        }
    }

    func legID(_ key: String) -> LegID { memory.legID(key, of: call.id) }
}

extension Leg {
    /// Takes over what its signalling showed.
    fileprivate mutating func follow(_ signalling: SignallingReport) {
        trunkID = signalling.trunk
        codec = signalling.codec
        if let sipCallID = signalling.sipCallID { externalIDs.append(ExternalKey(.sipCallID, sipCallID)) }
        if !signalling.cause.isEmpty { cause = signalling.cause }
        guard signalling.lossPermille != nil || signalling.jitterMilliseconds != nil else { return }
        quality = Quality(lossPermille: signalling.lossPermille, jitterMilliseconds: signalling.jitterMilliseconds)
    }
}
