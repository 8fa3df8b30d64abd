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
    private var play = RecordPlay(
        profile: ConnectionProfile(id: TracePlayer.connection, provider: "asterisk"), numbering: PlainNumbering())
    private var position: Int64 = 0
    /// When the story begins.
    private let opening: Instant
    /// What was decoded record by record, and what the session itself would have told: they must be the same.
    private(set) var records: [RawRecord] = []
    private(set) var undecoded: [String] = []

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
            try open(at: connection.openedAt)
            var actions = place == 0 ? trace.story.actions_sent.filter { $0.text.hasPrefix("Action: Hangup") }[...] : []
            for piece in Self.cut(connection, cut) {
                while let action = actions.first, action.at <= connection.openedAt + piece.at {
                    send(action.text, at: action.at)
                    actions.removeFirst()
                }
                try feed(piece.bytes, at: connection.openedAt + piece.at)
            }
            close(at: trace.story.expected_calls.first { $0.ended_by == "pbx-crash" }?.end_at ?? connection.openedAt + (connection.pieces.last?.at ?? 0))
        }
    }

    /// In one piece every message has the moment of its arrival all the same: it stands for a reader that was late.
    private static func cut(_ connection: Trace.Connection, _ cut: Cut) -> [(at: Double, bytes: [UInt8])] {
        switch cut {
        case .asCaptured: connection.pieces
        case .byteByByte: connection.pieces.flatMap { piece in piece.bytes.map { (piece.at, [$0]) } }
        case .inOnePiece: connection.pieces.reduce(into: []) { $0.append($1) }
        }
    }

    private func moment(_ seconds: Double) -> Instant { Instant(milliseconds: opening.milliseconds + Int64(seconds * 1000)) }

    // MARK: Steps

    mutating func open(at seconds: Double) throws { watch.connected() }

    mutating func feed(_ bytes: [UInt8], at seconds: Double) throws {
        _ = try watch.take(bytes, at: moment(seconds))
        try drain(at: seconds)
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
            try play.take(decoded, of: raw)
        }
    }

    // MARK: Outcome

    func calls() throws -> [JSONValue] { RecordShape.standing(try play.records()) }
}
