import Connector

/// A vendor as a connection's file describes it: checked, immutable, shared.
struct Mapping: Sendable {
    /// How the fields of a request are written.
    enum Format: String, Sendable, CaseIterable {
        case form, json, query
        /// What begins with a brace is JSON, whatever else is said.
        case formOrJSON = "form_or_json"
    }

    var vendor = "mapped"
    var title = "A described vendor"
    var format = Format.json
    var authentication = MappedAuthentication.urlToken
    var answer = WebhookResponse.ok
    /// The values that name the event; with slashes between them they are the key of `events`.
    var selector: [MappedValue] = []
    /// Events by their names; nil for one that is to be ignored.
    var events: [String: MappedEvent?] = [:]
    /// The vendor's log of calls, where it has one.
    var log: MappedLog?
    var commands: [Capability: MappedCommand] = [:]
    /// Headers of every command.
    var commandHeaders: [MappedField] = []
    var examples: [AdapterExample] = []

    /// Tells each event which fields are not for `custom`; once all are read.
    mutating func settle() {
        let all = events.values.compactMap(\.self).reduce(into: Set<[String]>()) { $0.formUnion($1.fields) }
        let selecting = Set(selector.compactMap(\.field))
        for case (let name, .some(var event)) in events {
            event.hidden = all.subtracting(event.fields).union(selecting)
            if let secret = authentication.secretField { event.hidden.insert(secret) }
            events[name] = event
        }
        log?.event.hidden.formUnion(selecting)
    }

    /// Headers (lower case) that are read; only these are journalled.
    var headers: [String] {
        var names: Set = ["content-type"]
        names.formUnion(selector.compactMap(\.header))
        for case .some(let event) in events.values { names.formUnion(event.values.compactMap(\.header)) }
        names.formUnion(authentication.headers)
        return names.sorted()
    }
}

/// How a genuine request is told.
enum MappedAuthentication: Sendable, Equatable {
    enum Algorithm: String, Sendable, CaseIterable { case md5, sha1, sha256 }
    enum Encoding: String, Sendable, CaseIterable { case hex, base64 }

    /// A shared token, behind `prefix`.
    case token(MappedValue.Source, prefix: String)
    /// HMAC over the body as received, behind `prefix` in a header.
    case hmac(header: String, prefix: String, Algorithm, Encoding)
    /// User and password (RFC 7617).
    case basic
    /// Nothing but the unguessable path that the gateway checks.
    case urlToken

    var headers: [String] {
        switch self {
        case .token(.header(let name), _), .hmac(let name, _, _, _): [name]
        case .basic: ["authorization"]
        case .token, .urlToken: []
        }
    }

    /// Where the secret stands in a body: it goes into no record.
    var secretField: [String]? {
        if case .token(.body(let steps), _) = self { steps } else { nil }
    }
}

/// What one kind of event says of a call.
struct MappedEvent: Sendable, Equatable {
    struct Leg: Sendable, Equatable {
        var key: MappedValue
        var phase: LegReport.Phase
        var sequence: MappedValue?
        var from: MappedParty?
        var to: MappedParty?
        var parent: MappedValue?
        var handover: LegReport.Handover?
        var group: MappedValue?
        var reason: MappedValue?
    }

    struct Ending: Sendable, Equatable {
        var reason: MappedValue?
        var code: MappedValue?
        var text: MappedValue?
        var sip: MappedValue?
        var q850: MappedValue?
        var answered: MappedValue?
        var answeredAt: MappedMoment?
        var endedAt: MappedMoment?
        var user: MappedValue?
    }

    struct Recording: Sendable, Equatable {
        var key: MappedValue
        var phase: RecordingReport.Phase
        var isVoicemail = false
        var leg: MappedValue?
        var problem: MappedValue?
    }

    struct Digits: Sendable, Equatable {
        var digits: MappedValue
        var leg: MappedValue?
        var menu: MappedValue?
    }

    var type: EventType
    var call = MappedCall()
    var leg: Leg?
    var ending: Ending?
    var recording: Recording?
    var digits: Digits?
    /// What two deliveries of the same event have in common beside event and call; nil: everything that is read.
    var repeats: [MappedValue]?
    /// Fields that other events read and this one does not, and the secret: none of them is news of the vendor's.
    var hidden: Set<[String]> = []
}

/// What an event says of the call as a whole.
struct MappedCall: Sendable, Equatable {
    /// The call's name at the vendor; must be there.
    var key: MappedValue?
    var session: MappedValue?
    var linkedid: MappedValue?
    /// Our command's name, where the vendor gives it back.
    var command: MappedValue?
    /// When the event happened.
    var time: MappedMoment?
    var startedAt: MappedMoment?
    var direction: MappedValue?
    var origin: MappedValue?
    var externalNumber: MappedValue?
    var externalName: MappedValue?
    var line: MappedValue?

    /// These, and those of `common` where these say nothing.
    func over(_ common: MappedCall) -> MappedCall {
        MappedCall(
            key: key ?? common.key, session: session ?? common.session, linkedid: linkedid ?? common.linkedid,
            command: command ?? common.command, time: time ?? common.time, startedAt: startedAt ?? common.startedAt,
            direction: direction ?? common.direction, origin: origin ?? common.origin,
            externalNumber: externalNumber ?? common.externalNumber, externalName: externalName ?? common.externalName,
            line: line ?? common.line)
    }
}

extension MappedEvent {
    /// The fields of a body that it reads.
    var fields: Set<[String]> { Set(values.compactMap(\.field)) }

    /// Every value it reads.
    var values: [MappedValue] {
        let ofCall = [
            call.key, call.session, call.linkedid, call.command, call.time?.value, call.startedAt?.value, call.direction,
            call.origin, call.externalNumber, call.externalName, call.line,
        ]
        let ofLeg = leg.map {
            [
                $0.key, $0.sequence, $0.from?.value, $0.from?.endpoint, $0.to?.value, $0.to?.endpoint, $0.parent, $0.group,
                $0.reason,
            ]
        }
        let ofEnding = ending.map {
            [
                $0.reason, $0.code, $0.text, $0.sip, $0.q850, $0.answered, $0.answeredAt?.value, $0.endedAt?.value, $0.user,
            ]
        }
        let ofRecording = recording.map { [$0.key, $0.leg, $0.problem] }
        let ofDigits = digits.map { [$0.digits, $0.leg, $0.menu] }
        let all = ofCall + (ofLeg ?? []) + (ofEnding ?? []) + (ofRecording ?? []) + (ofDigits ?? [])
        return all.compactMap(\.self) + (repeats ?? [])
    }
}
