import Connector

// Who talks with whom, who waits, and who was passed on.

extension Narration {
    mutating func enterBridge(_ message: ManagerMessage) {
        guard let place = leg(message) else { return }
        let isTalk = message["BridgeType"] != "holding"
        talk.legs[place].bridge = isTalk ? message["BridgeUniqueid"] : nil
        talk.legs[place].state = ChannelLeg.State.up
        reviewTalks()
    }

    /// Tells who talks with whom now, where that has changed. Of two legs the younger tells: it is the one that was called.
    mutating func reviewTalks() {
        for place in talk.legs.indices where talk.legs[place].side != .local {
            guard talk.legs[place].bridge != nil || talk.legs[place].peer != nil else { continue }
            let partner = talk.partner(of: place).flatMap { $0 < place ? $0 : nil }
            let peer = partner.map { talk.legs[$0].id }
            guard peer != talk.legs[place].peer else { continue }
            talk.legs[place].peer = peer
            if let partner { tellTalk(place, with: partner) } else { tellPause(place) }
        }
    }

    private mutating func tellTalk(_ place: Int, with partner: Int) {
        let isFirst = !talk.legs[place].hasTalked
        talk.legs[place].hasTalked = true
        talk.legs[partner].hasTalked = true
        talk.legs[place].isHeld = false
        talk.lastTalker = talk.legs[place].id
        talk.ender = nil
        talk.transferer = nil
        endStation(reason: .normal)
        let key = isFirst ? "answered" : "talks"
        let other = party(partner, of: place)
        tellLeg(isFirst ? .answered : .updated, key, place, phase: .answered, again: !isFirst) { $0.from = other }
    }

    /// Nobody is at the other end for now.
    private mutating func tellPause(_ place: Int) {
        // Where the call is ending, its legs go one after another.
        guard !talk.legs[place].isHeld, talk.ender == nil else { return }
        talk.legs[place].isHeld = true
        tellLeg(.held, "waits", place, phase: .held, again: true) { _ in }
    }

    /// The leg that tells of the talk in which `place` is.
    private func telling(_ place: Int) -> Int? {
        if talk.legs[place].peer != nil { return place }
        return talk.legs.indices.last { talk.legs[$0].peer == talk.legs[place].id }
    }

    mutating func hold(_ message: ManagerMessage) {
        guard let holder = leg(message), let place = telling(holder), !talk.legs[place].isHeld else { return }
        talk.legs[place].isHeld = true
        tellLeg(.held, "held", place, phase: .held, again: true) { _ in }
    }

    mutating func resume(_ message: ManagerMessage) {
        // A transfer says so too, of a leg that was never held.
        guard let holder = leg(message), let place = telling(holder), talk.legs[place].isHeld,
            let partner = talk.index(of: talk.legs[place].peer)
        else { return }
        talk.legs[place].isHeld = false
        let other = party(partner, of: place)
        tellLeg(.resumed, "resumed", place, phase: .answered, again: true) { $0.from = other }
    }

    mutating func passOn(_ message: ManagerMessage) {
        guard message["Result"] != "Fail" else { return }
        for key: LegPrefix in [.transferer, .firstTransferer, .secondTransferer] {
            guard let place = talk.index(of: message[key.uniqueid]) else { continue }
            talk.legs[place].wasHandedOn = true
            if talk.ender == .leg(talk.legs[place].id) { talk.ender = nil }
            if key == .transferer { talk.transferer = talk.legs[place].id }
        }
    }

    // MARK: Keys

    mutating func press(_ message: ManagerMessage) {
        // `Sent` is the copy to the other leg.
        guard message["Direction"] == "Received", let place = leg(message), let digit = message["Digit"] else { return }
        let name = talk.legs[place].id
        let leg = telling(place).map { talk.legs[$0].id } ?? talk.station ?? name
        let presser = talk.legs[place].side == .local ? nil : party(place, of: place)
        tell(.dtmf, "dtmf", name, digit, "\(now.milliseconds)") {
            $0.digits = DigitsReport(digits: digit, leg: leg, by: presser)
        }
    }
}
