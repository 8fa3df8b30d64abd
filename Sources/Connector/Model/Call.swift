/// The state of one call: a function of the set of its events, as the call log's readers see it.
///
/// Field names and values are those of the public schema, version 1. What no source told is `nil`.
package struct Call: Hashable, Sendable {
    package static let schemaVersion = 1

    package var id: CallID
    /// Grows by 1 at each visible change; also the ETag.
    package var revision: Int
    package var tenant: TenantID
    package var connection: ConnectionID
    /// The vendor's slug: `mango`, `zadarma`, …
    package var provider: String
    package var externalIDs: [ExternalKey] = []
    package var direction: Direction?
    package var origin: Origin = .unknown
    package var state: State = .ringing
    package var disposition: Disposition?
    package var missedReason: MissedReason?
    package var endedBy: EndedBy?
    package var cause: Cause?
    package var startedAt: Instant
    package var ringingAt: Instant?
    package var systemAnsweredAt: Instant?
    package var answeredAt: Instant?
    package var endedAt: Instant?
    package var finalizedAt: Instant?
    package var waitMilliseconds: Int64?
    package var ringMilliseconds: Int64?
    package var talkMilliseconds: Int64?
    package var holdMilliseconds: Int64?
    package var totalMilliseconds: Int64?
    package var externalParty: ExternalParty?
    package var line: Line?
    package var requested: Requested?
    package var ownerUserID: String?
    package var firstUserID: String?
    package var route: [RouteStep] = []
    package var participants: [Participant] = []
    package var legs: [Leg] = []
    package var transfers: [Transfer] = []
    package var recordings: [Recording] = []
    package var attribution: Attribution?
    package var custom: [CustomField] = []
    package var related: [RelatedCall] = []
    package var mergedInto: CallID?
    package var sources: [CallSource] = []
    package var completeness: Completeness = Completeness()
    package var clock: ClockReading = ClockReading()
    package var createdAt: Instant
    package var updatedAt: Instant
    package var deletedAt: Instant?

    package init(
        id: CallID, revision: Int = 0, tenant: TenantID, connection: ConnectionID, provider: String, startedAt: Instant,
        createdAt: Instant, updatedAt: Instant
    ) {
        self.id = id
        self.revision = revision
        self.tenant = tenant
        self.connection = connection
        self.provider = provider
        self.startedAt = startedAt
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

// MARK: - Enumerations of the call

/// The business view of who called whom.
package enum Direction: String, Sendable, CaseIterable {
    case inbound, outbound, `internal`
}

/// What made the call begin.
package enum Origin: String, Sendable, CaseIterable {
    case trunk, browser, device, campaign, forward, `import`, unknown
    case clickToCall = "click_to_call"
    case callbackRequest = "callback_request"
}

extension Call {
    package enum State: String, Sendable, CaseIterable {
        case queued, ringing, ended
        case inProgress = "in_progress"
        case onHold = "on_hold"
    }

    package enum Disposition: String, Sendable, CaseIterable {
        case answered, missed, abandoned, voicemail, busy, rejected, canceled, blocked, unreachable, failed, unknown
        case noAnswer = "no_answer"
        case invalidNumber = "invalid_number"
    }

    package enum MissedReason: String, Sendable, CaseIterable {
        case error
        case noAgentAnswered = "no_agent_answered"
        case noAgentAvailable = "no_agent_available"
        case outOfHours = "out_of_hours"
        case abandonedInIVR = "abandoned_in_ivr"
        case abandonedInQueue = "abandoned_in_queue"
        case abandonedRinging = "abandoned_ringing"
        case shortCall = "short_call"
    }

    package enum EndedBy: String, Sendable, CaseIterable {
        case user, system, unknown
        case externalParty = "external_party"
    }
}

// MARK: - Parts of the call

/// The party outside; a call among employees has none.
package struct ExternalParty: Hashable, Sendable {
    package var number: PhoneNumber
    package var name: String?

    package init(number: PhoneNumber, name: String? = nil) {
        self.number = number
        self.name = name
    }
}

/// Our own public number, with what `lines` of the connection's file says of it.
package struct Line: Hashable, Sendable {
    /// The number in E.164, or the raw text where it has none.
    package var id: String
    package var number: PhoneNumber
    package var label: String?

    package init(id: String, number: PhoneNumber, label: String? = nil) {
        self.id = id
        self.number = number
        self.label = label
    }
}

/// Whom the caller wanted.
package enum Requested: Hashable, Sendable {
    case number(PhoneNumber)
    case user(String)
}

/// One station on the call's way through the house.
package struct RouteStep: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case ivr, queue, schedule, user, voicemail, external, announcement
        case ringGroup = "ring_group"
        /// Of a decision: left to the provider's own routing.
        case provider
        /// Of a decision: to be refused.
        case rejection
    }

    package var at: Instant
    package var kind: Kind
    package var ref: String?
    package var label: String?
    package var result: String?
    package var digits: String?
    /// Of a decision by the CRM's word: how long it took.
    package var tookMilliseconds: Int64?

    package init(at: Instant, kind: Kind, ref: String? = nil, label: String? = nil, result: String? = nil, digits: String? = nil)
    {
        self.at = at
        self.kind = kind
        self.ref = ref
        self.label = label
        self.result = result
        self.digits = digits
    }
}

/// How a leg or a participant came out.
package enum Outcome: String, Sendable, CaseIterable {
    case talked, busy, rejected, unavailable, canceled, failed
    case noAnswer = "no_answer"
    case answeredElsewhere = "answered_elsewhere"
    case transferredAway = "transferred_away"
}

/// A person, queue, menu, voicemail box or outside number that took part; may own several legs.
package struct Participant: Hashable, Sendable {
    package enum Role: String, Sendable, CaseIterable {
        case caller, callee, agent, transferee, supervisor, system
        case transferTarget = "transfer_target"
    }

    package enum Kind: String, Sendable, CaseIterable {
        case external, user, queue, ivr, voicemail, conference
    }

    package var id: ParticipantID
    package var role: Role
    package var kind: Kind
    package var userID: String?
    package var `extension`: String?
    package var number: PhoneNumber?
    package var displayName: String?
    package var joinedAt: Instant?
    package var answeredAt: Instant?
    package var leftAt: Instant?
    package var talkMilliseconds: Int64?
    package var outcome: Outcome?

    package init(id: ParticipantID, role: Role, kind: Kind) {
        self.id = id
        self.role = role
        self.kind = kind
    }
}

/// One signalling relation between the switch and an end point.
package struct Leg: Hashable, Sendable {
    /// A while in which this leg was connected with another.
    package struct Bridge: Hashable, Sendable {
        package var leg: LegID?
        package var from: Instant
        package var to: Instant?

        package init(leg: LegID?, from: Instant, to: Instant?) {
            self.leg = leg
            self.from = from
            self.to = to
        }
    }

    package enum Side: String, Sendable, CaseIterable { case a, b }

    package var id: LegID
    package var externalIDs: [ExternalKey]
    package var participantID: ParticipantID?
    package var parentLegID: LegID?
    package var bridgedWith: [Bridge] = []
    package var side: Side?
    package var endpoint: String?
    package var trunkID: String?
    package var startedAt: Instant?
    package var ringingAt: Instant?
    package var answeredAt: Instant?
    package var endedAt: Instant?
    package var result: Outcome?
    package var cause: Cause?
    /// A channel of the switch itself that readers hide by default.
    package var technical = false
    package var codec: String?
    package var quality: Quality?

    /// How its sound arrived at the switch.
    package struct Quality: Hashable, Sendable {
        package var lossPermille: Int?
        package var jitterMilliseconds: Int?

        /// The share of packets that did not come, as a decimal: `0.003`.
        package var loss: String? {
            lossPermille.map { permille in
                let bounded = min(max(permille, 0), 1000)
                return "\(bounded / 1000)." + String("\(1000 + bounded % 1000)".dropFirst())
            }
        }

        package init(lossPermille: Int?, jitterMilliseconds: Int?) {
            self.lossPermille = lossPermille
            self.jitterMilliseconds = jitterMilliseconds
        }
    }

    package init(id: LegID, externalIDs: [ExternalKey]) {
        self.id = id
        self.externalIDs = externalIDs
    }
}

/// The passing of a caller from one participant to another.
package struct Transfer: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case blind, attended, forward, redirect, pickup
        case parkRetrieve = "park_retrieve"
    }

    package enum Status: String, Sendable, CaseIterable {
        case started, ringing, answered, completed, failed, canceled, returned
    }

    package enum Target: Hashable, Sendable {
        case participant(ParticipantID)
        case number(PhoneNumber)
    }

    package var id: TransferID
    package var kind: Kind
    package var status: Status
    package var transferorID: ParticipantID?
    package var transfereeID: ParticipantID?
    package var target: Target?
    package var fromLegID: LegID?
    package var toLegID: LegID?
    package var startedAt: Instant?
    package var completedAt: Instant?
    package var cause: Cause?

    package init(id: TransferID, kind: Kind, status: Status) {
        self.id = id
        self.kind = kind
        self.status = status
    }
}

/// One recording of the call or of a part of it.
package struct Recording: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable { case call, voicemail }

    package enum Status: String, Sendable, CaseIterable {
        case expected, fetching, available, failed, expired, deleted
        case notRecorded = "not_recorded"
    }

    package var id: RecordingID
    package var kind: Kind
    package var status: Status
    package var legID: LegID?
    package var startedAt: Instant?
    package var durationMilliseconds: Int64?
    /// The provider's name of the file.
    package var providerRef: String
    /// When the provider said that the file can be fetched.
    package var readyAt: Instant?
    /// The file as the gateway keeps it, or kept it.
    package var file: RecordingFile?
    /// How often the gateway has tried to fetch it, as far as that was written down.
    package var attempts = 0
    package var lastError: String?
    /// Whether the parties were told; `nil` where nobody says.
    package var consent: Consent?
    package var channels: Int?

    package enum Consent: String, Sendable, CaseIterable { case announced, none }

    package init(id: RecordingID, kind: Kind, status: Status, providerRef: String) {
        self.id = id
        self.kind = kind
        self.status = status
        self.providerRef = providerRef
    }
}

/// Which advertisement brought the call.
package struct Attribution: Hashable, Sendable {
    package enum Method: String, Sendable, CaseIterable { case `static`, dynamic, manual, `import` }

    package var trackingNumber: String?
    package var method: Method?
    package var channel: String?

    package init(trackingNumber: String?, method: Method?, channel: String?) {
        self.trackingNumber = trackingNumber
        self.method = method
        self.channel = channel
    }
}

/// Another call that this one has to do with.
package struct RelatedCall: Hashable, Sendable {
    package enum Relation: String, Sendable, CaseIterable {
        case callbackOf = "callback_of"
        case redialOf = "redial_of"
        case consultationOf = "consultation_of"
        case duplicateOf = "duplicate_of"
    }

    package var callID: CallID
    package var relation: Relation

    package init(callID: CallID, relation: Relation) {
        self.callID = callID
        self.relation = relation
    }
}

/// How much of the call the gateway was told.
package struct Completeness: Hashable, Sendable {
    package enum Level: String, Sendable, CaseIterable { case partial, complete, reconciled }

    package enum Gap: String, Sendable, CaseIterable {
        case start, hangup, recording, agent
        case answerTime = "answer_time"
    }

    package var level: Level = .partial
    package var missing: [Gap] = []

    package init(level: Level = .partial, missing: [Gap] = []) {
        self.level = level
        self.missing = missing
    }
}

/// How the provider's clock was read.
package struct ClockReading: Hashable, Sendable {
    /// The IANA zone in which local times were read; `nil` where the provider sends UTC or no time.
    package var timeZone: String?
    package var assumed = false
    /// By how much the latest of the record's moments had to be moved forward to stand in order.
    package var skewMilliseconds: Int64 = 0

    package init() {}
}
