import Connector

/// All conversations of one server that are on: sorts the messages of its stream by conversation, and makes raw records of them.
///
/// A plain value without a clock or a socket. What is read in one go of one conversation becomes one record: the conversation as it was
/// before, then the messages as received.
struct Switchboard {
    /// One record may hold so much before another is begun.
    private static let messageLimit = 200
    private static let byteLimit = 128 << 10

    let plan: PhonePlan
    private var talks: [String: Conversation] = [:]
    /// The conversation of each leg, by its Uniqueid.
    private var names: [String: String] = [:]
    /// What was read and is not in a record yet, in order of beginning.
    private var drafts: [Draft] = []
    private var finished: [[UInt8]] = []
    /// Legs that hung up while a list is being told: a row of theirs is older than that. `nil` while none is.
    private var gone: Set<String>?

    fileprivate struct Draft {
        let name: String
        let before: Conversation
        var messages: [ManagerMessage] = []
        var byteCount = 0
    }

    init(plan: PhonePlan) { self.plan = plan }

    /// How many conversations are on.
    var count: Int { talks.count }

    /// The conversation of that name, or of that leg.
    subscript(name: String) -> Conversation? { talks[name] ?? names[name].flatMap { talks[$0] } }

    var conversations: some Collection<Conversation> { talks.values }

    // MARK: Messages

    /// A list of channels was asked for: legs that it does not name, and of which nothing is heard before it is complete, are gone.
    mutating func beginList() {
        gone = []
        // What is drafted already stands on the conversations as they were.
        finishDrafts(of: nil)
        for name in talks.keys {
            guard var talk = talks.removeValue(forKey: name) else { continue }
            for place in talk.legs.indices { talk.legs[place].isListed = false }
            talks[name] = talk
        }
    }

    /// No list comes: what was on is believed to go on.
    mutating func giveUpList() { gone = nil }

    /// Takes in an event.
    /// - Parameter arrival: when it was read.
    mutating func take(_ event: ManagerEvent, _ message: ManagerMessage, at arrival: Instant) {
        switch event {
        case .coreShowChannelsComplete:
            for name in talks.keys.sorted() { note(message, of: name, at: arrival) }
            gone = nil
        case .coreShowChannel where gone?.contains(message["Uniqueid"] ?? "") == true: break
        case .originateResponse: finished.append(Array(message.bytes) + [ManagerByte.carriageReturn, ManagerByte.lineFeed])
        case .fullyBooted: break
        default:
            guard let name = conversation(of: message, event) else { return }
            if event == .hangup, let leg = message["Uniqueid"] { gone?.insert(leg) }
            note(message, of: name, at: arrival)
        }
    }

    /// The server began anew since its last word, at `moment`: all that was on ended then.
    mutating func restart(_ message: ManagerMessage, at moment: Instant) {
        let loss = ManagerMessage([("Lost", "\(moment.milliseconds)")])
        for name in talks.keys.sorted() {
            note(loss, of: name, at: moment)
            note(message, of: name, at: moment)
        }
    }

    /// Takes in something that is no event: an action of ours, the file of a recording.
    mutating func take(_ message: ManagerMessage, about leg: String, at arrival: Instant) {
        guard let name = names[leg] ?? talks[leg]?.name else { return }
        note(message, of: name, at: arrival)
    }

    /// Calls that were on when the gateway ended: the next list of channels tells which still are.
    /// - Parameter isDated: whether it is known when its talk began.
    mutating func recall(_ name: String, isDated: Bool = false) {
        guard talks[name] == nil, names[name] == nil else { return }
        talks[name] = Conversation(name: name)
        talks[name]?.isDated = isDated
    }

    /// Talks that were found in a list, since when nobody told, each with the channel that knows; each is told once.
    mutating func takeUndated() -> [(leg: String, channel: String)] {
        var undated: [(leg: String, channel: String)] = []
        for name in talks.keys {
            guard let leg = talks[name]?.undatedTalk, let channel = talks[name]?.first?.channel else { continue }
            talks[name]?.undatedTalk = nil
            undated.append((leg, channel))
        }
        return undated
    }

    private mutating func note(_ message: ManagerMessage, of name: String, at arrival: Instant) {
        let talk = talks[name] ?? Conversation(name: name)
        var draft = drafts.lastIndex { $0.name == name } ?? drafts.endIndex
        if draft == drafts.endIndex { drafts.append(Draft(name: name, before: talk)) }
        drafts[draft].messages.append(message)
        drafts[draft].byteCount += message.bytes.count
        var narration = Narration(talk, plan: plan, stamp: nil, arrival: arrival)
        talks[name] = nil
        narration.take(message)
        settle(narration.talk, was: talk)
        if drafts[draft].messages.count >= Self.messageLimit || drafts[draft].byteCount >= Self.byteLimit { finish(&draft) }
    }

    private mutating func settle(_ talk: Conversation, was old: Conversation) {
        if talk.isOver {
            talks[talk.name] = nil
            for name in old.legs.map(\.id) + talk.otherNames { names[name] = nil }
            return
        }
        talks[talk.name] = talk
        for leg in talk.legs where names[leg.id] == nil { names[leg.id] = talk.name }
        if talk.legs.count < old.legs.count {
            for leg in old.legs where !talk.legs.contains(where: { $0.id == leg.id }) { names[leg.id] = nil }
        }
    }

    // MARK: Which conversation

    /// The conversation that an event is about; joins those that it shows to be one.
    private mutating func conversation(of message: ManagerMessage, _ event: ManagerEvent) -> String? {
        var found: String?
        for (uniqueid, linkedid) in Self.keys(of: event) {
            guard let leg = message[uniqueid] else { continue }
            let told = message[linkedid] ?? leg
            let known = names[leg]
            let name = known.map { isName(told, of: $0) ? $0 : join($0, to: told) } ?? owner(of: told)
            found = found.map { $0 == name ? $0 : join($0, to: name) } ?? name
        }
        return found
    }

    private static func keys(of event: ManagerEvent) -> [(StaticString, StaticString)] {
        switch event {
        case .dialBegin, .dialState, .dialEnd: [("Uniqueid", "Linkedid"), ("DestUniqueid", "DestLinkedid")]
        case .blindTransfer: [("TransfererUniqueid", "TransfererLinkedid"), ("TransfereeUniqueid", "TransfereeLinkedid")]
        case .attendedTransfer:
            [
                ("OrigTransfererUniqueid", "OrigTransfererLinkedid"), ("SecondTransfererUniqueid", "SecondTransfererLinkedid"),
                ("TransfereeUniqueid", "TransfereeLinkedid"), ("TransferTargetUniqueid", "TransferTargetLinkedid"),
            ]
        default: [("Uniqueid", "Linkedid")]
        }
    }

    private func isName(_ told: String, of name: String) -> Bool {
        told == name || talks[name]?.otherNames.contains(told) == true
    }

    /// The conversation that goes by this Linkedid, which may have been joined to another.
    private func owner(of linkedid: String) -> String { names[linkedid] ?? linkedid }

    /// Of two conversations that are one the older goes on.
    /// - Returns: its name.
    private mutating func join(_ one: String, to other: String) -> String {
        guard one != other else { return one }
        let (left, right) = (talks[one] ?? Conversation(name: one), talks[other] ?? Conversation(name: other))
        let isLeftOlder = (left.beganAt ?? .latest, left.name) < (right.beganAt ?? .latest, right.name)
        let (older, younger) = isLeftOlder ? (left, right) : (right, left)
        finishDrafts(of: [older.name, younger.name])
        talks[younger.name] = nil
        talks[older.name] = older.joined(with: younger)
        for leg in younger.legs { names[leg.id] = older.name }
        names[younger.name] = older.name
        return older.name
    }

    // MARK: Records

    /// The bodies of all that was taken in since, in order.
    mutating func records() -> [[UInt8]] {
        finishDrafts(of: nil)
        defer { finished = [] }
        return finished
    }

    private mutating func finishDrafts(of names: Set<String>?) {
        var kept: [Draft] = []
        for draft in drafts {
            if names?.contains(draft.name) ?? true { finished.append(draft.body) } else { kept.append(draft) }
        }
        drafts = kept
    }

    private mutating func finish(_ draft: inout Int) {
        finished.append(drafts[draft].body)
        drafts.remove(at: draft)
    }
}

extension Switchboard.Draft {
    fileprivate var body: [UInt8] {
        var body = before.text(for: messages)
        for message in messages {
            body += message.bytes
            // The last line may lack its end: an empty line ends a message all the same.
            if message.bytes.last != ManagerByte.lineFeed { body += [ManagerByte.carriageReturn, ManagerByte.lineFeed] }
            body += [ManagerByte.carriageReturn, ManagerByte.lineFeed]
        }
        return body
    }
}

extension Conversation {
    /// With the legs and names of a younger one that proved to be the same call.
    func joined(with other: Conversation) -> Conversation {
        var talk = self
        talk.otherNames += ([other.name] + other.otherNames).filter { $0 != name && !otherNames.contains($0) }
        talk.legs += other.legs
        talk.living += other.living
        talk.livingHalves += other.livingHalves
        talk.hasRung = hasRung || other.hasRung
        talk.lastTalker = lastTalker ?? other.lastTalker
        return talk
    }
}
