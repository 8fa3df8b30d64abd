import Connector

/// What a connection subscribes to.
package enum BeelinePlan: String, Sendable, CaseIterable {
    /// One subscription for each employee of Beeline's address book: each event then says for sure whose it is.
    case employees
    /// One for everybody.
    case company
}

/// Keeps all subscriptions of one connection: says what to do next, and takes in what came of it. Pure, as `BeelineSubscription` is.
///
/// Each is asked for once, and then when it falls due; one that was held before the gateway began is only looked at. What Beeline does
/// not take of one does not hinder the others; where it takes nothing (no answer, wrong token, too much) all of them rest.
struct BeelineBook: Sendable {
    enum Step: Sendable, Equatable {
        /// Ask who the employees are; `listed` or `listFailed` must follow.
        case list
        /// Ask whether a subscription is still there; `checked` must follow.
        case check(id: String)
        /// Subscribe; `granted` or `failed` must follow.
        case subscribe(BeelineSubject)
        /// Unsubscribe; `ended` must follow.
        case end(id: String)
        case wait(until: Instant)
    }

    private struct Entry: Sendable {
        let subject: BeelineSubject
        var subscription: BeelineSubscription
        /// A subscription that is, or may be, this one, and has not been looked at: its name and when it began.
        var candidate: (id: String, since: Instant, duration: Duration?)?
        var problem: String?
    }

    static let employeeLimit = 2000
    /// How often the employees are asked for.
    static let listInterval = Duration.seconds(3600)
    /// Subscriptions to end that are remembered, and ended ones.
    private static let endLimit = 200
    private static let shownItems = 200

    private let plan: BeelinePlan
    private let address: String
    private var entries: [Entry] = []
    /// Names of subscriptions that nobody needs, and how often ending one failed.
    private var superfluous: [(id: String, failures: Int)] = []
    private var recentlyEnded: [String] = []
    private var listDue: Instant
    private var listProblem: String?
    private var restUntil: Instant
    private var restProblem: ProviderFailure?
    private var failures = 0

    /// - Parameters:
    ///   - address: the connection's, with its `url_token`.
    ///   - notes: what an earlier book had; its subscriptions are taken over where they lead here.
    init(_ plan: BeelinePlan, address: String, notes: BeelineNotes?, at now: Instant) {
        self.plan = plan
        self.address = address
        listDue = now
        restUntil = now
        let isOurs = notes?.address == BeelineNotes.mark(of: address)
        for note in notes?.subscriptions.prefix(Self.employeeLimit) ?? [] {
            guard isOurs, note.subject.fits(plan), note.end > now, find(note.subject) == nil else {
                if note.end > now { superfluous.append((note.id, 0)) }
                continue
            }
            var entry = Entry(subject: note.subject, subscription: BeelineSubscription(at: now))
            entry.candidate = (note.id, note.since, Duration.milliseconds(note.end.milliseconds(since: note.since)))
            entries.append(entry)
        }
        superfluous = Array(superfluous.suffix(Self.endLimit))
        if plan == .company, entries.isEmpty { entries = [Entry(subject: .company, subscription: BeelineSubscription(at: now))] }
    }

    // MARK: What to do

    mutating func step(at now: Instant) -> Step {
        if now < restUntil { return .wait(until: restUntil) }
        if plan == .employees, now >= listDue { return .list }
        if let candidate = entries.lazy.compactMap(\.candidate).first { return .check(id: candidate.id) }
        var next = plan == .employees ? listDue : now.advanced(by: Self.listInterval)
        for index in entries.indices {
            switch entries[index].subscription.step(at: now) {
            case .ask: return .subscribe(entries[index].subject)
            case .wait(let until): next = min(next, until ?? next)
            }
        }
        if isComplete(at: now), let first = superfluous.first { return .end(id: first.id) }
        return .wait(until: next)
    }

    /// Where the events of a subscription are to come.
    func address(for subject: BeelineSubject) -> String { address + subject.entrance.path }

    private func isComplete(at now: Instant) -> Bool {
        !entries.isEmpty && entries.allSatisfy { $0.subscription.isHeld(at: now) }
    }

    private func find(_ subject: BeelineSubject) -> Int? { entries.firstIndex { $0.subject == subject } }
    private func find(id: String) -> Int? { entries.firstIndex { $0.subscription.id == id } }

    // MARK: Employees

    /// Who the employees are. An empty list is an error rather than a company without people: what is held stays.
    mutating func listed(_ employees: [BeelineEmployee], at now: Instant) {
        failures = 0
        listDue = now.advanced(by: Self.listInterval)
        guard !employees.isEmpty else {
            listProblem = "Beeline names no employees"
            return
        }
        listProblem = employees.count > Self.employeeLimit ? "Beeline names more than \(Self.employeeLimit) employees" : nil
        let wanted = employees.prefix(Self.employeeLimit).map(BeelineSubject.init)
        let isWanted = Set(wanted)
        for entry in entries where !isWanted.contains(entry.subject) {
            if let id = entry.subscription.id ?? entry.candidate?.id { discard(id) }
        }
        entries.removeAll { !isWanted.contains($0.subject) }
        var known = Set(entries.map(\.subject))
        for subject in wanted where known.insert(subject).inserted {
            entries.append(Entry(subject: subject, subscription: BeelineSubscription(at: now)))
        }
    }

    mutating func listFailed(_ failure: ProviderFailure, at now: Instant) {
        guard failure.isAboutOne else { return rest(failure, at: now) }
        listProblem = "the employees cannot be listed: \(failure)"
        listDue = now.advanced(by: max(.seconds(300), failure.retryAfter ?? .zero))
    }

    // MARK: Subscriptions

    mutating func granted(_ grant: BeelineGrant, to subject: BeelineSubject, at now: Instant) {
        failures = 0
        guard let index = find(subject) else { return discard(grant.id) }
        let old = entries[index].subscription.id
        entries[index].subscription.granted(grant, at: now)
        entries[index].problem = nil
        keep(grant.id)
        // A renewal that is a new subscription takes the place of the old one, which may still tell everything twice.
        if let old, old != grant.id { discard(old) }
    }

    mutating func failed(_ failure: ProviderFailure, of subject: BeelineSubject, at now: Instant) {
        if let index = find(subject) {
            entries[index].subscription.failed(failure, at: now)
            entries[index].problem = failure.description
        }
        if !failure.isAboutOne { rest(failure, at: now) }
    }

    /// What Beeline said of a subscription that may be there; `.rejected`: that it is not.
    mutating func checked(_ id: String, _ result: Result<BeelineStanding, ProviderFailure>, at now: Instant) {
        guard let index = entries.firstIndex(where: { $0.candidate?.id == id }), let candidate = entries[index].candidate else {
            return
        }
        switch result {
        case .failure(let failure) where !failure.isAboutOne: rest(failure, at: now)
        case .failure:
            failures = 0
            entries[index].candidate = nil
        case .success(let standing):
            failures = 0
            entries[index].candidate = nil
            let leadsHere = standing.address.map { $0 == address(for: entries[index].subject) } ?? true
            guard leadsHere, let duration = candidate.duration ?? standing.duration else { return discard(id) }
            guard candidate.since.advanced(by: duration) > now else { return }
            entries[index].subscription = BeelineSubscription(BeelineGrant(id: id, duration: duration), since: candidate.since)
            entries[index].problem = nil
            keep(id)
        }
    }

    // MARK: Ending

    /// What came of ending a subscription; one that Beeline does not know has ended.
    mutating func ended(_ id: String, _ failure: ProviderFailure?, at now: Instant) {
        guard let place = superfluous.firstIndex(where: { $0.id == id }) else { return }
        if let failure, !failure.isAboutOne {
            superfluous[place].failures += 1
            rest(failure, at: now)
            guard superfluous[place].failures >= Self.endAttempts else { return }
        } else {
            failures = 0
        }
        superfluous.remove(at: place)
        recentlyEnded.append(id)
        if recentlyEnded.count > Self.endLimit { recentlyEnded.removeFirst() }
    }

    /// It ends by itself within days.
    private static let endAttempts = 5

    private mutating func discard(_ id: String) {
        guard !recentlyEnded.contains(id), !superfluous.contains(where: { $0.id == id }) else { return }
        if superfluous.count >= Self.endLimit { superfluous.removeFirst() }
        superfluous.append((id, 0))
    }

    /// It is needed after all.
    private mutating func keep(_ id: String) {
        superfluous.removeAll { $0.id == id }
        recentlyEnded.removeAll { $0 == id }
    }

    // MARK: News

    /// Takes in what the decoder told.
    mutating func hear(_ signal: AdapterSignal, at now: Instant) {
        let id = signal[BeelineSignal.subscription]
        let entrance = BeelineEntrance(path: signal.path)
        switch signal.name {
        case BeelineSignal.terminated: hearEnd(of: id, entrance, at: now)
        case BeelineSignal.started where entrance != .bare: if let id { hearBeginning(of: id, entrance, at: now) }
        case BeelineSignal.started, BeelineSignal.foreign: if let id, find(id: id) == nil { discard(id) }
        default: break
        }
    }

    private mutating func hearEnd(of id: String?, _ entrance: BeelineEntrance, at now: Instant) {
        if let id {
            superfluous.removeAll { $0.id == id }
            if let index = find(id: id) { entries[index].subscription.terminated(id, at: now) }
            for index in entries.indices where entries[index].candidate?.id == id { entries[index].candidate = nil }
        } else if let index = only(entrance) {
            entries[index].subscription.terminated(nil, at: now)
        }
    }

    /// The one subscription that comes in there, where it is one.
    private func only(_ entrance: BeelineEntrance) -> Int? {
        let places = entries.indices.filter { entries[$0].subject.entrance == entrance }
        return places.count == 1 ? places[0] : nil
    }

    /// A subscription that we asked for without hearing the answer is ours all the same; a second one is one too many.
    private mutating func hearBeginning(of id: String, _ entrance: BeelineEntrance, at now: Instant) {
        guard find(id: id) == nil, !recentlyEnded.contains(id), let index = only(entrance) else { return }
        if entries[index].subscription.isHeld(at: now) {
            discard(id)
        } else if entries[index].candidate == nil {
            entries[index].candidate = (id, now, nil)
        }
    }

    // MARK: Rest

    /// Five seconds, then twice as long each time, five minutes at most, unless more is asked for.
    private mutating func rest(_ failure: ProviderFailure, at now: Instant) {
        let own = min(Duration.seconds(5 << min(failures, 6)), Self.longestRest)
        failures += 1
        let wish = failure.kind == .unauthorized ? Self.longestRest : failure.retryAfter ?? .zero
        restUntil = now.advanced(by: max(own, min(wish, .seconds(3600))))
        restProblem = failure
    }

    private static let longestRest = Duration.seconds(300)

    // MARK: How it stands

    /// What must outlive the gateway.
    var notes: BeelineNotes {
        BeelineNotes(
            address: BeelineNotes.mark(of: address),
            subscriptions: entries.compactMap { entry in
                if let id = entry.subscription.id, let since = entry.subscription.since, let end = entry.subscription.end {
                    return BeelineNotes.Subscription(subject: entry.subject, id: id, since: since, end: end)
                }
                guard let candidate = entry.candidate, let duration = candidate.duration else { return nil }
                return BeelineNotes.Subscription(
                    subject: entry.subject, id: candidate.id, since: candidate.since,
                    end: candidate.since.advanced(by: duration))
            })
    }

    func upkeep(at now: Instant) -> Upkeep {
        let kept = entries.count { $0.subscription.isHeld(at: now) }
        let problem = (failures > 0 ? restProblem?.description : nil) ?? listProblem ?? entries.lazy.compactMap(\.problem).first
        let count = entries.isEmpty ? "no subscription is held" : "\(kept) of \(entries.count) subscriptions are held"
        let words = count + (problem.map { "; \($0)" } ?? "")
        let condition: Upkeep.Condition =
            if kept == entries.count, kept > 0 {
                problem == nil ? .good : .impaired
            } else if problem != nil {
                kept > 0 ? .impaired : .failing
            } else {
                .starting
            }
        return Upkeep(
            condition, words, remedy: problem == nil ? nil : remedy, wanted: entries.count, kept: kept, items: items(at: now))
    }

    private var remedy: String {
        if failures > 0, restProblem?.kind == .unauthorized { return "check `token`: Beeline's cabinet, section API" }
        if listProblem != nil { return "`subscribe: company` needs no list of employees" }
        return "it is tried again by itself; calls may be missed meanwhile"
    }

    private func items(at now: Instant) -> [Upkeep.Item] {
        let items = entries.map { entry in
            Upkeep.Item(
                name: entry.subject.title, isKept: entry.subscription.isHeld(at: now), until: entry.subscription.end,
                problem: entry.problem)
        }
        return Array((items.filter { !$0.isKept } + items.filter(\.isKept)).prefix(Self.shownItems))
    }
}

/// For whom a subscription is.
struct BeelineSubject: Hashable, Sendable {
    /// By which it is asked for; nil for everybody.
    let pattern: String?
    let entrance: BeelineEntrance

    static let company = BeelineSubject(pattern: nil, entrance: .company)

    init(pattern: String?, entrance: BeelineEntrance) {
        self.pattern = pattern
        self.entrance = entrance
    }

    /// One whose name cannot stand in an address is told apart by his events.
    init(_ employee: BeelineEmployee) {
        self.init(pattern: employee.pattern, entrance: employee.name.map(BeelineEntrance.employee) ?? .company)
    }

    func fits(_ plan: BeelinePlan) -> Bool { (pattern == nil) == (plan == .company) }

    /// For people.
    var title: String {
        if case .employee(let name) = entrance { return name }
        return pattern ?? "company"
    }
}

extension ProviderFailure {
    /// Whether it concerns the one thing that was asked, rather than all that is asked.
    fileprivate var isAboutOne: Bool { [.rejected, .invalid, .unsupported].contains(kind) }
}
