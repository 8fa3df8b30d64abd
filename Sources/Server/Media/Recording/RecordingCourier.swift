import Network

/// Takes the sound of one loop's streams to the recorder, many packets at a time. Confined to its loop.
///
/// The loop never waits, and writes all of it to one place: where each stream has a ring of its own, a packet costs the cache what it
/// costs to relay it. When the recorder is too far behind, what comes is counted as lost.
final class RecordingCourier {
    private static let patience = Duration.milliseconds(100)

    private let loop: EventLoop
    private let inbox: RecorderInbox
    /// Wakes the recorder for what cannot wait until it looks by itself.
    private let wake: @Sendable () -> Void
    private var batch: RecordingBatch?
    private var isTimed = false

    init(_ loop: EventLoop, _ inbox: RecorderInbox, wake: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.inbox = inbox
        self.wake = wake
    }

    /// Copies a packet's sound, in pieces of 20 ms.
    func push(
        _ lane: RecordingLane, _ packet: Span<UInt8>, _ place: Range<Int>, _ header: RTPHeader, _ law: G711,
        at now: MonotonicInstant
    ) {
        var start = place.lowerBound
        var timestamp = header.timestamp
        while start < place.upperBound {
            let end = min(start + RecordingLane.samplesAPiece, place.upperBound)
            let note = RecordingLane.Note(arrival: now, timestamp: timestamp, ssrc: header.ssrc, law: law, count: end - start)
            push(lane, note, packet.extracting(start..<end))
            timestamp &+= UInt32(end - start)
            start = end
        }
    }

    private func push(_ lane: RecordingLane, _ note: RecordingLane.Note, _ sound: Span<UInt8>) {
        if batch == nil { batch = inbox.batch() }
        guard let batch else { return lane.countLoss() }
        batch.append(lane.number, note, sound)
        if batch.isFull { handOver() } else { keepTime() }
    }

    func tellForeign(_ lane: RecordingLane) {
        inbox.put(.foreign(lane))
        wake()
    }

    /// Nothing more comes over a lane: what came is handed over before.
    func seal(_ lane: RecordingLane) {
        handOver()
        inbox.put(.sealed(lane))
        wake()
    }

    /// Hands over what there is.
    func handOver() {
        guard let batch = batch.take() else { return }
        inbox.put(.sound(batch))
    }

    private func keepTime() {
        guard !isTimed else { return }
        isTimed = true
        loop.schedule(after: Self.patience) { [weak self] in
            self?.isTimed = false
            self?.handOver()
        }
    }
}
