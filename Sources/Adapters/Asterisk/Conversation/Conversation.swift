import Connector

/// What is known of one conversation: its legs by Asterisk's events so far, and what has been told of them.
///
/// A value that grows by one message at a time (`Narration`). The session keeps those that are on; a raw record holds the part that its
/// messages are about, as it was before them, so that each record can be read by itself (Decisions/053).
struct Conversation: Equatable, Sendable {
    /// Why it came to an end: the first sign counts.
    enum Ender: Hashable, Sendable {
        /// That leg's party hung up.
        case leg(String)
        /// We asked for it.
        case command
        /// The switch did it by itself: a timeout, the end of the dialplan, a restart.
        case system
        /// It ended while nobody looked.
        case unseen
    }

    /// No conversation has so many legs at once; what goes beyond is not looked at.
    static let legLimit = 2000

    /// The Linkedid that its legs share: the Uniqueid of the oldest of them.
    let name: String
    /// Linkedids of conversations that were joined with it.
    var otherNames: [String] = []
    /// Those that have not hung up, oldest first; in a record only those that matter there.
    var legs: [ChannelLeg] = []
    /// How many real legs there are that have not hung up, and how many halves of Local channels.
    var living = 0
    var livingHalves = 0
    /// When the first leg came up; `nil` while none was seen.
    var beganAt: Instant?
    /// The switch itself called the first leg, because somebody asked it to.
    var isOriginated = false
    var isInbound = false
    var ender: Ender?
    /// The leg of whoever talked last.
    var lastTalker: String?
    /// The leg whose party passed the call on, until somebody is called for it.
    var transferer: String?
    /// What the switch itself answered with: the leg under which it was told.
    var station: String?
    var stationSince: Instant?
    /// Somebody's telephone rang.
    var hasRung = false
    /// Why the called leg that was gone last did not answer.
    var refusal: EndReason?
    var isOver = false
    /// A talk that was found in a list of channels: since when it is on, nobody told.
    var undatedTalk: String?
    /// When its talk began is known already, from before the gateway began anew.
    var isDated = false
    /// Cause and its text of the first leg's hangup.
    var cause: Int?
    var causeText: String?

    init(name: String) { self.name = name }

    func index(of leg: String?) -> Int? { leg.flatMap { name in legs.firstIndex { $0.id == name } } }

    /// The leg that began it.
    var first: ChannelLeg? { legs.first { $0.id == name } ?? legs.first { $0.dialler == .nobody && $0.side != .local } }

    /// All its names, as the ledger knows calls.
    var keys: [ExternalKey] {
        var keys = [ExternalKey(.linkedid, name)]
        keys += otherNames.map { ExternalKey(.linkedid, $0) }
        // Where we began the call, its first leg has the name that we chose.
        if CommandID(name) != nil { keys.append(ExternalKey(.crmCommand, name)) }
        return keys
    }
}

/// One channel: the leg between the switch and one end.
struct ChannelLeg: Equatable, Sendable {
    /// Who called it.
    enum Dialler: Hashable, Sendable {
        /// It calls by itself.
        case nobody
        /// The switch, at somebody's order.
        case order
        case leg(String)
    }

    /// Asterisk's ChannelState, as far as it matters here.
    enum State {
        static let ring = 4
        static let ringing = 5
        static let up = 6
    }

    /// Its Uniqueid.
    let id: String
    /// `PJSIP/101-0000001a`: the handle for actions, which can pass to another leg.
    var channel: String
    var side: PhonePlan.Side
    var number: String?
    var name: String?
    /// What it dialled, or what was dialled for it.
    var exten: String?
    var dialler = Dialler.nobody
    var state = 0
    /// The bridge it is in; `nil` in one where nobody talks, such as a parking lot.
    var bridge: String?
    /// The leg with which it was told to talk.
    var peer: String?
    var hasRung = false
    var isHeld = false
    var hasTalked = false
    /// Its party passed the call on.
    var wasHandedOn = false
    /// The leg whose party passed the call on to this one.
    var wasPassedFrom: String?
    /// How the attempt to reach it came out, by DialEnd.
    var dialStatus: String?
    /// A recording that runs on it: since when, and its file, once known.
    var recordingSince: Instant?
    var recordingFile: String?
    /// Heard of since the last list of channels was asked for.
    var isListed = false

    init(id: String, channel: String, side: PhonePlan.Side) {
        self.id = id
        self.channel = channel
        self.side = side
    }

    /// It rings at the switch, or is through to it: not a leg that is being called.
    var isCalling: Bool { state == State.ring || state == State.up }

    /// The other half of a Local channel has the same name but for `;1` and `;2`.
    func isOtherHalf(of other: ChannelLeg) -> Bool {
        guard side == .local, other.side == .local, id != other.id else { return false }
        return channel.dropLast(2) == other.channel.dropLast(2)
    }
}

// MARK: - Who is connected with whom

extension Conversation {
    /// The real leg that talks with `leg`: in the same bridge, or at the other end of Local channels.
    func partner(of leg: Int) -> Int? {
        var seen: Set<Int> = [leg]
        var next = [leg]
        while let place = next.popLast() {
            for other in legs.indices where !seen.contains(other) && areJoined(place, other) {
                seen.insert(other)
                if legs[other].side != .local { return other }
                next.append(other)
            }
        }
        return nil
    }

    private func areJoined(_ left: Int, _ right: Int) -> Bool {
        if let bridge = legs[left].bridge, bridge == legs[right].bridge { return true }
        return legs[left].isOtherHalf(of: legs[right])
    }

    /// The real leg on whose behalf `leg` calls: itself, or what stands behind a Local channel.
    func caller(behind leg: Int) -> Int? {
        guard legs[leg].side == .local else { return leg }
        if let talker = partner(of: leg) { return talker }
        let half = legs.indices.first { legs[$0].isOtherHalf(of: legs[leg]) }
        guard let half, case .leg(let dialler) = legs[half].dialler, let place = index(of: dialler), place != leg else {
            return nil
        }
        return caller(behind: place, depth: 8)
    }

    /// Chains of Local channels are followed so far: one that leads back to itself must not.
    private func caller(behind leg: Int, depth: Int) -> Int? {
        guard legs[leg].side == .local else { return leg }
        let half = legs.indices.first { legs[$0].isOtherHalf(of: legs[leg]) }
        guard depth > 0, let half, case .leg(let dialler) = legs[half].dialler, let place = index(of: dialler) else { return nil }
        return caller(behind: place, depth: depth - 1)
    }
}
