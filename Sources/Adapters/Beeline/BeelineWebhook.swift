import AdapterKit
import Connector

/// The kinds of XSI events: the type of `eventData`, its prefix taken off.
/// - Source: BroadSoft Xsi-Events R20 as published by Beeline; what they mean for a leg stands in the schema's own words.
enum BeelineEvent: Equatable {
    case received, originated, answered, released
    case held, retrieved
    /// Something of the call changed but its state; mostly nothing of note.
    case updated
    /// The remote party passed the call on: another one, often under another tracking id, is on the line now.
    case transferred
    /// The user's call goes on elsewhere, by a rule or a transfer; he has no part in it any more.
    case redirected
    /// On the caller's side: the call now rings somewhere else.
    case forwarded
    /// A colleague took the call, or joined it.
    case pickedUp
    /// Digits are collected, a recording begins or stops, an announcement tells why the call fails: no leg changes.
    case aside
    /// The calls that are up when a subscription begins.
    case snapshot
    case subscriptionTerminated
    case hookStatus
    /// Kinds that concern no call of ours, and those to come.
    case other

    /// - Parameter type: `xsi:CallReceivedEvent`, with any prefix or none.
    init(type: String) {
        let name = type.split(separator: ":", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        self = Self.names[name] ?? .other
    }

    private static let names: [String: BeelineEvent] = [
        "CallReceivedEvent": .received,
        // The latter is a click to dial: the user's own phone rings first.
        "CallOriginatedEvent": .originated, "CallOriginatingEvent": .originated,
        "CallAnsweredEvent": .answered,
        "CallReleasedEvent": .released,
        "CallHeldEvent": .held, "CallRetrievedEvent": .retrieved,
        "CallUpdatedEvent": .updated,
        "CallTransferredEvent": .transferred,
        "CallRedirectedEvent": .redirected, "CallDetachedEvent": .redirected,
        "CallForwardedEvent": .forwarded,
        "CallPickedUpEvent": .pickedUp, "CallBargedInEvent": .pickedUp,
        "CallCollectingEvent": .aside, "CallReleasingEvent": .aside,
        "CallRecordingStartingEvent": .aside, "CallRecordingStartedEvent": .aside, "CallRecordingPausedEvent": .aside,
        "CallRecordingResumedEvent": .aside, "CallRecordingStoppedEvent": .aside,
        "CallSubscriptionEvent": .snapshot, "CallSubscriptionResyncEvent": .snapshot,
        "SubscriptionTerminatedEvent": .subscriptionTerminated,
        "HookStatusEvent": .hookStatus,
    ]

    /// What the event is called in the list of a call's events.
    var type: EventType {
        switch self {
        case .received, .originated: .ringing
        case .answered: .answered
        case .released: .ended
        case .held: .held
        case .retrieved: .resumed
        case .transferred: .transferCompleted
        default: .updated
        }
    }
}

/// Reads one connection's events, and the statistics and lists of recordings that were fetched for it. Keeps no state but memory to use again.
final class BeelineDecoder: EventDecoder {
    private var tree = XMLTree()

    func decode(_ raw: RawRecord) -> [Decoded] {
        if raw.source == .history {
            return raw.path == BeelineRecordings.path ? BeelineRecordings().decode(raw) : BeelineStatistics().decode(raw)
        }
        do {
            try raw.body.withUnsafeBytes { try tree.parse($0) }
        } catch let error as XMLError {
            return [.undecoded(reason: error.description)]
        } catch {
            return [.undecoded(reason: "the body cannot be read")]
        }
        guard tree.root.isNamed("Event") else { return [.undecoded(reason: "the root is no `Event`")] }
        return BeelineMessage(tree.root, raw.stamp, path: raw.path).decoded()
    }
}
