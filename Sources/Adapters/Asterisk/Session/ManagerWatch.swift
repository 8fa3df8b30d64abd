import Connector

/// Follows one server's stream through all its connections: what it tells of calls becomes raw records, the rest is handed back.
///
/// A plain value: the session feeds it what it reads, the tests what was captured.
struct ManagerWatch {
    private(set) var switchboard: Switchboard
    private var framing = ManagerFraming()
    /// When the last connection broke; `nil` while one stands, and before the first.
    private var lostAt: Instant?
    /// When the connection before this one broke.
    private var brokeAt: Instant?

    init(plan: PhonePlan) { switchboard = Switchboard(plan: plan) }

    /// Whether the connection has told of a call as it happened.
    private(set) var hearsCalls = false
    /// How long the youngest leg of the last list had been there, in whole seconds.
    private(set) var youngestListed: Duration?

    /// A new connection's stream begins.
    mutating func connected() {
        framing = ManagerFraming()
        hearsCalls = false
        youngestListed = nil
        switchboard.beginList()
    }

    /// The channels that are up are asked for.
    mutating func beginList() {
        switchboard.beginList()
        youngestListed = nil
    }

    /// They are not going to be listed.
    mutating func giveUpList() { switchboard.giveUpList() }

    /// The connection is over; what was on is still known.
    mutating func disconnected(at moment: Instant) {
        lostAt = lostAt ?? moment
        brokeAt = lostAt
    }

    /// The version that the server greeted with.
    var greeting: String? { framing.greeting }

    /// Takes in what was read.
    /// - Returns: answers to actions, and events that are no news of a call.
    /// - Throws: `ManagerFault`: the connection is of no use any more.
    mutating func take(_ bytes: some Collection<UInt8>, at arrival: Instant) throws(ManagerFault) -> [ManagerMessage] {
        framing.take(bytes)
        var others: [ManagerMessage] = []
        while let bytes = try framing.next() {
            if let event = ManagerEvent(bytes) {
                let message = ManagerMessage(bytes)
                switchboard.take(event, message, at: arrival)
                switch event {
                case .fullyBooted: boot(message, at: arrival)
                case .coreShowChannel: noteAge(of: message)
                case .coreShowChannelsComplete: break
                default: hearsCalls = true
                }
                if event.isListed { others.append(message) }
            } else if !Self.isNoise(bytes) {
                others.append(ManagerMessage(bytes))
            }
        }
        return others
    }

    /// Takes in an action of ours that was carried out on a leg.
    mutating func take(_ action: ManagerMessage, about leg: String, at arrival: Instant) {
        switchboard.take(action, about: leg, at: arrival)
    }

    mutating func recall(_ name: String, isDated: Bool = false) { switchboard.recall(name, isDated: isDated) }

    /// Talks since when nobody told, each with the channel that knows and the question's answer as a note: for how long, and not before
    /// the connection broke.
    mutating func takeUndated() -> [(leg: String, channel: String)] { switchboard.takeUndated() }

    /// Takes in for how long a talk has been on.
    mutating func date(_ leg: String, seconds: Int64, at arrival: Instant) {
        var lines = [(key: "Talking", value: leg), (key: "Seconds", value: "\(seconds)")]
        if let brokeAt { lines.append((key: "NotBefore", value: "\(brokeAt.milliseconds)")) }
        switchboard.take(ManagerMessage(lines), about: leg, at: arrival)
    }

    /// The bodies of the raw records of all that was taken in since, in order.
    mutating func records() -> [[UInt8]] { switchboard.records() }

    private mutating func noteAge(of row: ManagerMessage) {
        guard let age = Narration.seconds(row["Duration"]) else { return }
        youngestListed = min(youngestListed ?? .seconds(age), .seconds(age))
    }

    /// A server that has been up for less time than it was not heard of has begun anew meanwhile: a crash says nothing.
    private mutating func boot(_ message: ManagerMessage, at arrival: Instant) {
        guard let lostAt else { return }
        self.lostAt = nil
        guard let uptime = message["Uptime"].flatMap({ Int64($0) }), uptime >= 0 else { return }
        guard arrival.milliseconds(since: lostAt) / 1000 >= uptime else { return }
        switchboard.restart(message, at: lostAt)
    }

    /// Events of which there are very many with `read = all`, and which nobody here needs.
    private static func isNoise(_ bytes: ArraySlice<UInt8>) -> Bool {
        ManagerEvent.name(bytes).map(noise.contains) ?? false
    }

    private static let noise: Set = [
        "VarSet", "Newexten", "RTCPSent", "RTCPReceived", "CEL", "Cdr", "NewConnectedLine", "QueueMemberStatus",
        "MusicOnHoldStart",
        "MusicOnHoldStop", "DTMFBegin", "LocalBridge", "LocalOptimizationBegin", "LocalOptimizationEnd", "BridgeCreate",
        "BridgeDestroy", "BridgeMerge", "SuccessfulAuth", "ChallengeSent", "AgentCalled", "AgentConnect", "AgentComplete",
        "AgentRingNoAnswer", "QueueCallerLeave", "QueueCallerAbandon", "MixMonitorMute",
    ]
}

extension ManagerEvent {
    /// It belongs to a list that was asked for, or says how the server stands: the session wants to see it too.
    fileprivate var isListed: Bool {
        switch self {
        case .coreShowChannelsComplete, .fullyBooted, .mixMonitorStart: true
        default: false
        }
    }
}
