import Connector

/// Plays one case with faults in it, and looks at what comes out.
///
/// Without a fault the case gives its true records. Each run with a fault is judged by the rules of the record and by what that fault
/// must not change; a run that fails is made as short as it can be and still fail.
struct FaultTrial {
    /// A run that failed, at its shortest.
    struct Failure: Sendable {
        var what: String
        var arrivals: [Arrival]
    }

    /// When everything is closed that nothing ended, after the case's last request.
    private static let closingAfter = Duration.seconds(12 * 3600)
    /// More steps of making a run shorter are not worth it.
    private static let shorteningLimit = 200

    let bench: ConformanceWorkbench
    let numbering: any NumberingPlan
    /// The case as it was recorded: what is journalled of it.
    let arrivals: [Arrival]
    /// When the calls are closed that nothing ended: the same in each run, so that it makes no difference.
    private let closing: Instant

    init(_ bench: ConformanceWorkbench, numbering: any NumberingPlan) {
        self.bench = bench
        self.numbering = numbering
        var arrivals = bench.accepted.map { Arrival(number: $0.number, request: $0.request) }
        if let log = bench.log { arrivals.append(.log(log, number: bench.requests.count)) }
        self.arrivals = arrivals
        let last = arrivals.filter { !$0.isLog }.map(\.request.receivedAt).max() ?? .earliest
        closing = last.advanced(by: Self.closingAfter)
    }

    /// What is wrong with the case where nothing goes wrong.
    func failure() -> Failure? { failure(of: FaultyRun(arrivals: arrivals, expectation: .sameEvents)) }

    /// What is wrong with `run`; nil where it went as it must.
    func failure(of run: FaultyRun) -> Failure? {
        guard let what = problem(in: run) else { return nil }
        let short = shortened(run, failingLike: what)
        return Failure(what: problem(in: short) ?? what, arrivals: short.arrivals)
    }

    // MARK: Judging

    private func problem(in run: FaultyRun) -> String? {
        do {
            let played = try play(run.arrivals)
            if let silent = played.silent { return "\(silent.name) gives nothing, not even a reason" }
            let records = try played.calls.records()
            let breaches = records.flatMap(RecordRules.breaches) + RecordRules.breaches(of: played.calls, isOver: true)
            if let breach = breaches.first(where: { !run.isSpoiled || $0.rule != 5 }) {
                return "rule \(breach.rule): \(breach.what)"
            }
            guard run.expectation != .rulesAlone else { return nil }
            let truth = try play(truth(of: run)).calls
            if run.expectation == .sameEvents, played.calls.told != truth.told {
                return "rule 1: a request makes other events than it did"
            }
            return difference(records, try truth.records(), run.expectation)
        } catch {
            return "the events cannot be folded: \(error)"
        }
    }

    /// The requests of the run, each once and as it was recorded.
    private func truth(of run: FaultyRun) -> [Arrival] {
        let numbers = Set(run.arrivals.map(\.number))
        return arrivals.filter { numbers.contains($0.number) }
    }

    private func difference(_ records: [JSONValue], _ truth: [JSONValue], _ expectation: FaultyRun.Expectation) -> String? {
        switch expectation {
        case .rulesAlone: return nil
        case .sameCalls:
            let calls = records.filter(Self.isStanding).map(RecordShape.gist).sorted()
            let expected = truth.filter(Self.isStanding).map(RecordShape.gist).sorted()
            if calls == expected { return nil }
            return calls.count == expected.count
                ? "a call is between others, or has other names" : "there are \(calls.count) calls instead of \(expected.count)"
        case .sameEvents, .sameRecords:
            let calls = Self.sorted(RecordShape.standing(records))
            let expected = Self.sorted(RecordShape.standing(truth))
            guard calls.count == expected.count else {
                return "rule 1: there are \(calls.count) calls instead of \(expected.count)"
            }
            let fields = zip(calls, expected).flatMap { RecordShape.difference($0, $1) }
            return fields.isEmpty ? nil : "rule 1: another \(Set(fields).sorted().joined(separator: ", "))"
        }
    }

    private static func isStanding(_ record: JSONValue) -> Bool { record["merged_into"] == .null }

    /// In an order that depends on no identifier.
    private static func sorted(_ records: [JSONValue]) -> [JSONValue] {
        records.map { ($0, String(decoding: $0.encoded, as: UTF8.self)) }.sorted { $0.1 < $1.1 }.map(\.0)
    }

    // MARK: Playing

    private struct Played {
        var calls: RecordPlay
        /// Something of which the reader made nothing.
        var silent: Arrival?
    }

    private func play(_ arrivals: [Arrival]) throws -> Played {
        let decoder = bench.makeDecoder()
        var played = Played(calls: RecordPlay(profile: bench.profile, numbering: numbering))
        for arrival in arrivals.filter({ !$0.isLate }) { try take(arrival, decoder, &played) }
        try played.calls.close(at: closing)
        for arrival in arrivals.filter(\.isLate) { try take(arrival, decoder, &played) }
        try played.calls.close(at: max(closing, played.calls.latestNews).advanced(by: Self.closingAfter))
        return played
    }

    private func take(_ arrival: Arrival, _ decoder: any EventDecoder, _ played: inout Played) throws {
        guard arrival.isLog || arrival.skipsGate || bench.accepts(arrival.request) else { return }
        let raw = raw(arrival)
        let decoded = bench.decode(raw, by: decoder)
        if decoded.isEmpty, played.silent == nil { played.silent = arrival }
        try played.calls.take(decoded, of: raw)
    }

    private func raw(_ arrival: Arrival) -> RawRecord {
        let number = arrival.number + arrival.repeats * 1000
        return arrival.isLog ? bench.raw(log: arrival.request.body, number: number) : bench.raw(arrival.request, number)
    }

    // MARK: Making it short

    /// The run with as few requests as still fail in the same way. What is left out of the run is left out of the truth, and a request
    /// goes with its repeats.
    private func shortened(_ run: FaultyRun, failingLike what: String) -> FaultyRun {
        var short = run
        var steps = 0
        var place = 0
        while place < short.arrivals.count, steps < Self.shorteningLimit {
            steps += 1
            var shorter = short
            let left = shorter.arrivals.remove(at: place)
            if left.repeats == 0 { shorter.arrivals.removeAll { $0.number == left.number } }
            if !shorter.arrivals.isEmpty, let problem = problem(in: shorter), Self.kind(problem) == Self.kind(what) {
                short = shorter
            } else {
                place += 1
            }
        }
        return short
    }

    /// `rule 1` of `rule 1: another direction`.
    private static func kind(_ problem: String) -> Substring { problem.prefix { $0 != ":" } }
}

extension Arrival {
    fileprivate static func log(_ page: [UInt8], number: Int) -> Arrival {
        let request = RecordedRequest(method: "", path: "", query: "", headers: [], body: page, receivedAt: .earliest)
        return Arrival(number: number, request: request, isLog: true)
    }
}
