import Connector

/// The time stamps of providers that write their customer's local time: `2026-11-02 10:15:20`.
package enum LocalTimestamp {
    /// The moment of a local time; nil where the text is none.
    ///
    /// `YYYY-MM-DD HH:MM:SS`, a `T` between date and time is taken too. A local time that comes twice (clocks go back) is the earlier
    /// of the two moments; one that never comes (clocks go forward) is as much later as the clocks jump. Java's `ZonedDateTime`
    /// decides alike.
    package static func parse(_ text: String, in zone: LocalZone) -> Instant? {
        var text = text
        guard let local = text.withUTF8({ localSeconds(UnsafeRawBufferPointer($0)) }) else { return nil }
        let before = zone.offset(at: local - 86_400)
        let after = zone.offset(at: local + 86_400)
        let fits = [before, after].first { zone.offset(at: local - $0) == $0 }
        return Instant(unixSeconds: local - (fits ?? before))
    }

    /// A moment as the local clock shows it, `YYYY-MM-DD HH:MM:SS`, for requests that ask for it; fractions are cut off.
    package static func format(_ instant: Instant, in zone: LocalZone) -> String {
        let clamped = min(max(instant, Instant(milliseconds: Instant.earliest.milliseconds + 172_800_000)), Instant.latest)
        let seconds = (clamped.milliseconds - (clamped.milliseconds % 1000 + 1000) % 1000) / 1000
        let local = Instant(unixSeconds: seconds + zone.offset(at: seconds)).description.utf8
        let text = local.prefix(19).map { $0 == UInt8(ascii: "T") ? UInt8(ascii: " ") : $0 }
        return String(decoding: text, as: UTF8.self)
    }

    /// Seconds since 1970 as if the text were UTC. Second 60 is taken as the next minute's first.
    private static func localSeconds(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        func number(_ place: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for position in place {
                let digit = bytes[position] &- UInt8(ascii: "0")
                guard digit < 10 else { return nil }
                value = value &* 10 &+ Int64(digit)
            }
            return value
        }
        guard bytes.count == 19, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), bytes[10] == UInt8(ascii: " ") || bytes[10] == UInt8(ascii: "T"),
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            year > 0, (1...12).contains(month), hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = Instant.days(year: year, month: month, day: day)
        guard Instant.civilDate(fromDays: days) == (year, month, day) else { return nil }
        return ((days * 24 + hour) * 60 + minute) * 60 + second
    }
}
