import NetworkTypes

/// One leg: the state of an INVITE's dialog and of the session in it. Owned and changed by `SIPUserAgent` alone.
final class SIPLeg {
    enum Phase {
        /// Our INVITE has no final answer yet.
        case calling
        /// Our INVITE is to be taken back.
        case cancelling
        /// The peer's INVITE has no final answer yet.
        case invited
        /// Our 200 is not acknowledged yet.
        case accepting
        case confirmed
        /// Over; only transactions are.
        case ended
    }

    let id: SIPLegID
    /// The way to the peer: that of its own messages, whatever they say of other addresses.
    var flow: SIPFlow
    let contact: [UInt8]
    var phase: Phase
    var dialog: SIPDialog
    var abilities = SIPAbilities()
    var negotiation = SIPOfferState.none
    /// What we said last of our side of the session.
    var localSession: [UInt8] = []
    /// What the peer answered last, that its repetition is no news.
    var remoteAnswer: [UInt8] = []
    /// An offer that waits until the negotiation before it is over.
    var waitingOffer: [UInt8]?
    var pending: [SIPPendingRequest] = []
    var acknowledgements: [SIPAcknowledgement] = []
    var authorizer: (any SIPAuthorizer)?

    /// Of a leg that we call: what to say again when the peer challenges. Dropped with the answer.
    var call: SIPCallRequest?
    /// The dialogs that provisional answers began, one a fork.
    var forks: [SIPFork] = []

    /// Of a leg that calls us.
    var invitation: SIPInvitation?
    /// Our reliable provisional answer that our 200 overtook: its PRACK is still to come (RFC 3262 §3).
    var overtaken: (rseq: UInt32, cseq: UInt32)?
    /// Our 200 that waits for its ACK.
    var awaited: SIPAwaitedAcknowledgement?
    /// REFERs of the peer that are under way, by their CSeq.
    var referrals: [UInt32] = []
    /// Those that have no answer yet.
    var pendingReferrals: [(referral: SIPReferral, transaction: SIPTransactionID, message: SIPMessage)] = []
    /// Whether BYE follows as soon as the ACK is there (RFC 3261 §15).
    var endsWhenAcknowledged: SIPFieldLines?

    var sessionTimer: SIPSessionTimer?
    var sessionTimerID: TimerID?
    var retryTimerID: TimerID?
    /// Whether Call-ID is ours, which decides who waits longer after a clash (RFC 3261 §14.1).
    let ownsCallID: Bool

    init(id: SIPLegID, flow: SIPFlow, contact: [UInt8], phase: Phase, dialog: SIPDialog) {
        self.id = id
        self.flow = flow
        self.contact = contact
        self.phase = phase
        self.dialog = dialog
        ownsCallID = phase == .calling
    }

    func pendingRequest(_ id: SIPTransactionID) -> Int? { pending.firstIndex { $0.id == id } }

    func isPending(_ kinds: SIPPendingRequest.Kind...) -> Bool { pending.contains { kinds.contains($0.kind) && !$0.isAnswered } }
}

/// What the peer says it can do.
struct SIPAbilities: OptionSet {
    let rawValue: UInt8
    static let reliableProvisional = SIPAbilities(rawValue: 1)
    static let timer = SIPAbilities(rawValue: 2)
    static let update = SIPAbilities(rawValue: 4)
    static let replaces = SIPAbilities(rawValue: 8)

    /// By Supported, Require and Allow of a message of the peer.
    static func told(by message: SIPMessage) -> SIPAbilities {
        var abilities: SIPAbilities = []
        for name in [SIPHeaderName.supported, .require] {
            for option in (try? message.list(name)) ?? [] {
                if option.equals(ignoringCase: "100rel") { abilities.insert(.reliableProvisional) }
                if option.equals(ignoringCase: "timer") { abilities.insert(.timer) }
                if option.equals(ignoringCase: "replaces") { abilities.insert(.replaces) }
            }
        }
        let methods = (try? message.list(.allow)) ?? []
        if methods.contains(where: { $0.elementsEqual("UPDATE".utf8) }) { abilities.insert(.update) }
        return abilities
    }
}

/// Where offer and answer stand (RFC 3264, RFC 6337).
enum SIPOfferState {
    /// Nothing is agreed on yet.
    case none
    /// Our offer waits for an answer.
    case ours
    /// The peer's offer waits for ours; which request brought it says where our answer goes.
    case theirs(SIPTransactionID, SIPMessage)
    case agreed

    var isStable: Bool {
        switch self {
        case .none, .agreed: true
        case .ours, .theirs: false
        }
    }
}

/// A request of ours in a leg that is not finally answered.
struct SIPPendingRequest {
    enum Kind {
        case invite, reinvite, update, bye, prack, info, refer, notify
        /// BYE for a fork whose 200 came too late.
        case letGo
    }

    let kind: Kind
    var id: SIPTransactionID
    let cseq: UInt32
    /// As they were sent, for the case that the peer challenges.
    let lines: SIPFieldLines
    /// What it proved us with; the ACK of an INVITE repeats it (RFC 3261 §22.1).
    let credentials: SIPFieldLines?
    let contentType: String?
    let body: [UInt8]
    var wasChallenged = false
    /// It has its 200; it is kept because that may come again.
    var isAnswered = false
    /// Whether it brings an offer.
    var isOffer: Bool { !body.isEmpty && (kind == .invite || kind == .reinvite || kind == .update) }
}

/// The ACK for a 200 of the peer, kept for as long as the 200 may come again.
struct SIPAcknowledgement {
    let transaction: SIPTransactionID
    let bytes: [UInt8]
}

/// One fork of our call.
struct SIPFork {
    var dialog: SIPDialog
    /// Of its last reliable provisional answer.
    var lastRSeq: UInt32?
    /// Its 200 came too late, and it was sent a BYE.
    var isLetGo = false
}

/// An INVITE of the peer that waits for our final answer.
struct SIPInvitation {
    let transaction: SIPTransactionID
    let message: SIPMessage
    /// Whether all our provisional answers must be reliable.
    let requiresReliability: Bool
    /// Our reliable provisional answer that waits for its PRACK.
    var reliable: SIPReliableProvisional?
    var nextRSeq: UInt32
    /// What waits for that PRACK: RFC 3262 §3 allows one at a time.
    var waiting: [SIPWaitingAnswer] = []
    /// Whether our answer to the offer in the INVITE is at the peer for certain: a 200 does not repeat it.
    var isAnsweredReliably = false
}

struct SIPWaitingAnswer {
    let status: UInt16
    let lines: SIPFieldLines
    let body: [UInt8]
}

struct SIPReliableProvisional {
    let rseq: UInt32
    let status: UInt16
    let bytes: [UInt8]
    let hasBody: Bool
    var repetition: SIPRepetition
}

/// Our 200 for the INVITE with this CSeq, until its ACK is there.
struct SIPAwaitedAcknowledgement {
    let transaction: SIPTransactionID
    let cseq: UInt32
    /// Whether the ACK is to bring the answer to the offer in our 200.
    let expectsAnswer: Bool
    var repetition: SIPRepetition
}

/// Says when something is sent again over and over: after T1, twice as long each time up to `longest`, and no more after 64 T1.
struct SIPRepetition {
    let started: MonotonicInstant
    var interval: Duration
    let longest: Duration
    var timer: TimerID?

    init(at now: MonotonicInstant, t1: Duration, longest: Duration) {
        started = now
        interval = t1
        self.longest = longest
    }

    mutating func isOver(at now: MonotonicInstant, t1: Duration) -> Bool {
        let rest = started.advanced(by: t1 * 64).duration(since: now)
        if rest <= .zero { return true }
        interval = min(interval * 2, longest, max(rest, .milliseconds(1)))
        return false
    }
}
