/// Counts durations in buckets that grow with them: 32 to each doubling, so that a percentile is at most 3 % too high.
///
/// From a microsecond to an hour; what is longer counts as an hour. The memory is fixed, however many are counted.
package struct LatencyHistogram: Sendable, Equatable {
    private static let stepsPerDoubling = 32
    private static let longest: Int64 = 3_600_000_000
    private var buckets = [Int](repeating: 0, count: bucket(of: longest) + 1)
    package private(set) var count = 0
    /// The longest of all, exactly.
    package private(set) var maximum: Duration = .zero

    package init() {}

    package mutating func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let whole = min(max(seconds, 0), 3600)
        let microseconds = min(whole * 1_000_000 + max(attoseconds, 0) / 1_000_000_000_000, Self.longest)
        buckets[Self.bucket(of: microseconds)] += 1
        count += 1
        maximum = max(maximum, duration)
    }

    /// The duration that `share` (0 to 1) of those recorded do not exceed; zero where there is none.
    package func percentile(_ share: Double) -> Duration {
        let wanted = Int((Double(count) * min(max(share, 0), 1)).rounded(.up))
        var seen = 0
        for (index, inBucket) in buckets.enumerated() where inBucket > 0 {
            seen += inBucket
            if seen >= wanted { return min(.microseconds(Self.upperBound(of: index)), maximum) }
        }
        return .zero
    }

    /// The first 64 buckets are single microseconds; then 32 share each doubling.
    private static func bucket(of microseconds: Int64) -> Int {
        guard microseconds >= 64 else { return Int(microseconds) }
        let doubling = 58 - microseconds.leadingZeroBitCount
        return doubling * stepsPerDoubling + Int(microseconds >> Int64(doubling))
    }

    private static func upperBound(of bucket: Int) -> Int64 {
        guard bucket >= 64 else { return Int64(bucket) }
        let doubling = bucket / stepsPerDoubling - 1
        return Int64(bucket - doubling * stepsPerDoubling + 1) << Int64(doubling) - 1
    }
}
