/// The numbers that one seed gives (SplitMix64): the same ones in the same order, on every machine.
final class SimulatedChance {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var number = state
        number = (number ^ number >> 30) &* 0xBF58_476D_1CE4_E5B9
        number = (number ^ number >> 27) &* 0x94D0_49BB_1331_11EB
        return number ^ number >> 31
    }

    /// 0 to `limit` - 1.
    func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    func happens(percent: Int) -> Bool { below(100) < percent }

    func one<Value>(of values: [Value]) -> Value { values[below(values.count)] }

    func milliseconds(_ range: ClosedRange<Int>) -> Duration { .milliseconds(range.lowerBound + below(range.count)) }
}
