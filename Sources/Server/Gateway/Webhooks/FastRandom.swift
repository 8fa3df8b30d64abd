/// Chance for identifiers, without a system call each (SplitMix64). Not for secrets: identifiers grant nothing.
struct FastRandom {
    private var state: UInt64

    init(seededBy generator: some RandomNumberGenerator) {
        var generator = generator
        state = generator.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func next128() -> UInt128 { UInt128(next()) << 64 | UInt128(next()) }
}
