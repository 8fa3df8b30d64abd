import AdapterKit
import Connector
import PBXPlan
import Testing

@Suite struct ScheduleTests {
    private static func schedule(_ yaml: String) throws -> Schedule {
        let plan = try PlanBench.plan(
            "extensions: {101: {secret: env:A}}\ntime_zone: Europe/Moscow\nschedules:\n  one:\n    \(yaml)")
        return try #require(plan.schedules["one"])
    }

    /// Moscow is three hours ahead of UTC; 2026-12-01 is a Tuesday.
    static let week: [(String, Bool)] = [
        ("2026-12-01T05:59:59.999Z", false), ("2026-12-01T06:00:00Z", true), ("2026-12-01T14:59:59Z", true),
        ("2026-12-01T15:00:00Z", false),
        // Saturday, with a break; Sunday.
        ("2026-12-05T07:00:00Z", true), ("2026-12-05T10:30:00Z", false), ("2026-12-05T11:00:00Z", true),
        ("2026-12-06T09:00:00Z", false),
        // Before the epoch: 1969-12-30, a Tuesday.
        ("1969-12-30T07:00:00Z", true), ("1969-12-30T05:59:00Z", false),
    ]

    @Test(arguments: week) func `weekly hours go by the schedule's clock`(_ moment: String, _ isOpen: Bool) throws {
        let schedule = try Self.schedule("open: {mon-fri: 09:00-18:00, sat: [10:00-13:00, 14:00-16:00]}")
        #expect(schedule.isOpen(at: PlanBench.moment(moment)) == isOpen)
    }

    static let nights: [(String, Bool)] = [
        // Friday evening belongs to Friday, and its night to Saturday's morning; Saturday evening has none.
        ("2026-12-04T18:59:00Z", false), ("2026-12-04T19:00:00Z", true), ("2026-12-05T02:59:00Z", true),
        ("2026-12-05T03:00:00Z", false),
        ("2026-12-05T20:00:00Z", false),
    ]

    @Test(arguments: nights) func `hours may last past midnight`(_ moment: String, _ isOpen: Bool) throws {
        #expect(try Self.schedule("open: {fri: 22:00-06:00}").isOpen(at: PlanBench.moment(moment)) == isOpen)
    }

    static let holidays: [(String, Bool)] = [
        ("2026-01-05T09:00:00Z", false), ("2027-01-08T09:00:00Z", false), ("2027-01-11T09:00:00Z", true),
        // The dated day before the yearly range, the shorter range before the longer.
        ("2027-01-07T09:00:00Z", true), ("2027-01-07T12:00:00Z", false),
        // A yearly range over the turn of the year.
        ("2026-12-31T09:00:00Z", false), ("2027-01-01T09:00:00Z", false), ("2026-12-29T09:00:00Z", true),
        // A Saturday that is worked.
        ("2026-11-07T09:00:00Z", true),
    ]

    @Test(arguments: holidays) func `other days have other hours`(_ moment: String, _ isOpen: Bool) throws {
        let schedule = try Self.schedule(
            "{open: {mon-fri: 09:00-18:00}, except: {12-30..01-08: closed, 2027-01-07: 10:00-14:00, 2026-11-07: 09:00-17:00}}")
        #expect(schedule.isOpen(at: PlanBench.moment(moment)) == isOpen)
    }

    @Test func `an exception ends what lasts past midnight only with its own hours`() throws {
        let schedule = try Self.schedule("{open: {mon-sun: 20:00-02:00}, except: {2026-12-02: closed}}")
        // Tuesday's night goes on into the closed Wednesday; Wednesday's own never begins.
        #expect(schedule.isOpen(at: PlanBench.moment("2026-12-01T22:30:00Z")))
        #expect(!schedule.isOpen(at: PlanBench.moment("2026-12-02T18:00:00Z")))
        #expect(!schedule.isOpen(at: PlanBench.moment("2026-12-02T22:30:00Z")))
    }

    @Test func `clocks that change are followed`() throws {
        let plan = try PlanBench.plan(
            """
            extensions: {101: {secret: env:A}}
            schedules: {berlin: {time_zone: Europe/Berlin, open: {mon-sun: 09:00-18:00}}}
            """)
        let schedule = try #require(plan.schedules["berlin"])
        #expect(!schedule.isOpen(at: PlanBench.moment("2026-03-28T07:30:00Z")))
        #expect(schedule.isOpen(at: PlanBench.moment("2026-03-29T07:30:00Z")))
        #expect(schedule.isOpen(at: PlanBench.moment("2026-10-24T07:30:00Z")))
        #expect(!schedule.isOpen(at: PlanBench.moment("2026-10-25T07:30:00Z")))
    }

    @Test func `all day is all day, and a schedule of no hours never opens`() throws {
        let always = try Self.schedule("open: {mon-sun: all day}")
        let never = try Self.schedule("open: {mon: closed}")
        for hour in 0..<200 {
            let moment = PlanBench.moment("2026-12-01T00:00:00Z").advanced(by: .seconds(hour * 3571))
            #expect(always.isOpen(at: moment))
            #expect(!never.isOpen(at: moment))
        }
    }
}
