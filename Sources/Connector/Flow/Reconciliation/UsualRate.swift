/// How many calls a connection usually has at this time of the week, learned from its last four weeks: a pure value.
///
/// By hour of the week, the median of the weeks there are; where a connection is younger than two weeks, by hour of the day, the median
/// of its days. A median of few values is what a single odd day does not move.
package struct UsualRate: Sendable, Equatable {
    /// How far back is looked.
    package static let memory = Duration.seconds(28 * 86_400)
    private static let hoursOfWeek = 168
    private static let leastWeeks = 2
    private static let leastDays = 3

    /// Calls an hour, by hour of the week in UTC; `nil` where too little is known.
    private let rates: [Double?]

    /// - Parameters:
    ///   - hours: calls by the hour they began in; hours without calls are left out.
    ///   - now: the hour under way does not count.
    package init(_ hours: [SeenCalls], at now: Instant) {
        let present = Self.hour(now)
        let counts = Dictionary(hours.map { (Self.hour($0.begin), $0.seenByWebhook) }, uniquingKeysWith: +)
        let oldest = max(counts.filter { $0.value > 0 }.keys.min() ?? present, present - Int64(Self.hoursOfWeek * 4))
        rates = (0..<Int64(Self.hoursOfWeek)).map { hour in
            let weekly = Self.past(like: hour, every: Int64(Self.hoursOfWeek), before: present, since: oldest)
            if weekly.count >= Self.leastWeeks { return Self.median(weekly.map { counts[$0] ?? 0 }) }
            let daily = Self.past(like: hour, every: 24, before: present, since: oldest)
            return daily.count >= Self.leastDays ? Self.median(daily.map { counts[$0] ?? 0 }) : nil
        }
    }

    private static func hour(_ moment: Instant) -> Int64 { moment.milliseconds / SeenQuery.Unit.hour.rawValue }

    /// The hours behind the present one that are the same as `hour` but for whole periods.
    private static func past(like hour: Int64, every period: Int64, before present: Int64, since oldest: Int64) -> [Int64] {
        var last = present - 1
        last -= ((last - hour) % period + period) % period
        return Array(stride(from: last, through: oldest, by: -Int(period)).prefix(28))
    }

    private static func median(_ values: [Int]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? Double(sorted[middle]) : Double(sorted[middle - 1] + sorted[middle]) / 2
    }

    /// Whether anything is known.
    package var isLearned: Bool { rates.contains { $0 != nil } }

    /// Calls an hour at that moment.
    package func rate(at moment: Instant) -> Double? {
        let place = (Self.hour(moment) % Int64(Self.hoursOfWeek) + Int64(Self.hoursOfWeek)) % Int64(Self.hoursOfWeek)
        return rates[Int(place)]
    }

    /// Calls that usually begin in that time; of more than a week the last one counts.
    package func expected(from: Instant, to: Instant) -> Double {
        var sum = 0.0
        var moment = max(from, to.advanced(by: .seconds(-7 * 86_400)))
        while moment < to {
            let next = Instant(milliseconds: (Self.hour(moment) + 1) * SeenQuery.Unit.hour.rawValue)
            let end = min(next, to)
            sum += (rate(at: moment) ?? 0) * Double(end.milliseconds(since: moment)) / Double(SeenQuery.Unit.hour.rawValue)
            moment = end
        }
        return sum
    }
}

/// What a rate is learned from, read piece by piece: calls of the last weeks by the hour they began in, so far as they were seen while they
/// happened.
struct HourlyCalls: Sendable {
    /// How far back what was counted may have changed: calls are merged and deleted.
    private static let unsettled = Duration.seconds(86_400)

    private var counts: [Int64: Int32] = [:]
    private var readAt: Instant?

    /// From when on calls are to be counted again.
    func isReadFrom(at now: Instant) -> Instant {
        let oldest = Self.begin(of: now.advanced(by: .zero - UsualRate.memory))
        guard let readAt, readAt <= now else { return oldest }
        return max(oldest, Self.begin(of: readAt.advanced(by: .zero - Self.unsettled)))
    }

    /// Takes in what was counted from `from` until now.
    mutating func take(_ hours: [SeenCalls], from: Instant, at now: Instant) {
        let oldest = Self.begin(of: now.advanced(by: .zero - UsualRate.memory)).milliseconds
        counts = counts.filter { $0.key >= oldest && $0.key < from.milliseconds }
        for hour in hours where hour.seenByWebhook > 0 { counts[hour.begin.milliseconds] = Int32(clamping: hour.seenByWebhook) }
        readAt = now
    }

    /// Oldest first; hours without calls are left out.
    var all: [SeenCalls] {
        counts.sorted { $0.key < $1.key }.map { begin, count in
            SeenCalls(begin: Instant(milliseconds: begin), seenByWebhook: Int(count))
        }
    }

    private static func begin(of moment: Instant) -> Instant {
        let hour = SeenQuery.Unit.hour.rawValue
        return Instant(milliseconds: moment.milliseconds / hour * hour)
    }
}

/// Whether a connection is silent against its usual rate: a value without a clock.
package struct SilenceWatch: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        /// Too little is known of its usual rate.
        case learning
        case hearing
        case silent
    }

    /// Nothing is heard though so many calls usually come in that time. Of calls that come by chance none comes then once in 3,000 times.
    private static let alarmingCount = 8.0
    private static let shortestSilence = Duration.seconds(900)

    package private(set) var state = State.learning
    /// When the state began.
    package private(set) var since: Instant?
    package private(set) var lastHeardAt: Instant?
    /// Calls an hour that are usual now.
    package private(set) var usualPerHour: Double?
    /// Calls that usually come in as long a time as nothing was heard.
    package private(set) var expectedSinceLast = 0.0

    package init() {}

    /// What the operator is to know.
    package enum News: Sendable, Equatable {
        case silent(since: Instant, expected: Double)
        case recovered(silentSince: Instant)
    }

    /// Looks again.
    /// - Parameters:
    ///   - heardAt: when the connection was heard last, or when the gateway began to listen.
    package mutating func look(_ usual: UsualRate, heardAt: Instant, at now: Instant) -> News? {
        let silentSince = lastHeardAt
        lastHeardAt = heardAt
        usualPerHour = usual.rate(at: now)
        expectedSinceLast = usual.expected(from: heardAt, to: now)
        let isLong = heardAt.advanced(by: Self.shortestSilence) <= now
        let isSilent = isLong && expectedSinceLast >= Self.alarmingCount
        switch state {
        case .silent where !isSilent && heardAt == silentSince:
            // The usual rate was learned anew; it is silent until it is heard.
            return nil
        case .silent where !isSilent:
            enter(usual.isLearned ? .hearing : .learning, at: now)
            return .recovered(silentSince: silentSince ?? heardAt)
        case .hearing where isSilent, .learning where isSilent:
            enter(.silent, at: now)
            return .silent(since: heardAt, expected: expectedSinceLast)
        case .learning where usual.isLearned: enter(.hearing, at: now)
        default: break
        }
        return nil
    }

    private mutating func enter(_ state: State, at now: Instant) {
        self.state = state
        since = now
    }
}
