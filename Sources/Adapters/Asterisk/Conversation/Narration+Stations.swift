import Connector

// Menus and queues: what the switch itself answers a caller with.

extension Narration {
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
}
