import NetworkTypes

/// One transaction, at either end. Owned and changed by `SIPTransactions` alone.
final class SIPTransaction {
    /// Of all four machines (RFC 3261 §17, RFC 6026).
    enum State {
        /// Client: nothing has come. Server: nothing but 100 has been answered.
        case trying
        case proceeding
        /// INVITE with a 2xx, which may come, or be asked for, again.
        case accepted
        /// Finally answered; repetitions are absorbed.
        case completed
        /// Server INVITE: its final answer is acknowledged.
        case confirmed
    }

    let id: SIPTransactionID
    let isClient: Bool
    let isInvite: Bool
    /// Where it is sent; of a server transaction, where it came from.
    let flow: SIPFlow
    var owner: UInt64 = 0
    var state = State.trying
    /// What goes out again: the client's request, the server's last answer.
    var bytes: [UInt8]
    /// Of timers A, E and G.
    var interval: Duration
    /// A, E, G, and the 100 of the server.
    var repetition: TimerID?
    /// B, F, H, and D, I, J, K, L, M: what ends the state it is in.
    var end: TimerID?

    // Client.
    let branch: [UInt8]
    var cancel: SIPCancelling?
    /// Of INVITE: whether a provisional answer no longer makes it wait for as long as it takes.
    var isHurried = false
    /// ACK for a final answer that was no 2xx.
    var ack: [UInt8] = []

    // Server.
    let request: SIPMessage?
    let key: Int
    let mergeKey: Int
    /// Where answers go.
    let replyFlow: SIPFlow
    /// Whether its source has not proved itself: it counts against the source's share.
    var isStrangers = false

    init(
        client id: SIPTransactionID, isInvite: Bool, flow: SIPFlow, owner: UInt64, branch: [UInt8], bytes: [UInt8],
        interval: Duration
    ) {
        self.id = id
        isClient = true
        self.isInvite = isInvite
        self.flow = flow
        self.owner = owner
        self.branch = branch
        self.bytes = bytes
        self.interval = interval
        request = nil
        key = 0
        mergeKey = 0
        replyFlow = flow
    }

    init(
        server id: SIPTransactionID, request: SIPMessage, flow: SIPFlow, replyFlow: SIPFlow, key: Int, mergeKey: Int,
        interval: Duration
    ) {
        self.id = id
        isClient = false
        isInvite = request.method == .invite
        self.flow = flow
        branch = []
        bytes = []
        self.interval = interval
        self.request = request
        self.key = key
        self.mergeKey = mergeKey
        self.replyFlow = replyFlow
    }

    var isReliable: Bool { flow.transport.isReliable }
}

/// Our CANCEL for an INVITE of ours (RFC 3261 §9.1): it waits for a provisional answer, goes out again until it is answered, and ends
/// the INVITE's wait where no final answer follows.
struct SIPCancelling {
    let fields: [UInt8]
    var bytes: [UInt8] = []
    var interval: Duration
    var repetition: TimerID?
    var isSent = false
}

/// What a transaction is woken for.
struct SIPTransactionTimer {
    enum Kind {
        case repetition, end, cancel
    }

    let id: SIPTransactionID
    let kind: Kind
}
