import NetworkTypes

/// One recording as the recorder's thread has it.
final class Recording {
    /// How long the file waits for what comes late.
    private static let patience = RecordingMix.rate * 3 / 10
    /// How much is written at once.
    private static let leastFrames = RecordingMix.rate / 2
    private static let headInterval = Duration.seconds(10)
    /// How far one side may be taken before the other, in nanoseconds.
    private static let lead: Int64 = 100_000_000
    /// Whole pages of the file are written: the system handles each once.
    private static let framesAPage = 4096 / RecordingMix.bytesAFrame

    let id: RecordingID
    private var writer: WAVWriter
    private var mix: RecordingMix
    private var lanes: [(lane: RecordingLane, side: RecordingMix.Side)] = []
    private var lostBefore = 0
    private var headDue: MonotonicInstant

    /// Takes over a file in which nothing is yet.
    init(_ id: RecordingID, into writer: WAVWriter, begin: MonotonicInstant) {
        self.id = id
        self.writer = writer
        mix = RecordingMix(begin: begin)
        headDue = begin.advanced(by: Self.headInterval)
    }

    /// What it holds so far, in whole samples.
    var milliseconds: Int { writer.soundByteCount / RecordingMix.bytesAFrame * 1000 / RecordingMix.rate }
    var byteCount: Int { WAVHeader.byteCount + writer.soundByteCount }
    /// Packets of 20 ms that are not in it though they came.
    var lost: Int { lanes.reduce(lostBefore) { $0 + $1.lane.lost } + mix.late / RecordingLane.samplesASlot }

    /// Has a side's sound come from there too; what waits in the lane before is still taken.
    func add(_ lane: RecordingLane, _ side: RecordingMix.Side) { lanes.append((lane, side)) }

    /// Takes what waits, and writes what is old enough.
    /// - Throws: what the file says, or `.codec` where a side cannot be written down.
    func drain(now: MonotonicInstant) throws(MediaError) {
        takeAll()
        guard !lanes.contains(where: \.lane.isForeign) else {
            throw MediaError(.codec, "recording \(id)", hint: "only PCMA and PCMU can be recorded: offer nothing else")
        }
        let end = Self.endOfPage(mix.frame(at: now) - Self.patience)
        if end - mix.written >= Self.leastFrames { mix.flush(until: end) }
        try writePending()
        guard now >= headDue else { return }
        headDue = now.advanced(by: Self.headInterval)
        try writer.fixHead()
    }

    /// Writes everything up to a moment and makes the head true.
    func finish(at end: MonotonicInstant) throws(MediaError) {
        takeAll()
        mix.flush(until: mix.frame(at: end))
        try writePending()
        try writer.fixHead()
    }

    /// Lets the file go, with a head as true as can be.
    func close() {
        try? writer.fixHead()
        writer.close()
    }

    /// The two sides in the order of their coming, give or take a tenth of a second: neither is far ahead of the other in the window.
    private func takeAll() {
        var left = lanes.reduce(0) { $0 + $1.lane.count }
        while left > 0, let next = earliest() {
            repeat {
                next.lane.take { note, codes in mix.add(next.side, note, codes) }
                left -= 1
            } while left > 0 && next.lane.firstArrival ?? .max <= next.until
        }
        for (lane, _) in lanes where lane.isSealed && lane.count == 0 { lostBefore += lane.lost }
        lanes.removeAll { $0.lane.isSealed && $0.lane.count == 0 }
    }

    /// The lane with the oldest sound, and until when it may be taken before another one's turn.
    private func earliest() -> (lane: RecordingLane, side: RecordingMix.Side, until: Int64)? {
        var (found, oldest, next) = (lanes.startIndex, Int64.max, Int64.max)
        for index in lanes.indices {
            let arrival = lanes[index].lane.firstArrival ?? .max
            next = min(next, max(arrival, oldest))
            if arrival < oldest { (found, oldest) = (index, arrival) }
        }
        guard oldest < .max else { return nil }
        return (lanes[found].lane, lanes[found].side, min(next, .max - Self.lead - 1) + Self.lead)
    }

    /// The last frame up to there that ends a page.
    private static func endOfPage(_ frame: Int) -> Int {
        let head = WAVHeader.byteCount / RecordingMix.bytesAFrame
        return (frame + head) / framesAPage * framesAPage - head
    }

    private func writePending() throws(MediaError) {
        guard !mix.pending.isEmpty else { return }
        try writer.append(mix.pending)
        mix.removePending()
    }
}
