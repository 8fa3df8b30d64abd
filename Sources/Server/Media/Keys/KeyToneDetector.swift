import Glibc

/// Hears keys in the sound itself, where no telephone events were agreed on: Goertzel's filter for each of eight frequencies, in blocks
/// of 12.75 ms.
///
/// A key counts when two blocks in a row hold it, and counts again after two blocks without it (ITU-T Q.24: 40 ms of tone, pauses
/// of 40 ms). Speech is told from keys by the share of the energy that the two frequencies hold, and by the balance between them.
struct KeyToneDetector {
    private static let blockLength = 102
    /// The mean square of the quietest tone that counts: about -36 dBm0.
    private static let leastPower = 15_000.0
    private static let leastShare = 0.72
    /// How much stronger one frequency may be than the other: 8 dB.
    private static let greatestTwist = 6.4
    /// How much stronger a frequency must be than the next of its four.
    private static let leastLead = 4.0

    private static let coefficients: [Double] = (KeyTones.low + KeyTones.high).map { 2 * cos(2 * .pi * $0 / 8000) }

    private var first = [Double](repeating: 0, count: 8)
    private var second = [Double](repeating: 0, count: 8)
    private var energy = 0.0
    private var count = 0
    /// What the last block held, and for how many blocks nothing was.
    private var candidate: UInt8?
    private var pressed: UInt8?
    private var blocksWithout = 0

    /// Listens to a packet's payload.
    /// - Returns: the number of a key that is now known to be pressed.
    mutating func listen(_ packet: Span<UInt8>, _ place: Range<Int>, law: G711) -> UInt8? {
        let decoding = law.decoding
        var found: UInt8?
        for index in place {
            add(Double(decoding[Int(packet[index])]))
            if count == Self.blockLength { found = endBlock() ?? found }
        }
        return found
    }

    private mutating func add(_ sample: Double) {
        for index in 0..<8 {
            let next = sample + Self.coefficients[index] * first[index] - second[index]
            second[index] = first[index]
            first[index] = next
        }
        energy += sample * sample
        count += 1
    }

    private mutating func endBlock() -> UInt8? {
        let key = keyOfBlock()
        for index in 0..<8 { (first[index], second[index]) = (0, 0) }
        (energy, count) = (0, 0)
        defer { candidate = key }
        guard let key else {
            blocksWithout += 1
            if blocksWithout >= 2 { pressed = nil }
            return nil
        }
        guard key == candidate, key != pressed else { return nil }
        (pressed, blocksWithout) = (key, 0)
        return key
    }

    private func keyOfBlock() -> UInt8? {
        guard energy / Double(Self.blockLength) > Self.leastPower else { return nil }
        let powers = (0..<8).map(power)
        guard let low = Self.leader(of: powers[0..<4]), let high = Self.leader(of: powers[4..<8]) else { return nil }
        let (stronger, weaker) = (max(powers[low], powers[high]), min(powers[low], powers[high]))
        guard stronger <= weaker * Self.greatestTwist else { return nil }
        // A pure tone of the block's energy has a power of energy * length / 2.
        guard (powers[low] + powers[high]) * 2 / (energy * Double(Self.blockLength)) >= Self.leastShare else { return nil }
        return KeyTones.codes[low][high - 4]
    }

    private func power(_ index: Int) -> Double {
        let (last, before) = (first[index], second[index])
        return last * last + before * before - Self.coefficients[index] * last * before
    }

    private static func leader(of powers: ArraySlice<Double>) -> Int? {
        guard let best = powers.indices.max(by: { powers[$0] < powers[$1] }) else { return nil }
        return powers.indices.allSatisfy { $0 == best || powers[best] >= powers[$0] * leastLead } ? best : nil
    }
}
