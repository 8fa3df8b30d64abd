import NetworkTypes

/// Arithmetic of numbers that wrap (RFC 1982, RFC 3550 §A.1).
enum RTPSequence {
    /// How far `later` lies behind `earlier`, from -32,768 to 32,767: negative where it came before.
    static func distance(from earlier: UInt16, to later: UInt16) -> Int { Int(Int16(bitPattern: later &- earlier)) }

    /// The same for timestamps.
    static func distance(from earlier: UInt32, to later: UInt32) -> Int { Int(Int32(bitPattern: later &- earlier)) }

    /// So much time in steps of a clock, wrapped.
    static func ticks(_ time: Duration, clockRate: UInt32) -> UInt32 {
        let nanoseconds = max(0, time.clampedNanoseconds)
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return UInt32(truncatingIfNeeded: seconds &* Int64(clockRate)) &+ UInt32(rest * Int64(clockRate) / 1_000_000_000)
    }
}
