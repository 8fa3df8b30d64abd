import Connector

/// Chance that a seed decides, with names beside it: a case fails again whatever other cases there are.
struct Dice: RandomNumberGenerator {
    private let seed: UInt64
    private var throwCount: UInt64 = 0

    init(seed: UInt64, _ names: String...) {
        var hash = StableHash()
        hash.combine(seed)
        for name in names { hash.combine(name) }
        self.seed = UInt64(truncatingIfNeeded: hash.value)
    }

    mutating func next() -> UInt64 {
        throwCount &+= 1
        var hash = StableHash()
        hash.combine(seed)
        hash.combine(throwCount)
        return UInt64(truncatingIfNeeded: hash.value)
    }
}
