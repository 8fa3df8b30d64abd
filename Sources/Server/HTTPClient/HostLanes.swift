/// Whose turn it is: so many requests to one host are under way, the others wait here.
///
/// libcurl keeps the same bound, but sets up one of those that wait, for whatever host, whenever any transfer ends: a host that hangs
/// would cost all others such an attempt with each of their answers. On the client's loop only.
struct HostLanes {
    enum Turn { case now, later, never }

    /// What one host is busy with.
    private final class Lane {
        var underWay = 0
        /// From `first` on, in order of arrival; those that are over meanwhile are passed by.
        var waiting: [OutgoingTransfer] = []
        var first = 0
        /// How many of those are over.
        var overCount = 0

        var count: Int { waiting.count - first - overCount }

        func next() -> OutgoingTransfer? {
            while first < waiting.count {
                let transfer = waiting[first]
                first += 1
                if transfer.place == .waiting {
                    tidy()
                    return transfer
                }
                overCount -= 1
            }
            tidy()
            return nil
        }

        /// Lets go of what is over, once that is most of what is held.
        func tidy() {
            guard (first + overCount) * 2 > waiting.count else { return }
            waiting = waiting[first...].filter { $0.place == .waiting }
            first = 0
            overCount = 0
        }
    }

    private let perHost: Int
    private let waitingPerHost: Int
    private var lanes: [String: Lane] = [:]

    init(_ configuration: OutgoingHTTPConfiguration) {
        perHost = max(1, configuration.connectionsPerHost)
        waitingPerHost = configuration.waitingPerHost
    }

    /// Takes a place, or one in the queue; neither where too many wait already.
    mutating func enter(_ transfer: OutgoingTransfer) -> Turn {
        let lane = lane(of: transfer.host)
        if lane.underWay < perHost {
            lane.underWay += 1
            transfer.place = .underWay
            return .now
        }
        guard lane.count < waitingPerHost else { return .never }
        transfer.place = .waiting
        lane.waiting.append(transfer)
        return .later
    }

    /// Takes a transfer out, and gives the place that it had to the next.
    /// - Returns: that one, which is to be started now.
    mutating func leave(_ transfer: OutgoingTransfer) -> OutgoingTransfer? {
        defer { transfer.place = .none }
        guard transfer.place != .none, let lane = lanes[transfer.host] else { return nil }
        if transfer.place == .waiting {
            transfer.place = .none
            lane.overCount += 1
            lane.tidy()
            return nil
        }
        if let next = lane.next() {
            next.place = .underWay
            return next
        }
        lane.underWay -= 1
        if lane.underWay == 0 { lanes[transfer.host] = nil }
        return nil
    }

    private mutating func lane(of host: String) -> Lane {
        if let known = lanes[host] { return known }
        let lane = Lane()
        lanes[host] = lane
        return lane
    }
}
