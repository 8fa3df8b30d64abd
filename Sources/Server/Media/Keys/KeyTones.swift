import Glibc

/// The tones of a telephone's keys (ITU-T Q.23): one of four low frequencies and one of four high ones.
enum KeyTones {
    static let low: [Double] = [697, 770, 852, 941]
    static let high: [Double] = [1209, 1336, 1477, 1633]
    /// The numbers of the keys, row by row.
    private static let rows: [[Character]] = [
        ["1", "2", "3", "A"], ["4", "5", "6", "B"], ["7", "8", "9", "C"], ["*", "0", "#", "D"],
    ]

    /// A key's number by its place in the rows.
    static let codes: [[UInt8]] = rows.map { row in row.compactMap { TelephoneEvent.code(of: $0) } }

    /// 100 ms of each key with 100 ms of pause, by its number.
    static let clips: [AudioClip] = (0..<16).map { code in
        for (row, codes) in codes.enumerated() {
            guard let column = codes.firstIndex(of: UInt8(code)) else { continue }
            let wave = Waveform(frequencies: [low[row], high[column]], amplitude: 6000)
            return AudioClip(samples: wave.samples(800) + [Int16](repeating: 0, count: 800))
        }
        return AudioClip(samples: [])
    }
}

/// A sum of sine waves at 8,000 samples a second.
struct Waveform {
    var frequencies: [Double]
    /// Of each of them, of 32,767.
    var amplitude: Double

    /// The first so many samples, with 2.5 ms at either end to rise and fall, so that it does not click.
    func samples(_ count: Int) -> [Int16] {
        let slope = min(20, count / 2)
        return (0..<count).map { index in
            let sum = frequencies.reduce(0) { $0 + sin(2 * .pi * $1 * Double(index) / 8000) }
            let edge = min(index, count - 1 - index)
            let gain = edge < slope ? Double(edge) / Double(max(1, slope)) : 1
            return Int16(max(-32_767, min(32_767, sum * amplitude * gain)))
        }
    }
}
