import AdapterConformance
import Connector
import TestSupport

@testable import AsteriskAdapter

/// Feeds a captured stream to the adapter as a session would, and keeps the calls that come of the records.
struct TracePlayer {
    /// How the stream is cut.
    enum Cut: CaseIterable, Sendable { case asCaptured, byteByByte, inOnePiece }

    static let connection = ConnectionID("pbx")

    private var watch: ManagerWatch
    private let plan: PhonePlan
    private var position: Int64 = 0
    private var sent: Set<String> = []
    /// When the story begins.
    private let opening: Instant
    /// What was decoded record by record, and what the session itself would have told: they must be the same.
    private(set) var records: [RawRecord] = []
    private(set) var undecoded: [String] = []

    /// What was read of each record.
    private var decoded: [[Decoded]] = []

    init(_ trace: Trace, plan: PhonePlan = PhonePlan()) {
        self.plan = plan
        opening = trace.opening
        watch = ManagerWatch(plan: plan)
    }

    /// How many conversations are still on.
    var openCount: Int { watch.switchboard.count }

    mutating func play(_ trace: Trace, cut: Cut = .asCaptured, connections: Range<Int>? = nil) throws {
        for place in connections ?? trace.connections.indices {
            let connection = trace.connections[place]
            open()
            for piece in Self.cut(connection, cut) {
                sendActions(of: trace, until: connection.openedAt + piece.at)
                try feed(piece.bytes, at: connection.openedAt + piece.at)
            }
            let crash = trace.story.expected_calls.first { $0.ended_by == "pbx-crash" }?.end_at
            close(at: crash ?? connection.openedAt + (connection.pieces.last?.at ?? 0))
        }
    }

    private static func cut(_ connection: Trace.Connection, _ cut: Cut) -> [(at: Double, bytes: [UInt8])] {
        switch cut {
        case .asCaptured: connection.pieces
        case .byteByByte: connection.pieces.flatMap { piece in piece.bytes.map { (piece.at, [$0]) } }
        case .inOnePiece: [(connection.pieces.last?.at ?? 0, connection.bytes)]
        }
    }

    /// The session asks for how long the talks have been on that it found in the list.
    mutating func dateTalks(_ talkSeconds: Int64, at seconds: Double) throws {
        for talk in watch.takeUndated() { watch.date(talk.leg, seconds: talkSeconds, at: moment(seconds)) }
        try drain(at: seconds)
    }

    private func moment(_ seconds: Double) -> Instant { Instant(milliseconds: opening.milliseconds + Int64(seconds * 1000)) }

    // MARK: Steps

    mutating func open() { watch.connected() }

    /// The session asks for the channels and is answered.
    mutating func list(_ answer: [UInt8], at seconds: Double) throws {
        watch.beginList()
        try feed(answer, at: seconds)
    }

    /// The actions about channels that were sent by then, each once.
    mutating func sendActions(of trace: Trace, until seconds: Double) {
        for action in trace.story.actions_sent where action.text.hasPrefix("Action: Hangup") && action.at <= seconds {
            if sent.insert("\(trace.name) \(action.at)").inserted { send(action.text, at: action.at) }
        }
    }

    mutating func feed(_ bytes: [UInt8], at seconds: Double) throws {
        _ = try watch.take(bytes, at: moment(seconds))
        try drain(at: seconds)
    }

    /// Some of a story's messages, with the actions that were sent before them.
    mutating func feed(_ messages: ArraySlice<Trace.Message>, of trace: Trace) throws {
        for message in messages {
            sendActions(of: trace, until: message.at)
            try feed(message.bytes, at: message.at)
        }
    }

    mutating func close(at seconds: Double) { watch.disconnected(at: moment(seconds)) }

    /// The session sends an action about a channel.
    mutating func send(_ text: String, at seconds: Double) {
        let message = ManagerMessage(ArraySlice(text.utf8))
        guard let channel = message["Channel"] else { return }
        let leg = watch.switchboard.conversations.lazy.flatMap(\.legs).first { $0.channel == channel }
        if let leg { watch.take(message, about: leg.id, at: moment(seconds)) }
    }

    private mutating func drain(at seconds: Double) throws {
        for body in watch.records() {
            position += 1
            let raw = RawRecord(
                id: RawID(bits: UInt128(position)), position: position, connection: Self.connection,
                receivedAt: moment(seconds), source: .ami, method: "", path: "/ami", body: body)
            records.append(raw)
            let decoded = AsteriskDecoder(plan: plan).decode(raw)
            for case .undecoded(let reason) in decoded { undecoded.append(reason) }
            self.decoded.append(decoded)
        }
    }

    // MARK: Outcome

    /// The keys that were told as pressed, by who pressed them: a short number or an outside one.
    var presses: [String: String] {
        var presses: [String: String] = [:]
        for case .call(let event) in decoded.flatMap(\.self) {
            guard let digits = event.digits else { continue }
            switch digits.by {
            case .user(let number, _): presses[number, default: ""] += digits.digits
            case .external(let number?): presses[number, default: ""] += digits.digits
            default: presses["?", default: ""] += digits.digits
            }
        }
        return presses
    }

    /// The calls that come of the records.
    /// - Parameter atOnce: folded once, for tests that play a story hundreds of times; else record by record, as the ledger does.
    func calls(atOnce: Bool = false) throws -> [JSONValue] {
        var play = RecordPlay(profile: ConnectionProfile(id: Self.connection, provider: "asterisk"), numbering: PlainNumbering())
        if atOnce, let last = records.last {
            try play.take(decoded.flatMap(\.self), of: last)
        } else {
            for (raw, read) in zip(records, decoded) { try play.take(read, of: raw) }
        }
        return RecordShape.standing(try play.records())
    }
}
