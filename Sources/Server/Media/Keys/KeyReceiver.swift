/// Makes one key press of the many packets that tell of it: the first packet of a press that arrives counts, whichever it is.
///
/// A press has one timestamp and one source. What comes late of an earlier press has an earlier timestamp and is left out.
struct KeyReceiver {
    private var ssrc: UInt32?
    private var timestamp: UInt32 = 0
    private var code: UInt8 = 0
    private var hasEnded = false

    /// - Returns: the number of a key that is now known to be pressed.
    mutating func note(_ event: TelephoneEvent, ssrc: UInt32, timestamp: UInt32) -> UInt8? {
        defer { if isCurrent(ssrc, timestamp), event.isEnd { hasEnded = true } }
        guard isNew(event, ssrc, timestamp) else { return nil }
        (self.ssrc, self.timestamp, code, hasEnded) = (ssrc, timestamp, event.code, false)
        return event.key == nil ? nil : event.code
    }

    private func isCurrent(_ ssrc: UInt32, _ timestamp: UInt32) -> Bool { ssrc == self.ssrc && timestamp == self.timestamp }

    private func isNew(_ event: TelephoneEvent, _ ssrc: UInt32, _ timestamp: UInt32) -> Bool {
        guard ssrc == self.ssrc else { return true }
        // There are senders whose timestamp stands still from key to key.
        if timestamp == self.timestamp { return hasEnded && event.code != code }
        return RTPSequence.distance(from: self.timestamp, to: timestamp) > 0
    }
}
