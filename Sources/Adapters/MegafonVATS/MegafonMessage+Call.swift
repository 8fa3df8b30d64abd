import AdapterKit
import Connector

/// What is told while the call goes on: its legs, and the question who calls.
extension MegafonMessage {
    /// `cmd=event`: a leg changed its state. The legs of a call have its `callid` in common; an employee has one in each.
    func state() -> Decoded {
        guard let state = MegafonState(word: self["type"]) else {
            return .ignored(reason: "a kind of event this adapter does not know")
        }
        guard var event = callEvent(state.eventType, repeating: ["type", "callid", "user", "ext", "second_callid"]) else {
            return Self.missingCall()
        }
        if state == .transferred, let secondCall { event.keys.append(secondCall) }
        event.leg = leg(state)
        event.facts = facts(direction(in: state))
        event.custom = leftovers(except: Self.knownOfState)
        if !["in", "out", "internal", nil].contains(directionWord) { event.custom.keep("direction", directionWord) }
        return .call(event)
    }

    /// `cmd=contact`: a call came in, and the PBX asks who calls. Nobody rings yet.
    func contact() -> Decoded {
        guard var event = callEvent(.created, repeating: ["callid", "phone"]) else { return Self.missingCall() }
        event.facts = facts(.inbound)
        event.custom = leftovers(except: Self.known)
        return .call(event)
    }

    /// `cmd=rating`: the client's mark.
    func rating() -> Decoded {
        guard var event = callEvent(.updated, repeating: ["callid", "rating", "user"]) else { return Self.missingCall() }
        event.custom = leftovers(except: Self.known)
        return .call(event)
    }

    private static let known = NameSet(knownEverywhere)
    private static let knownOfState = NameSet(knownEverywhere + ["type", "direction", "second_callid"])

    // MARK: The leg

    /// nil where no employee and no department is named.
    private func leg(_ state: MegafonState) -> LegReport? {
        guard let call, let ownSide, let name = self["user"] ?? self["ext"] else { return nil }
        let comesIn = comesIn(in: state)
        return LegReport(
            key: "\(call)/\(name.prefix { $0 != "@" })", phase: state.phase, from: comesIn ? otherSide : ownSide,
            to: comesIn ? ownSide : otherSide, handover: comesIn ? .unmarked : nil, group: groupName,
            calleeTransferredAway: comesIn && state == .transferred, reason: state.reason)
    }

    /// The vendor's word. Versions of 2017 have none, but two of the states speak for themselves.
    private func direction(in state: MegafonState) -> Direction? {
        switch (directionWord, state) {
        case ("in", _): .inbound
        case ("out", _): .outbound
        case ("internal", _) where isInternal: .internal
        case (_, .incoming): .inbound
        case (_, .outgoing): .outbound
        default: nil
        }
    }

    private var directionWord: String? { self["direction"]?.lowercased() }

    /// The employee is called on this leg. Where nothing says so, the line that was called does: outgoing calls have none.
    private func comesIn(in state: MegafonState) -> Bool {
        switch (direction(in: state), state) {
        case (_, .incoming): true
        case (_, .outgoing): false
        case (.inbound, _), (.internal, _): true
        case (.outbound, _): false
        case (nil, _): line != nil
        }
    }
}
