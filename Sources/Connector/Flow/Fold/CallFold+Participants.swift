// Who took part, and by which legs.

/// What makes two parties the same participant.
enum ParticipantKey: Hashable {
    case external(String)
    case user(String)
    case ivr(String)
    case queue(String)
    case voicemail(String)

    /// What the participant's identifier is hashed from.
    var parts: (kind: String, name: String) {
        switch self {
        case .external(let number): ("external", number)
        case .user(let name): ("user", name)
        case .ivr(let ref): ("ivr", ref)
        case .queue(let ref): ("queue", ref)
        case .voicemail(let ref): ("voicemail", ref)
        }
    }
}

extension CallFold {
    func key(of party: Party) -> ParticipantKey {
        switch party {
        case .external(let raw): .external(raw.map { number($0).e164 ?? $0 } ?? "")
        case .user(let name, _): .user(name)
        case .ivr(let ref): .ivr(ref ?? "")
        case .queue(let ref): .queue(ref ?? "")
        case .voicemail(let ref): .voicemail(ref ?? "")
        }
    }

    func identifyParties() {
        calledKeys = legs.map { $0.to.map(key) }
        callingKeys = legs.map { leg in
            var keys: [ParticipantKey] = []
            for moment in leg.moments {
                guard let key = moment.report.from.map(key), !keys.contains(key) else { continue }
                keys.append(key)
            }
            return keys
        }
    }

    func participantID(of key: ParticipantKey) -> ParticipantID {
        ParticipantID(of: call.id, kind: key.parts.kind, name: key.parts.name)
    }

    func participantID(of party: Party?) -> ParticipantID? { party.map { participantID(of: key(of: $0)) } }

    func listParticipants() {
        var parties: [(key: ParticipantKey, party: Party)] = []
        func add(_ party: Party?) {
            guard let party else { return }
            let key = key(of: party)
            if !parties.contains(where: { $0.key == key }) { parties.append((key, party)) }
        }
        if let raw = call.externalParty?.number.raw { add(.external(number: raw.isEmpty ? nil : raw)) }
        for leg in legs {
            add(leg.firstFrom)
            add(leg.to)
        }
        add(ending?.user)
        call.participants = parties.map { participant($0.key, $0.party) }
    }

    private func participant(_ key: ParticipantKey, _ party: Party) -> Participant {
        var participant = Participant(
            id: participantID(of: key), role: role(key, party), kind: Self.kind(of: party))
        let own = legs.indices.filter { calledKeys[$0] == key || callingKeys[$0].contains(key) }
        participant.joinedAt = own.map { legs[$0].startedAt }.min()
        let ends = own.map { legs[$0].endedAt ?? (isEnded ? call.endedAt : nil) }
        participant.leftAt = ends.contains(nil) ? nil : ends.compactMap { $0 }.max()
        switch party {
        case .external(let raw):
            participant.number = number(raw ?? "")
            participant.displayName = key == mainExternalKey ? call.externalParty?.name : nil
        case .user(let name, _):
            participant.userID = userID(name)
            participant.extension = name
            participant.displayName = profile.employees[name]?.name
        case .ivr(let ref), .queue(let ref), .voicemail(let ref):
            participant.displayName = ref
        }
        readTalk(of: key, own: own, into: &participant)
        return participant
    }

    private func readTalk(of key: ParticipantKey, own: [Int], into participant: inout Participant) {
        switch key {
        case .external where key == mainExternalKey:
            participant.answeredAt = call.direction == .outbound ? call.answeredAt : nil
            participant.talkMilliseconds = call.talkMilliseconds
            participant.outcome = isEnded || isAnswered ? externalOutcome : nil
        case .external:
            participant.answeredAt = own.compactMap { legs[$0].answeredAt }.min()
            participant.outcome = participant.answeredAt == nil ? own.last.flatMap { result(of: $0) } : .talked
        case .user(let name):
            let talks = talkSpans(of: name)
            participant.answeredAt = own.filter { legs[$0].to?.extension == name }.compactMap { legs[$0].answeredAt }.min()
            if isEnded, !isAnswered || call.answeredAt != nil {
                let end = max(call.endedAt ?? call.startedAt, call.startedAt)
                participant.talkMilliseconds =
                    isTalkerByWord(name) ? call.talkMilliseconds : Self.union(talks, within: call.startedAt...end)
            }
            participant.outcome = userOutcome(name, own: own, talked: !talks.isEmpty)
        case .ivr, .queue, .voicemail:
            participant.answeredAt = own.compactMap { legs[$0].answeredAt }.min()
        }
    }

    private var mainExternalKey: ParticipantKey? {
        call.externalParty.map { .external($0.number.e164 ?? $0.number.raw) }
    }

    /// The talks in which that employee spoke with the outside party, or with a colleague on an internal call.
    private func talkSpans(of name: String) -> [LegTimeline.Span] {
        zip(legs, spans).flatMap { leg, spans in
            spans.filter { span in
                guard case .talk(let user, let external) = span.kind else { return false }
                if external { return user == name }
                return call.direction == .internal && (user == name || leg.from?.extension == name)
            }
        }
    }

    /// The vendor says that there was a talk, no leg shows it, and he names this employee.
    private func isTalkerByWord(_ name: String) -> Bool {
        isAnswered && talkSpans.isEmpty && ending?.user?.extension == name
    }

    // MARK: Roles and outcomes

    private static func kind(of party: Party) -> Participant.Kind {
        switch party {
        case .external: .external
        case .user: .user
        case .ivr: .ivr
        case .queue: .queue
        case .voicemail: .voicemail
        }
    }

    private func role(_ key: ParticipantKey, _ party: Party) -> Participant.Role {
        if party.isSystem { return .system }
        if transferLegs.contains(where: { calledKeys[$0.to] == key }) { return .transferTarget }
        switch (call.direction, party) {
        case (.inbound, .external): return key == mainExternalKey ? .caller : .callee
        case (.outbound, .external): return .callee
        case (.outbound, .user): return .caller
        case (.internal, .user): return callingKeys.first?.first == key ? .caller : .callee
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

    private func userOutcome(_ name: String, own: [Int], talked: Bool) -> Outcome? {
        let called = own.filter { legs[$0].to?.extension == name }
        if talked {
            let handedOver = transferLegs.contains { transferor(of: $0)?.extension == name && isCompleted($0) }
            return handedOver && call.ownerUserID != userID(name) ? .transferredAway : .talked
        }
        if let last = called.last { return result(of: last) }
        if let end = call.disposition, end != .answered { return end == .canceled ? .canceled : nil }
        return isAnswered && call.ownerUserID == userID(name) ? .talked : nil
    }

    /// How a leg came out; `nil` while it lasts, and where nobody said.
    func result(of leg: Int) -> Outcome? {
        let timeline = legs[leg]
        guard timeline.isEnded || isEnded || isTakenElsewhere(leg) else { return nil }
        if timeline.to?.isSystem == true { return stationResult(of: timeline) }
        if timeline.isAnswered {
            let wasHandedOn = timeline.isTransferredAway || transferLegs.contains { $0.from == leg && isCompleted($0) }
            return wasHandedOn ? .transferredAway : .talked
        }
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
        default: leg.to?.isExternal == true ? externalOutcome : leg.to?.isUser == true ? .noAnswer : nil
        }
    }

    /// The vendor says that there was a talk, and no leg shows it: it was on the leg to whom the call was meant for.
    private func isTalkedByWord(_ leg: Int) -> Bool {
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
            return loser.group != nil && loser.group == winner.group || (loser.endedAt.map { $0 >= answer } ?? true)
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
            leg.participantID = calledKeys[index].map { participantID(of: $0) }
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
            leg.result = result(of: index)
            return leg
        }
    }

    func legID(_ key: String) -> LegID { LegID(of: call.id, kind: "leg", name: key) }
}
