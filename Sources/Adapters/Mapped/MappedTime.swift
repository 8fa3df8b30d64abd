import AdapterKit
import Connector

/// How a vendor writes a moment.
enum MappedTime: Sendable, Equatable {
    /// Seconds since 1970, perhaps with a fraction: `1793603720`, `1793603720.25`.
    case seconds
    case milliseconds
    case microseconds
    /// With its offset: `2026-11-02T10:15:20+03:00`.
    case rfc3339
    /// `2026-11-02 10:15:20`, with a blank or a `T`, as clocks in that zone show it.
    case local(LocalZone)

    /// Nil where the text is no such moment, or one before 1970 or after 9999.
    func read(_ text: String) -> Instant? {
        switch self {
        case .seconds: Self.seconds(text)
        case .milliseconds: Self.whole(text, perMillisecond: 1)
        case .microseconds: Self.whole(text, perMillisecond: 1000)
        case .rfc3339: Instant(rfc3339: text)
        case .local(let zone): LocalTimestamp.parse(text, in: zone)
        }
    }

    /// The zone that the text does not tell.
    var zone: LocalZone? {
        if case .local(let zone) = self { zone } else { nil }
    }

    private static func whole(_ text: String, perMillisecond unit: Int) -> Instant? {
        guard let number = DecimalInteger.parse(text.utf8) else { return nil }
        return moment(milliseconds: number / unit)
    }

    private static func seconds(_ text: String) -> Instant? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let whole = DecimalInteger.parse(first),
            (0...Int(Instant.latest.milliseconds / 1000)).contains(whole)
        else {
            return nil
        }
        guard parts.count == 2 else { return moment(milliseconds: whole * 1000) }
        // Three digits are milliseconds; what is finer goes.
        let digits = parts[1]
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let padded = Array(digits.prefix(3)) + [UInt8](repeating: 0x30, count: max(0, 3 - digits.count))
        guard let fraction = DecimalInteger.parse(padded) else { return nil }
        return moment(milliseconds: whole * 1000 + fraction)
    }

    private static func moment(milliseconds: Int) -> Instant? {
        guard milliseconds >= 0, milliseconds <= Instant.latest.milliseconds else { return nil }
        return Instant(milliseconds: Int64(milliseconds))
    }
}
