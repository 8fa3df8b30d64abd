import Connector

/// Counts what goes outside and what it costs, against thieves: by trunk, by extension, by destination.
///
/// A value with time passed in, owned by whoever makes the calls. Hours and days are sliding windows in steps of five minutes and one hour: at
/// most so much is counted too long. It knows only what is limited, so its size is the plan's. Emergency calls are not told to it.
package struct TollGuard: Sendable {
    /// Whose limit it is.
    package enum Scope: Hashable, Sendable {
        case trunk(String)
        case `extension`(String)
        case destination(Destination)
    }

    package enum Measure: String, Hashable, Sendable, CaseIterable {
        case atOnce = "at_once"
        case anHour = "an_hour"
        case moneyADay = "money_a_day"
    }

    /// A limit that stands in a call's way.
    package struct Obstacle: Hashable, Sendable {
        package var scope: Scope
        package var measure: Measure

        package init(_ scope: Scope, _ measure: Measure) {
            self.scope = scope
            self.measure = measure
        }
    }

    /// What the operator is told of a limit; of each once an hour.
    package struct Alarm: Hashable, Sendable {
        package enum Level: String, Sendable {
            /// The plan's share of it is used up.
            case near
            case reached
            /// A call was refused for it.
            case refused
        }

        package var obstacle: Obstacle
        package var level: Level

        package init(_ obstacle: Obstacle, _ level: Level) {
            self.obstacle = obstacle
            self.level = level
        }
    }

    private struct Running {
        var scopes: [Scope]
        var trunk: String?
        var price: CallPrice?
        var answeredAt: Instant?

        func cost(at moment: Instant) -> Money {
            guard let price, let answeredAt else { return .zero }
            return price.cost(of: answeredAt.duration(to: moment))
        }

        func concerns(_ scope: Scope) -> Bool { scopes.contains(scope) || trunk.map { scope == .trunk($0) } == true }
    }

    private struct Count {
        var atOnce = 0
        var hour = SlidingCount(step: .seconds(300), steps: 12)
        var day = SlidingCount(step: .seconds(3600), steps: 24)
    }

    private var limits: [Scope: CallLimits] = [:]
    /// Those that are limited, in the order of the plan.
    private var destinations: [Destination] = []
    private var alarmPercent = 100
    private var counts: [Scope: Count] = [:]
    private var running: [UInt64: Running] = [:]
    private var told: [Alarm: Instant] = [:]

    package init(_ plan: DialPlan) { adopt(plan) }

    /// Goes by another plan; what was counted stays counted where the plan still limits it.
    package mutating func adopt(_ plan: DialPlan) {
        limits = [:]
        for trunk in plan.trunks { limits[.trunk(trunk.name)] = trunk.limits }
        for one in plan.extensions.values { limits[.extension(one.number)] = one.limits }
        for one in plan.destinationLimits { limits[.destination(one.destination)] = one.limits }
        destinations = plan.destinationLimits.map(\.destination)
        alarmPercent = plan.alarmPercent
        counts = counts.filter { limits[$0.key] != nil }
        told = told.filter { limits[$0.key.obstacle.scope] != nil }
    }

    // MARK: Asking

    /// The first limit that a further call of this extension to this number would break, its trunk aside.
    package func obstacle(caller: String?, number: PhoneNumber, at moment: Instant) -> Obstacle? {
        scopes(caller: caller, number: number).lazy.compactMap { self.obstacle($0, at: moment) }.first
    }

    /// The same of a trunk. The account that the plan names may be one of several of its connection.
    package func obstacle(trunk: String, at moment: Instant) -> Obstacle? { obstacle(.trunk(trunk), at: moment) }

    private func obstacle(_ scope: Scope, at moment: Instant) -> Obstacle? {
        guard let limits = limits[scope] else { return nil }
        for measure in Measure.allCases {
            guard let limit = limits.limit(measure), used(measure, scope, at: moment) >= limit else { continue }
            return Obstacle(scope, measure)
        }
        return nil
    }

    /// Calls that go on though the money of a limit is spent: they are to be ended. Worth asking every few seconds.
    package func exhausted(at moment: Instant) -> Set<UInt64> {
        var exhausted: Set<UInt64> = []
        for (scope, limits) in limits {
            guard let limit = limits.limit(.moneyADay), used(.moneyADay, scope, at: moment) >= limit else { continue }
            for (id, call) in running where call.answeredAt != nil && call.price != nil && call.concerns(scope) {
                exhausted.insert(id)
            }
        }
        return exhausted
    }

    /// How much of a limit is used up: calls, or ten-thousandths of the currency.
    package func used(_ measure: Measure, _ scope: Scope, at moment: Instant) -> Int64 {
        let count = counts[scope]
        switch measure {
        case .atOnce: return Int64(count?.atOnce ?? 0)
        case .anHour: return count?.hour.sum(at: moment) ?? 0
        case .moneyADay:
            let going = running.values.filter { $0.concerns(scope) }.reduce(Money.zero) { $0 + $1.cost(at: moment) }
            return (Money(tenThousandths: count?.day.sum(at: moment) ?? 0) + going).tenThousandths
        }
    }

    private func scopes(caller: String?, number: PhoneNumber) -> [Scope] {
        let caller = caller.map { [Scope.extension($0)] } ?? []
        let scopes = caller + destinations.filter { $0.specificity(for: number) != nil }.map { .destination($0) }
        return scopes.filter { limits[$0] != nil }
    }

    // MARK: Counting

    /// A call outside begins, before any trunk has it. One that is known already is left as it is.
    package mutating func begin(_ call: UInt64, caller: String?, number: PhoneNumber, at moment: Instant) -> [Alarm] {
        guard running[call] == nil else { return [] }
        let scopes = scopes(caller: caller, number: number)
        running[call] = Running(scopes: scopes)
        for scope in scopes { count(scope, at: moment) }
        return alarms(scopes, at: moment)
    }

    /// A trunk is tried; the one before has failed.
    package mutating func attempt(_ call: UInt64, trunk: String, price: CallPrice?, at moment: Instant) -> [Alarm] {
        guard let known = running[call] else { return [] }
        if let before = known.trunk { leave(.trunk(before)) }
        running[call]?.trunk = trunk
        running[call]?.price = price
        count(.trunk(trunk), at: moment)
        return alarms([.trunk(trunk)], at: moment)
    }

    package mutating func answered(_ call: UInt64, at moment: Instant) { running[call]?.answeredAt = moment }

    /// The call is over: what it cost is booked.
    package mutating func end(_ call: UInt64, at moment: Instant) -> [Alarm] {
        guard let ended = running.removeValue(forKey: call) else { return [] }
        let scopes = ended.scopes + (ended.trunk.map { [.trunk($0)] } ?? [])
        let cost = ended.cost(at: moment)
        for scope in scopes {
            leave(scope)
            counts[scope]?.day.add(cost.tenThousandths, at: moment)
        }
        return alarms(scopes, at: moment)
    }

    /// A call was refused for a limit.
    package mutating func refused(_ obstacle: Obstacle, at moment: Instant) -> Alarm? {
        let alarm = Alarm(obstacle, .refused)
        return tell(alarm, at: moment) ? alarm : nil
    }

    /// Limits that running calls have come near to meanwhile; worth asking with `exhausted`.
    package mutating func alarms(at moment: Instant) -> [Alarm] {
        alarms(limits.filter { $0.value.moneyADay != nil }.map(\.key), at: moment)
    }

    private mutating func count(_ scope: Scope, at moment: Instant) {
        guard limits[scope] != nil else { return }
        counts[scope, default: Count()].atOnce += 1
        counts[scope]?.hour.add(1, at: moment)
    }

    /// A plan that did not limit it for a while has forgotten calls that began before.
    private mutating func leave(_ scope: Scope) {
        guard let count = counts[scope] else { return }
        counts[scope]?.atOnce = max(count.atOnce - 1, 0)
    }

    // MARK: Alarms

    private mutating func alarms(_ scopes: [Scope], at moment: Instant) -> [Alarm] {
        var alarms: [Alarm] = []
        for scope in scopes {
            for measure in Measure.allCases {
                guard let limit = limits[scope]?.limit(measure), limit > 0 else { continue }
                let used = used(measure, scope, at: moment)
                let share = used.multipliedReportingOverflow(by: 100)
                guard share.overflow || share.partialValue / limit >= alarmPercent else { continue }
                let alarm = Alarm(Obstacle(scope, measure), used >= limit ? .reached : .near)
                if tell(alarm, at: moment) { alarms.append(alarm) }
            }
        }
        return alarms
    }

    private mutating func tell(_ alarm: Alarm, at moment: Instant) -> Bool {
        if let last = told[alarm], last <= moment, moment < last.advanced(by: .seconds(3600)) { return false }
        told[alarm] = moment
        return true
    }
}

extension CallLimits {
    fileprivate func limit(_ measure: TollGuard.Measure) -> Int64? {
        switch measure {
        case .atOnce: atOnce.map(Int64.init)
        case .anHour: anHour.map(Int64.init)
        case .moneyADay: moneyADay?.tenThousandths
        }
    }
}

/// A sum over the latest steps of time. Time that goes back counts as standing still.
struct SlidingCount: Sendable {
    private let step: Int64
    private var sums: [Int64]
    /// The number of the latest step.
    private var latest: Int64 = .min

    init(step: Duration, steps: Int) {
        self.step = max(step.milliseconds, 1)
        sums = Array(repeating: 0, count: steps)
    }

    /// The sum of the steps that `moment` still sees.
    func sum(at moment: Instant) -> Int64 {
        guard latest != .min else { return 0 }
        let passed = max(number(of: moment) - latest, 0)
        guard passed < sums.count else { return 0 }
        // The oldest steps have been left behind meanwhile.
        return (0..<(Int64(sums.count) - passed)).reduce(0) { sum, back in
            let (next, overflows) = sum.addingReportingOverflow(sums[slot(latest - back)])
            return overflows ? .max : next
        }
    }

    mutating func add(_ amount: Int64, at moment: Instant) {
        let number = number(of: moment)
        if latest == .min { latest = number }
        let passed = min(max(number - latest, 0), Int64(sums.count))
        for gone in 0..<passed { sums[slot(max(number, latest) - gone)] = 0 }
        latest = max(latest, number)
        let (sum, overflows) = sums[slot(latest)].addingReportingOverflow(amount)
        sums[slot(latest)] = overflows ? .max : sum
    }

    private func number(of moment: Instant) -> Int64 { moment.milliseconds / step - (moment.milliseconds % step < 0 ? 1 : 0) }

    private func slot(_ number: Int64) -> Int {
        let count = Int64(sums.count)
        return Int((number % count + count) % count)
    }
}
