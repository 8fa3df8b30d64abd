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

    // MARK: Menus and queues

    /// The first leg is up and nobody took it: the switch itself did, to play something or to put the caller into a queue.
    mutating func answerBySwitch(_ place: Int) {
        guard talk.isInbound, talk.legs[place].id == talk.name, talk.station == nil, talk.lastTalker == nil else { return }
        guard !talk.legs.contains(where: { $0.dialler != .nobody && $0.state == ChannelLeg.State.up }) else { return }
        tellStation("\(talk.name)/pbx", .ivr(ref: nil), at: place)
    }

    mutating func join(_ message: ManagerMessage) {
        guard let place = leg(message), let queue = message["Queue"], talk.legs[place].side == .outside else { return }
        // A queue that comes at once is what the switch answered for.
        let isSame = talk.stationSince.map { now.milliseconds(since: $0) <= 1000 } ?? false
        if let station = talk.station, isSame {
            tellStation(station, .queue(ref: queue), at: place, since: talk.stationSince)
        } else {
            endStation(reason: .normal)
            tellStation("\(talk.name)/\(queue)/\(now.milliseconds)", .queue(ref: queue), at: place)
        }
    }

    private mutating func tellStation(_ key: String, _ party: Party, at place: Int, since: Instant? = nil) {
        talk.station = key
        talk.stationSince = since ?? now
        var report = LegReport(key: key, phase: .answered, from: self.party(place, of: place), to: party)
        var type = EventType.routeStep
        var kind = "station"
        // The queue's name comes after the answer, and counts from then.
        if case .queue = party { (type, kind, report.sequence) = (.queued, "queue", 1) }
        tell(type, kind, key, at: talk.stationSince) { $0.leg = report }
    }

    /// The caller is no longer with the menu or queue.
    mutating func endStation(reason: EndReason) {
        guard let station = talk.station else { return }
        talk.station = nil
        talk.stationSince = nil
        tell(.updated, "left", station) { $0.leg = LegReport(key: station, phase: .ended, sequence: 2, reason: reason) }
    }

    // MARK: Recordings

    mutating func startRecording(_ message: ManagerMessage) {
        guard let place = leg(message), talk.legs[place].recordingSince == nil else { return }
        talk.legs[place].recordingSince = now
    }

    /// A hangup ends a recording without a word of its own.
    mutating func stopRecording(_ place: Int) {
        guard talk.legs[place].recordingSince != nil else { return }
        if talk.legs[place].recordingFile == nil { tellRecording(place, .started) }
        tellRecording(place, .completed)
        talk.legs[place].recordingSince = nil
        talk.legs[place].recordingFile = nil
    }

    func recordingKey(_ leg: ChannelLeg) -> String { leg.recordingFile ?? "\(leg.id)-\(leg.recordingSince?.milliseconds ?? 0)" }

    mutating func tellRecording(_ place: Int, _ phase: RecordingReport.Phase) {
        let leg = talk.legs[place]
        let key = recordingKey(leg)
        let reporter = telling(leg)
        let moment = phase == .started ? leg.recordingSince : nil
        tell(.updated, "recording", phase.rawValue, key, at: moment) { event in
            event.recording = RecordingReport(key: key, phase: phase, leg: reporter)
        }
        guard phase == .completed else { return }
        let isKept = plan.fetchesRecordings && leg.recordingFile != nil
        let obstacle = plan.fetchesRecordings ? "its name is not known" : "recordings_url is not set"
        tell(isKept ? .recordingReady : .updated, "recording", "kept", key) { event in
            event.recording = RecordingReport(
                key: key, phase: isKept ? .ready : .notRecorded, leg: reporter,
                problem: isKept ? nil : "the file stays on the PBX: \(obstacle)")
        }
    }

    private func telling(_ leg: ChannelLeg) -> String? {
        if leg.peer != nil { return leg.id }
        return talk.legs.last { $0.peer == leg.id }?.id
    }

    // MARK: Lists

    /// One row of the list of channels that are up: what a session that begins, or begins anew, builds on.
    mutating func list(_ message: ManagerMessage) {
        let isNew = talk.index(of: message["Uniqueid"]) == nil
        guard let place = leg(message) else { return }
        talk.legs[place].channel = message["Channel"] ?? talk.legs[place].channel
        talk.legs[place].state = message["ChannelState"].flatMap { Int($0) } ?? talk.legs[place].state
        talk.legs[place].bridge = message["BridgeId"]
        guard isNew else { return }
        // `AppDial` is what a leg runs that somebody called.
        if message["Application"]?.hasPrefix("AppDial") == true {
            talk.legs[place].dialler = talk.name == talk.legs[place].id ? .order : .leg(talk.name)
        }
        guard let age = Self.seconds(message["Duration"]) else { return }
        let began = now.advanced(by: .seconds(-age))
        talk.beganAt = min(talk.beganAt ?? began, began)
    }

    /// The list is whole: what is not in it has ended while nobody looked.
    mutating func endList() {
        if !talk.legs.contains(where: { $0.isListed && $0.side != .local }) { return endAll(by: .unseen) }
        for place in talk.legs.indices.reversed() where !talk.legs[place].isListed { end(place, cause: nil) }
        guard let first = talk.legs.firstIndex(where: { $0.id == talk.name }) else { return reviewTalks() }
        if talk.legs[first].dialler == .order { tellOrder(first, number: talk.legs[first].number) }
        if talk.legs[first].dialler == .nobody, talk.legs[first].isCalling { tellBeginning(first) }
        for place in talk.legs.indices where talk.legs[place].state == ChannelLeg.State.ringing { ring(place) }
        // Whom nobody else called was called by the first leg.
        for place in talk.legs.indices where talk.legs[place].dialler == .leg(talk.name) && talk.legs[place].exten == nil {
            talk.legs[place].exten = talk.legs[first].exten
        }
        let wasTalking = talk.lastTalker != nil
        reviewTalks()
        if !wasTalking, !talk.isDated { talk.undatedTalk = talk.lastTalker }
    }

    /// Takes in for how long a talk has been on that a list of channels showed: the answer fell into the time in which nobody listened.
    mutating func takeTalk(_ message: ManagerMessage) {
        guard let place = talk.index(of: message["Talking"]), let partner = talk.index(of: talk.legs[place].peer),
            let seconds = message["Seconds"].flatMap({ Int64($0) }), (0...10_000_000).contains(seconds)
        else { return }
        talk.undatedTalk = nil
        let lost = message["NotBefore"].flatMap { Int64($0) }.map { Instant(milliseconds: $0) } ?? .earliest
        let since = max(now.advanced(by: .seconds(-seconds)), lost)
        let other = party(partner, of: place)
        tellLeg(.updated, "since", place, phase: .answered) { report in
            report.from = other
            report.answeredAt = since
        }
    }

    /// `00:01:02`.
    private static func seconds(_ text: String?) -> Int64? {
        guard let parts = text?.split(separator: ":"), parts.count == 3 else { return nil }
        let numbers = parts.compactMap { Int64($0) }
        guard numbers.count == 3, numbers.allSatisfy({ (0...1_000_000).contains($0) }) else { return nil }
        return (numbers[0] * 60 + numbers[1]) * 60 + numbers[2]
    }

    /// Whatever was on has ended, and nobody will say so: the server began anew, or nobody looked.
    mutating func endAll(by ender: Conversation.Ender) {
        talk.ender = ender
        for place in talk.legs.indices.reversed() { end(place, cause: nil) }
        endTalk()
    }
}
