import Connector
import SIP

/// What a call does at the moment: ring somebody, play, ask, wait, talk. It hears what happens to the call's legs while it is on.
protocol CallActivity: AnyObject {
    func enter()
    /// Something else begins, or the call is over: timers stop, what rings no longer does.
    func leave()
    /// A leg that was not being called is gone: the caller, or one that talked. - Parameter ending: how it went.
    func gone(_ leg: PBXLeg, _ ending: LegEnding)
    /// A key, by telephone event, INFO or in the sound.
    func pressed(_ key: Character, on leg: PBXLeg)
    /// What was played to a leg has come to its end, or could not be played.
    func played(to leg: PBXLeg)
    /// The peer holds us, or no longer.
    func held(_ leg: PBXLeg)
    /// The peer wants to pass the call on.
    func referred(_ leg: PBXLeg, _ referral: SIPReferral)
}

extension CallActivity {
    func pressed(_ key: Character, on leg: PBXLeg) {}
    func played(to leg: PBXLeg) {}
    func held(_ leg: PBXLeg) {}
    /// Only a conversation can be passed on.
    func referred(_ leg: PBXLeg, _ referral: SIPReferral) { leg.call.core.answer(referral, of: leg, 603) }
}

/// How a leg came to its end.
struct LegEnding {
    var reason: EndReason
    var cause: Cause

    init(_ reason: EndReason, cause: Cause = Cause()) {
        self.reason = reason
        self.cause = cause
    }
}

extension EndReason {
    /// By a final answer of SIP (RFC 3261 §21, RFC 3398 §7.2.4.1).
    init(status: UInt16) {
        self =
            switch status {
            case 486, 600: .busy
            case 603, 607: .rejected
            case 404, 484, 485, 604: .invalidNumber
            case 403, 433: .blocked
            case 408, 480, 487: .noAnswer
            case 410, 502, 503, 504: .unreachable
            default: .failed
            }
    }
}

extension Cause {
    /// Of a final answer, with what its Reason header adds.
    init(_ message: SIPMessage?, status: UInt16) {
        self.init(sip: Int(status), q850: message.flatMap { SIPReason.q850(in: $0) })
    }
}
