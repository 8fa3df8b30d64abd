/// A moment in UTC, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// The record's only notion of time: no zone, no calendar. Local times of providers become instants at the border.
package struct Instant: Hashable, Comparable, Sendable {
    /// Milliseconds since the Unix epoch; negative before 1970.
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// The moment of a Unix time stamp in whole seconds, as most providers send it; out-of-range values are clamped.
    package init(unixSeconds: Int64) {
        let (product, overflow) = unixSeconds.multipliedReportingOverflow(by: 1000)
        milliseconds = overflow ? (unixSeconds < 0 ? Self.earliest : Self.latest).milliseconds : product
    }

    /// 0001-01-01 and 9999-12-31: what RFC 3339 can write with four digits of year.
    package static let earliest = Instant(milliseconds: -62_135_596_800_000)
    package static let latest = Instant(milliseconds: 253_402_300_799_999)

    package static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

    /// Milliseconds from `other` to this moment; negative where this one is earlier.
    package func milliseconds(since other: Instant) -> Int64 { milliseconds &- other.milliseconds }

    /// The moment `duration` later, in whole milliseconds.
    package func advanced(by duration: Duration) -> Instant {
        Instant(milliseconds: milliseconds &+ duration.milliseconds)
    }
}

extension Duration {
    /// The whole milliseconds in this duration.
    package var milliseconds: Int64 {
        components.seconds &* 1000 &+ components.attoseconds / 1_000_000_000_000_000
    }
}

// MARK: - RFC 3339

extension Instant {
    /// The year, month and day of a count of days since 1970-01-01 in the proleptic Gregorian calendar.
    ///
    /// Counts from 1 March of year 0, so that the leap day is the last of its year.
    package static func civilDate(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    /// Days since 1970-01-01 of a date in the proleptic Gregorian calendar; the date is taken as given, not validated.
    package static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// From this moment to `other`; negative where that was before.
    package func duration(to other: Instant) -> Duration { .milliseconds(other.milliseconds(since: self)) }

    /// How many bytes `writeRFC3339` writes.
    package static var textLength: Int { 24 }

    /// Writes the moment as `2026-11-02T07:15:20.000Z`, clamped to the years 1 to 9999.
    /// - Returns: `textLength`.
    package func writeRFC3339(to target: UnsafeMutablePointer<UInt8>) -> Int {
        let clamped = min(max(milliseconds, Self.earliest.milliseconds), Self.latest.milliseconds)
        var days = clamped / 86_400_000
        var rest = clamped % 86_400_000
        if rest < 0 {
            days -= 1
            rest += 86_400_000
        }
        let (year, month, day) = Self.civilDate(fromDays: days)
        Self.writePair(year / 100, UInt8(ascii: "-"), to: target)
        Self.writePair(year % 100, UInt8(ascii: "-"), to: target + 2)
        Self.writePair(month, UInt8(ascii: "-"), to: target + 5)
        Self.writePair(day, UInt8(ascii: "T"), to: target + 8)
        Self.writePair(rest / 3_600_000, UInt8(ascii: ":"), to: target + 11)
        Self.writePair(rest / 60_000 % 60, UInt8(ascii: ":"), to: target + 14)
        Self.writePair(rest / 1000 % 60, UInt8(ascii: "."), to: target + 17)
        Self.writePair(rest % 1000 / 10, 0, to: target + 20)
        target[22] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
        target[23] = UInt8(ascii: "Z")
        return Self.textLength
    }

    /// Two digits and what follows them.
    private static func writePair(_ value: Int64, _ next: UInt8, to target: UnsafeMutablePointer<UInt8>) {
        target[0] = 0x30 + UInt8(truncatingIfNeeded: value / 10)
        target[1] = 0x30 + UInt8(truncatingIfNeeded: value % 10)
        target[2] = next
    }

    /// Reads RFC 3339: `2026-11-02T10:15:20+03:00`, seconds fraction optional (digits past milliseconds are dropped),
    /// `Z` or an offset required. `nil` for anything else.
    package init?(rfc3339 text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard let (date, offset) = Self.readDateAndTime(bytes) else { return nil }
        guard let zone = Self.readZone(bytes[offset.end...]) else { return nil }
        milliseconds = date + offset.fraction - zone
    }

    private static func readDateAndTime(_ bytes: [UInt8]) -> (Int64, (fraction: Int64, end: Int))? {
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[13] == 0x3A, bytes[16] == 0x3A,
            bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: "t") || bytes[10] == 0x20,
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60,
            civilDate(fromDays: days(year: year, month: month, day: day)) == (year, month, day)
        else { return nil }
        let whole = ((days(year: year, month: month, day: day) * 24 + hour) * 60 + minute) * 60 + second
        var end = 19
        var fraction: Int64 = 0
        if bytes[end] == UInt8(ascii: ".") {
            end += 1
            var scale: Int64 = 100
            let first = end
            while end < bytes.count, (0x30...0x39).contains(bytes[end]) {
                fraction += Int64(bytes[end] - 0x30) * scale
                scale /= 10
                end += 1
            }
            guard end > first else { return nil }
        }
        return (whole * 1000, (fraction, end))
    }

    private static func readZone(_ zone: ArraySlice<UInt8>) -> Int64? {
        guard let sign = zone.first else { return nil }
        if zone.count == 1 { return sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") ? 0 : nil }
        let digits = zone.dropFirst()
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), digits.count == 5,
            digits[digits.startIndex + 2] == UInt8(ascii: ":")
        else { return nil }
        let values = digits.filter { $0 != UInt8(ascii: ":") }.map { Int64($0) - 0x30 }
        guard values.count == 4, values.allSatisfy({ (0...9).contains($0) }) else { return nil }
        let minutes = (values[0] * 10 + values[1]) * 60 + values[2] * 10 + values[3]
        return (sign == UInt8(ascii: "-") ? -minutes : minutes) * 60_000
    }
}

extension Instant: CustomStringConvertible {
    /// The RFC 3339 text in UTC with milliseconds.
    package var description: String {
        String(unsafeUninitializedCapacity: Self.textLength) { buffer in
            buffer.baseAddress.map { writeRFC3339(to: $0) } ?? 0
        }
    }
}
