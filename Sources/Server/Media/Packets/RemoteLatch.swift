import NetworkTypes

/// Decides where the other side of a stream is: from where its packets are taken, and where ours go.
///
/// What it signalled may be wrong where its addresses are changed on the way. So the first packet decides, for a short while after each
/// change of the terms: one from the signalled address before one from the host that signals, and that before one from anywhere,
/// which counts behind NAT only. Later only a sender who carries on with SSRC and sequence numbers may move, if it may at all.
/// Without such rules anybody who guesses a port would hear the call.
struct RemoteLatch {
    /// How much an address is to be believed; a packet of a higher rank replaces one of a lower while the window is open.
    enum Rank: Int, Comparable {
        case none, anywhere, signallingHost, signalled

        static func < (left: Rank, right: Rank) -> Bool { left.rawValue < right.rawValue }
    }

    enum Verdict: Equatable {
        case taken
        /// Taken, and the first since the window opened, or from a better address than before: it goes on there.
        case first
        /// Taken: the sender has moved.
        case moved
        case refused
    }

    /// What a packet tells of its sender.
    struct Claim {
        var source: SocketAddress
        /// Whether its payload type is one that was agreed on.
        var isAgreed: Bool
        /// Whether it carries on with the SSRC and sequence numbers of what came before.
        var isContinued: Bool
    }

    /// Whom a settled sender must have left alone for so long before another one of the same rank takes its place.
    private static let patience = Duration.milliseconds(500)
    /// How long a sender stays where it has moved to: one that jumped to and fro with each packet would only make work.
    private static let rest = Duration.seconds(1)

    /// Where our packets go; what was signalled, before anything came.
    private(set) var address: SocketAddress?
    private(set) var rank = Rank.none
    private var windowEnd = MonotonicInstant(nanoseconds: .min)
    /// Whether nothing has come since the window opened.
    private var isFresh = true
    private var heardAt: MonotonicInstant?
    private var movedAt: MonotonicInstant?

    /// Begins anew with changed terms. Where the signalled address is another one, what is known is forgotten.
    mutating func open(signalled: SocketAddress?, isNewAddress: Bool, until end: MonotonicInstant) {
        windowEnd = end
        isFresh = true
        guard isNewAddress || rank == .none else { return }
        (address, rank, heardAt) = (signalled, .none, nil)
    }

    /// Whether a packet is from where the last one was, and nothing is to be decided: the usual case.
    mutating func takes(from source: SocketAddress, now: MonotonicInstant) -> Bool {
        guard !isFresh, rank != .none, source == address else { return false }
        heardAt = now
        return true
    }

    /// Judges one packet.
    mutating func judge(_ claim: Claim, _ terms: MediaTerms, now: MonotonicInstant) -> Verdict {
        if claim.source == address, rank != .none {
            heardAt = now
            guard isFresh, claim.isAgreed else { return .taken }
            isFresh = false
            return .first
        }
        if claim.isAgreed, let found = better(claim.source, terms, now) { return settle(at: claim.source, found, now) }
        guard rank != .none, terms.mayRoam, claim.isAgreed, claim.isContinued, hasRested(now) else { return .refused }
        (address, heardAt, movedAt) = (claim.source, now, now)
        return .moved
    }

    private func hasRested(_ now: MonotonicInstant) -> Bool { movedAt.map { now.duration(since: $0) >= Self.rest } ?? true }

    private mutating func settle(at source: SocketAddress, _ found: Rank, _ now: MonotonicInstant) -> Verdict {
        (address, rank, heardAt, isFresh) = (source, found, now, false)
        return .first
    }

    /// The rank by which an address replaces the present one; nil where it does not.
    private func better(_ source: SocketAddress, _ terms: MediaTerms, _ now: MonotonicInstant) -> Rank? {
        let found = Self.rank(of: source, terms)
        // Whoever sends from where it said may begin late.
        if rank == .none, found == .signalled { return found }
        guard now < windowEnd, found != .none else { return nil }
        if found > rank { return found }
        let isAbandoned = heardAt.map { now.duration(since: $0) >= Self.patience } ?? true
        return isFresh && found == rank && isAbandoned ? found : nil
    }

    private static func rank(of source: SocketAddress, _ terms: MediaTerms) -> Rank {
        if source == terms.remote { return .signalled }
        if source.ip == terms.signallingSource { return .signallingHost }
        return terms.isBehindNAT ? .anywhere : .none
    }
}
