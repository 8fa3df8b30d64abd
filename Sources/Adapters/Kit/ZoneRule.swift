import Connector

/// The rule at the end of a zone's file, such as `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX TZ, RFC 8536 §3.3): what holds from the last
/// listed transition on.
struct ZoneRule: Sendable, Equatable {
    /// A yearly moment in local time: a day of the year and seconds into it (may be negative or past midnight).
    struct Change: Sendable, Equatable {
        enum Day: Sendable, Equatable {
            /// The nth (5: last) of a weekday (0: Sunday) in a month.
            case weekday(month: Int64, nth: Int64, weekday: Int64)
            /// 1...365; 29 February is never counted.
            case julian(Int64)
            /// 0...365; 29 February is counted.
            case ordinal(Int64)
        }

        let day: Day
        let seconds: Int64

        /// Local seconds since 1970 of that moment in `year`.
        func localSeconds(in year: Int64) -> Int64 { dayNumber(in: year) * 86_400 + seconds }

        private func dayNumber(in year: Int64) -> Int64 {
            let newYear = Instant.days(year: year, month: 1, day: 1)
            switch day {
            case .ordinal(let day): return newYear + day
            case .julian(let day):
                let isLeap = Instant.days(year: year, month: 3, day: 1) - newYear == 60
                return newYear + day - 1 + (isLeap && day >= 60 ? 1 : 0)
            case .weekday(let month, let nth, let weekday):
                let first = Instant.days(year: year, month: month, day: 1)
                // 1970-01-01 was a Thursday.
                let day = first + ((weekday - (first + 4)) % 7 + 7) % 7 + 7 * (nth - 1)
                let next =
                    month == 12
                    ? Instant.days(year: year + 1, month: 1, day: 1) : Instant.days(year: year, month: month + 1, day: 1)
                return day < next ? day : day - 7
            }
        }
    }

    let standard: Int64
    let summer: (offset: Int64, begins: Change, ends: Change)?

    static func == (one: ZoneRule, other: ZoneRule) -> Bool {
        one.standard == other.standard && one.summer?.offset == other.summer?.offset && one.summer?.begins == other.summer?.begins
            && one.summer?.ends == other.summer?.ends
    }

    func offset(at seconds: Int64) -> Int64 {
        guard let summer else { return standard }
        let local = seconds &+ standard
        let days = local / 86_400 - (local % 86_400 < 0 ? 1 : 0)
        let year = Instant.civilDate(fromDays: days).year
        let begins = summer.begins.localSeconds(in: year) - standard
        let ends = summer.ends.localSeconds(in: year) - summer.offset
        let isSummer = begins < ends ? begins <= seconds && seconds < ends : begins <= seconds || seconds < ends
        return isSummer ? summer.offset : standard
    }

    /// Nil where the text is no such rule.
    init?(_ text: some Collection<UInt8>) {
        var reader = ZoneRuleReader(rest: Array(text)[...])
        guard reader.skipName(), let standard = reader.takeOffset() else { return nil }
        self.standard = -standard
        guard !reader.isAtEnd else {
            summer = nil
            return
        }
        guard reader.skipName() else { return nil }
        let offset = reader.isAtComma ? self.standard + 3600 : reader.takeOffset().map { -$0 }
        guard let offset, let begins = reader.takeChange(), let ends = reader.takeChange(), reader.isAtEnd else { return nil }
        summer = (offset, begins, ends)
    }
}

/// Takes a rule's text apart from its front.
private struct ZoneRuleReader {
    var rest: ArraySlice<UInt8>

    var isAtEnd: Bool { rest.isEmpty }
    var isAtComma: Bool { rest.first == UInt8(ascii: ",") }

    /// `MSK`, or `<+03>`.
    mutating func skipName() -> Bool {
        let before = rest.count
        if skip("<") {
            rest = rest.drop { $0 != UInt8(ascii: ">") }
            return skip(">")
        }
        rest = rest.drop { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }
        return before - rest.count >= 3
    }

    /// Seconds of `[+-]hh[:mm[:ss]]`; west of Greenwich is positive here.
    mutating func takeOffset() -> Int64? {
        let isNegative = skip("-")
        if !isNegative { _ = skip("+") }
        guard let hours = takeNumber(upTo: 167) else { return nil }
        var seconds = hours * 3600
        for unit in [Int64(60), 1] where skip(":") {
            guard let number = takeNumber(upTo: 59) else { return nil }
            seconds += number * unit
        }
        return isNegative ? -seconds : seconds
    }

    /// `,M3.5.0/3`, `,J60` or `,59`; at two o'clock unless it says otherwise.
    mutating func takeChange() -> ZoneRule.Change? {
        guard skip(","), let day = takeDay() else { return nil }
        guard skip("/") else { return ZoneRule.Change(day: day, seconds: 7200) }
        return takeOffset().map { ZoneRule.Change(day: day, seconds: $0) }
    }

    private mutating func takeDay() -> ZoneRule.Change.Day? {
        if skip("J") { return takeNumber(upTo: 365).flatMap { $0 > 0 ? .julian($0) : nil } }
        guard skip("M") else { return takeNumber(upTo: 365).map { .ordinal($0) } }
        guard let month = takeNumber(upTo: 12), month > 0, skip("."), let nth = takeNumber(upTo: 5), nth > 0, skip("."),
            let weekday = takeNumber(upTo: 6)
        else { return nil }
        return .weekday(month: month, nth: nth, weekday: weekday)
    }

    private mutating func takeNumber(upTo limit: Int64) -> Int64? {
        let digits = rest.prefix(4).prefix { (0x30...0x39).contains($0) }
        guard let number = DecimalInteger.parse(digits), Int64(number) <= limit else { return nil }
        rest = rest.dropFirst(digits.count)
        return Int64(number)
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }
}
