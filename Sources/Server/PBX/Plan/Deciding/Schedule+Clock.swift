import AdapterKit
import Connector

extension Schedule {
    /// Whether somebody is there at that moment.
    package func isOpen(at moment: Instant) -> Bool {
        let seconds = Self.floor(moment.milliseconds, 1000)
        let local = seconds &+ zone.offset(at: seconds)
        let today = Self.floor(local, 86_400)
        let minute = Int(Self.floor(local &- today &* 86_400, 60))
        let isOpenSinceToday = hours(ofDay: today).contains { hours in
            hours.opens <= minute && (hours.lastsOvernight || minute < hours.closes)
        }
        return isOpenSinceToday || hours(ofDay: today - 1).contains { $0.lastsOvernight && minute < $0.closes }
    }

    /// The hours that begin on a day, counted in days since 1970-01-01.
    ///
    /// Of several exceptions for the day the one of the fewest days counts, then one with a year, then the first in the file.
    private func hours(ofDay day: Int64) -> [DayHours] {
        let fitting = exceptions.filter { $0.holds(day) }
        let best = fitting.min { ($0.dayCount, $0.first.year == nil ? 1 : 0) < ($1.dayCount, $1.first.year == nil ? 1 : 0) }
        // 1970-01-01 was a Thursday.
        return best?.hours ?? week[Int(((day + 3) % 7 + 7) % 7)]
    }

    private static func floor(_ value: Int64, _ unit: Int64) -> Int64 { value / unit - (value % unit < 0 ? 1 : 0) }
}

extension DayException {
    fileprivate func holds(_ day: Int64) -> Bool {
        let date = Instant.civilDate(fromDays: day)
        if let from = first.year, let to = last.year {
            return (from, first.month, first.day) <= date && date <= (to, last.month, last.day)
        }
        let today = (date.month, date.day)
        let isAfterFirst = (first.month, first.day) <= today
        let isBeforeLast = today <= (last.month, last.day)
        return spansNewYear ? isAfterFirst || isBeforeLast : isAfterFirst && isBeforeLast
    }

    private var spansNewYear: Bool { first.year == nil && (last.month, last.day) < (first.month, first.day) }

    fileprivate var dayCount: Int64 {
        // A leap year: 29 February counts where the calendar has it.
        let from = Instant.days(year: first.year ?? 2028, month: first.month, day: first.day)
        let to = Instant.days(year: last.year ?? (spansNewYear ? 2029 : 2028), month: last.month, day: last.day)
        return to - from + 1
    }
}
