import Connector

// The list of channels that are up: what a session that begins, or begins anew, builds on.

extension Narration {
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
    static func seconds(_ text: String?) -> Int64? {
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
