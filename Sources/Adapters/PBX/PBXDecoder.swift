import AdapterKit
import Connector

/// Reads the PBX's records. Keeps nothing from one to the next: each says whom it is about.
final class PBXDecoder: EventDecoder {
    func decode(_ raw: RawRecord) -> [Decoded] {
        guard let record = PBXRecord(encoded: raw.body) else { return [.undecoded(reason: "this is no record of the PBX")] }
        var narration = PBXNarration(record, raw.stamp)
        return [narration.outcome()]
    }
}

/// What one record says, in the words of the call log.
struct PBXNarration {
    private let record: PBXRecord
    private var event: CallEvent

    init(_ record: PBXRecord, _ stamp: RawStamp) {
        self.record = record
        event = CallEvent(
            id: EventID(
                connection: stamp.connection, repeatKey: ["pbx", record.call, "\(record.sequence)", record.event]),
            rawID: stamp.id, keys: [ExternalKey(.call, record.call)], type: .updated, occurredAt: record.at,
            receivedAt: stamp.receivedAt, source: stamp.source)
        for member in record.others { event.custom.keep(member.name, Self.text(member.value)) }
    }

    mutating func outcome() -> Decoded {
        switch record.fact {
        case .created(let fact): tell(fact)
        case .leg(let fact): tell(fact)
        case .station(let fact): tell(fact)
        case .digits(let fact):
            event.type = .dtmf
            event.digits = DigitsReport(digits: fact.digits, leg: fact.leg, menu: fact.menu, by: fact.by)
        case .step(let fact):
            guard let report = Self.report(fact) else { return .ignored(reason: "the call's legs show this step") }
            event.type = .routeStep
            event.route = report
        case .transfer(let fact): event.type = Self.type(fact.phase)
        case .recording(let fact): tell(fact)
        case .ended(let fact): tell(fact, isCut: false)
        case .interrupted(let fact): tell(fact, isCut: true)
        case .unknown: return .undecoded(reason: "an event of a call that this version does not know")
        }
        return .call(event)
    }

    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .null: nil
        case .string(let text): text
        default: String(decoding: value.encoded, as: UTF8.self)
        }
    }
}

// MARK: - The call

extension PBXNarration {
    private mutating func tell(_ fact: PBXRecord.Beginning) {
        event.type = .created
        event.facts = CallFacts(
            direction: fact.direction, origin: fact.origin, startedAt: record.at, externalNumber: Self.outside(fact),
            externalName: fact.direction == .inbound ? fact.name : nil, line: fact.line)
        if let command = fact.command { event.keys.append(ExternalKey(.crmCommand, command)) }
        if let name = fact.sipCallID, !name.isEmpty { event.keys.append(ExternalKey(.sipCallID, name)) }
        // A call that gets no leg would not show whose it was.
        if case .user(let name, _) = fact.from { event.custom.keep("caller", name) }
        event.custom.keep("trunk", fact.trunk)
        event.custom.keep("dialled", fact.dialled)
    }

    /// The number outside, where there is somebody: a caller who hides his has an empty one.
    private static func outside(_ fact: PBXRecord.Beginning) -> String? {
        switch fact.direction {
        case .inbound:
            guard case .external(let number) = fact.from else { return nil }
            return number ?? ""
        case .outbound: return fact.dialled
        case .internal: return nil
        }
    }

    /// - Parameter isCut: the PBX died in the call: whatever else ends it counts before this.
    private mutating func tell(_ fact: PBXRecord.Ending, isCut: Bool) {
        event.type = .ended
        event.ending = EndReport(
            reason: fact.reason, cause: fact.cause, endedAt: record.at, isStale: isCut, by: fact.by ?? (isCut ? .system : nil))
    }
}

// MARK: - Legs and stations

extension PBXNarration {
    private mutating func tell(_ fact: PBXRecord.LegMoment) {
        var leg = LegReport(
            key: fact.leg, phase: .started, sequence: record.sequence, from: fact.from, to: fact.to, parent: fact.parent,
            handover: fact.handover, group: fact.group, calleeTransferredAway: fact.isTransferredAway)
        switch fact.phase {
        case .started: break
        case .ringing: (event.type, leg.phase) = (.ringing, .ringing)
        case .answered: (event.type, leg.phase) = (.answered, .answered)
        case .held: (event.type, leg.phase) = (.held, .held)
        case .resumed: (event.type, leg.phase) = (.resumed, .answered)
        case .moved: leg.phase = .answered
        case .ended:
            leg.phase = .ended
            leg.reason = fact.reason ?? .unknown
        }
        let signalling = SignallingReport(
            trunk: fact.trunk, sipCallID: fact.sipCallID, codec: fact.codec, cause: fact.cause,
            lossPermille: fact.quality?.lossPermille, jitterMilliseconds: fact.quality?.jitterMilliseconds)
        if !signalling.isEmpty { leg.signalling = signalling }
        event.leg = leg
    }

    private mutating func tell(_ fact: PBXRecord.StationMoment) {
        guard fact.phase != .position else {
            event.custom.keep("queue_position", fact.position.map(String.init))
            return
        }
        if fact.phase == .entered {
            event.type = fact.station == .queue ? .queued : .routeStep
            event.custom.keep("queue_position", fact.position.map(String.init))
        }
        event.leg = LegReport(
            key: fact.leg, phase: fact.phase == .entered ? .answered : .ended, sequence: record.sequence, from: fact.from,
            to: Self.party(fact), reason: fact.phase == .left ? fact.reason ?? .unknown : nil)
    }

    private static func party(_ fact: PBXRecord.StationMoment) -> Party {
        switch fact.station {
        case .queue: .queue(ref: fact.name)
        case .menu: .ivr(ref: fact.name)
        case .voicemail: .voicemail(ref: fact.name)
        }
    }
}

// MARK: - Steps, transfers, recordings

extension PBXNarration {
    /// `nil` for a step that shows in a leg or a stay, and of which nothing was decided by the CRM's word.
    private static func report(_ fact: PBXRecord.Step) -> RouteReport? {
        guard let kind = RouteReport.Kind(rawValue: fact.kind.rawValue) else { return nil }
        switch kind {
        case .user, .external, .ivr, .queue, .voicemail: guard fact.milliseconds != nil else { return nil }
        case .group, .schedule, .announcement, .provider, .rejection: break
        }
        return RouteReport(kind: kind, ref: fact.ref, outcome: fact.result, tookMilliseconds: fact.milliseconds)
    }

    private static func type(_ phase: PBXRecord.TransferMoment.Phase) -> EventType {
        switch phase {
        case .started: .transferStarted
        case .answered: .transferAnswered
        case .completed: .transferCompleted
        case .failed: .transferFailed
        case .returned: .transferReturned
        }
    }

    private mutating func tell(_ fact: PBXRecord.RecordingMoment) {
        var report = RecordingReport(
            key: fact.name, phase: .started, isVoicemail: fact.kind == .voicemail, leg: fact.leg, problem: fact.problem,
            isAnnounced: fact.isAnnounced, channels: fact.channels, milliseconds: fact.milliseconds)
        switch fact.phase {
        case .started: break
        case .completed:
            event.type = fact.kind == .voicemail ? .voicemailLeft : .recordingReady
            report.phase = .ready
        case .failed:
            event.type = .recordingFailed
            report.phase = .failed
        }
        event.recording = report
    }
}
