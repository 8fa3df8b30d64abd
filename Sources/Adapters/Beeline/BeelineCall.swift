import AdapterKit
import Connector

/// One `call` of an event: a half of a conversation, as one employee's telephone has it. Each half is a leg.
struct BeelineCall {
    private enum Personality { case originator, terminator, clickToDial, unknown }

    private let element: XMLTree.Element
    private let message: BeelineMessage
    private let number: Int
    private let personality: Personality
    /// `callId`, unique for as long as the call lives.
    private let half: String?
    private let tracking: String?
    private let startedAt: Instant?
    private let answeredAt: Instant?
    private let detachedAt: Instant?
    private let redirections: BeelineRedirections
    private let remote: Party
    private let employee: Party?

    /// - Parameter number: which of the event's calls it is.
    init(_ element: XMLTree.Element, of message: BeelineMessage, number: Int) {
        self.element = element
        self.message = message
        self.number = number
        personality = Self.personality(element["personality"])
        half = element["callId"].text
        tracking = element["extTrackingId"].text
        startedAt = BeelineTime.moment(element["startTime"].text)
        answeredAt = BeelineTime.moment(element["answerTime"].text)
        detachedAt = BeelineTime.moment(element["detachedTime"].text)
        redirections = BeelineRedirections(element["redirections"])
        remote = Self.party(element["remoteParty"])
        let device = element["endpoint"]["addressOfRecord"].text
        employee = message.employee(at: device).map { .user(extension: $0, endpoint: device) }
    }

    private static func personality(_ word: XMLTree.Element) -> Personality {
        if word.equals("Terminator") { return .terminator }
        if word.equals("Originator") { return .originator }
        return word.equals("Click-to-Dial") ? .clickToDial : .unknown
    }

    // MARK: Events

    func decoded() -> [Decoded] {
        let keys = keys()
        guard !keys.isEmpty else { return [.undecoded(reason: "neither `extTrackingId` nor `callId` is there")] }
        var event = event(keys, type: type, at: occurredAt, ordinal: 2 * number)
        event.leg = leg()
        event.facts = facts(hasLeg: event.leg != nil)
        event.ending = ending()
        event.recording = recording()
        event.custom = leftovers()
        return [.call(event)] + [detachment(keys)].compactMap(\.self)
    }

    private func event(_ keys: [ExternalKey], type: EventType, at moment: Instant, ordinal: Int) -> CallEvent {
        CallEvent(
            id: repeatKey.eventID(ordinal: ordinal), rawID: message.raw.id, keys: keys, type: type, occurredAt: moment,
            receivedAt: message.raw.receivedAt, source: message.raw.source)
    }

    /// `eventID`; what is missing is made up for with what else tells events apart.
    private var repeatKey: RepeatKey {
        var key = RepeatKey(message.raw.connection)
        key.add("xsi" as StaticString)
        if let id = message.eventID {
            key.add(id)
        } else {
            key.add("\(message.event)")
            for name in ["callId", "state", "startTime", "answerTime", "heldTime", "releaseTime"] as [StaticString] {
                key.add(element[name].text ?? "")
            }
        }
        return key
    }

    /// Names of the call. All halves of a conversation share `extTrackingId`.
    ///
    /// A half keeps `callId` and `startTime` when a transfer puts it under another tracking id: together they are the call's second
    /// name. Either alone is not enough, since identifiers of halves begin anew when Beeline's server does.
    private func keys() -> [ExternalKey] {
        var keys: [ExternalKey] = []
        if let tracking { keys.append(ExternalKey(.session, tracking)) }
        if let half, let startedAt { keys.append(ExternalKey(.call, "\(half)@\(startedAt.milliseconds)")) }
        if !keys.isEmpty, let network = element["networkCallId"].text { keys.append(ExternalKey(.sipCallID, network)) }
        return keys
    }

    private var type: EventType {
        if message.event == .received, redirections.isTransfer { return .transferStarted }
        guard message.event == .snapshot else { return message.event.type }
        return leg()?.phase == .held ? .held : leg()?.phase == .answered ? .answered : .ringing
    }

    /// The event's own time, else that of its arrival: holding and transferring have none.
    private var occurredAt: Instant {
        let own =
            switch message.event {
            case .received, .originated: startedAt
            case .answered: answeredAt
            case .released: BeelineTime.moment(element["releaseTime"].text)
            case .held: BeelineTime.moment(element["heldTime"].text)
            case .redirected: detachedAt ?? redirect ?? BeelineTime.moment(element["releaseTime"].text)
            case .snapshot: detachedAt ?? BeelineTime.moment(element["heldTime"].text) ?? answeredAt ?? startedAt
            default: Instant?.none
            }
        return own ?? message.raw.receivedAt
    }

    private var redirect: Instant? { BeelineTime.moment(element["redirect"]["redirectTime"].text) }

    // MARK: The leg

    /// nil where the event tells nothing of the leg, or the half is not named. Of a click to dial, the user's own phone rings: the leg
    /// to the one he calls begins when he has picked up.
    private func leg() -> LegReport? {
        guard let half, personality != .clickToDial, let phase else { return nil }
        let isDetached = phase == .ended && (message.event == .redirected || isDetachedState)
        if phase == .ended, !isDetached, detachedAt != nil { return nil }
        return LegReport(
            key: half, phase: phase, from: comesIn ? remote : employee, to: comesIn ? employee : remote,
            handover: comesIn && redirections.isTransfer ? .blind : nil, group: comesIn ? group : nil,
            calleeTransferredAway: isDetached,
            reason: phase == .ended ? isDetached ? .transferred : reason : nil,
            ringingAt: phase == .ringing ? nil : startedAt, answeredAt: phase == .answered ? nil : answeredAt)
    }

    private var comesIn: Bool { personality == .terminator || personality == .unknown && message.event == .received }
    private var isDetachedState: Bool { element["state"].equals("Detached") }

    private var phase: LegReport.Phase? {
        switch message.event {
        case .received, .originated: .ringing
        case .answered, .retrieved: .answered
        case .held: .held
        case .released, .redirected: .ended
        // Its time is that of its arrival: a talk that goes on would seem to begin again.
        case .updated: element["state"].equals("Alerting") ? .ringing : nil
        case .transferred, .forwarded, .pickedUp, .snapshot: phaseOfState
        default: nil
        }
    }

    private var phaseOfState: LegReport.Phase? {
        let state = element["state"]
        if state.equals("Alerting") { return .ringing }
        if state.equals("Active") { return .answered }
        if state.equals("Held") || state.equals("Remote Held") { return .held }
        return isDetachedState || state.equals("Released") ? .ended : nil
    }

    /// The end of a half that had been detached before: the employee's part ended then, whatever was told of it.
    private func detachment(_ keys: [ExternalKey]) -> Decoded? {
        guard message.event == .released, let half, let detachedAt, personality != .clickToDial else { return nil }
        var event = event(keys, type: .updated, at: detachedAt, ordinal: 2 * number + 1)
        event.leg = LegReport(
            key: half, phase: .ended, from: comesIn ? remote : employee, to: comesIn ? employee : remote,
            calleeTransferredAway: true, reason: .transferred, ringingAt: startedAt, answeredAt: answeredAt)
        return .call(event)
    }

    // MARK: Who is on it

    /// A colleague by his identifier or number; somebody outside by his number, nil where he hides it.
    private static func party(_ element: XMLTree.Element) -> Party {
        let address = element["address"].text
        let isColleague = element["callType"].equals("Group") || element["callType"].equals("Enterprise")
        let id = BeelineNames.person(element["userId"].text) ?? (isColleague ? element["userDN"].text ?? address : nil)
        if let name = id.flatMap(BeelineNames.employee) { return .user(extension: name, endpoint: nil) }
        return .external(number: address.map(BeelineNames.number))
    }

    /// The group for which the employee's phone rings.
    private var group: String? {
        element["huntGroupUserId"].text.flatMap(BeelineNames.employee) ?? element["acdCallInfo"]["acdName"].text
            ?? redirections.group
    }

    // MARK: The call as a whole

    private func facts(hasLeg: Bool) -> CallFacts {
        var facts = CallFacts(startedAt: startedAt, line: redirections.line)
        if personality == .clickToDial { facts.origin = .clickToCall }
        guard case .external(let number) = remote else {
            if !hasLeg { facts.direction = .internal }
            return facts
        }
        facts.externalName = element["remoteParty"]["name"].text
        guard !hasLeg else { return facts }
        facts.externalNumber = number
        if personality != .unknown { facts.direction = comesIn ? .inbound : .outbound }
        return facts
    }

    // MARK: The end

    private func ending() -> EndReport? {
        switch message.event {
        case .released:
            EndReport(
                scope: isLast ? .lastLeg : .leg, reason: reason, cause: cause, answered: answeredAt != nil,
                answeredAt: answeredAt, endedAt: occurredAt, user: employee)
        // Sent elsewhere: whether it is answered there is not told.
        case .redirected:
            EndReport(
                scope: .leg, reason: .transferred, answered: answeredAt == nil ? nil : true, answeredAt: answeredAt,
                endedAt: occurredAt, user: employee)
        default: nil
        }
    }

    /// Beeline says of halves that they are over, never of the call. Where a group's phone was not answered the next one may ring.
    private var isLast: Bool { answeredAt != nil || !comesIn || group == nil }

    private var reason: EndReason {
        let isOurs = element["releasingParty"].equals("localRelease")
        let isTheirs = element["releasingParty"].equals("remoteRelease")
        if answeredAt == nil, let reason = BeelineCause.reason(causeWord) { return reason }
        guard isOurs || isTheirs else { return answeredAt != nil ? .normal : causeWord == nil ? .noAnswer : .unknown }
        // Whom an employee calls and who does not answer refuses with a cause of his own.
        if isTheirs, !comesIn, answeredAt == nil { return .noAnswer }
        return isOurs == comesIn ? .calleeHungUp : .callerHungUp
    }

    /// Stands in the call, or in its `releaseCause`.
    private var causeWord: String? {
        element["internalReleaseCause"].text ?? element["releaseCause"]["internalReleaseCause"].text
    }

    private var cause: Cause {
        let cause = element["releaseCause"]
        return Cause(sip: cause["sipStatus"].int, q850: cause["q850Cause"].int, providerCode: causeWord)
    }

    // MARK: Recording

    /// Beeline names a recording by the conversation and the employee: `v2/records/{extTrackingId}/{userId}`.
    private func recording() -> RecordingReport? {
        guard let tracking, let user = message.userID else { return nil }
        let key = "\(tracking)/\(user)"
        if element["recordingState"].equals("Failed") {
            return RecordingReport(key: key, phase: .failed, leg: half, problem: "recording failed")
        }
        // By the schema an empty element; `true` in samples.
        if message.event == .released, element["recorded"].exists, !element["recorded"].equals("false") {
            return RecordingReport(key: key, phase: .completed, leg: half)
        }
        return element["recordingState"].equals("Started") ? RecordingReport(key: key, phase: .started, leg: half) : nil
    }

    // MARK: The rest

    private func leftovers() -> [CustomField] {
        var fields = message.leftovers()
        fields.keepElements(of: element, except: Self.known)
        keepUnknownWords(in: &fields)
        fields.keepElements(of: element["remoteParty"], except: Self.knownOfRemote, prefix: "remoteParty.")
        fields.keepElements(of: element["releaseCause"], except: Self.knownOfCause, prefix: "releaseCause.")
        fields.keepElements(of: element["endpoint"], except: Self.knownOfEndpoint, prefix: "endpoint.")
        fields.keep("redirections.reasons", redirections.reasons)
        fields.keep("redirections.transferred_by", redirections.transferor)
        return fields
    }

    /// Words of the schema's enumerations have their place in the record, others have none.
    private func keepUnknownWords(in fields: inout [CustomField]) {
        if phaseOfState == nil { fields.keep("state", element["state"].text) }
        if personality == .unknown { fields.keep("personality", element["personality"].text) }
        let releaser = element["releasingParty"]
        if !releaser.equals("localRelease"), !releaser.equals("remoteRelease") { fields.keep("releasingParty", releaser.text) }
    }

    private static let known: NameSet = [
        "callId", "extTrackingId", "networkCallId", "personality", "state", "releasingParty", "remoteParty", "redirections",
        "endpoint", "huntGroupUserId", "startTime", "answerTime", "heldTime", "detachedTime", "releaseTime",
        "internalReleaseCause", "releaseCause", "recorded",
    ]
    private static let knownOfRemote: NameSet = ["name", "address", "userId", "userDN", "privacy", "callType"]
    private static let knownOfCause: NameSet = ["internalReleaseCause", "q850Cause", "sipStatus"]
    private static let knownOfEndpoint: NameSet = ["addressOfRecord"]
}

/// Why a call that was not answered ended, in BroadSoft's words.
/// - Source: schema of Xsi-Events R20; for the first three the reading of a receiver in use.
enum BeelineCause {
    /// nil for a word that is not known, and where there is none.
    static func reason(_ word: String?) -> EndReason? { word.flatMap { reasons[$0] } }

    private static let reasons: [String: EndReason] = [
        "Busy": .busy,
        "Temporarily Unavailable": .unreachable,
        "Forbidden": .rejected,
        "Request Timeout": .noAnswer,
        "User Not Found": .invalidNumber, "Translation Failure": .invalidNumber,
        // What comes of SIP's 6xx but busy: mostly 603, declined.
        "Global Failure": .rejected,
        "Routing Failure": .failed, "Request Failure": .failed, "Server Failure": .failed, "Dial Tone Timeout": .failed,
        "Insufficient Credits": .failed,
    ]
}

/// The ways by which a call came to the employee, the latest first.
struct BeelineRedirections {
    /// The reasons in their order, comma-separated.
    let reasons: String?
    /// The number that was dialled: the last one, but for those who passed the call on.
    let line: String?
    /// A colleague passed the call on.
    let isTransfer: Bool
    /// Who did.
    let transferor: String?
    /// A group let the phone ring.
    let group: String?

    init(_ element: XMLTree.Element) {
        let all = element.children.filter { $0.isNamed("redirection") }
        let words = all.compactMap { $0["reason"].text }
        reasons = words.isEmpty ? nil : words.joined(separator: ",")
        let transfers = all.filter { Self.transfers.contains($0["reason"].text ?? "") }
        isTransfer = !transfers.isEmpty
        transferor = transfers.first.flatMap { Self.name($0["party"]) }
        line = all.last { $0["party"]["address"].text != nil && !Self.transfers.contains($0["reason"].text ?? "") }
            .flatMap { $0["party"]["address"].text }.map(BeelineNames.number)
        group = all.first { Self.groups.contains($0["reason"].text ?? "") }.flatMap { Self.name($0["party"]) }
    }

    private static func name(_ party: XMLTree.Element) -> String? {
        (party["userId"].text ?? party["address"].text ?? party["name"].text).flatMap(BeelineNames.employee)
    }

    /// After the answer, and before it.
    private static let transfers: Set = ["transfer", "deflection"]
    private static let groups: Set = ["hunt-group", "call-center", "route-point"]
}
