import NetworkTypes

/// One recording as the recorder's thread has it.
final class Recording {
    /// How long the file waits for what comes late: the tolerance of timestamps, and the time that a batch takes.
    private static let patience = RecordingMix.rate * 3 / 10
    /// How much is written at once: the more, the less the system asks for a page of it.
    private static let leastFrames = 2 * framesAPage
    private static let headInterval = Duration.seconds(10)
    /// Whole pages of the file are written: the system handles each once.
    private static let framesAPage = 4096 / RecordingMix.bytesAFrame

    let id: RecordingID
    private var writer: WAVWriter
    private var mix: RecordingMix
    /// Over which something may still come.
    private(set) var lanes: [RecordingLane] = []
    private var lostBefore = 0
    private var headDue: MonotonicInstant
    private var problem: MediaError?
    /// When it is to end, once its lanes are sealed.
    private(set) var end: MonotonicInstant?

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
    /// Pieces of 20 ms that are not in it though they came.
    var lost: Int { lanes.reduce(lostBefore) { $0 + $1.lost } + mix.late / RecordingLane.samplesAPiece }
    /// Whether something may still come.
    var isOpen: Bool { !lanes.isEmpty }

    func add(_ lane: RecordingLane) { lanes.append(lane) }

    /// Nothing more comes over a lane.
    func seal(_ lane: RecordingLane) {
        guard lanes.contains(where: { $0 === lane }) else { return }
        lostBefore += lane.lost
        lanes.removeAll { $0 === lane }
    }

    /// A side cannot be written down: the next `drain` says so.
    func markForeign() {
        problem = MediaError(.codec, "recording \(id)", hint: "only PCMA and PCMU can be recorded: offer nothing else")
    }

    func end(at moment: MonotonicInstant) { end = moment }

    /// Lays a piece of sound into its place.
    /// - Parameter scratch: empty, and so again afterwards.
    func take(_ side: RecordingMix.Side, _ note: RecordingLane.Note, _ codes: UnsafeRawBufferPointer, _ scratch: inout [UInt8]) {
        mix.add(side, note, codes, into: &scratch)
        guard !scratch.isEmpty else { return }
        do throws(MediaError) { try write(&scratch) } catch { problem = problem ?? error }
    }

    /// Writes what is old enough.
    /// - Throws: what the file says, or `.codec` where a side cannot be written down.
    func drain(now: MonotonicInstant, _ scratch: inout [UInt8]) throws(MediaError) {
        if let problem { throw problem }
        let end = Self.endOfPage(mix.frame(at: now) - Self.patience)
        if end - mix.written >= Self.leastFrames {
            mix.flush(until: end, into: &scratch)
            try write(&scratch)
        }
        guard now >= headDue else { return }
        headDue = now.advanced(by: Self.headInterval)
        try writer.fixHead()
    }

    /// Writes everything up to a moment and makes the head true.
    func finish(at end: MonotonicInstant, _ scratch: inout [UInt8]) throws(MediaError) {
        if let problem { throw problem }
        mix.flush(until: mix.frame(at: end), into: &scratch)
        try write(&scratch)
        try writer.fixHead()
    }

    /// Lets the file go, with a head as true as can be.
    func close() {
        try? writer.fixHead()
        writer.close()
    }

    /// The last frame up to there that ends a page.
    private static func endOfPage(_ frame: Int) -> Int {
        let head = WAVHeader.byteCount / RecordingMix.bytesAFrame
        return (frame + head) / framesAPage * framesAPage - head
    }

    private func write(_ scratch: inout [UInt8]) throws(MediaError) {
        defer { scratch.removeAll(keepingCapacity: true) }
        if !scratch.isEmpty { try writer.append(scratch) }
    }
}
