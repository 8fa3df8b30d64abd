/// A recording made up: a short tone.
enum SmallRecording {
    /// A WAV of a quarter of a second, 8 kHz, 8 bit, one channel: 2044 bytes.
    static let wave: [UInt8] = {
        let samples = (0..<2000).map { UInt8($0 / 9 % 2 == 0 ? 0x70 : 0x90) }
        let format = number(16) + short(1) + short(1) + number(8000) + number(8000) + short(1) + short(8)
        let chunks = word("WAVE") + word("fmt ") + format + word("data") + number(samples.count) + samples
        return word("RIFF") + number(chunks.count) + chunks
    }()

    private static func word(_ text: String) -> [UInt8] { Array(text.utf8) }
    private static func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> ($0 * 8) & 0xFF) } }
    private static func short(_ value: Int) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF)] }
}
