import NetworkTypes

/// Lays the sound of two sides beside one another in time.
///
/// Where a side's sound begins is told by its arrival; from there it goes on by its own timestamps, so that the delays of single packets
/// do not matter and what comes in the wrong order falls into its place. Where timestamps and arrival part by more than 200 ms,
/// the side begins anew at its arrival, behind what it said last. What nothing came for is silence. A window is kept back for what comes late.
struct RecordingMix {
    enum Side: Int, Sendable, CaseIterable { case left, right }

    static let rate = 8000
    /// Bytes of one moment: two sides of 16 bits.
    static let bytesAFrame = 4
    private static let tolerance = 1600
    private static let step = 1024
    /// How far a new beginning is put off so that it does not cover what came before: 60 ms.
    private static let overlap = 480

    /// How a side's timestamps lie in the recording.
    private struct Track {
        var ssrc: UInt32
        var timestamp: UInt32
        var frame: Int
    }

    private let begin: MonotonicInstant
    private var tracks: (left: Track?, right: Track?)
    private let left = RecordingWindow()
    private let right = RecordingWindow()
    /// How many frames have left the window.
    private(set) var written = 0
    /// Samples that came after their place had been written.
    private(set) var late = 0

    init(begin: MonotonicInstant) { self.begin = begin }

    /// A moment's place in the recording.
    func frame(at moment: MonotonicInstant) -> Int {
        let (nanoseconds, isOver) = moment.nanoseconds.subtractingReportingOverflow(begin.nanoseconds)
        return isOver ? 0 : Int(max(0, nanoseconds) / (1_000_000_000 / Int64(Self.rate)))
    }

    /// Lays a piece of sound into its place; what has to make room for it goes to `output`.
    mutating func add(_ side: Side, _ note: RecordingLane.Note, _ codes: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        let start = place(side, note)
        let end = start + codes.count
        if end > written + RecordingWindow.capacity { makeRoom(until: end, into: &output) }
        let first = max(0, min(codes.count, written - start))
        late += first
        let rest = UnsafeRawBufferPointer(rebasing: codes[first...])
        switch side {
        case .left: left.lay(rest, at: start + first, note.law)
        case .right: right.lay(rest, at: start + first, note.law)
        }
    }

    /// A little more than is needed, so that who is late does not pay for each packet; everything this old has come.
    private mutating func makeRoom(until end: Int, into output: inout [UInt8]) {
        flush(until: end - RecordingWindow.capacity + Self.step, into: &output)
    }

    private mutating func place(_ side: Side, _ note: RecordingLane.Note) -> Int {
        let arrival = frame(at: note.arrival)
        let (track, end) = side == .left ? (tracks.left, left.end) : (tracks.right, right.end)
        if let track, track.ssrc == note.ssrc {
            let start = track.frame + RTPSequence.distance(from: track.timestamp, to: note.timestamp)
            if abs(start - arrival) <= Self.tolerance {
                if start > track.frame { follow(side, Track(ssrc: note.ssrc, timestamp: note.timestamp, frame: start)) }
                return start
            }
        }
        let start = (arrival...arrival + Self.overlap).contains(end) ? end : arrival
        follow(side, Track(ssrc: note.ssrc, timestamp: note.timestamp, frame: start))
        return start
    }

    private mutating func follow(_ side: Side, _ track: Track) {
        if side == .left { tracks.left = track } else { tracks.right = track }
    }

    /// Moves everything before a frame out of the window, behind what `output` has: samples as a file wants them.
    mutating func flush(until end: Int, into output: inout [UInt8]) {
        while written < end {
            let count = min(end - written, RecordingWindow.capacity - RecordingWindow.place(of: written))
            let start = output.count
            output.append(contentsOf: repeatElement(0, count: count * Self.bytesAFrame))
            output.withUnsafeMutableBytes { bytes in
                let frames = UnsafeMutableRawBufferPointer(rebasing: bytes[start...]).bindMemory(to: Int16.self)
                left.take(written, count, into: frames, channel: 0)
                right.take(written, count, into: frames, channel: 1)
            }
            written += count
        }
    }
}
