/// The events that tell of calls, by Asterisk's names. All others of the stream (VarSet, Newexten, RTCPSent, …) are passed over as soon
/// as their first line is read.
enum ManagerEvent: String, CaseIterable {
    // A leg begins, changes, ends.
    case newchannel = "Newchannel"
    case newstate = "Newstate"
    case newCallerid = "NewCallerid"
    case hangupRequest = "HangupRequest"
    case softHangupRequest = "SoftHangupRequest"
    case hangup = "Hangup"
    // A leg calls another.
    case dialBegin = "DialBegin"
    case dialState = "DialState"
    case dialEnd = "DialEnd"
    // Who is connected with whom.
    case bridgeEnter = "BridgeEnter"
    case bridgeLeave = "BridgeLeave"
    case hold = "Hold"
    case unhold = "Unhold"
    case blindTransfer = "BlindTransfer"
    case attendedTransfer = "AttendedTransfer"
    // What happens on a leg.
    case queueCallerJoin = "QueueCallerJoin"
    case dtmfEnd = "DTMFEnd"
    case mixMonitorStart = "MixMonitorStart"
    case mixMonitorStop = "MixMonitorStop"
    // Answers to the question who is there.
    case coreShowChannel = "CoreShowChannel"
    case coreShowChannelsComplete = "CoreShowChannelsComplete"
    // What became of an order to call.
    case originateResponse = "OriginateResponse"
    // The server itself.
    case fullyBooted = "FullyBooted"

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })

    /// What the message's first line says; `nil` for an event that tells of no call, and for what is no event.
    init?(_ message: ArraySlice<UInt8>) {
        guard let name = Self.name(message), let event = Self.byName[name] else { return nil }
        self = event
    }

    /// The event's name: `Event:` is its first line.
    static func name(_ message: ArraySlice<UInt8>) -> String? {
        guard message.starts(with: "Event: ".utf8) else { return nil }
        return String(decoding: message.dropFirst(7).prefix { $0 != ManagerByte.carriageReturn }.prefix(64), as: UTF8.self)
    }
}
