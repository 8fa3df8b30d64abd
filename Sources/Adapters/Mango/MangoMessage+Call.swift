import AdapterKit
import Connector

/// `events/call`: a leg changed its state.
///
/// One contact (`entry_id`) has a leg for the menu, the queue and every employee who rings. The participants of a leg may change
/// under the same `call_id`, and `Appeared` and `Connected` may come again: each event says anew who is on the leg.
extension MangoMessage {
    func callEvent() -> Decoded {
        guard var keys = keys() else { return Self.missing("entry_id") }
        if let command = text("command_id") { keys.append(ExternalKey(.crmCommand, command)) }
        let call = MangoCallMessage(self)
        let leg = call.leg()
        var event = event(call.id, keys: keys, type: MangoCallMessage.type(of: leg))
        event.leg = leg
        event.facts = call.facts()
        event.custom = call.leftovers()
        return .call(event)
    }

    static func employee(_ party: JSONNode) -> Party? {
        party["extension"].filledText.map { .user(extension: $0, endpoint: party["number"].filledText) }
    }

    /// The menu item in `ivr.1`; nil for the root menu.
    static func menu(_ location: String) -> String? {
        guard location.hasPrefix("ivr."), location.utf8.count > 4 else { return nil }
        return String(location.dropFirst(4))
    }
}

/// The parts of one `events/call`, each looked up once.
private struct MangoCallMessage {
    private enum Place { case menu, queue, employee }

    private let message: MangoMessage
    private let from: JSONNode
    private let to: JSONNode
    private let dct: JSONNode
    private let state: JSONNode
    private let transfer: JSONNode
    private let phase: LegReport.Phase?
    private let handover: LegReport.Handover?
    private let callID: String?
    /// Official samples hold the typo `locaton`. A menu's place may have a suffix, as in `events/dtmf`.
    private let location: String
    private let place: Place
    private let initiator: String?

    init(_ message: MangoMessage) {
        self.message = message
        from = message["from"]
        to = message["to"]
        dct = message["dct"]
        state = message["call_state"]
        transfer = message["transfer"]
        phase = Self.phase(state)
        handover = Self.handover(transfer)
        callID = message.text("call_id")
        location = message.text("location") ?? message.text("locaton") ?? ""
        place = Self.place(location)
        initiator = message.text("callback_initiator")
    }

    /// The reference says: `call_id`, `seq` and `call_state`. What is missing is made up for with what else tells events apart.
    var id: EventID {
        message.eventID(
            "call", callID ?? message.text("entry_id") ?? "", message.text("seq") ?? message.text("timestamp") ?? "",
            state.filledText ?? "")
    }

    // MARK: The leg

    /// nil where the leg is not named, or its state is none we know.
    func leg() -> LegReport? {
        guard let callID, let phase else { return nil }
        return LegReport(
            key: callID, phase: phase, sequence: message["seq"].anyInt ?? 0, from: caller(), to: callee(),
            parent: from["taken_from_call_id"].filledText ?? to["taken_from_call_id"].filledText, handover: handover,
            group: place == .employee ? to["acd_group"].filledText : nil, calleeTransferredAway: Self.wasTransferred(from),
            reason: phase == .ended ? MangoCodes.reason(message["disconnect_reason"].anyInt) : nil)
    }

    private static func phase(_ word: JSONNode) -> LegReport.Phase? {
        if word.equals("Appeared") { return .ringing }
        if word.equals("Connected") { return .answered }
        if word.equals("Disconnected") { return .ended }
        return word.equals("OnHold") ? .held : nil
    }

    private static func handover(_ word: JSONNode) -> LegReport.Handover? {
        if word.equals("consultative") { return .consultative }
        if word.equals("blind") { return .blind }
        return word.equals("return_blind") ? .returned : nil
    }

    /// In `from` it says that the callee left and the caller is passed on. Some code spells it with one `r`.
    private static func wasTransferred(_ party: JSONNode) -> Bool {
        party["was_transferred"].anyBool || party["was_transfered"].anyBool
    }

    static func type(of leg: LegReport?) -> EventType {
        guard let leg else { return .updated }
        switch (leg.phase, leg.to) {
        case (.started, _), (.ended, _): return .updated
        case (_, .ivr): return .routeStep
        case (_, .queue): return .queued
        case (.ringing, _): return ringing(as: leg.handover)
        case (.answered, _): return .answered
        case (.held, _): return .held
        }
    }

    private static func ringing(as handover: LegReport.Handover?) -> EventType {
        switch handover {
        case .blind, .consultative: .transferStarted
        case .returned: .transferReturned
        case .unmarked, nil: .ringing
        }
    }

    // MARK: Who is on it

    private static func place(_ location: String) -> Place {
        if location == "queue" { return .queue }
        return location == "ivr" || location.hasPrefix("ivr.") ? .menu : .employee
    }

    /// The first leg of a callback rings its initiator: `to` is the employee and `from` shows the client, who is not called yet.
    ///
    /// Only `callback_initiator` tells it from an inbound call. A `command_id` does not: route and transfer put theirs on legs of
    /// inbound calls, hangup on the end of any.
    private var isCallbackToInitiator: Bool {
        initiator != nil && place == .employee && to["extension"].filledText != nil && from["extension"].filledText == nil
            && from["taken_from_call_id"].filledText == nil
    }

    private func caller() -> Party? {
        guard from.isObject, !isCallbackToInitiator else { return nil }
        return MangoMessage.employee(from) ?? .external(number: from["number"].filledText)
    }

    private func callee() -> Party? {
        switch place {
        case .menu: .ivr(ref: MangoMessage.menu(location))
        case .queue: .queue(ref: to["acd_group"].filledText ?? to["extension"].filledText)
        case .employee: MangoMessage.employee(to) ?? to["number"].filledText.map { .external(number: $0) }
        }
    }

    // MARK: The call as a whole

    func facts() -> CallFacts {
        var facts = CallFacts(line: line)
        if let initiator {
            facts.direction = .outbound
            facts.origin = Self.origin(initiator)
        }
        if isCallbackToInitiator { facts.externalNumber = from["number"].filledText }
        facts.tracking = tracking
        return facts
    }

    /// In a menu or queue `to.number` is the line; `line_number` may be missing there.
    private var line: String? {
        if let line = to["line_number"].filledText { return line }
        return place == .employee ? nil : to["number"].filledText
    }

    /// Two of the words hold the Cyrillic letter С (edition of 24.12.2017).
    private static func origin(_ initiator: String) -> Origin? {
        switch LookAlikes.folded(initiator) {
        case "API", "CC": .clickToCall
        case "WEB", "CallbackWidget": .callbackRequest
        case "ObDial": .campaign
        case let word where word.hasPrefix("Miss"): .callbackRequest
        default: nil
        }
    }

    /// `dct.type`: 0 none, 1 dynamic, 2 static.
    private var tracking: TrackingReport? {
        switch dct["type"].anyInt {
        case 1: TrackingReport(number: dct["number"].filledText, method: .dynamic)
        case 2: TrackingReport(number: dct["number"].filledText, method: .static)
        default: nil
        }
    }

    // MARK: The rest

    func leftovers() -> [CustomField] {
        var fields = message.leftovers(except: knownFields)
        if !isOrdinaryPlace { fields.keep("location", location) }
        fields.keepMembers(of: from, except: Self.knownOfFrom, prefix: "from.")
        fields.keepMembers(of: to, except: Self.knownOfTo, prefix: "to.")
        fields.keepMembers(of: dct, except: knownOfTracking, prefix: "dct.")
        return fields
    }

    private var isOrdinaryPlace: Bool { location == "abonent" || location == "ivr" || location == "queue" }

    /// A state or a transfer of a kind we do not know is kept as it came.
    private var knownFields: NameSet {
        let knowsTransfer = handover != nil || transfer.filledText == nil
        if phase != nil || state.filledText == nil { return knowsTransfer ? Self.known : Self.knownButTransfer }
        return knowsTransfer ? Self.knownButState : Self.knownButBoth
    }

    private static let always: [StaticString] = [
        "entry_id", "call_id", "timestamp", "seq", "location", "locaton", "from", "to", "dct", "command_id", "sip_call_id",
        "disconnect_reason",
    ]
    private static let known = NameSet(always + ["call_state", "transfer"])
    private static let knownButTransfer = NameSet(always + ["call_state"])
    private static let knownButState = NameSet(always + ["transfer"])
    private static let knownButBoth = NameSet(always)

    private static let knownOfFrom: NameSet = [
        "extension", "number", "taken_from_call_id", "was_transferred", "was_transfered",
    ]
    private static let knownOfTo: NameSet = ["extension", "number", "taken_from_call_id", "line_number", "acd_group"]
    private static let knownOfAnyTracking: NameSet = ["type"]
    private static let knownOfWholeTracking: NameSet = ["type", "number"]

    private var knownOfTracking: NameSet {
        switch dct["type"].anyInt {
        case 0: Self.knownOfAnyTracking
        case 1, 2: Self.knownOfWholeTracking
        default: []
        }
    }
}
