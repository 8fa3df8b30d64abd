/// What two ends agreed on as to the life of a session (RFC 4028).
struct SIPSessionTimer: Equatable {
    /// Seconds.
    var interval: UInt32
    var isOurs: Bool

    /// When the one who refreshes does so (§10 recommends half of the interval).
    var refreshDelay: Duration { .seconds(Int(interval) / 2) }
    /// When it is tried again: several times before the other one takes the peer for gone.
    var retryDelay: Duration { .seconds(Int(max(1, min(interval / 16, 30)))) }
    /// When the other one takes the peer for gone (§10): a little before the end, so that BYE comes first.
    var expiryDelay: Duration { .seconds(Int(interval - min(32, interval / 3))) }
}

/// The rules by which the interval is agreed on.
package struct SIPSessionTimerRules: Sendable {
    /// What our INVITEs ask for, in seconds; nil asks for none.
    package var wished: UInt32? = 1800
    /// The least that is accepted; the standard's own least is 90 (RFC 4028 §4).
    package var least: UInt32 = 90

    package init() {}

    /// Of a request that asks for too little; the answer is 422.
    func refuses(_ request: SIPMessage) -> Bool {
        guard request.has(.sessionExpires), let interval = request.number(.sessionExpires) else { return false }
        return interval < least
    }

    /// Agreement on a request of the peer, seen by us who answer it (§9).
    func agreement(onRequest request: SIPMessage, peerSupportsTimer: Bool) -> SIPSessionTimer? {
        guard request.has(.sessionExpires), let interval = request.number(.sessionExpires), interval > 0 else { return nil }
        let refresher = request.parameters(.sessionExpires)?["refresher"] ?? []
        let isTheirs = peerSupportsTimer && !refresher.elementsEqual("uas".utf8)
        return SIPSessionTimer(interval: max(interval, least), isOurs: !isTheirs)
    }

    /// Agreement by the peer's answer to a request of ours (§7.2): no Session-Expires, no timer.
    func agreement(byAnswer response: SIPMessage) -> SIPSessionTimer? {
        guard response.has(.sessionExpires), let interval = response.number(.sessionExpires), interval > 0 else { return nil }
        let refresher = response.parameters(.sessionExpires)?["refresher"] ?? []
        return SIPSessionTimer(interval: max(interval, least), isOurs: !refresher.elementsEqual("uas".utf8))
    }

    /// What a request of ours says.
    /// - Parameter weRefresh: nil where the peer may choose.
    func add(interval: UInt32, weRefresh: Bool?, to lines: inout SIPFieldLines) {
        let refresher = weRefresh.map { $0 ? ";refresher=uac" : ";refresher=uas" } ?? ""
        lines.add(.sessionExpires, parsed: Array("\(interval)\(refresher)".utf8)[...])
        lines.add(.minSE, least)
    }

    /// What our answer says.
    func add(_ timer: SIPSessionTimer, peerSupportsTimer: Bool, toAnswer lines: inout SIPFieldLines) {
        lines.add(.sessionExpires, parsed: Array("\(timer.interval);refresher=\(timer.isOurs ? "uas" : "uac")".utf8)[...])
        if peerSupportsTimer { lines.add(.require, fixed: "timer") }
    }
}
