import Connector
import Media

/// How well a leg was heard: known only when its stream has closed, a moment after the leg's end was told.
struct EndedLeg {
    let leg: PBXLeg
    /// Strong: it outlives its end by a moment.
    let call: PBXCall
    let ending: LegEnding
    let isTransferredAway: Bool
    let at: Instant
}

extension PBXCore {
    /// The end is told again, as of when it was, with what was measured; of a stream that carried nothing there is nothing to say.
    func closed(_ ended: EndedLeg, _ statistics: MediaStatistics) {
        let expected = statistics.packetsReceived + statistics.packetsLost
        guard statistics.packetsReceived > 0, expected > 0 else { return }
        ended.leg.quality = PBXRecord.Quality(
            lossPermille: min(1000, statistics.packetsLost * 1000 / expected),
            jitterMilliseconds: Int(min(max(statistics.jitterMilliseconds.rounded(), 0), 60_000)))
        ended.call.tell(
            .ended, ended.leg, reason: ended.ending.reason, cause: ended.ending.cause,
            isTransferredAway: ended.isTransferredAway, at: ended.at)
    }
}
