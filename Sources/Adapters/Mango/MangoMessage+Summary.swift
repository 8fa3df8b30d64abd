import AdapterKit
import Connector

/// `events/summary`: the contact is over. One for each `entry_id`.
extension MangoMessage {
    func summary() -> Decoded {
        guard let keys = keys() else { return Self.missing("entry_id") }
        var event = event(eventID("summary", text("entry_id") ?? ""), keys: keys, type: .ended)
        event.occurredAt = moment("end_time") ?? raw.receivedAt
        event.facts = summaryFacts()
        event.ending = ending()
        event.custom = leftovers(except: Self.summaryFields)
        return .call(event)
    }

    private static let summaryFields: NameSet = [
        "entry_id", "sip_call_id", "call_direction", "from", "to", "line_number", "create_time", "talk_time", "end_time",
        "disconnect_reason",
    ]

    private func summaryFacts() -> CallFacts {
        CallFacts(
            direction: direction, startedAt: moment("create_time"), externalNumber: outsideNumber, line: text("line_number"))
    }

    /// 0 internal, 1 inbound, 2 outbound. Extended statistics count from 1 instead.
    private var direction: Direction? {
        switch self["call_direction"].anyInt {
        case 0: .internal
        case 1: .inbound
        case 2: .outbound
        default: nil
        }
    }

    private var outsideNumber: String? {
        switch direction {
        case .internal: nil
        case .outbound: Self.outsider(self["to"])
        case .inbound: Self.outsider(self["from"])
        case nil: Self.outsider(self["from"]) ?? Self.outsider(self["to"])
        }
    }

    private static func outsider(_ party: JSONNode) -> String? {
        party["extension"].filledText == nil ? party["number"].filledText : nil
    }

    /// The official sample of a call that ended in the menu says `entry_result` 1 with `talk_time` 0: the latter decides.
    private func ending() -> EndReport {
        let code = self["disconnect_reason"]
        return EndReport(
            reason: MangoCodes.reason(code.anyInt), cause: Cause(providerCode: code.filledText), answered: answered,
            answeredAt: moment("talk_time"), endedAt: moment("end_time"), user: employee)
    }

    private var answered: Bool? {
        if let talkTime = self["talk_time"].anyInt { return talkTime > 0 }
        return self["entry_result"].anyInt == 0 ? false : nil
    }

    private var employee: Party? {
        direction == .outbound ? Self.employee(self["from"]) : whoWasCalled
    }

    /// A group that missed a call stands in `to` with its short number and no device.
    private var whoWasCalled: Party? {
        let to = self["to"]
        if answered == false, to["number"].filledText == nil, let group = to["extension"].filledText { return .queue(ref: group) }
        return Self.employee(to)
    }
}
