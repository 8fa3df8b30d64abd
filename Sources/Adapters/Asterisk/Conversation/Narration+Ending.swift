import Connector

// How legs and the conversation end, and who ended them.

extension Narration {
    /// The far end of a leg hung up or refused (`HangupRequest`), or the switch decided to end it (`SoftHangupRequest`).
    mutating func requestHangup(_ message: ManagerMessage, bySwitch: Bool = false) {
        guard let place = leg(message), talk.ender == nil, talk.legs[place].side != .local else { return }
        // Who only rang and refused ended nothing but his own leg.
        guard isDecisive(place) else { return }
        talk.ender = bySwitch ? .system : .leg(talk.legs[place].id)
    }

    /// The leg that began the conversation, or one in the talk.
    private func isDecisive(_ place: Int) -> Bool {
        let leg = talk.legs[place]
        return leg.dialler == .nobody || leg.peer != nil || talk.legs.contains { $0.peer == leg.id }
            || leg.dialler == .order && leg.state == ChannelLeg.State.up
    }

    mutating func hangUp(_ message: ManagerMessage) {
        guard let place = leg(message) else { return }
        let cause = message["Cause"].flatMap { Int($0) }
        if talk.legs[place].id == talk.name {
            talk.cause = cause
            talk.causeText = message["Cause-txt"]
        }
        end(place, cause: cause)
    }

    /// A leg is gone, and perhaps with it the conversation.
    mutating func end(_ place: Int, cause: Int?) {
        let leg = talk.legs[place]
        stopRecording(place)
        if leg.side != .local, leg.dialler != .nobody || leg.hasTalked && leg.peer != nil { endLeg(place, cause: cause) }
        if leg.side == .local { talk.livingHalves = max(0, talk.livingHalves - 1) } else { talk.living = max(0, talk.living - 1) }
        talk.legs.remove(at: place)
        if talk.living == 0, talk.livingHalves == 0 { endTalk() } else { reviewTalks() }
    }

    private mutating func endLeg(_ place: Int, cause: Int?) {
        let reason = reasonOfLeg(place, cause: cause)
        let isTransferred = reason == .transferred
        if !talk.legs[place].hasTalked, reason != .answeredElsewhere, reason != .normal { talk.refusal = reason }
        if isTransferred, talk.lastTalker == talk.legs[place].id { talk.transferer = talk.legs[place].id }
        tellLeg(.updated, "ended", place, phase: .ended) { report in
            report.reason = reason
            report.calleeTransferredAway = isTransferred
        }
    }

    private func reasonOfLeg(_ place: Int, cause: Int?) -> EndReason {
        let leg = talk.legs[place]
        if leg.hasTalked { return reasonOfTalk(leg) }
        if leg.dialler == .order, leg.dialStatus == "ANSWER" { return .normal }
        if cause == HangupCause.answeredElsewhere { return .answeredElsewhere }
        switch leg.dialStatus {
        case "CANCEL": return reasonOfCancel(leg)
        case "BUSY": return .busy
        case "CHANUNAVAIL": return .unreachable
        default: return Self.reason(of: cause) ?? (leg.dialStatus == "CONGESTION" ? .failed : .noAnswer)
        }
    }

    private func reasonOfCancel(_ leg: ChannelLeg) -> EndReason {
        switch talk.ender {
        case .command: .byCommand
        case .system, .unseen: .noAnswer
        case .leg, nil: isTakenElsewhere(leg) ? .answeredElsewhere : .callerHungUp
        }
    }

    /// Another leg that was called is up, and the caller is not about to leave.
    private func isTakenElsewhere(_ leg: ChannelLeg) -> Bool {
        talk.ender == nil && talk.legs.contains { $0.id != leg.id && $0.dialler != .nobody && $0.state == ChannelLeg.State.up }
    }

    private func reasonOfTalk(_ leg: ChannelLeg) -> EndReason {
        if leg.wasHandedOn { return .transferred }
        // On whom nobody called the call does not depend: who he talked with tells how it ended.
        if leg.dialler == .order { return .normal }
        switch talk.ender {
        case .leg(leg.id): return .calleeHungUp
        case .leg: return .callerHungUp
        case .command: return .byCommand
        case .system, .unseen: return .normal
        // Nobody asked for it, and the other side is still there: it was sent elsewhere.
        case nil:
            let isLast = talk.living < 2 || talk.lastTalker != leg.id
            return leg.peer.flatMap { talk.index(of: $0) } == nil && isLast ? .normal : .transferred
        }
    }

    private static func reason(of cause: Int?) -> EndReason? {
        HangupCause.reason(cause) ?? (HangupCause.isPlain(cause) ? .noAnswer : nil)
    }

    // MARK: The conversation

    mutating func endTalk() {
        guard !talk.isOver else { return }
        talk.isOver = true
        endStation(reason: talk.ender == .leg(talk.name) ? .callerHungUp : .queueTimeout)
        let reason = reasonOfEnd
        let cause = Cause(q850: talk.cause, text: talk.causeText)
        tell(.ended, "over") { event in
            event.ending = EndReport(reason: reason, cause: cause, endedAt: event.occurredAt)
        }
    }

    private var reasonOfEnd: EndReason {
        let hasTalked = talk.lastTalker != nil
        switch talk.ender {
        case .command: return .byCommand
        case .leg(let leg):
            if hasTalked { return leg == talk.lastTalker ? .calleeHungUp : .callerHungUp }
            return .callerHungUp
        case .system, .unseen, nil:
            // That the switch hung up first is no more than that somebody did not answer.
            if hasTalked { return talk.ender == .system ? .failed : .normal }
            if talk.isInbound { return reasonOfMissed }
            return talk.refusal ?? Self.reason(of: talk.cause) ?? .unknown
        }
    }

    private var reasonOfMissed: EndReason {
        if talk.hasRung { return .noAnswer }
        return talk.refusal ?? Self.reason(of: talk.cause) ?? .noAgentAvailable
    }
}
