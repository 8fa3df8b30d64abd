/// The two ways of ITU-T G.711 to write a sample in eight bits, and tables between them.
package enum G711: UInt8, Sendable, CaseIterable {
    case aLaw, muLaw

    /// What is heard as nothing.
    package var silence: UInt8 { self == .aLaw ? 0xD5 : 0xFF }

    /// 16-bit samples by code.
    package var decoding: [Int16] { self == .aLaw ? Self.decodedALaw : Self.decodedMuLaw }

    /// Codes of the other law by code.
    var converting: [UInt8] { self == .aLaw ? Self.muLawOfALaw : Self.aLawOfMuLaw }

    package func encode(_ sample: Int16) -> UInt8 { self == .aLaw ? Self.encodeALaw(sample) : Self.encodeMuLaw(sample) }

    package func decode(_ code: UInt8) -> Int16 { decoding[Int(code)] }

    /// Writes other codes in place of those in `place`: the other law's of the same sound.
    func convert(_ packet: inout MutableSpan<UInt8>, _ place: Range<Int>) {
        let table = converting
        for index in place { packet[index] = table[Int(packet[index])] }
    }

    private static let decodedALaw = (0..<256).map { decodeALaw(UInt8($0)) }
    private static let decodedMuLaw = (0..<256).map { decodeMuLaw(UInt8($0)) }
    private static let muLawOfALaw = decodedALaw.map(encodeMuLaw)
    private static let aLawOfMuLaw = decodedMuLaw.map(encodeALaw)

    /// Eight segments of sixteen steps, each twice as wide as the one before; the bits are alternately inverted.
    private static func encodeALaw(_ sample: Int16) -> UInt8 {
        let magnitude = sample >= 0 ? Int(sample) : -1 - Int(sample)
        let segment = segmentNumber(magnitude)
        let code = segment == 0 ? magnitude >> 4 : segment << 4 | (magnitude >> (segment + 3)) & 0x0F
        return UInt8(code) ^ (sample >= 0 ? 0xD5 : 0x55)
    }

    private static func decodeALaw(_ code: UInt8) -> Int16 {
        let plain = Int(code ^ 0x55)
        let (segment, step) = (plain >> 4 & 7, plain & 0x0F)
        let magnitude = segment == 0 ? step << 4 | 8 : (step << 4 + 0x108) << (segment - 1)
        return Int16(plain & 0x80 != 0 ? magnitude : -magnitude)
    }

    private static let bias = 132

    private static func encodeMuLaw(_ sample: Int16) -> UInt8 {
        let magnitude = min(abs(Int(sample)), 32_635) + bias
        let segment = segmentNumber(magnitude)
        let code = segment << 4 | (magnitude >> (segment + 3)) & 0x0F
        return ~UInt8(sample >= 0 ? code : code | 0x80)
    }

    private static func decodeMuLaw(_ code: UInt8) -> Int16 {
        let plain = Int(~code)
        let magnitude = ((plain & 0x0F) << 3 + bias) << (plain >> 4 & 7) - bias
        return Int16(plain & 0x80 != 0 ? -magnitude : magnitude)
    }

    /// 0 below 256, and one more each time it doubles.
    private static func segmentNumber(_ magnitude: Int) -> Int { max(0, magnitude.bitWidth - magnitude.leadingZeroBitCount - 8) }
}

extension AudioCodec {
    /// Its law, where it is one of the two.
    var law: G711? {
        switch kind {
        case .pcma: .aLaw
        case .pcmu: .muLaw
        case .other: nil
        }
    }
}
