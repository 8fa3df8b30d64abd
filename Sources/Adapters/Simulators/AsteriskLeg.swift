import Connector

/// A channel: one leg of a call.
struct AsteriskLeg: Sendable {
    enum State: Int, Sendable {
        case down = 0
        case ring = 4
        case ringing = 5
        case up = 6

        var text: String {
            switch self {
            case .down: "Down"
            case .ring: "Ring"
            case .ringing: "Ringing"
            case .up: "Up"
            }
        }
    }

    /// `PJSIP/101-0000001a`.
    let name: String
    /// Its Uniqueid.
    let id: String
    let linkedID: String
    /// `101`, `trunk`; of a Local channel what it dials.
    let endpoint: String
    let createdAt: Instant
    var state: State
    var callerNumber: String
    var callerName = ""
    var connectedNumber = ""
    var context: String
    var exten: String
    var application = ""
    var applicationData = ""
    var answeredAt: Instant?
    /// The bridge it is in.
    var bridge: String?
    /// The leg that dials it; nil for the first of a call, and where the PBX itself dials.
    var dialledBy: String?
    /// Those it dials, while they have neither answered nor failed.
    var dials: [String] = []
    /// Counts its dials: what was planned for an earlier one is void.
    var dialNumber = 0
    var variables: [String: String] = [:]
    /// The files it is recorded to, by the names that the recordings have.
    var recordings: [(id: String, file: String)] = []

    var isTrunk: Bool { endpoint == AsteriskExchange.trunk }
    /// Plumbing: nobody's telephone.
    var isLocal: Bool { name.hasPrefix("Local/") }
    var isPhone: Bool { !isTrunk && !isLocal }
    /// `PJSIP/101`.
    var device: String { String(name.prefix { $0 != "-" }) }

    /// The headers that tell of it, each name with that prefix.
    func fields(_ prefix: String = "") -> AsteriskFields {
        func known(_ text: String) -> String { text.isEmpty ? "<unknown>" : text }
        var fields = AsteriskFields()
        fields.add(prefix + "Channel", name)
        fields.add(prefix + "ChannelState", "\(state.rawValue)")
        fields.add(prefix + "ChannelStateDesc", state.text)
        fields.add(prefix + "CallerIDNum", known(callerNumber))
        fields.add(prefix + "CallerIDName", known(callerName))
        fields.add(prefix + "ConnectedLineNum", known(connectedNumber))
        fields.add(prefix + "ConnectedLineName", "<unknown>")
        fields.add(prefix + "Language", "en")
        fields.add(prefix + "AccountCode", "")
        fields.add(prefix + "Context", context)
        fields.add(prefix + "Exten", exten)
        fields.add(prefix + "Priority", "1")
        fields.add(prefix + "Uniqueid", id)
        fields.add(prefix + "Linkedid", linkedID)
        return fields
    }
}

/// What is written down of a call while it lasts: the truth comes of it.
struct AsteriskCallBook: Sendable {
    let linkedID: String
    var direction: Direction
    /// The party outside, or the called employee of an internal call; without plus.
    var number: String
    var line: String?
    let startedAt: Instant
    var rung: [String] = []
    var talked: [String] = []
    var answeredAt: Instant?
    var endedAt: Instant?
    var failure: Call.Disposition?
    var recordings: [String] = []
    /// How the talk goes on: what somebody at a telephone will do by himself.
    var course = AsteriskCourse()

    func truth(endedAt end: Instant) -> CallTruth {
        let failed = failure ?? (direction == .inbound ? .missed : .noAnswer)
        return CallTruth(
            adapter: AsteriskDouble.adapter, call: linkedID, direction: direction, number: number, line: line,
            employees: talked.isEmpty ? rung : talked, disposition: answeredAt == nil ? failed : .answered, startedAt: startedAt,
            answeredAt: answeredAt, endedAt: endedAt ?? end, recordings: recordings)
    }
}

/// What the people of a call will do, as far as nobody else intervenes.
struct AsteriskCourse: Sendable {
    /// How long a talk lasts.
    var talk = Duration.seconds(20)
    /// Whether the one who called ends it.
    var callerEnds = true
    /// Whoever answers first passes the call on to this extension, five seconds later.
    var passesTo: String?
    /// He asks there first.
    var asksFirst = false
    /// The talk is recorded by the dialplan.
    var isRecorded = false
}
