import AdapterKit
import Connector

/// What an event is about: the value of `EventType`.
enum TelphinEvent: String {
    /// An extension is called.
    case dialIn = "dial-in"
    /// An extension calls.
    case dialOut = "dial-out"
    case answer
    case hangup
    /// A step of a menu, or a rule for outgoing calls, asks what to do.
    case callInteractive = "call_interactive"
    case agentLogin = "agent-login"
    case agentLogout = "agent-logout"
    case messageIn = "message-in"
    case messageOut = "message-out"
    /// `voicemail`, whose fields no document names, and those to come.
    case other

    /// nil where no event is named. Some receivers read the name from `Event` or `CallStatus` (doubtful): taken where it fits.
    init?(of fields: FieldTable) {
        if let word = fields.text("EventType") ?? fields.text("Event") {
            self = Self(rawValue: word.lowercased()) ?? .other
        } else if let event = fields.text("CallStatus").flatMap({ Self(rawValue: $0.lowercased()) }), event != .answer {
            self = event
        } else {
            return nil
        }
    }
}

/// How a leg came out: `CallStatus` of a hangup, Asterisk's words.
enum TelphinStatus {
    /// Why the leg ended. On `ANSWER` who hung up is not told.
    static func reason(_ word: String?) -> EndReason {
        reasons[word?.uppercased() ?? ""] ?? .unknown
    }

    static func knows(_ word: String?) -> Bool { reasons[word?.uppercased() ?? ""] != nil }

    private static let reasons: [String: EndReason] = [
        "ANSWER": .normal,
        "BUSY": .busy,
        "NOANSWER": .noAnswer,
        // The caller gave up, or another member of the group answered: the ledger knows which.
        "CANCEL": .callerHungUp,
        "CONGESTION": .failed,
        "CHANUNAVAIL": .unreachable,
    ]
}

/// Reads one connection's events, and the pages of the vendor's log that were fetched for it. Keeps no state but memory.
final class TelphinDecoder: EventDecoder {
    private let queues: Set<String>
    private var fields = FieldTable(ignoringCase: true)

    init(queues: Set<String>) { self.queues = queues }

    func decode(_ raw: RawRecord) -> [Decoded] {
        if raw.source == .history { return TelphinLog(raw.stamp).decode(raw.body) }
        do {
            try raw.body.withUnsafeBytes { try fields.readEvent(query: raw.query, body: $0) }
        } catch let error as FieldError {
            return [.undecoded(reason: error.description)]
        } catch {
            return [.undecoded(reason: "the request cannot be read")]
        }
        guard let event = TelphinEvent(of: fields) else { return [.undecoded(reason: "`EventType` is missing")] }
        return decode(TelphinMessage(fields, event, raw: raw.stamp, queues: queues))
    }

    private func decode(_ message: TelphinMessage) -> [Decoded] {
        switch message.event {
        case .dialIn, .dialOut: [message.ringing()]
        case .answer: [message.answer()]
        case .hangup: message.hangup()
        case .callInteractive: [message.question()]
        case .agentLogin, .agentLogout: [.ignored(reason: "presence of a queue's agent")]
        case .messageIn: [.signal(name: "sms_received", fields: message.leftovers())]
        case .messageOut: [.signal(name: "sms_sent", fields: message.leftovers())]
        case .other: [.ignored(reason: "a kind of event this adapter does not know")]
        }
    }
}
