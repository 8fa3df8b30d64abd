import Glibc

/// Tones, and how a test knows one again.
enum Tone {
    /// 20 ms of a sine as A-law, from the given sample on.
    static func packet(of frequency: Double, from sample: Int) -> [UInt8] {
        (sample..<sample + 160).map { place in
            ALaw.encode(Int16(8000 * sin(2 * .pi * frequency * Double(place) / 8000)))
        }
    }

    /// How much of the sound's energy is this tone: 1 for the tone alone, 0 for silence (Goertzel's filter).
    static func share(of frequency: Double, in samples: some Sequence<Int16>) -> Double {
        let step = 2 * cos(2 * .pi * frequency / 8000)
        var last = 0.0
        var beforeLast = 0.0
        var energy = 0.0
        var count = 0.0
        for sample in samples {
            let next = Double(sample) + step * last - beforeLast
            (beforeLast, last) = (last, next)
            energy += Double(sample) * Double(sample)
            count += 1
        }
        guard energy > 0 else { return 0 }
        return 2 * (last * last + beforeLast * beforeLast - step * last * beforeLast) / (count * energy)
    }
}

/// G.711 A-law.
enum ALaw {
    static func encode(_ sample: Int16) -> UInt8 {
        let value = sample >= 0 ? Int(sample) : -(Int(sample) + 1)
        let exponent = max(0, Int.bitWidth - value.leadingZeroBitCount - 8)
        let mantissa = exponent == 0 ? value >> 4 & 15 : value >> (exponent + 3) & 15
        return UInt8(exponent << 4 | mantissa | (sample >= 0 ? 0x80 : 0)) ^ 0x55
    }

    static func decode(_ byte: UInt8) -> Int16 {
        let bits = byte ^ 0x55
        let exponent = Int(bits >> 4 & 7)
        let mantissa = Int(bits & 15) << 4
        let value = exponent == 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1)
        return Int16(bits & 0x80 != 0 ? value : -value)
    }
}

/// A WAV file of 16-bit samples, as its header tells it.
struct Sound {
    let channels: [[Int16]]
    let rate: Int

    /// `nil` for what is no such file, or holds less than its header promises.
    init?(wav bytes: [UInt8]) {
        func number(_ place: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << ($1 * 8) } }
        guard bytes.count > 44, bytes[0..<4].elementsEqual("RIFF".utf8), bytes[8..<12].elementsEqual("WAVE".utf8) else {
            return nil
        }
        var place = 12
        var format: (channels: Int, rate: Int)?
        while place + 8 <= bytes.count {
            let size = number(place + 4, 4)
            let body = place + 8
            guard body + size <= bytes.count else { return nil }
            if bytes[place..<place + 4].elementsEqual("fmt ".utf8), number(body, 2) == 1, number(body + 14, 2) == 16 {
                format = (number(body + 2, 2), number(body + 4, 4))
            } else if bytes[place..<place + 4].elementsEqual("data".utf8), let format {
                rate = format.rate
                channels = (0..<format.channels).map { channel in
                    stride(from: body + channel * 2, to: body + size - 1, by: format.channels * 2).map {
                        Int16(truncatingIfNeeded: number($0, 2))
                    }
                }
                return
            }
            place = body + size + size & 1
        }
        return nil
    }

    var seconds: Double { Double(channels.first?.count ?? 0) / Double(rate) }
}
