import NetworkTypes

/// Counts what comes of one source: loss and jitter as RFC 3550 has them (§A.1, §A.3, §A.8).
struct RTPReceiver {
    /// How far a sequence number may jump before it counts as a new beginning.
    private static let maximumDropout = 3000
    private static let maximumMisorder = -100
    /// How far ahead a packet from another address may be and still prove that it is of the same sender.
    private static let maximumRoaming = 500

    /// Of the source that is counted; nil before the first packet.
    private(set) var ssrc: UInt32?
    private(set) var highest: UInt16 = 0
    private(set) var received = 0
    /// Lost of sources and beginnings before this one.
    private var lostBefore = 0
    private var first: UInt16 = 0
    private var cycles = 0
    private var expectedReported = 0
    private var receivedReported = 0
    private var receivedOfSource = 0
    private var transit: UInt32 = 0
    /// In sixteenths of a step of the clock.
    private var scaledJitter: Int64 = 0

    /// Counts one packet.
    /// - Parameter arrival: the time of its coming in steps of its clock.
    mutating func note(_ header: RTPHeader, arrival: UInt32, isSound: Bool = true) {
        received += 1
        let distance = RTPSequence.distance(from: highest, to: header.sequence)
        guard header.ssrc == ssrc, distance <= Self.maximumDropout, distance >= Self.maximumMisorder else {
            return begin(header, arrival)
        }
        receivedOfSource += 1
        if distance > 0 {
            if header.sequence < highest { cycles += 1 }
            highest = header.sequence
        }
        // Events keep the timestamp of their beginning: they say nothing of the time on the way.
        if isSound { noteTransit(arrival &- header.timestamp) }
    }

    private mutating func begin(_ header: RTPHeader, _ arrival: UInt32) {
        lostBefore = lost
        (ssrc, first, highest, cycles) = (header.ssrc, header.sequence, header.sequence, 0)
        (receivedOfSource, expectedReported, receivedReported) = (1, 0, 0)
        (transit, scaledJitter) = (arrival &- header.timestamp, 0)
    }

    private mutating func noteTransit(_ now: UInt32) {
        let difference = Int64(abs(RTPSequence.distance(from: transit, to: now)))
        transit = now
        scaledJitter += difference - ((scaledJitter + 8) >> 4)
    }

    /// Whether a packet from elsewhere carries on where this source is.
    func isContinued(by header: RTPHeader) -> Bool {
        header.ssrc == ssrc && (1...Self.maximumRoaming).contains(RTPSequence.distance(from: highest, to: header.sequence))
    }

    /// Packets of the present source that should have come.
    private var expected: Int { ssrc == nil ? 0 : (cycles << 16) + Int(highest) - Int(first) + 1 }

    /// Packets that should have come and did not; what came twice makes up for others, as the RFC has it.
    var lost: Int { lostBefore + max(0, expected - receivedOfSource) }

    /// In steps of the clock.
    var jitter: UInt32 { UInt32(clamping: scaledJitter >> 4) }

    /// What a report says of this source since the last report.
    mutating func report() -> (fractionLost: UInt8, lost: Int, highest: UInt32, jitter: UInt32) {
        let (expectedNow, receivedNow) = (expected - expectedReported, receivedOfSource - receivedReported)
        (expectedReported, receivedReported) = (expected, receivedOfSource)
        let lostNow = expectedNow - receivedNow
        let fraction = expectedNow > 0 && lostNow > 0 ? min(255, lostNow * 256 / expectedNow) : 0
        return (UInt8(fraction), expected - receivedOfSource, UInt32(truncatingIfNeeded: cycles << 16) | UInt32(highest), jitter)
    }
}
