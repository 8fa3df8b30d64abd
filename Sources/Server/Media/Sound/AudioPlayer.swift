/// Where a clip is being played, packet by packet.
struct AudioPlayer {
    private let clip: AudioClip
    private var offset = 0
    /// Rounds that are still to come, the present one included; nil for without end.
    private var roundsLeft: Int?

    init(_ clip: AudioClip, rounds: Int?) {
        self.clip = clip
        roundsLeft = clip.sampleCount == 0 ? 0 : rounds.map { max(0, $0) }
    }

    var isOver: Bool { roundsLeft == 0 }

    /// Writes the next 20 ms into a packet; what is left behind the end of the last round is silence.
    mutating func write(into packet: inout MutableSpan<UInt8>, at place: Int, law: G711) {
        let codes = clip.codes(in: law)
        var (next, end) = (place, place + AudioClip.samplesAPacket)
        while next < end, !isOver {
            let count = min(end - next, codes.count - offset)
            for index in 0..<count { packet[next + index] = codes[offset + index] }
            next += count
            advance(count, codes.count)
        }
        while next < end {
            end -= 1
            packet[end] = law.silence
        }
    }

    private mutating func advance(_ count: Int, _ length: Int) {
        offset += count
        guard offset >= length else { return }
        offset = 0
        roundsLeft = roundsLeft.map { $0 - 1 }
    }
}
