import AdapterKit
import Connector

/// When somebody is there: weekly hours, and days that are otherwise.
package struct Schedule: Sendable, Equatable {
    package var name: String
    package var zone: LocalZone
    /// Seven days from Monday on.
    package var week: [[DayHours]]
    package var exceptions: [DayException] = []

    package init(name: String, zone: LocalZone, week: [[DayHours]] = Array(repeating: [], count: 7)) {
        self.name = name
        self.zone = zone
        self.week = week
    }
}

/// Hours of a day, in minutes from its midnight. What ends before it begins, or at once, lasts past the next midnight.
package struct DayHours: Hashable, Sendable {
    /// 0 to 1439.
    package var opens: Int
    /// 0 to 1440; not counted itself.
    package var closes: Int

    package init(opens: Int, closes: Int) {
        self.opens = opens
        self.closes = closes
    }

    package static let wholeDay = DayHours(opens: 0, closes: 1440)

    /// Ends on the day after.
    var lastsOvernight: Bool { closes <= opens }
}

/// Days on which other hours count, or none.
package struct DayException: Sendable, Equatable {
    /// A day of the calendar; without a year, of each.
    package struct Day: Hashable, Sendable {
        package var year: Int64?
        package var month: Int64
        package var day: Int64

        package init(year: Int64? = nil, month: Int64, day: Int64) {
            self.year = year
            self.month = month
            self.day = day
        }
    }

    package var first: Day
    /// Included. A yearly range may go over the turn of the year.
    package var last: Day
    /// Empty is closed.
    package var hours: [DayHours]

    package init(first: Day, last: Day, hours: [DayHours]) {
        self.first = first
        self.last = last
        self.hours = hours
    }
}
