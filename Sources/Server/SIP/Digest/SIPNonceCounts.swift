import NetworkTypes

/// Which counts (`nc`) of which nonces have come: none is taken twice.
///
/// Bounded, in two halves: when the newer is full, the older is forgotten. Whatever was made before something forgotten and is not
/// known counts as old, so that forgetting costs a telephone one more challenge and lets nothing come again.
struct SIPNonceCounts {
    /// The highest count, and which of the 64 from it downwards came.
    private struct Window {
        var highest: UInt32 = 0
        var seen: UInt64 = 0

        /// Those that overtake each other on the way are let through, up to 63 behind the highest.
        mutating func take(_ count: UInt32) -> Bool {
            guard count <= highest else {
                let step = count - highest
                seen = step < 64 ? seen << UInt64(step) | 1 : 1
                highest = count
                return true
            }
            let behind = highest - count
            guard behind < 64, seen >> UInt64(behind) & 1 == 0 else { return false }
            seen |= 1 << UInt64(behind)
            return true
        }
    }

    private struct Half {
        var windows: [[UInt8]: Window] = [:]
        var newest = MonotonicInstant(nanoseconds: .min)
    }

    private let limit: Int
    private var newer = Half()
    private var older = Half()
    /// The newest moment of what was forgotten.
    private var forgotten = MonotonicInstant(nanoseconds: .min)

    /// - Parameter limit: nonces of one half.
    init(limit: Int = 20_000) { self.limit = limit }

    var count: Int { newer.windows.count + older.windows.count }

    /// Whether this count of a nonce, which was made then, comes for the first time.
    mutating func take(_ count: UInt32, of nonce: [UInt8], madeAt made: MonotonicInstant) -> Bool {
        guard count > 0 else { return false }
        if newer.windows[nonce] != nil { return newer.windows[nonce, default: Window()].take(count) }
        if older.windows[nonce] != nil { return older.windows[nonce, default: Window()].take(count) }
        guard made > forgotten else { return false }
        if newer.windows.count >= limit { turn() }
        newer.newest = max(newer.newest, made)
        return newer.windows[nonce, default: Window()].take(count)
    }

    private mutating func turn() {
        forgotten = max(forgotten, older.newest)
        older = newer
        newer = Half()
    }
}
