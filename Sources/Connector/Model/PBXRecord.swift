/// What the embedded PBX writes down of one moment of one call.
///
/// Each is one raw record of the inbox: a JSON document (`encoded`) that an operator can read, and that the adapter `pbx` decodes into
/// `CallEvent`s as another adapter decodes a webhook. It says what happened, in the PBX's own words, and nothing that follows from it.
///
/// A leg is the PBX's relation to whom it calls; who called in is `from` of each of them. Records of one call are numbered from 1 in the
/// order of what happened, and told in that order.
package struct PBXRecord: Sendable, Equatable {
    /// Grows where the meaning of a member changes; new members and events leave it as it is.
    package static let version = 1

    /// The PBX's name of the call, never used again.
    package var call: String
    /// From 1, in the order of what happened to the call.
    package var sequence: Int
    package var at: Instant
    package var fact: Fact
    /// Members that this version does not know: kept as they came.
    package var others: [JSONValue.Member]

    package init(call: String, sequence: Int, at: Instant, _ fact: Fact, others: [JSONValue.Member] = []) {
        self.call = call
        self.sequence = sequence
        self.at = at
        self.fact = fact
        self.others = others
    }

    /// What happened.
    package enum Fact: Sendable, Equatable {
        case created(Beginning)
        case leg(LegMoment)
        case station(StationMoment)
        case digits(Digits)
        case step(Step)
        case transfer(TransferMoment)
        case recording(RecordingMoment)
        case ended(Ending)
        /// The process died in the call: written by the next one, as of the last moment that is known of it.
        case interrupted(Ending)
        /// An event of a later version, by its name; its members are `others`.
        case unknown(String)
    }
}

// MARK: - The call

extension PBXRecord {
    /// The call began.
    package struct Beginning: Sendable, Equatable {
        package var direction: Direction
        package var origin: Origin
        /// Who called in, or whose call it is: the caller outside, the employee with his telephone.
        package var from: Party?
        /// What was dialled, as it came.
        package var dialled: String?
        /// Our number that was called, or is shown.
        package var line: String?
        /// The name that came with the caller's number.
        package var name: String?
        /// The trunk on which it came.
        package var trunk: String?
        /// The Call-ID of the caller's dialog.
        package var sipCallID: String?
        /// The command that asked for it (`CommandID`).
        package var command: String?

        package init(
            direction: Direction, origin: Origin, from: Party? = nil, dialled: String? = nil, line: String? = nil,
            name: String? = nil, trunk: String? = nil, sipCallID: String? = nil, command: String? = nil
        ) {
            self.direction = direction
            self.origin = origin
            self.from = from
            self.dialled = dialled
            self.line = line
            self.name = name
            self.trunk = trunk
            self.sipCallID = sipCallID
            self.command = command
        }
    }

    /// The call is over.
    package struct Ending: Sendable, Equatable {
        package var reason: EndReason
        /// Who hung up; `nil` where the reason says enough.
        package var by: Call.EndedBy?
        package var cause: Cause

        package init(_ reason: EndReason, by: Call.EndedBy? = nil, cause: Cause = Cause()) {
            self.reason = reason
            self.by = by
            self.cause = cause
        }
    }
}

// MARK: - Legs

extension PBXRecord {
    /// Something happened to a leg.
    package struct LegMoment: Sendable, Equatable {
        package enum Phase: String, Sendable, CaseIterable {
            /// It is being called.
            case started
            case ringing, answered, held, resumed
            /// Another speaks on it now, `from`: the consultation of an attended transfer became the call.
            case moved
            case ended
        }

        package var phase: Phase
        /// The leg's name, unique in its call.
        package var leg: String
        /// Who speaks from the other side; `nil` where the PBX itself calls.
        package var from: Party?
        /// Who is called. Whoever takes calls for the house is `.user`, also at a number outside: an employee's mobile is
        /// `.user("101", endpoint: "+7…")`, a number on duty that is nobody's `.user("+7…", endpoint: "+7…")`. Else nobody of ours would have
        /// talked.
        package var to: Party?
        /// The leg that this one came from: whose talk was passed on, or which was answered so that this one is called.
        package var parent: String?
        package var handover: LegReport.Handover?
        /// The ring group or queue for which it rings.
        package var group: String?
        /// The trunk over which it is called.
        package var trunk: String?
        /// The Call-ID of its dialog.
        package var sipCallID: String?
        /// The codec that was agreed: `PCMA`.
        package var codec: String?
        /// Why it ended; with `.ended`.
        package var reason: EndReason?
        /// The callee left because his caller was passed on; with `.ended`.
        package var isTransferredAway: Bool
        package var cause: Cause
        /// What the receiver of the leg's sound measured; with `.ended`.
        package var quality: Quality?

        package init(
            _ phase: Phase, leg: String, from: Party? = nil, to: Party? = nil, parent: String? = nil,
            handover: LegReport.Handover? = nil, group: String? = nil, trunk: String? = nil, sipCallID: String? = nil,
            codec: String? = nil, reason: EndReason? = nil, isTransferredAway: Bool = false, cause: Cause = Cause(),
            quality: Quality? = nil
        ) {
            self.phase = phase
            self.leg = leg
            self.from = from
            self.to = to
            self.parent = parent
            self.handover = handover
            self.group = group
            self.trunk = trunk
            self.sipCallID = sipCallID
            self.codec = codec
            self.reason = reason
            self.isTransferredAway = isTransferredAway
            self.cause = cause
            self.quality = quality
        }
    }

    /// How the sound of a leg arrived.
    package struct Quality: Hashable, Sendable {
        /// Packets that did not come, in thousandths of those that should have.
        package var lossPermille: Int
        /// RFC 3550 §6.4.1, in milliseconds.
        package var jitterMilliseconds: Int

        package init(lossPermille: Int, jitterMilliseconds: Int) {
            self.lossPermille = lossPermille
            self.jitterMilliseconds = jitterMilliseconds
        }
    }
}

// MARK: - The way through the house

extension PBXRecord {
    /// The caller came to a queue, a menu or a voicemail box, or left it.
    package struct StationMoment: Sendable, Equatable {
        package enum Station: String, Sendable, CaseIterable { case queue, menu, voicemail }

        package enum Phase: String, Sendable, CaseIterable {
            case entered
            /// Of a queue: another place in it.
            case position
            case left
        }

        package var station: Station
        package var phase: Phase
        /// Its name in the plan.
        package var name: String
        /// The name of this stay, unique in the call as a leg's is.
        package var leg: String
        package var from: Party?
        /// In a queue, from 1.
        package var position: Int?
        /// Why it was left: `transferred` where the call goes on, `queue_timeout`, `caller_hung_up`, …; with `.left`.
        package var reason: EndReason?

        package init(
            _ station: Station, _ phase: Phase, name: String, leg: String, from: Party? = nil, position: Int? = nil,
            reason: EndReason? = nil
        ) {
            self.station = station
            self.phase = phase
            self.name = name
            self.leg = leg
            self.from = from
            self.position = position
            self.reason = reason
        }
    }

    /// Keys were pressed.
    package struct Digits: Sendable, Equatable {
        package var digits: String
        /// The leg or the stay in a menu during which they were.
        package var leg: String?
        /// The menu that asked.
        package var menu: String?
        package var by: Party?

        package init(_ digits: String, leg: String? = nil, menu: String? = nil, by: Party? = nil) {
            self.digits = digits
            self.leg = leg
            self.menu = menu
            self.by = by
        }
    }

    /// A step of the call's way that shows in no leg and no stay, or what was decided there.
    package struct Step: Sendable, Equatable {
        package var kind: RouteStep.Kind
        /// The schedule, the group, the announcement by its name in the plan; the number.
        package var ref: String?
        /// What came of it, in a word: `open`, `closed`, `played`, `no_answer`, …
        package var result: String?
        /// Of a decision by the CRM's word (`RoutingDecision.Result`): how long it took.
        package var milliseconds: Int64?

        package init(_ kind: RouteStep.Kind, ref: String? = nil, result: String? = nil, milliseconds: Int64? = nil) {
            self.kind = kind
            self.ref = ref
            self.result = result
            self.milliseconds = milliseconds
        }
    }

    /// Somebody passes the call on.
    package struct TransferMoment: Sendable, Equatable {
        package enum Phase: String, Sendable, CaseIterable { case started, answered, completed, failed, returned }

        package var phase: Phase
        package var kind: Transfer.Kind
        /// Who passes it on.
        package var by: Party?
        /// To whom.
        package var to: Party?
        /// The leg on which he spoke.
        package var fromLeg: String?
        /// The leg to the target, where there is one.
        package var toLeg: String?
        package var cause: Cause

        package init(
            _ phase: Phase, _ kind: Transfer.Kind, by: Party? = nil, to: Party? = nil, fromLeg: String? = nil,
            toLeg: String? = nil, cause: Cause = Cause()
        ) {
            self.phase = phase
            self.kind = kind
            self.by = by
            self.to = to
            self.fromLeg = fromLeg
            self.toLeg = toLeg
            self.cause = cause
        }
    }
}

// MARK: - Recordings

extension PBXRecord {
    /// A recording began, is whole, or came to nothing.
    package struct RecordingMoment: Sendable, Equatable {
        package enum Phase: String, Sendable, CaseIterable { case started, completed, failed }

        package var phase: Phase
        /// Its name: the file below the PBX's folder of recordings, as `CallControl.recording` takes it.
        package var name: String
        package var kind: Recording.Kind
        /// The leg that it records; `nil` where it follows the call.
        package var leg: String?
        /// The parties were told before it began.
        package var isAnnounced: Bool
        package var channels: Int?
        package var milliseconds: Int64?
        /// Why it failed.
        package var problem: String?

        package init(
            _ phase: Phase, name: String, kind: Recording.Kind = .call, leg: String? = nil, isAnnounced: Bool = false,
            channels: Int? = nil, milliseconds: Int64? = nil, problem: String? = nil
        ) {
            self.phase = phase
            self.name = name
            self.kind = kind
            self.leg = leg
            self.isAnnounced = isAnnounced
            self.channels = channels
            self.milliseconds = milliseconds
            self.problem = problem
        }
    }
}
