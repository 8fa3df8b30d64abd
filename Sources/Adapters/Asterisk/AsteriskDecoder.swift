import AdapterKit
import Connector

/// Reads one connection's raw records: pieces of the manager interface's stream, each with the conversation as it stood before, and what
/// the dialplan posts. Keeps nothing from one to the next.
final class AsteriskDecoder: EventDecoder {
    private let plan: PhonePlan
    private let hasManager: Bool

    /// - Parameter hasManager: whether the manager interface is listened to: what the dialplan posts then only confirms it.
    init(plan: PhonePlan, hasManager: Bool = true) {
        self.plan = plan
        self.hasManager = hasManager
    }

    func decode(_ raw: RawRecord) -> [Decoded] {
        raw.source == .ami ? decodeStream(raw) : DialplanMessage.decode(raw, plan: plan, besideManager: hasManager)
    }

    private func decodeStream(_ raw: RawRecord) -> [Decoded] {
        var framing = ManagerFraming(expectsGreeting: false)
        framing.take(raw.body)
        var narration: Narration?
        var legs: [ChannelLeg] = []
        var talk: Conversation?
        do {
            while let bytes = try framing.next() {
                let message = ManagerMessage(bytes)
                switch message.head.key {
                case "Conversation": talk = Conversation(message)
                case "Leg": ChannelLeg(message, plan: plan).map { legs.append($0) }
                case "Event" where ManagerEvent(bytes) == .originateResponse: return [Self.outcome(message)]
                default:
                    if narration == nil {
                        guard var known = talk else { return [.undecoded(reason: "the record has no conversation")] }
                        known.legs = legs
                        narration = Narration(known, plan: plan, stamp: raw.stamp, arrival: raw.receivedAt)
                    }
                    narration?.take(message)
                }
            }
        } catch {
            return [.undecoded(reason: error.description)]
        }
        guard let events = narration?.events, !events.isEmpty else {
            return [.ignored(reason: "changes what is known of a leg, and nothing of the call")]
        }
        return events.map { .call($0) }
    }

    /// What became of an order to call: its first leg answered, or did not.
    private static func outcome(_ message: ManagerMessage) -> Decoded {
        guard let id = message["ActionID"], CommandID(id) != nil else { return .ignored(reason: "somebody else's order to call") }
        let reason = message["Reason"] ?? ""
        return .command(
            CommandReport(key: id, succeeded: message["Response"] == "Success", code: reasons[reason] ?? "reason \(reason)"))
    }

    private static let reasons = [
        "0": "failed, busy or rejected", "1": "hung up", "3": "not answered in time", "4": "answered", "5": "busy",
        "8": "congestion",
    ]
}

extension Narration {
    /// Takes in a message of whatever kind a record holds.
    mutating func take(_ message: ManagerMessage) {
        switch message.head.key {
        case "Action": takeAction(message)
        case "Recording": takeFile(message)
        case "Talking": takeTalk(message)
        case "Lost": lostAt = message["Lost"].flatMap { Int64($0) }.map { Instant(milliseconds: $0) }
        default: if let event = ManagerEvent(message.bytes) { take(event, message) }
        }
    }
}
