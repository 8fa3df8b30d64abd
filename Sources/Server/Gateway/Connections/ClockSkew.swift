import Connector

/// How far a provider's clock and ours are apart, judged by the times in its events.
///
/// An event arrives after it happened, mostly at once and sometimes late (a retry, a summary). The earliest arrival is therefore
/// the best measure: it is the clocks' difference and a moment on the way.
package struct ClockSkew: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        case good
        /// Events seem to come from the future: our clock is behind, or theirs ahead.
        case oursIsBehind
        /// Even the quickest event seems old: our clock is ahead, or the provider is slow.
        case oursIsAhead
        /// Off by so many whole and half hours: local times are read in the wrong zone.
        case wrongZone
    }

    /// Whole seconds are what vendors send, and some round up.
    private static let earliestGood: Int64 = -2000
    private static let latestGood: Int64 = 30_000
    private static let half: Int64 = 1_800_000
    private static let bound: Int64 = 1 << 50

    /// Milliseconds from the vendor's time to ours, of the event that came quickest; negative where it came before its time.
    package let least: Int64
    /// How many events were looked at.
    package let count: Int

    /// - Parameter events: recent ones of one connection. Those without a time of their own (`occurredAt` is `receivedAt`) do not
    ///   count. `nil` where none does.
    package init?(_ events: some Sequence<CallEvent>) {
        let delays = events.filter { $0.occurredAt != $0.receivedAt }.map { $0.receivedAt.milliseconds(since: $0.occurredAt) }
        guard let least = delays.min() else { return nil }
        // Times are the vendor's: far beyond what is sensible, no sum may overflow.
        self.least = min(max(least, -Self.bound), Self.bound)
        count = delays.count
    }

    package var verdict: Verdict {
        if (Self.earliestGood...Self.latestGood).contains(least) { return .good }
        if looksLikeZone { return .wrongZone }
        return least < 0 ? .oursIsBehind : .oursIsAhead
    }

    /// Near a whole number of half hours, up to what zones differ by.
    private var looksLikeZone: Bool {
        guard (Self.half...28 * Self.half).contains(abs(least) + Self.latestGood) else { return false }
        let past = least.quotientAndRemainder(dividingBy: Self.half).remainder
        let rest = past < 0 ? past + Self.half : past
        return rest <= Self.latestGood || rest >= Self.half + Self.earliestGood
    }
}
