/// The name of one leg at its user agent: the relation to one peer, from its INVITE to its end. No name is given twice.
package struct SIPLegID: Hashable, Sendable {
    let slot: UInt32
    /// Below 2^31, so that the highest bit of `owner` tells a leg from whoever else sends requests.
    let generation: UInt32

    /// By what its transactions know it.
    var owner: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

    init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation & 0x7FFF_FFFF
    }

    /// nil where the owner is no leg.
    init?(owner: UInt64) {
        guard owner >> 63 == 0 else { return nil }
        self.init(slot: UInt32(truncatingIfNeeded: owner), generation: UInt32(owner >> 32))
    }
}

/// Our tag in a dialog: shard, leg and chance, in hexadecimal digits, so that a message is brought to its leg by a look at it.
///
/// A tag that fits is not believed for that: the leg compares it byte by byte with its own, chance included.
enum SIPLegTag {
    private static let length = 34

    static func written(shard: UInt8, _ leg: SIPLegID, chance: UInt64) -> [UInt8] {
        var tag: [UInt8] = []
        tag.reserveCapacity(length)
        HexDigits.append(UInt64(shard), count: 2, to: &tag)
        HexDigits.append(UInt64(leg.slot), count: 8, to: &tag)
        HexDigits.append(UInt64(leg.generation), count: 8, to: &tag)
        HexDigits.append(chance, count: 16, to: &tag)
        return tag
    }

    /// Which leg a tag names; nil where it is none of this shard's.
    static func leg(in tag: ArraySlice<UInt8>, shard: UInt8) -> SIPLegID? {
        guard tag.count == length else { return nil }
        let digits = tag.prefix(18)
        guard HexDigits.number(digits.prefix(2)) == UInt32(shard), let slot = HexDigits.number(digits.dropFirst(2).prefix(8)),
            let generation = HexDigits.number(digits.dropFirst(10))
        else { return nil }
        return SIPLegID(slot: slot, generation: generation)
    }
}
