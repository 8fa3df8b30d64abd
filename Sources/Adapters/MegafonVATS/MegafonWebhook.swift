import AdapterKit
import Connector

/// What a webhook is about: the value of `cmd`.
enum MegafonCommand: Equatable {
    /// The state of one leg, while it happens.
    case event
    /// The call is over: its outcome, times and recording.
    case history
    /// Who is that caller, and who is responsible for him?
    case contact
    /// The client's mark after the talk.
    case rating
    /// Those to come.
    case other

    init(_ word: UnsafeRawBufferPointer) {
        self = Self.words.first { word.isSame(as: $0.word) }?.command ?? .other
    }

    private static let words: [(word: StaticString, command: MegafonCommand)] = [
        ("event", .event), ("history", .history), ("contact", .contact), ("rating", .rating),
    ]
}

/// What happened to a leg: `type` of an event. On `history` the same field is the direction.
enum MegafonState: String {
    /// An employee's phone rings.
    case incoming = "INCOMING"
    /// An employee calls, the PBX dials.
    case outgoing = "OUTGOING"
    case accepted = "ACCEPTED"
    /// Over after a talk.
    case completed = "COMPLETED"
    /// Over without one: the client gave up, or another employee answered.
    case cancelled = "CANCELLED"
    /// The employee passed the client on; `second_callid` names the leg in which the call continues.
    case transferred = "TRANSFERRED"

    init?(word: String?) {
        guard let word = word?.uppercased() else { return nil }
        self.init(rawValue: word == "CANCELED" ? "CANCELLED" : word)
    }

    var eventType: EventType {
        switch self {
        case .incoming, .outgoing: .ringing
        case .accepted: .answered
        case .completed, .cancelled: .updated
        case .transferred: .transferStarted
        }
    }

    var phase: LegReport.Phase {
        switch self {
        case .incoming, .outgoing: .ringing
        case .accepted: .answered
        case .completed, .cancelled, .transferred: .ended
        }
    }

    /// Who hung up is not told.
    var reason: EndReason? {
        switch self {
        case .incoming, .outgoing, .accepted: nil
        case .completed: .normal
        case .cancelled: .unknown
        case .transferred: .transferred
        }
    }
}

/// How a call came out: `status` of a history, in whatever case.
struct MegafonOutcome {
    let reason: EndReason
    /// nil where the word is not known.
    let answered: Bool?

    init(_ word: String?) {
        let word = String((word ?? "").lowercased().unicodeScalars.filter { ("a"..."z").contains($0) })
        let known = Self.reasons[word]
        reason = known ?? .unknown
        answered = known == nil ? nil : word == "success"
    }

    private static let reasons: [String: EndReason] = [
        "success": .normal,
        // Nobody answered; whether the caller gave up is not told.
        "missed": .normal,
        "cancel": .callerHungUp,
        "busy": .busy,
        "notavailable": .unreachable,
        "notallowed": .blocked,
        "notfound": .invalidNumber,
        // Spelled somehow so in v1's log (unverified).
        "noanswer": .noAnswer,
    ]
}

/// Reads one connection's webhooks, and the pages of the vendor's log that were fetched for it. Keeps no state but memory.
final class MegafonDecoder: EventDecoder {
    private let reading: MegafonReading
    private var fields = FieldTable()

    init(_ reading: MegafonReading) { self.reading = reading }

    func decode(_ raw: RawRecord) -> [Decoded] {
        if raw.source == .history { return MegafonLog(reading, raw.stamp).decode(raw.body) }
        do {
            try raw.body.withUnsafeBytes { try fields.readFormOrJSON($0) }
        } catch let error as FieldError {
            return [.undecoded(reason: error.description)]
        } catch {
            return [.undecoded(reason: "the body cannot be read")]
        }
        guard let command = fields.withBytes(of: "cmd", { MegafonCommand($0) }) else {
            return [.undecoded(reason: "`cmd` is missing")]
        }
        return decode(command, MegafonMessage(fields, raw: raw.stamp, reading))
    }

    private func decode(_ command: MegafonCommand, _ message: MegafonMessage) -> [Decoded] {
        switch command {
        case .event: [message.state()]
        case .history: message.history()
        case .contact: [message.contact()]
        case .rating: [message.rating()]
        case .other: [.ignored(reason: "a command this adapter does not know")]
        }
    }
}
