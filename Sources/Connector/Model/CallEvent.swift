/// What happened to one call at one moment, in our words: an immutable fact.
///
/// An adapter makes it from a raw record; `CallLedger` folds the set of a call's events into a `Call`. An event says only
/// what its request said: what it does not know is `nil`, never guessed.
package struct CallEvent: Hashable, Sendable {
    /// Hash of connection, the vendor's repeat key and an ordinal: a repeat has the same identifier.
    package var id: EventID
    /// The raw record it was read from.
    package var rawID: RawID
    /// Names of the conversation; never empty. The first is the vendor's main one; all name the same call, so an event
    /// with the keys of two calls proves them to be one.
    package var keys: [ExternalKey]
    package var type: EventType
    /// When it happened; `receivedAt` where the vendor gives no time of its own.
    package var occurredAt: Instant
    /// When its raw record was accepted.
    package var receivedAt: Instant
    package var source: CallSource
    /// What it says of one leg.
    @Apart package var leg: LegReport?
    /// What it says of the call as a whole.
    package var facts: CallFacts
    /// Says that the call is over, and how.
    @Apart package var ending: EndReport?
    @Apart package var recording: RecordingReport?
    @Apart package var digits: DigitsReport?
    /// Whom the call was to ring, by the gateway's own decision.
    @Apart package var route: RouteReport?
    /// Vendor fields that have no place in the record; they end up in `custom.<provider>`.
    package var custom: [CustomField]
    /// How the ledger finds the call where `keys` do not: of a row of the provider's history alone. The first of `keys` then names
    /// the row.
    @Apart package var likeness: CallLikeness?
    /// It is news of a call that others tell of: until something else names that call by one of `keys`, there is none.
    package var onlyJoins: Bool

    package init(
        id: EventID, rawID: RawID, keys: [ExternalKey], type: EventType, occurredAt: Instant, receivedAt: Instant,
        source: CallSource = .webhook, leg: LegReport? = nil, facts: CallFacts = CallFacts(), ending: EndReport? = nil,
        recording: RecordingReport? = nil, digits: DigitsReport? = nil, custom: [CustomField] = [],
        likeness: CallLikeness? = nil, onlyJoins: Bool = false
    ) {
        self.id = id
        self.rawID = rawID
        self.keys = keys
        self.type = type
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
        self.source = source
        self.leg = leg
        self.facts = facts
        self.ending = ending
        self.recording = recording
        self.digits = digits
        self.custom = custom
        self.likeness = likeness
        self.onlyJoins = onlyJoins
    }
}

extension Identifier where Subject == EventSubject {
    /// The identifier of the event that `repeatKey` names in `connection`; the same for every repeat of it.
    /// - Parameter ordinal: which of several events of one request it is.
    package init(connection: ConnectionID, repeatKey: [String], ordinal: Int = 0) {
        var key = RepeatKey(connection)
        for part in repeatKey { key.add(part) }
        self = key.eventID(ordinal: ordinal)
    }
}

/// Puts an event's identifier together, part by part: what two deliveries of the same event have in common.
package struct RepeatKey: Sendable {
    private var hash = StableHash()

    package init(_ connection: ConnectionID) { hash.combine(connection.name) }

    package mutating func add(_ part: String) { hash.combine(part) }

    package mutating func add(_ part: StaticString) {
        hash.combine(bytes: UnsafeRawBufferPointer(start: part.utf8Start, count: part.utf8CodeUnitCount))
    }

    /// - Parameter ordinal: which of several events of one request it is.
    package func eventID(ordinal: Int = 0) -> EventID {
        var hash = hash
        hash.combine(UInt64(truncatingIfNeeded: ordinal))
        return EventID(bits: hash.value)
    }
}

/// The public types of events and changes; raw values are those of call-record.md and of the API.
package enum EventType: String, Sendable, CaseIterable {
    case created = "call.created"
    case queued = "call.queued"
    case ringing = "call.ringing"
    case answered = "call.answered"
    case held = "call.held"
    case resumed = "call.resumed"
    case transferStarted = "call.transfer.started"
    case transferAnswered = "call.transfer.answered"
    case transferCompleted = "call.transfer.completed"
    case transferFailed = "call.transfer.failed"
    case transferReturned = "call.transfer.returned"
    case parked = "call.parked"
    case dtmf = "call.dtmf"
    case routeStep = "call.route.step"
    case ended = "call.ended"
    case updated = "call.updated"
    case finalized = "call.finalized"
    case merged = "call.merged"
    case deleted = "call.deleted"
    case recordingReady = "recording.ready"
    case recordingFailed = "recording.failed"
    case voicemailLeft = "voicemail.left"
    case transcriptReady = "transcript.ready"
}

/// By which way the news of a call came.
package enum CallSource: String, Sendable, CaseIterable {
    case webhook, history, ami, cel, sip, manual, system
}

/// One end of a leg.
package enum Party: Hashable, Sendable {
    /// Somebody outside; `nil` where the number is hidden.
    case external(number: String?)
    /// An employee, by the short number or login the vendor uses, and the device that took part.
    case user(extension: String, endpoint: String?)
    /// A menu; `ref` is its name at the vendor.
    case ivr(ref: String?)
    /// A queue or ring group by its short number or name.
    case queue(ref: String?)
    case voicemail(ref: String?)
}

/// What an event says of one leg: one signalling relation between the switch and an end point.
package struct LegReport: Hashable, Sendable {
    /// What the leg does from this moment on.
    package enum Phase: String, Sendable, CaseIterable {
        /// It is being called; nothing rings yet, as far as is known.
        case started
        case ringing, answered, held, ended
    }

    /// How the vendor says that the leg came out of a transfer.
    package enum Handover: String, Sendable, CaseIterable {
        /// The call was passed on without a talk before.
        case blind
        /// The transferor talks to the target first.
        case consultative
        /// A blind transfer came back to its initiator.
        case returned
        /// The vendor marks nothing: a leg that is answered after another employee talked is taken for a transfer.
        case unmarked
    }

    /// The vendor's name of the leg, unique in the call.
    package var key: String
    package var phase: Phase
    /// The vendor's order of the events of this leg; 0 where it gives none.
    package var sequence: Int
    /// Who calls on this leg; `nil` where the switch itself does.
    package var from: Party?
    /// Who is called on it.
    package var to: Party?
    /// The vendor's name of the leg this one was made from.
    package var parent: String?
    package var handover: Handover?
    /// The ring group that the called employee rings for.
    package var group: String?
    /// The callee left because the caller is transferred on.
    package var calleeTransferredAway: Bool
    /// Why it ended; with phase `ended`.
    package var reason: EndReason?
    /// When the leg began to ring and when it was answered, where a later event says so again: it counts where the events that
    /// told of it are lost.
    package var ringingAt: Instant?
    package var answeredAt: Instant?
    /// What the signalling itself shows, where a vendor tells that.
    @Apart package var signalling: SignallingReport?

    package init(
        key: String, phase: Phase, sequence: Int = 0, from: Party? = nil, to: Party? = nil, parent: String? = nil,
        handover: Handover? = nil, group: String? = nil, calleeTransferredAway: Bool = false, reason: EndReason? = nil,
        ringingAt: Instant? = nil, answeredAt: Instant? = nil, signalling: SignallingReport? = nil
    ) {
        self.key = key
        self.phase = phase
        self.sequence = sequence
        self.from = from
        self.to = to
        self.parent = parent
        self.handover = handover
        self.group = group
        self.calleeTransferredAway = calleeTransferredAway
        self.reason = reason
        self.ringingAt = ringingAt
        self.answeredAt = answeredAt
        self.signalling = signalling
    }
}

/// What the signalling of a leg shows. A later report adds to it what an earlier one did not know.
package struct SignallingReport: Hashable, Sendable {
    /// The trunk over which it goes.
    package var trunk: String?
    /// The Call-ID of its dialog.
    package var sipCallID: String?
    package var codec: String?
    /// Why it ended, as the other side said.
    package var cause: Cause
    /// Packets that did not come, in thousandths, and how unevenly the others did.
    package var lossPermille: Int?
    package var jitterMilliseconds: Int?

    package init(
        trunk: String? = nil, sipCallID: String? = nil, codec: String? = nil, cause: Cause = Cause(), lossPermille: Int? = nil,
        jitterMilliseconds: Int? = nil
    ) {
        self.trunk = trunk
        self.sipCallID = sipCallID
        self.codec = codec
        self.cause = cause
        self.lossPermille = lossPermille
        self.jitterMilliseconds = jitterMilliseconds
    }

    package var isEmpty: Bool { self == SignallingReport() }

    /// Takes over what `later` knows.
    package mutating func take(_ later: SignallingReport) {
        trunk = later.trunk ?? trunk
        sipCallID = sipCallID ?? later.sipCallID
        codec = later.codec ?? codec
        if !later.cause.isEmpty { cause = later.cause }
        lossPermille = later.lossPermille ?? lossPermille
        jitterMilliseconds = later.jitterMilliseconds ?? jitterMilliseconds
    }
}

/// What an event says of the call as a whole.
package struct CallFacts: Hashable, Sendable {
    package var direction: Direction?
    package var origin: Origin?
    /// When the call began, where the event knows it.
    package var startedAt: Instant?
    /// The outside party's number as received, where the legs do not show it.
    package var externalNumber: String?
    package var externalName: String?
    /// Our number that was called or is shown, as received.
    package var line: String?
    /// A number of call tracking that stood in for the line, and whether it belongs to one visitor.
    @Apart package var tracking: TrackingReport?
    /// How far a vendor's local time was understood.
    package var timeZone: String?
    /// Two names of one employee, where the event has both: other news of the call may have one of them only.
    @Apart package var login: EmployeeLogin?

    package init(
        direction: Direction? = nil, origin: Origin? = nil, startedAt: Instant? = nil, externalNumber: String? = nil,
        externalName: String? = nil, line: String? = nil, tracking: TrackingReport? = nil, timeZone: String? = nil,
        login: EmployeeLogin? = nil
    ) {
        self.direction = direction
        self.origin = origin
        self.startedAt = startedAt
        self.externalNumber = externalNumber
        self.externalName = externalName
        self.line = line
        self.tracking = tracking
        self.timeZone = timeZone
        self.login = login
    }
}

/// An employee's login and the short number that is his.
package struct EmployeeLogin: Hashable, Sendable {
    package var login: String
    package var `extension`: String

    package init(_ login: String, extension: String) {
        self.login = login
        self.extension = `extension`
    }
}

/// A call-tracking number that the caller dialled.
package struct TrackingReport: Hashable, Sendable {
    package var number: String?
    package var method: Attribution.Method

    package init(number: String?, method: Attribution.Method) {
        self.number = number
        self.method = method
    }
}

/// Says that the call is over, or one of its legs.
package struct EndReport: Hashable, Sendable {
    /// How far the vendor's word reaches.
    package enum Scope: String, Sendable, CaseIterable {
        /// The call is over.
        case call
        /// A leg is over, and with the last of them the call.
        case lastLeg = "last_leg"
        /// A leg is over, and another may follow: the call is over when none does for a while (`CallLedger.staleCalls`).
        case leg
    }

    package var scope: Scope
    package var reason: EndReason
    package var cause: Cause
    /// Whether there was a conversation, where the vendor says so.
    package var answered: Bool?
    /// When the conversation began, where the vendor says so.
    package var answeredAt: Instant?
    package var endedAt: Instant?
    /// The employee whom the vendor names: who answered, or who should have.
    package var user: Party?
    /// Who of ours talked with the party outside, in their order, where the vendor's history lists it without naming legs.
    package var talks: [TalkReport]
    /// Nothing ended the call, and it cannot go on: the gateway itself closed it for its age (`CallLedger` rule 8), or its own PBX died
    /// in it. Any other ending counts before this one.
    package var isStale: Bool
    /// Who ended the call, where that is told beside the reason.
    package var by: Call.EndedBy?

    package init(
        scope: Scope = .call, reason: EndReason, cause: Cause = Cause(), answered: Bool? = nil, answeredAt: Instant? = nil,
        endedAt: Instant? = nil, user: Party? = nil, talks: [TalkReport] = [], isStale: Bool = false,
        by: Call.EndedBy? = nil
    ) {
        self.scope = scope
        self.reason = reason
        self.cause = cause
        self.answered = answered
        self.answeredAt = answeredAt
        self.endedAt = endedAt
        self.user = user
        self.talks = talks
        self.isStale = isStale
        self.by = by
    }
}

/// An employee's talk with the party outside, as far as the vendor tells its times.
package struct TalkReport: Hashable, Sendable {
    /// His short number or login.
    package var user: String
    /// When he began to talk.
    package var from: Instant?
    package var to: Instant?
    /// When his part in the call began, where that is told: he talked after it.
    package var since: Instant?

    package init(_ user: String, from: Instant? = nil, to: Instant? = nil, since: Instant? = nil) {
        self.user = user
        self.from = from
        self.to = to
        self.since = since
    }

    /// `nil` for who is no employee.
    package init?(of party: Party?, from: Instant? = nil, to: Instant? = nil, since: Instant? = nil) {
        guard case .user(let name, _) = party else { return nil }
        self.init(name, from: from, to: to, since: since)
    }
}

/// Why a leg or a call ended, in our words. An adapter's table maps the vendor's codes to it.
package enum EndReason: String, Sendable, CaseIterable {
    /// Ended in the ordinary way; who hung up is not said.
    case normal
    case callerHungUp = "caller_hung_up"
    case calleeHungUp = "callee_hung_up"
    case noAnswer = "no_answer"
    case busy, rejected, unreachable, blocked, failed
    case invalidNumber = "invalid_number"
    case outOfHours = "out_of_hours"
    case queueTimeout = "queue_timeout"
    case noAgentAvailable = "no_agent_available"
    /// Another member of the group took the call.
    case answeredElsewhere = "answered_elsewhere"
    case transferred
    case voicemail
    /// A command from us or from the employee's program.
    case byCommand = "by_command"
    case unknown
}

/// Raw facts of an ending beside the normalized value.
package struct Cause: Hashable, Sendable {
    package var sip: Int?
    package var q850: Int?
    package var providerCode: String?
    package var text: String?

    package init(sip: Int? = nil, q850: Int? = nil, providerCode: String? = nil, text: String? = nil) {
        self.sip = sip
        self.q850 = q850
        self.providerCode = providerCode
        self.text = text
    }

    package var isEmpty: Bool { sip == nil && q850 == nil && providerCode == nil && text == nil }
}

/// What an event says of one recording.
package struct RecordingReport: Hashable, Sendable {
    package enum Phase: String, Sendable, CaseIterable {
        case started, completed
        /// The provider says the file can be fetched.
        case ready
        /// Nothing was stored: too short, or not kept where it can be fetched.
        case notRecorded = "not_recorded"
        case failed
        /// The gateway is fetching the file.
        case fetching
        /// The gateway keeps the file; `file` describes it.
        case available
        /// The gateway kept the file and has removed it for its age.
        case expired
    }

    /// The vendor's name of the recording.
    package var key: String
    package var phase: Phase
    package var isVoicemail: Bool
    /// The leg it records.
    package var leg: String?
    /// Why it failed or was not kept.
    package var problem: String?
    /// How often the gateway has tried to fetch it, in what the gateway itself tells; `nil` in what the vendor tells.
    package var attempts: Int?
    package var file: RecordingFile?
    /// Whether the parties were told that they are recorded; `nil` where nobody says.
    package var isAnnounced: Bool?
    package var channels: Int?
    /// How long it is, where that is told.
    package var milliseconds: Int64?

    package init(
        key: String, phase: Phase, isVoicemail: Bool = false, leg: String? = nil, problem: String? = nil, attempts: Int? = nil,
        file: RecordingFile? = nil, isAnnounced: Bool? = nil, channels: Int? = nil, milliseconds: Int64? = nil
    ) {
        self.key = key
        self.phase = phase
        self.isVoicemail = isVoicemail
        self.leg = leg
        self.problem = problem
        self.attempts = attempts
        self.file = file
        self.isAnnounced = isAnnounced
        self.channels = channels
        self.milliseconds = milliseconds
    }
}

/// A recording as the gateway keeps it.
package struct RecordingFile: Hashable, Sendable {
    /// Lowercase hexadecimal: its name in the store, too.
    package var sha256: String
    package var byteCount: Int64
    /// `audio/mpeg`, …; without parameters.
    package var mediaType: String
    /// When it may be removed; `nil` keeps it for good.
    package var keptUntil: Instant?

    package init(sha256: String, byteCount: Int64, mediaType: String, keptUntil: Instant? = nil) {
        self.sha256 = sha256
        self.byteCount = byteCount
        self.mediaType = mediaType
        self.keptUntil = keptUntil
    }
}

/// Keys that the caller pressed.
package struct DigitsReport: Hashable, Sendable {
    package var digits: String
    /// The leg on which they were pressed.
    package var leg: String?
    /// The menu in which they were pressed, by its name at the vendor.
    package var menu: String?
    /// Who pressed them, where that is told.
    package var by: Party?

    package init(digits: String, leg: String? = nil, menu: String? = nil, by: Party? = nil) {
        self.digits = digits
        self.leg = leg
        self.menu = menu
        self.by = by
    }
}

/// A step of a call's way that its legs do not show, mostly what the gateway decided about it. Immutable, and shared rather than copied:
/// few events have one.
package final class RouteReport: Sendable {
    /// Raw values are those of `route[].kind`.
    package enum Kind: String, Sendable, CaseIterable {
        case user, external, ivr, queue, schedule, announcement, voicemail
        case group = "ring_group"
        /// The provider's own routing.
        case provider
        /// The call was to be refused.
        case rejection
    }

    package let kind: Kind
    /// The short number, login, group or number.
    package let ref: String?
    /// What came of it, in a word: of a decision one of `RoutingDecision.Result`.
    package let outcome: String?
    /// Of a decision by the CRM's word: from the question to the decision.
    package let tookMilliseconds: Int64?

    package init(kind: Kind, ref: String?, outcome: String?, tookMilliseconds: Int64? = nil) {
        self.kind = kind
        self.ref = ref
        self.outcome = outcome
        self.tookMilliseconds = tookMilliseconds
    }
}

extension RouteReport {
    /// How a decision came about.
    package var result: RoutingDecision.Result? { outcome.flatMap(RoutingDecision.Result.init) }
}

extension RouteReport: Hashable {
    package static func == (left: RouteReport, right: RouteReport) -> Bool {
        left === right
            || left.kind == right.kind && left.ref == right.ref && left.outcome == right.outcome
                && left.tookMilliseconds == right.tookMilliseconds
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(ref)
    }
}

extension RouteReport.Kind {
    package init(_ decision: RoutingDecision) {
        switch decision.target {
        case .user: self = .user
        case .group: self = .group
        case .number: self = .external
        case nil: self = decision.rejects ? .rejection : .provider
        }
    }
}

/// A vendor's field that has no place of its own in the record.
package struct CustomField: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
