import Connector

// What is told of a conversation: its events in our words.

extension Narration {
    /// Tells one event. Its name is made of the conversation's and of `parts`: told again, it is the same.
    mutating func tell(
        _ type: EventType, _ parts: String..., at moment: Instant? = nil, fill: (inout CallEvent) -> Void
    ) {
        tell(type, named: parts, at: moment, fill: fill)
    }

    private mutating func tell(
        _ type: EventType, named parts: [String], at moment: Instant? = nil, fill: (inout CallEvent) -> Void
    ) {
        guard let stamp else { return }
        var key = RepeatKey(stamp.connection)
        key.add("ami")
        key.add(talk.name)
        for part in parts { key.add(part) }
        var event = CallEvent(
            id: key.eventID(), rawID: stamp.id, keys: talk.keys, type: type, occurredAt: moment ?? now,
            receivedAt: stamp.receivedAt, source: .ami)
        fill(&event)
        append(event)
    }

    /// Tells something of one leg, with both its parties.
    /// - Parameters:
    ///   - phase: `ringing` where absent.
    ///   - again: the same may be told of the leg more than once; its moment tells the one from the other.
    mutating func tellLeg(
        _ type: EventType, _ kind: String, _ place: Int, phase: LegReport.Phase = .ringing, again: Bool = false,
        fill: (inout LegReport) -> Void
    ) {
        guard stamp != nil else { return }
        let leg = talk.legs[place]
        var report = LegReport(key: leg.id, phase: phase, from: callingParty(place), to: party(place, of: place))
        if let transferer = leg.wasPassedFrom {
            report.handover = .blind
            report.parent = transferer
        }
        fill(&report)
        let moment = again ? ["\(now.milliseconds)"] : []
        tell(type, named: [kind, leg.id] + moment) { $0.leg = report }
    }

    /// The first leg calls.
    mutating func tellBeginning(_ place: Int) {
        let leg = talk.legs[place]
        talk.isInbound = leg.side == .outside
        let (began, isInbound) = (talk.beganAt ?? now, talk.isInbound)
        let dialled = leg.exten.flatMap { $0 == "s" ? nil : $0 }
        let isLong = dialled.map { $0.utf8.count { (0x30...0x39).contains($0) } >= 7 } ?? false
        tell(.created, "created", at: began) { event in
            event.facts.startedAt = began
            if isInbound {
                event.facts.direction = .inbound
                event.facts.origin = .trunk
                event.facts.externalNumber = leg.number
                event.facts.externalName = leg.name
                event.facts.line = dialled
            } else {
                event.facts.origin = .device
                if isLong { event.facts.externalNumber = dialled }
            }
        }
    }

    /// The switch called a leg by itself: the first one, at somebody's order.
    /// - Parameter number: its caller's number, which is whatever was given with the order: the number to be called, mostly.
    mutating func tellOrder(_ place: Int, number: String?) {
        guard talk.legs[place].id == talk.name, !talk.isOriginated else { return }
        talk.isOriginated = true
        let outside = number.flatMap { plan.isShort($0) ? nil : $0 }
        let began = talk.beganAt ?? now
        tell(.created, "ordered", at: began) { event in
            event.facts.origin = .clickToCall
            event.facts.startedAt = began
            event.facts.externalNumber = outside
        }
    }

    // MARK: Parties

    /// Who calls on a leg; `nil` where the switch itself does.
    private func callingParty(_ place: Int) -> Party? {
        let leg = talk.legs[place]
        if let peer = talk.index(of: leg.peer) { return party(peer, of: place) }
        guard case .leg(let dialler) = leg.dialler, let caller = talk.index(of: dialler) else { return nil }
        if let behind = talk.caller(behind: caller), behind != place { return party(behind, of: place) }
        // A Local channel whose other end nobody knows carries its caller's number.
        return talk.legs[caller].number.map { plan.isShort($0) ? .user(extension: $0, endpoint: nil) : .external(number: $0) }
    }

    /// Whoever is at the end of the leg `place`, as the leg `reporter` has to do with him.
    func party(_ place: Int, of reporter: Int) -> Party {
        let leg = talk.legs[place]
        switch leg.side {
        case .person(let number): return .user(extension: number, endpoint: PhonePlan.device(of: leg.channel))
        case .outside, .local:
            // The caller's number of a leg that was called is what the dialplan set: what was dialled is surer.
            if leg.dialler == .nobody { return .external(number: leg.number) }
            return .external(number: leg.exten.flatMap { plan.isShort($0) ? nil : $0 } ?? leg.number)
        }
    }
}
