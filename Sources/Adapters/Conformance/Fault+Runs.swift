import Connector

extension Fault {
    /// Ways in which this fault happens to a case.
    /// - Parameters:
    ///   - arrivals: the case as it was recorded.
    ///   - count: how many are wanted; a short case has fewer.
    func runs(of arrivals: [Arrival], count: Int, dice: inout Dice) -> [FaultyRun] {
        guard arrivals.contains(where: { !$0.isLog }) else { return [] }
        switch self {
        case .reordering: return Self.reorderings(of: arrivals, count, &dice)
        case .duplication: return Self.duplications(of: arrivals, count, &dice)
        case .loss: return Self.losses(of: arrivals, count, &dice)
        case .delay: return Self.delays(of: arrivals, count, &dice)
        case .truncation: return Self.truncations(of: arrivals, count, &dice)
        case .clockSkew: return Self.skews(of: arrivals, &dice)
        case .encoding: return Self.encodings(of: arrivals, count, &dice)
        }
    }

    // MARK: Order and number

    /// The whole turned round, then neighbours that change places, then anything.
    private static func reorderings(of arrivals: [Arrival], _ count: Int, _ dice: inout Dice) -> [FaultyRun] {
        guard arrivals.count > 1 else { return [] }
        var orders = [Array(arrivals.reversed())]
        if let place = arrivals.indices.dropLast().randomElement(using: &dice) {
            var order = arrivals
            order.swapAt(place, place + 1)
            orders.append(order)
        }
        while orders.count < count { orders.append(arrivals.shuffled(using: &dice)) }
        return orders.prefix(max(1, count)).map { FaultyRun(arrivals: $0, expectation: .sameEvents) }
    }

    private static func duplications(of arrivals: [Arrival], _ count: Int, _ dice: inout Dice) -> [FaultyRun] {
        let all = arrivals + arrivals.map(again)
        let rest = (1..<max(1, count)).map { _ in
            arrivals.flatMap { arrival in Bool.random(using: &dice) ? [arrival, again(arrival)] : [arrival] }
        }
        return ([all] + rest).map { FaultyRun(arrivals: $0, expectation: .sameEvents) }
    }

    /// The same request a minute and a half later.
    private static func again(_ arrival: Arrival) -> Arrival {
        var again = arrival
        again.repeats += 1
        again.request.receivedAt = arrival.request.receivedAt.advanced(by: .seconds(90))
        return again
    }

    /// One is lost, or several; and what was lost may come at last, as when the vendor tries again.
    private static func losses(of arrivals: [Arrival], _ count: Int, _ dice: inout Dice) -> [FaultyRun] {
        var runs: [FaultyRun] = []
        var places = arrivals.indices.shuffled(using: &dice)
        while runs.count + 1 < max(2, count), let place = places.popLast() {
            var rest = arrivals
            let lost = rest.remove(at: place)
            if !rest.isEmpty { runs.append(FaultyRun(arrivals: rest, expectation: .rulesAlone)) }
            runs.append(FaultyRun(arrivals: rest + [lost], expectation: .sameEvents))
        }
        let some = arrivals.filter { _ in Bool.random(using: &dice) }
        if !some.isEmpty { runs.append(FaultyRun(arrivals: some, expectation: .rulesAlone)) }
        return runs
    }

    // MARK: Time

    private static let day = Duration.seconds(24 * 3600)

    private static func delays(of arrivals: [Arrival], _ count: Int, _ dice: inout Dice) -> [FaultyRun] {
        arrivals.indices.filter { !arrivals[$0].isLog }.shuffled(using: &dice).prefix(max(1, count)).map { place in
            var rest = arrivals
            var late = rest.remove(at: place)
            late.request.receivedAt = late.request.receivedAt.advanced(by: day)
            late.isLate = true
            late.change = "a day late"
            return FaultyRun(arrivals: rest + [late], expectation: .sameCalls)
        }
    }

    /// Three hours are what a forgotten time zone makes; a clock that is set right in the middle jumps.
    private static func skews(of arrivals: [Arrival], _ dice: inout Dice) -> [FaultyRun] {
        let middle = Int.random(in: 0..<max(1, arrivals.count), using: &dice)
        return [(0, 3), (0, -3), (middle, 3), (middle, -3)].map { first, hours in
            var skewed = arrivals
            for place in skewed.indices.dropFirst(first) where !skewed[place].isLog {
                skewed[place].request.receivedAt = skewed[place].request.receivedAt.advanced(by: .seconds(hours * 3600))
                skewed[place].change = "clock \(hours > 0 ? "+" : "")\(hours) h"
            }
            return FaultyRun(arrivals: skewed, expectation: .sameCalls)
        }
    }

    // MARK: Bytes

    /// One body ends early, or all do.
    private static func truncations(of arrivals: [Arrival], _ count: Int, _ dice: inout Dice) -> [FaultyRun] {
        (0..<max(1, count)).map { number in
            let chosen = number == 0 ? nil : arrivals.indices.randomElement(using: &dice)
            var cut = arrivals
            for place in cut.indices where chosen == nil || chosen == place {
                let length = Int.random(in: 0..<max(1, cut[place].request.body.count), using: &dice)
                cut[place].request.body.removeSubrange(min(length, cut[place].request.body.count)...)
                cut[place].change = "cut at byte \(length)"
                // A signature would hide what the reader makes of it.
                cut[place].skipsGate = number % 2 == 1
            }
            return FaultyRun(arrivals: cut, expectation: .rulesAlone, isSpoiled: true)
        }
    }

    private static func encodings(of arrivals: [Arrival], _ count: Int, _ dice: inout Dice) -> [FaultyRun] {
        var runs = Rewriting.allCases.compactMap { rewriting -> FaultyRun? in
            let rewritten = arrivals.map { changed($0, by: rewriting.rawValue, rewriting.rewrite) }
            return rewritten == arrivals ? nil : FaultyRun(arrivals: rewritten, expectation: .sameRecords)
        }
        for spoiling in Spoiling.allCases.shuffled(using: &dice).prefix(max(1, count)) {
            let spoiled = arrivals.map { changed($0, by: spoiling.rawValue) { spoiling.spoil($0, &dice) } }
            runs.append(FaultyRun(arrivals: spoiled, expectation: .rulesAlone, isSpoiled: true))
        }
        return runs
    }

    private static func changed(
        _ arrival: Arrival, by change: String, _ rewrite: (RecordedRequest) -> RecordedRequest
    ) -> Arrival {
        var changed = arrival
        changed.request = rewrite(arrival.request)
        guard changed.request != arrival.request else { return arrival }
        changed.change = change
        changed.skipsGate = true
        return changed
    }
}
