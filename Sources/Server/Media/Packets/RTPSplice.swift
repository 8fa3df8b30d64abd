import NetworkTypes

/// Makes one unbroken stream of packets out of sources that follow one another: the other side of a bridge, a player, keys, another
/// bridge after a transfer.
///
/// The receiver sees one SSRC whose sequence numbers go on without a gap where sources change, and whose timestamps go on as time does.
/// Within a source distances stay as they came, so that loss and disorder on the way stay visible to the receiver.
struct RTPSplice {
    /// Who a packet is from: two that follow one another without a new beginning have the same.
    struct Source: Hashable {
        var origin: UInt64
        var ssrc: UInt32
    }

    /// A packet's numbers as it leaves.
    struct Place: Equatable {
        var sequence: UInt16
        var timestamp: UInt32
        /// Whether it is the first of its source: a receiver may adapt to a new delay there.
        var begins: Bool
    }

    private static let maximumDropout = 3000
    private static let maximumMisorder = -100
    /// How far a source's timestamps may run ahead of the time, and how far back, in seconds.
    private static let maximumLead = 10
    private static let maximumReturn = 1

    let ssrc: UInt32
    /// The highest number that has left.
    private(set) var lastSequence: UInt16
    /// A timestamp that has left, and when: from there a new source's timestamps are reckoned.
    private var anchor: UInt32
    private var anchoredAt: MonotonicInstant?

    private var source: Source?
    private var sequenceOffset: UInt16 = 0
    private var timestampOffset: UInt32 = 0
    /// The source's own highest numbers, the sequence both as it came and as the count since its first packet.
    private var highest: UInt16 = 0
    private var highestCount = 0
    private var highestTimestamp: UInt32 = 0

    /// - Parameters: where the numbers begin: random ones, so that nobody can guess them.
    init(ssrc: UInt32, sequence: UInt16, timestamp: UInt32) {
        self.ssrc = ssrc
        lastSequence = sequence
        anchor = timestamp
    }

    /// Gives a packet of `source` its numbers.
    /// - Parameters:
    ///   - isEvent: telephone events keep the timestamp of their beginning.
    /// - Returns: nil where it is from before the source's first packet and comes too late.
    mutating func next(
        _ source: Source, sequence: UInt16, timestamp: UInt32, isEvent: Bool = false, clockRate: UInt32, now: MonotonicInstant
    ) -> Place? {
        let distance = RTPSequence.distance(from: highest, to: sequence)
        guard source == self.source, distance <= Self.maximumDropout, distance >= Self.maximumMisorder,
            isEvent || distance <= 0 || !isAdrift(timestamp, clockRate, now)
        else { return begin(source, sequence, timestamp, clockRate, now) }
        guard highestCount + distance >= 0 else { return nil }
        let place = Place(sequence: sequence &+ sequenceOffset, timestamp: timestamp &+ timestampOffset, begins: false)
        guard distance > 0 else { return place }
        (highest, highestCount) = (sequence, highestCount + distance)
        lastSequence = place.sequence
        if !isEvent { (highestTimestamp, anchor, anchoredAt) = (timestamp, place.timestamp, now) }
        return place
    }

    /// A moment on the clock of the stream.
    func timestamp(at now: MonotonicInstant, clockRate: UInt32) -> UInt32 {
        anchoredAt.map { anchor &+ RTPSequence.ticks(now.duration(since: $0), clockRate: clockRate) } ?? anchor
    }

    private mutating func begin(
        _ source: Source, _ sequence: UInt16, _ timestamp: UInt32, _ clockRate: UInt32, _ now: MonotonicInstant
    ) -> Place {
        let outgoing = anchoredAt.map { anchor &+ Self.step(since: $0, now, clockRate) } ?? anchor
        self.source = source
        lastSequence = lastSequence &+ 1
        sequenceOffset = lastSequence &- sequence
        timestampOffset = outgoing &- timestamp
        (highest, highestCount, highestTimestamp) = (sequence, 0, timestamp)
        (anchor, anchoredAt) = (outgoing, now)
        return Place(sequence: lastSequence, timestamp: outgoing, begins: true)
    }

    /// The time that has passed, at least a packet's worth.
    private static func step(since earlier: MonotonicInstant, _ now: MonotonicInstant, _ clockRate: UInt32) -> UInt32 {
        let passed = now.duration(since: earlier)
        return passed < .milliseconds(20) ? clockRate / 50 : RTPSequence.ticks(passed, clockRate: clockRate)
    }

    /// Whether a timestamp has left the course of time: its sender began anew without saying so.
    private func isAdrift(_ timestamp: UInt32, _ clockRate: UInt32, _ now: MonotonicInstant) -> Bool {
        let distance = RTPSequence.distance(from: highestTimestamp, to: timestamp)
        let second = Int(clockRate)
        if distance >= -Self.maximumReturn * second, distance <= Self.maximumLead * second { return false }
        guard distance > 0, let anchoredAt else { return true }
        let passed = Int(RTPSequence.ticks(now.duration(since: anchoredAt), clockRate: clockRate))
        return distance > passed + Self.maximumLead * second
    }
}
