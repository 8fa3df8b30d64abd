import AdapterKit
import Connector

/// The events of a call's legs: an extension's leg has a name of its own, which a transfer or a group makes several of.
extension TelphinMessage {
    /// `dial-in`, `dial-out`: a leg begins.
    func ringing() -> Decoded {
        guard var event = callEvent(queue == nil || !comesIn ? .ringing : .queued) else { return Self.missingCall() }
        if ringsInitiator { event.type = .created }
        event.leg = leg(.ringing)
        event.facts = facts
        event.custom = leftovers(alsoKnown: Self.status)
        return .call(event)
    }

    /// `answer`: a leg was taken.
    func answer() -> Decoded {
        guard var event = callEvent(ringsInitiator ? .updated : .answered) else { return Self.missingCall() }
        event.leg = leg(.answered)
        event.facts = facts
        event.custom = leftovers(alsoKnown: Self.status)
        return .call(event)
    }

    /// `hangup`: a leg is over. Whether the call is, it does not say.
    ///
    /// It is where the extension talked and did not pass the caller on, or where it had called itself. An incoming leg that nobody
    /// took ends nothing: the next phone may ring. There the call is over when its every leg has ended and nothing more comes.
    func hangup() -> [Decoded] {
        guard var event = callEvent(.updated, ordinal: 1) else { return [Self.missingCall()] }
        event.leg = leg(.ended)
        event.ending = ending
        if event.ending != nil { event.type = .ended }
        event.facts = facts
        // What a transferred leg says of direction is true of that leg only; the first leg and the parties tell the call's.
        event.facts.direction = nil
        event.facts.startedAt = startedAt
        if let recording { event.recording = RecordingReport(key: recording, phase: .ready, leg: legKey) }
        event.custom = leftovers(alsoKnown: TelphinStatus.knows(self["CallStatus"]) ? Self.status.union(Self.marks) : Self.marks)
        return (station.map { [.call($0)] } ?? []) + [.call(event)]
    }

    /// `call_interactive`: the PBX asks what to do with the call that stands at a step of a menu.
    func question() -> Decoded {
        guard var event = callEvent(.routeStep) else { return Self.missingCall() }
        if comesIn, let legKey {
            let menu: Party = queue.map { .queue(ref: $0) } ?? .ivr(ref: calledShort)
            event.leg = LegReport(key: legKey, phase: .answered, from: caller, to: menu)
        }
        event.facts = facts
        event.custom = leftovers(alsoKnown: Self.status)
        return .call(event)
    }

    private static let status: Set<String> = ["callstatus"]
    private static let marks: Set<String> = ["bridged", "transfered"]

    // MARK: The leg

    /// The leg's report; none for the phone of who ordered the call, which the client is not on.
    ///
    /// At the end of an incoming leg its callee is not named: menus and queues send the same, and mostly nothing else.
    private func leg(_ phase: LegReport.Phase) -> LegReport? {
        guard let legKey, !ringsInitiator else { return nil }
        let isEnd = phase == .ended
        return LegReport(
            key: legKey, phase: phase, from: caller, to: isEnd && comesIn && queue == nil ? nil : called,
            handover: comesIn && !isInternal && !isEnd ? .unmarked : nil,
            calleeTransferredAway: isEnd && comesIn && isTransferred,
            reason: isEnd ? legReason : nil, answeredAt: isEnd && isBridged ? beginningOfTalk : nil)
    }

    /// The end of a leg tells how long there was a talk on it.
    private var beginningOfTalk: Instant? {
        TelphinTime.duration(fields.integer("BridgedDuration")).map { occurredAt.advanced(by: .zero - $0) }
    }

    private var isTransferred: Bool { flag("Transfered") ?? flag("Transferred") ?? false }

    private var isBridged: Bool { flag("Bridged") ?? (self["CallStatus"]?.uppercased() == "ANSWER") }

    private var legReason: EndReason {
        if isTransferred { return .transferred }
        return isStation ? .unknown : TelphinStatus.reason(self["CallStatus"])
    }

    // MARK: Menus and queues

    /// A menu or a queue: it answered, and nobody talked. A queue that the settings name is one in any case.
    private var isStation: Bool {
        guard comesIn, !ringsInitiator else { return false }
        return queue != nil || (self["CallStatus"]?.uppercased() == "ANSWER" && flag("Bridged") == false && !isTransferred)
    }

    /// That the call was there at all: menus and queues tell only when they are left.
    private var station: CallEvent? {
        guard isStation, let legKey, var event = callEvent(queue == nil ? .routeStep : .queued) else { return nil }
        event.occurredAt = startedAt ?? occurredAt
        event.leg = LegReport(
            key: legKey, phase: .answered, from: caller, to: queue.map { .queue(ref: $0) } ?? .ivr(ref: calledShort))
        event.facts = facts
        return event
    }

    /// When this leg began.
    private var startedAt: Instant? {
        TelphinTime.duration(fields.integer("Duration")).map { occurredAt.advanced(by: .zero - $0) }
    }

    // MARK: The ending

    private var ending: EndReport? {
        guard !isTransferred else { return nil }
        if ringsInitiator { return endingOfInitiator }
        if comesIn { return isBridged && !isStation ? endingOfTalk : nil }
        return end(isBridged ? .normal : reasonOfOutgoing, answered: isBridged, user: caller.isUser ? caller : nil)
    }

    /// Between two numbers outside (forwarded to a mobile) no leg shows when the talk began.
    private var endingOfTalk: EndReport {
        var report = end(.normal, answered: true)
        if case .external = called { report.answeredAt = beginningOfTalk }
        return report
    }

    /// `ANSWER` without a talk is no success, and says nothing of why.
    private var reasonOfOutgoing: EndReason {
        let reason = TelphinStatus.reason(self["CallStatus"])
        return reason == .normal ? .unknown : reason
    }

    /// The employee did not take the call that he was to make: the client was never called.
    private var endingOfInitiator: EndReport? {
        guard !isBridged, self["CallStatus"]?.uppercased() != "ANSWER" else { return nil }
        let reason = TelphinStatus.reason(self["CallStatus"])
        return end(reason == .callerHungUp ? reason : .noAnswer, answered: false, user: called)
    }

    private func end(_ reason: EndReason, answered: Bool, user: Party? = nil) -> EndReport {
        EndReport(
            reason: reason, cause: Cause(providerCode: self["CallStatus"]), answered: answered, endedAt: occurredAt, user: user)
    }
}
