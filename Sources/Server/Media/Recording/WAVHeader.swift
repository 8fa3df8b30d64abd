/// The head of a recording: RIFF/WAVE, two channels, 8,000 Hz, 16-bit PCM.
enum WAVHeader {
    static let byteCount = 44
    /// What the format's 32 bits allow for sound: more than 37 hours.
    static let maximumSoundBytes = Int(UInt32.max) - 36 - 3

    static func bytes(soundByteCount: Int) -> [UInt8] {
        let size = UInt32(clamping: soundByteCount)
        var bytes = Array("RIFF".utf8) + little(size &+ 36) + Array("WAVEfmt ".utf8) + little(16)
        // PCM, two channels; bytes a second; bytes a frame, bits a sample.
        bytes += [1, 0, 2, 0] + little(8000) + little(32_000) + [4, 0, 16, 0]
        return bytes + Array("data".utf8) + little(size)
    }

    /// How much sound a head of ours tells of; nil where it is not one of ours.
    static func soundByteCount(of head: [UInt8]) -> Int? {
        guard head.count == byteCount else { return nil }
        let size = Int(number32(head, 40))
        var plain = head
        // Both sizes are what may be wrong.
        plain.replaceSubrange(4..<8, with: little(36))
        plain.replaceSubrange(40..<44, with: little(0))
        return plain == bytes(soundByteCount: 0) ? size : nil
    }

    private static func little(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
}
