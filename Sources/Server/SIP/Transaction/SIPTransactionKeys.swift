/// What a request's transaction is found by (RFC 3261 §17.2.3).
///
/// A hash of 64 bits with the process's own random seed: two requests of which it is the same by chance do not happen.
extension SIPTransactions {
    /// Branch, sent-by and method; of ACK and CANCEL that of their INVITE. Without the cookie all by which RFC 2543 tells requests apart.
    static func key(of request: SIPMessage) -> Int {
        var hasher = Hasher()
        let isOfInvite = request.method == .invite || request.method == .ack || request.method == .cancel
        hasher.combine(isOfInvite)
        if !isOfInvite { combine(request.methodName, into: &hasher) }
        let via = request.topVia
        if via.hasMagicCookie, let branch = via.branch {
            combine(branch, into: &hasher)
            combine(lowercased: via.host, into: &hasher)
            hasher.combine(via.port)
        } else {
            combine(request.requestURI?.written ?? [], into: &hasher)
            combine(request.fromTag ?? [], into: &hasher)
            combine(request.callID, into: &hasher)
            hasher.combine(request.cseq)
            combine(via.written, into: &hasher)
        }
        return hasher.finalize()
    }

    /// By which a request that came twice over different ways is known (§8.2.2.2).
    static func mergeKey(of request: SIPMessage) -> Int {
        var hasher = Hasher()
        combine(request.fromTag ?? [], into: &hasher)
        combine(request.callID, into: &hasher)
        hasher.combine(request.cseq)
        combine(request.methodName, into: &hasher)
        return hasher.finalize()
    }

    private static func combine(_ bytes: ArraySlice<UInt8>, into hasher: inout Hasher) {
        hasher.combine(bytes.count)
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    private static func combine(lowercased bytes: ArraySlice<UInt8>, into hasher: inout Hasher) {
        hasher.combine(bytes.count)
        for byte in bytes { hasher.combine(byte.asciiLowercased) }
    }
}
