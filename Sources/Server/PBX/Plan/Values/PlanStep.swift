import Connector

/// One step of what becomes of a call.
package indirect enum PlanStep: Sendable, Equatable {
    /// Goes on where the schedule is open; else takes the other steps instead of what follows.
    case schedule(String, otherwise: [PlanStep])
    /// Plays a prompt to the caller.
    case announce(String)
    /// From here on the call is recorded, or no longer.
    case record(Bool)
    /// Rings the employee whom the CRM names, for so long; goes on where it names nobody or he does not answer.
    case responsible(Duration)
    case ring(RingStep)
    case queue(String)
    case menu(String)
    /// Takes a message; the last step of its list.
    case voicemail(String)
    /// Sends the call to a mobile telephone or a number outside.
    case forward(RingTarget, Duration)
    /// Goes on with the steps of a named route.
    case route(String)
    case hangUp(HangUpCause)
}

/// Whom a step rings, and how.
package struct RingStep: Sendable, Equatable {
    package enum Whom: Hashable, Sendable {
        case group(String)
        case target(RingTarget)
    }

    package var whom: [Whom]
    /// `nil`: as the group says where it is one group, else all at once.
    package var manner: RingManner?
    /// `nil`: as the group says where it is one group, else 25 s.
    package var ringTime: Duration?

    package init(_ whom: [Whom], manner: RingManner? = nil, ringTime: Duration? = nil) {
        self.whom = whom
        self.manner = manner
        self.ringTime = ringTime
    }
}

/// Why the PBX itself ends a call.
package enum HangUpCause: String, Sendable, CaseIterable {
    case normal, busy, declined, unavailable, congested
    case notFound = "not_found"

    /// The answer to an INVITE that has had no final one; RFC 3261 §21.
    package var status: UInt16 {
        switch self {
        case .busy: 486
        case .declined: 603
        case .unavailable, .normal: 480
        case .congested: 503
        case .notFound: 404
        }
    }

    /// ITU-T Q.850, for the header Reason.
    package var q850: Int {
        switch self {
        case .normal: 16
        case .busy: 17
        case .declined: 21
        case .unavailable: 20
        case .congested: 34
        case .notFound: 1
        }
    }
}
