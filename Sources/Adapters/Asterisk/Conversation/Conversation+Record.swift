import Connector

// A conversation as it stands in a raw record: before the messages of the record, in messages of the same form.

extension Conversation {
    /// The part that `messages` are about, as text.
    func text(for messages: [ManagerMessage]) -> [UInt8] { header + legs(for: messages).flatMap(\.text) }

    private var header: [UInt8] {
        var lines: [(key: String, value: String)] = [("Conversation", name)]
        lines += otherNames.map { ("Also", $0) }
        lines.add("Living", living)
        lines.add("Halves", livingHalves)
        lines.add("Began", beganAt)
        lines.add("Originated", isOriginated)
        lines.add("Inbound", isInbound)
        lines.add("Rung", hasRung)
        lines.add("Ender", ender?.word)
        lines.add("LastTalker", lastTalker)
        lines.add("Transferer", transferer)
        lines.add("Station", station)
        lines.add("StationSince", stationSince)
        lines.add("Refusal", refusal?.rawValue)
        lines.add("Cause", cause)
        lines.add("CauseText", causeText)
        return ManagerMessage.text(lines) + [ManagerByte.carriageReturn, ManagerByte.lineFeed]
    }

    /// The conversation without legs that a header tells of; `nil` where it is none.
    init?(_ message: ManagerMessage) {
        guard let name = message["Conversation"] else { return nil }
        self.init(name: name)
        otherNames = message.all("Also")
        living = message.number("Living") ?? 0
        livingHalves = message.number("Halves") ?? 0
        beganAt = message.instant("Began")
        isOriginated = message.holds("Originated")
        isInbound = message.holds("Inbound")
        hasRung = message.holds("Rung")
        ender = message["Ender"].flatMap(Ender.init)
        lastTalker = message["LastTalker"]
        transferer = message["Transferer"]
        station = message["Station"]
        stationSince = message.instant("StationSince")
        refusal = message["Refusal"].flatMap(EndReason.init)
        cause = message.number("Cause")
        causeText = message["CauseText"]
    }

    // MARK: What matters

    /// So many legs a record may hold beside those that its messages name.
    private static let companyLimit = 16

    /// The legs that `messages` name, and whoever has to do with them: the first, those that talk, who dialled them, who is in their
    /// bridge. A group of a hundred telephones is not written down with each of its hundred events.
    private func legs(for messages: [ManagerMessage]) -> [ChannelLeg] {
        guard legs.count > Self.companyLimit, !messages.contains(where: \.isAboutAll) else { return legs }
        var wanted = Set(messages.flatMap(\.legNames))
        wanted.insert(name)
        var company = 0
        for leg in legs where leg.state == ChannelLeg.State.up && company < Self.companyLimit && !wanted.contains(leg.id) {
            wanted.insert(leg.id)
            company += 1
        }
        // The chain behind a Local channel: who dialled it, and its other half.
        for _ in 0..<3 {
            for leg in legs where wanted.contains(leg.id) {
                if case .leg(let dialler) = leg.dialler { wanted.insert(dialler) }
                if leg.side == .local, let half = legs.first(where: { $0.isOtherHalf(of: leg) }) { wanted.insert(half.id) }
            }
        }
        return legs.filter { wanted.contains($0.id) }
    }
}

extension Conversation.Ender {
    fileprivate var word: String {
        switch self {
        case .leg(let id): "leg \(id)"
        case .command: "command"
        case .system: "system"
        case .unseen: "unseen"
        }
    }

    fileprivate init?(_ word: String) {
        switch word {
        case "command": self = .command
        case "system": self = .system
        case "unseen": self = .unseen
        default:
            guard word.hasPrefix("leg ") else { return nil }
            self = .leg(String(word.dropFirst(4)))
        }
    }
}

extension ChannelLeg {
    fileprivate var text: [UInt8] {
        var lines: [(key: String, value: String)] = [("Leg", id), ("Channel", channel)]
        lines.add("Number", number)
        lines.add("Name", name)
        lines.add("Exten", exten)
        switch dialler {
        case .nobody: break
        case .order: lines.add("Dialler", "order")
        case .leg(let id): lines.add("Dialler", "leg \(id)")
        }
        lines.add("State", state)
        lines.add("Bridge", bridge)
        lines.add("Peer", peer)
        lines.add("Rung", hasRung)
        lines.add("Held", isHeld)
        lines.add("Talked", hasTalked)
        lines.add("HandedOn", wasHandedOn)
        lines.add("PassedFrom", wasPassedFrom)
        lines.add("DialStatus", dialStatus)
        lines.add("RecordingSince", recordingSince)
        lines.add("RecordingFile", recordingFile)
        lines.add("Listed", isListed)
        return ManagerMessage.text(lines) + [ManagerByte.carriageReturn, ManagerByte.lineFeed]
    }

    init?(_ message: ManagerMessage, plan: PhonePlan) {
        guard let id = message["Leg"], let channel = message["Channel"] else { return nil }
        let number = message["Number"]
        self.init(id: id, channel: channel, side: plan.side(of: channel, number: number))
        self.number = number
        name = message["Name"]
        exten = message["Exten"]
        switch message["Dialler"] {
        case nil: break
        case "order": dialler = .order
        case let word?: dialler = .leg(String(word.dropFirst(4)))
        }
        state = message.number("State") ?? 0
        bridge = message["Bridge"]
        peer = message["Peer"]
        hasRung = message.holds("Rung")
        isHeld = message.holds("Held")
        hasTalked = message.holds("Talked")
        wasHandedOn = message.holds("HandedOn")
        wasPassedFrom = message["PassedFrom"]
        dialStatus = message["DialStatus"]
        recordingSince = message.instant("RecordingSince")
        recordingFile = message["RecordingFile"]
        isListed = message.holds("Listed")
    }
}

extension [(key: String, value: String)] {
    fileprivate mutating func add(_ key: String, _ value: String?) { if let value { append((key, value)) } }
    fileprivate mutating func add(_ key: String, _ value: Int?) { if let value, value != 0 { append((key, "\(value)")) } }
    fileprivate mutating func add(_ key: String, _ value: Instant?) { if let value { append((key, "\(value.milliseconds)")) } }
    fileprivate mutating func add(_ key: String, _ value: Bool) { if value { append((key, "yes")) } }
}

extension ManagerMessage {
    fileprivate func number(_ key: StaticString) -> Int? { self[key].flatMap { Int($0) } }
    fileprivate func instant(_ key: StaticString) -> Instant? {
        self[key].flatMap { Int64($0) }.map { Instant(milliseconds: $0) }
    }

    /// The legs that it names.
    var legNames: [String] {
        let keys: [StaticString] = [
            "Uniqueid", "DestUniqueid", "TransfererUniqueid", "TransfereeUniqueid", "OrigTransfererUniqueid",
            "SecondTransfererUniqueid", "TransferTargetUniqueid", "Recording", "Talking",
        ]
        return keys.compactMap { self[$0] }
    }

    /// It concerns every leg of its conversation.
    fileprivate var isAboutAll: Bool { legNames.isEmpty || holds("BridgeId") }
}
