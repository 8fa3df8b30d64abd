import NetworkTypes

/// Lays the sound of two sides beside one another in time.
///
/// Where a side's sound begins is told by its arrival; from there it goes on by its own timestamps, so that the delays of single packets
/// do not matter and what comes in the wrong order falls into its place. Where timestamps and arrival part by more than 200 ms,
/// the side begins anew at its arrival, behind what it said last. What nothing came for is silence. A window of one second is kept back for what comes late.
struct RecordingMix {
    enum Side: Int, Sendable, CaseIterable { case left, right }

    static let rate = 8000
    /// Bytes of one moment: two sides of 16 bits.
    static let bytesAFrame = 4
    private static let capacity = 8192
    private static let tolerance = 1600
    /// How far a new beginning is put off so that it does not cover what came before: 60 ms.
    private static let overlap = 480

    /// How a side's timestamps lie in the recording.
    private struct Track {
        var ssrc: UInt32
        var timestamp: UInt32
        var frame: Int
    }

    private let begin: MonotonicInstant
    private var tracks: [Track?] = [nil, nil]
    /// How far each side has sound.
    private var ends = [0, 0]
    private var window = [Int16](repeating: 0, count: capacity * 2)
    /// How many frames have left the window.
    private(set) var written = 0
    /// Samples that came after their place had been written.
    private(set) var late = 0
    /// What has left the window and waits to be written to the file.
    private(set) var pending: [UInt8] = []

    init(begin: MonotonicInstant) { self.begin = begin }

    /// A moment's place in the recording.
    func frame(at moment: MonotonicInstant) -> Int {
        Int(max(0, moment.duration(since: begin).clampedNanoseconds) / (1_000_000_000 / Int64(Self.rate)))
    }

    /// Lays a piece of sound into its place.
    mutating func add(_ side: Side, _ note: RecordingLane.Note, _ codes: UnsafeRawBufferPointer) {
        let start = place(side, note)
        makeRoom(until: start + codes.count)
        ends[side.rawValue] = max(ends[side.rawValue], start + codes.count)
        let first = max(0, min(codes.count, written - start))
        late += first
        window.withUnsafeMutableBufferPointer { window in
            note.law.decoding.withUnsafeBufferPointer { decoding in
                for index in first..<codes.count {
                    window[((start + index) & (Self.capacity - 1)) * 2 + side.rawValue] = decoding[Int(codes[index])].littleEndian
                }
            }
        }
    }

    private mutating func place(_ side: Side, _ note: RecordingLane.Note) -> Int {
        let arrival = frame(at: note.arrival)
        if let track = tracks[side.rawValue], track.ssrc == note.ssrc {
            let start = track.frame + RTPSequence.distance(from: track.timestamp, to: note.timestamp)
            if abs(start - arrival) <= Self.tolerance {
                if start > track.frame { tracks[side.rawValue] = Track(ssrc: note.ssrc, timestamp: note.timestamp, frame: start) }
                return start
            }
        }
        let end = ends[side.rawValue]
        let start = (arrival...arrival + Self.overlap).contains(end) ? end : arrival
        tracks[side.rawValue] = Track(ssrc: note.ssrc, timestamp: note.timestamp, frame: start)
        return start
    }

    private mutating func makeRoom(until end: Int) {
        if end > written + Self.capacity { flush(until: end - Self.capacity) }
    }

    /// Moves everything before a frame out of the window, to be written.
    mutating func flush(until end: Int) {
        while written < end {
            let first = written & (Self.capacity - 1)
            let count = min(end - written, Self.capacity - first)
            let range = first * 2..<(first + count) * 2
            window.withUnsafeMutableBytes { bytes in
                let part = UnsafeMutableRawBufferPointer(rebasing: bytes[range.lowerBound * 2..<range.upperBound * 2])
                pending.append(contentsOf: part)
                part.initializeMemory(as: UInt8.self, repeating: 0)
            }
            written += count
        }
    }

    /// Forgets what has been written to the file.
    mutating func removePending() { pending.removeAll(keepingCapacity: true) }
}
