import AdapterKit
import Connector

/// One post of the dialplan: a stage of a call, by the names that the snippet in README.md gives them.
///
/// A call's posts may come in any order, and more than once. `call_id` is the Linkedid, so that the manager interface of the same server
/// tells of the same call. Where it does, the dialplan only confirms what was told there (Decisions/055).
struct DialplanMessage {
    /// A post has eleven fields; so many may be added to it.
    static let fieldLimit = 64
    /// Telephones that one post may name.
    private static let employeeLimit = 32

    private let fields: FieldTable
    private let raw: RawStamp
    private let plan: PhonePlan
    private let isBesideManager: Bool
    private let call: String
    private let stage: DialplanStage
    /// By the PBX's clock, in whole seconds.
    private let occurredAt: Instant
    private let caller: String?
    private let callee: String?
    private let employees: [String]

    /// - Parameter besideManager: whether the manager interface is listened to as well.
    static func decode(_ raw: RawRecord, plan: PhonePlan, besideManager: Bool) -> [Decoded] {
        var fields = FieldTable()
        do {
            try raw.body.withUnsafeBytes { try fields.readJSON($0, fieldLimit: fieldLimit) }
        } catch let error as FieldError {
            return [.undecoded(reason: error.description)]
        } catch {
            return [.undecoded(reason: "the body cannot be read")]
        }
        guard let call = call(in: fields) else { return [.undecoded(reason: "`call_id` is missing or cannot be read")] }
        guard let word = fields.text("stage") else { return [.undecoded(reason: "`stage` is missing")] }
        guard let stage = DialplanStage(word: word) else { return [.ignored(reason: "a stage this adapter does not know")] }
        return DialplanMessage(fields, call, stage, raw.stamp, plan, besideManager).decoded
    }

    /// The name of the call; `nil` where there is none, or it could be that of another one: text that was no Unicode reads as U+FFFD.
    static func call(in fields: FieldTable) -> String? {
        guard let name = fields.text("call_id"), name.utf8.count <= 150 else { return nil }
        return name.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? name : nil
    }

    private init(
        _ fields: FieldTable, _ call: String, _ stage: DialplanStage, _ raw: RawStamp, _ plan: PhonePlan, _ isBesideManager: Bool
    ) {
        self.fields = fields
        self.raw = raw
        self.plan = plan
        self.isBesideManager = isBesideManager
        self.call = call
        self.stage = stage
        occurredAt = isBesideManager ? raw.receivedAt : DialplanNumber.moment(fields.text("time")) ?? raw.receivedAt
        caller = fields.text("caller")
        callee = fields.text("callee").flatMap { $0 == "s" ? nil : $0 }
        employees = Self.names(fields.text("employee"))
    }

    /// `101`, `101&102`, `PJSIP/101&PJSIP/102`: as for Dial.
    private static func names(_ text: String?) -> [String] {
        var names: [String] = []
        for part in (text ?? "").split(whereSeparator: { $0 == "&" || $0 == "," }) {
            let name = (part.split(separator: "/").last ?? part).prefix { $0 != "@" }.filter { !$0.isWhitespace }
            guard !name.isEmpty, name.utf8.count <= 64, !names.contains(name), names.count < employeeLimit else { continue }
            names.append(name)
        }
        return names
    }

    // MARK: Stages

    private var decoded: [Decoded] {
        switch stage {
        case .ringing: ringing
        case .answered: [answered]
        case .transferred: [transferred]
        case .ended: [ended]
        }
    }

    private var ringing: [Decoded] {
        let legs = isBesideManager ? [] : ringingLegs
        guard !legs.isEmpty else { return [.call(event(.created, name: ""))] }
        return legs.map { leg in
            var event = event(.ringing, name: leg.key)
            event.leg = leg
            return .call(event)
        }
    }

    private var answered: Decoded {
        var event = event(.answered, name: employees.first ?? "")
        if !isBesideManager { event.leg = answeredLeg }
        if event.leg == nil { event.type = .updated }
        return .call(event)
    }

    private var transferred: Decoded {
        var event = event(.transferStarted, name: employees.first ?? "")
        // Who is called next is no more what the call was for.
        event.facts = CallFacts()
        if let employee = employees.first, !isBesideManager {
            event.leg = LegReport(
                key: legKey(employee), phase: .ended, to: .user(extension: employee, endpoint: nil), calleeTransferredAway: true,
                reason: .transferred)
        } else {
            event.type = .updated
        }
        return .call(event)
    }

    private var outcome: DialplanOutcome {
        DialplanOutcome(status: fields.text("dialstatus"), cause: fields.integer("cause"))
    }

    private var ended: Decoded {
        let outcome = outcome
        var event = event(.ended, name: "")
        let talk = DialplanNumber.duration(fields.text("talk"))
        var report = EndReport(
            reason: outcome.reason, cause: Cause(q850: outcome.cause, providerCode: outcome.status),
            answered: outcome.isAnswered(talk: talk), endedAt: occurredAt)
        if isBesideManager {
            // The caller's channel is gone: whether the call is, the manager interface knows better.
            report.scope = .lastLeg
            if report.answered == false { report.answered = nil }
        } else {
            event.facts.startedAt = before(DialplanNumber.duration(fields.text("duration")))
            if report.answered == true { report.answeredAt = before(talk) }
        }
        event.ending = report
        return .call(event)
    }

    private func before(_ duration: Duration?) -> Instant? { duration.map { occurredAt.advanced(by: .zero - $0) } }

    // MARK: Events

    /// What two posts of the same have in common: call and stage, and whom it is about.
    private func event(_ type: EventType, name: String) -> CallEvent {
        var key = RepeatKey(raw.connection)
        for part in ["dialplan", call, stage.rawValue, name] { key.add(part) }
        var event = CallEvent(
            id: key.eventID(), rawID: raw.id, keys: Conversation(name: call).keys, type: type, occurredAt: occurredAt,
            receivedAt: raw.receivedAt, source: raw.source)
        event.facts = facts
        event.custom = leftovers
        return event
    }

    private var facts: CallFacts {
        switch direction {
        case .inbound:
            // A short number is whom it was passed on to, and not what was called.
            let line = callee.flatMap { plan.isShort($0) ? nil : $0 }
            return CallFacts(direction: .inbound, origin: .trunk, externalNumber: caller ?? "", line: line)
        case .outbound:
            return CallFacts(direction: .outbound, origin: .device, externalNumber: callee ?? employees.first)
        case .internal: return CallFacts(direction: .internal, origin: .device)
        case nil: return CallFacts()
        }
    }

    private var leftovers: [CustomField] {
        var leftovers: [CustomField] = []
        for name in fields.names(except: Self.known) { leftovers.keep(name, fields.string(name)) }
        // What is no moment and no cause has no place in the record either.
        if DialplanNumber.moment(fields.text("time")) == nil { leftovers.keep("time", fields.text("time")) }
        if stage == .ended, outcome.cause == nil { leftovers.keep("cause", fields.text("cause")) }
        return leftovers
    }

    private static let known: NameSet = [
        "stage", "call_id", "caller", "callee", "employee", "time", "dialstatus", "cause", "duration", "talk",
    ]

    // MARK: Who calls whom

    /// By whom the call comes, and whom it is for; `nil` where the post does not say.
    private var direction: Direction? {
        guard fields.holds("caller") else { return nil }
        guard let caller, plan.isShort(caller) else { return .inbound }
        guard let target = callee ?? employees.first else { return nil }
        if plan.isShort(target) { return .internal }
        // `*97` calls nobody.
        return target.utf8.count { (0x30...0x39).contains($0) } >= 7 ? .outbound : nil
    }

    private var callingParty: Party? {
        guard let caller else { return fields.holds("caller") ? .external(number: nil) : nil }
        return plan.isShort(caller) ? .user(extension: caller, endpoint: nil) : .external(number: caller)
    }

    private var ringingLegs: [LegReport] {
        switch direction {
        case .inbound, .internal:
            let called = employees.isEmpty ? [callee].compactMap { $0.flatMap { plan.isShort($0) ? $0 : nil } } : employees
            return called.map { employeeLeg($0, .ringing) }
        case .outbound: return [outsideLeg(.ringing)]
        case nil: return []
        }
    }

    private var answeredLeg: LegReport? {
        if direction == .outbound { return outsideLeg(.answered) }
        return employees.first.map { employeeLeg($0, .answered) }
    }

    private func employeeLeg(_ employee: String, _ phase: LegReport.Phase) -> LegReport {
        LegReport(
            key: legKey(employee), phase: phase, from: callingParty, to: .user(extension: employee, endpoint: nil),
            handover: direction == .inbound ? .unmarked : nil)
    }

    /// The leg to the number outside that an employee calls.
    private func outsideLeg(_ phase: LegReport.Phase) -> LegReport {
        LegReport(
            key: legKey("outside"), phase: phase, from: callingParty, to: .external(number: callee ?? employees.first))
    }

    private func legKey(_ name: String) -> String { "\(call)/\(name)" }
}
