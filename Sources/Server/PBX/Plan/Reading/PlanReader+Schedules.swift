import AdapterKit
import Connector

/// Reading when somebody is there.
extension PlanReader {
    private static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    mutating func readSchedule(_ name: String, _ field: SettingTree.Field, zoneIsGiven: Bool) {
        guard let fields = section(field.value, called: name, known: ["time_zone", "open", "except"]) else { return }
        if fields["time_zone"] == nil, !zoneIsGiven {
            note(
                "nobody knows whose clock `\(name)` goes by", hint: "write `time_zone: Europe/Moscow` under `pbx:`",
                at: field.place)
        }
        var schedule = Schedule(name: name, zone: zone(fields["time_zone"]) ?? plan.zone)
        guard let open = fields["open"] else {
            return note("`open` is missing in `\(name)`", hint: "write `open: {mon-fri: 09:00-18:00}`", at: field.place)
        }
        var isSaid = Array(repeating: false, count: 7)
        for (days, field) in entries(open) { readDays(days, field, &schedule, &isSaid) }
        for (day, field) in entries(fields["except"]) { readException(day, field, &schedule) }
        plan.schedules[name] = schedule
    }

    private mutating func readDays(_ text: String, _ field: SettingTree.Field, _ schedule: inout Schedule, _ isSaid: inout [Bool])
    {
        guard let days = Self.weekdays(text) else {
            return note("`\(text)` names no days", hint: "write mon, mon-fri, or \"sat, sun\"", at: field.place)
        }
        guard let hours = hours(field) else { return }
        for day in days {
            if isSaid[day] { note("`\(Self.days[day])` is said twice", hint: "give each day once", at: field.place) }
            isSaid[day] = true
            schedule.week[day] = hours
        }
    }

    /// Days by their place in the week; `sat-mon` goes over Sunday.
    private static func weekdays(_ text: String) -> [Int]? {
        var all: [Int] = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { days.firstIndex(of: trimmed($0)) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
            all += (0...((last - first + 7) % 7)).map { (first + $0) % 7 }
        }
        return all.isEmpty ? nil : all
    }

    /// `09:00-18:00`, several of them, `closed`, or `all day`.
    private mutating func hours(_ field: SettingTree.Field) -> [DayHours]? {
        if field.value.text == "closed" { return [] }
        let words = words(field)
        let hours = words.compactMap { word in Self.hours(word.text) }
        guard hours.count == words.count, !hours.isEmpty else {
            note(
                "`\(field.name)` has hours that are none",
                hint: "write 09:00-18:00, several with commas between them, all day, or closed", at: field.value.place)
            return nil
        }
        return hours
    }

    private static func hours(_ text: String) -> DayHours? {
        if text == "all day" { return .wholeDay }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { minutes(trimmed($0)) }
        guard ends.count == 2, let opens = ends[0], let closes = ends[1], opens < 1440 else { return nil }
        return DayHours(opens: opens, closes: closes)
    }

    /// Minutes from midnight of `9:00`, `09:00`, `24:00`.
    private static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...2).contains(parts[0].utf8.count), parts[1].utf8.count == 2,
            parts.allSatisfy({ areDigits($0) }),
            let hour = DecimalInteger.parse(parts[0].utf8), let minute = DecimalInteger.parse(parts[1].utf8), minute < 60,
            hour * 60 + minute <= 1440
        else { return nil }
        return hour * 60 + minute
    }

    // MARK: Other days

    /// `2026-12-31`, `12-31`, or two of a kind with `..` between them.
    private mutating func readException(_ text: String, _ field: SettingTree.Field, _ schedule: inout Schedule) {
        let ends = Self.ends(of: text).map { Self.day(Self.trimmed($0)) }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
            (first.year == nil) == (last.year == nil)
        else {
            return note(
                "`\(text)` is no day of the calendar",
                hint: "write 2026-12-31, 12-31 for every year, or two of a kind as in 01-01..01-08", at: field.place)
        }
        if let from = first.year, let to = last.year, (from, first.month, first.day) > (to, last.month, last.day) {
            return note("`\(text)` ends before it begins", hint: "write the earlier day first", at: field.place)
        }
        guard let hours = hours(field) else { return }
        schedule.exceptions.append(DayException(first: first, last: last, hours: hours))
    }

    private static func ends(of text: String) -> [Substring] {
        guard let dots = text.firstRange(of: "..") else { return [text[...]] }
        return [text[..<dots.lowerBound], text[dots.upperBound...]]
    }

    private static func day(_ text: String) -> DayException.Day? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), parts.suffix(2).allSatisfy({ $0.utf8.count == 2 }),
            parts.count == 2 || parts[0].utf8.count == 4
        else { return nil }
        let numbers = parts.compactMap { DecimalInteger.parse($0.utf8).map(Int64.init) }
        guard numbers.count == parts.count else { return nil }
        let (month, day) = (numbers[numbers.count - 2], numbers[numbers.count - 1])
        let year = numbers.count == 3 ? numbers[0] : nil
        // 29 February is a day of some years.
        guard (1...12).contains(month), (1...31).contains(day),
            Instant.civilDate(fromDays: Instant.days(year: year ?? 2028, month: month, day: day)) == (year ?? 2028, month, day)
        else { return nil }
        return DayException.Day(year: year, month: month, day: day)
    }
}
