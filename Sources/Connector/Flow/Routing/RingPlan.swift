import Synchronization

/// Whom to ring for this caller: the responsible employee, then the group, then the fallback, by the CRM's word.
///
/// Asks the CRM once for a number, however many calls wait for it, and remembers the answer for a while. Where there is no word the
/// decision is the provider's own routing; how long a call waits for one is its caller's to say, so nothing here waits.
package final class RingPlan: Sendable {
    package struct Policy: Sendable {
        /// How long an answer counts; zero for the one call only.
        package var kept = Duration.seconds(300)
        /// How long it counts that the CRM does not know the number: it may be entered any moment.
        package var unknownKept = Duration.seconds(30)
        /// Answers remembered.
        package var capacity = 20_000
        /// Numbers asked about at once.
        package var concurrency = 64
        /// Calls that wait at once.
        package var waiting = 2000
        /// How long the CRM may think. Longer than calls wait: a late answer serves the caller's next attempt.
        package var patience = Duration.seconds(3)

        package init() {}
    }

    /// What was asked and decided since the start.
    package struct Statistics: Sendable {
        /// Questions to the CRM that it answered, and that it did not, by why.
        package var answered = 0
        package var failures: [ContactFailure.Code: Int] = [:]
        package var decisions: [RoutingDecision.Result: Int] = [:]
        /// Decisions that the journal did not take: their calls' `route[]` lacks them.
        package var unrecorded = 0
        package var underWay = 0
        package var known = 0
        /// The CRM is left alone.
        package var isClosed = false
    }

    /// Told what the operator should know; on any thread, must not block.
    package enum News: Sendable, Equatable {
        /// The CRM could not be asked, so often since this was last told.
        case failing(ContactFailure, failures: Int)
        case recovered
    }

    /// A call that waits for the answer to its question.
    private struct Waiter {
        let question: RoutingQuestion
        let connection: ConnectionProfile
        let ability: RoutingAbility
        let since: Instant
        let isFirst: Bool
        let then: @Sendable (RoutingDecision) -> Void
    }

    private struct State {
        var book: ContactBook
        var waiters: [ContactBook.Key: [Waiter]] = [:]
        var waiterCount = 0
        var statistics = Statistics()
        var trouble = TroublePace()
    }

    private let lookup: any ContactLookup
    private let numbering: any NumberingPlan
    private let clock: any Timekeeper
    private let policy: Policy
    private let executor: (any TaskExecutor)?
    private let observe: @Sendable (Duration) -> Void
    private let report: @Sendable (News) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - executor: where questions are put; that of the client that sends them saves changes of thread.
    ///   - observe: hears how long the CRM took for each answer.
    package init(
        lookup: any ContactLookup, numbering: any NumberingPlan, clock: any Timekeeper, policy: Policy = Policy(),
        executor: (any TaskExecutor)? = nil, observe: @escaping @Sendable (Duration) -> Void = { _ in },
        report: @escaping @Sendable (News) -> Void = { _ in }
    ) {
        self.lookup = lookup
        self.numbering = numbering
        self.clock = clock
        self.policy = policy
        self.executor = executor
        self.observe = observe
        self.report = report
        state = Mutex(State(book: ContactBook(policy)))
    }

    // MARK: Deciding

    /// The decision, where it needs nobody's word; else `nil`, and `then` is called with it later, once, on any thread.
    ///
    /// Later is at the latest when the policy's patience is over. A call that cannot wait so long takes `expire()` instead.
    package func decide(
        _ question: RoutingQuestion, for connection: ConnectionProfile, _ ability: RoutingAbility,
        then: @escaping @Sendable (RoutingDecision) -> Void
    ) -> RoutingDecision? {
        let now = clock.now()
        let number = numbering.number(question.number, defaultCountry: connection.defaultCountry)
        // Nobody knows who hides.
        guard number.kind != .anonymous else { return RoutingDecision(.unknownCaller) }
        let key = ContactBook.Key(tenant: connection.tenant, number: number.e164 ?? number.raw)
        let consultation = state.withLock { state in
            let consultation = state.book.consult(key, at: now)
            guard consultation == .ask || consultation == .wait else { return consultation }
            guard consultation == .ask || state.waiterCount < policy.waiting else { return .overloaded }
            let waiter = Waiter(
                question: question, connection: connection, ability: ability, since: now, isFirst: consultation == .ask,
                then: then)
            state.waiters[key, default: []].append(waiter)
            state.waiterCount += 1
            return consultation
        }
        switch consultation {
        case .known(let answer): return decision(answer, .cached, for: connection, ability, took: .zero)
        case .closed: return RoutingDecision(.closed)
        case .overloaded: return RoutingDecision(.overloaded)
        case .wait: return nil
        case .ask:
            ask(key, query(question, number, for: connection, ability), deadline: now.advanced(by: ability.deadline))
            return nil
        }
    }

    /// The decision of a call whose time is over.
    package static func expired(_ ability: RoutingAbility) -> RoutingDecision {
        RoutingDecision(.late, took: ability.deadline)
    }

    private func query(
        _ question: RoutingQuestion, _ number: PhoneNumber, for connection: ConnectionProfile, _ ability: RoutingAbility
    ) -> ContactQuery {
        ContactQuery(
            tenant: connection.tenant, connection: connection.id, provider: connection.provider, number: number,
            line: question.line.map { numbering.number($0, defaultCountry: connection.defaultCountry) }, call: question.call,
            patience: ability.deadline)
    }

    // MARK: Asking

    private func ask(_ key: ContactBook.Key, _ query: ContactQuery, deadline: Instant) {
        Task(executorPreference: executor) { [self] in
            let begin = ContinuousClock.now
            let result: Result<ContactAnswer, ContactFailure>
            do throws(ContactFailure) {
                result = .success(try await lookup.ask(query, within: policy.patience))
            } catch {
                result = .failure(error)
            }
            observe(begin.duration(to: .now))
            settle(key, result, deadline: deadline)
        }
    }

    private func settle(_ key: ContactBook.Key, _ result: Result<ContactAnswer, ContactFailure>, deadline: Instant) {
        let now = clock.now()
        let (waiters, news) = state.withLock { state in
            let news = Self.note(result, of: key, inTime: now <= deadline, at: now, in: &state)
            let waiters = state.waiters.removeValue(forKey: key) ?? []
            state.waiterCount -= waiters.count
            return (waiters, news)
        }
        if let news { report(news) }
        for waiter in waiters {
            let took = waiter.since.duration(to: now)
            switch result {
            case .success(let answer):
                waiter.then(
                    decision(answer, waiter.isFirst ? .asked : .cached, for: waiter.connection, waiter.ability, took: took))
            case .failure(let failure):
                waiter.then(RoutingDecision(failure.code == .timeout ? .late : .failed, took: took))
            }
        }
    }

    private static func note(
        _ result: Result<ContactAnswer, ContactFailure>, of key: ContactBook.Key, inTime: Bool, at now: Instant,
        in state: inout State
    ) -> News? {
        switch result {
        case .success(let answer):
            state.book.settle(key, answer, inTime: inTime, at: now)
            state.statistics.answered += 1
            return state.trouble.recovered() ? .recovered : nil
        case .failure(let failure):
            state.book.fail(key, at: now)
            state.statistics.failures[failure.code, default: 0] += 1
            return state.trouble.failed(at: now).map { .failing(failure, failures: $0) }
        }
    }

    // MARK: Counting

    /// Counts what became of a call's question; called by whoever carries the decision out.
    package func note(_ result: RoutingDecision.Result) {
        state.withLock { $0.statistics.decisions[result, default: 0] += 1 }
    }

    /// Counts decisions that the journal did not take; from any thread.
    package func noteUnrecorded(_ count: Int = 1) {
        state.withLock { $0.statistics.unrecorded += count }
    }

    package var statistics: Statistics {
        let now = clock.now()
        return state.withLock { state in
            var statistics = state.statistics
            statistics.underWay = state.book.underWayCount
            statistics.known = state.book.knownCount
            statistics.isClosed = state.book.closed(at: now) != nil
            return statistics
        }
    }
}

// MARK: - Choosing

extension RingPlan {
    /// What an answer means for a call of this connection.
    private func decision(
        _ answer: ContactAnswer, _ word: RoutingDecision.Result, for connection: ConnectionProfile, _ ability: RoutingAbility,
        took: Duration
    ) -> RoutingDecision {
        var decision = RoutingDecision(word, callerName: answer.name, took: took)
        guard answer != .unknown else { return decision.left(.unknownCaller, took: took) }
        if answer.rejects, ability.rejects {
            decision.rejects = true
            return decision
        }
        var isImpossible = answer.rejects
        var isStranger = false
        for candidate in candidates(answer, in: connection) {
            guard let target = candidate else {
                isStranger = true
                continue
            }
            guard ability.targets.contains(target.kind) else {
                isImpossible = true
                continue
            }
            decision.target = target
            return decision
        }
        return decision.left(isImpossible ? .impossible : isStranger ? .unknownEmployee : .nobodyNamed, took: took)
    }

    /// Whom the CRM names, in the order in which they are wanted; `nil` for one whom nobody here knows.
    private func candidates(_ answer: ContactAnswer, in connection: ConnectionProfile) -> [RoutingTarget?] {
        var candidates: [RoutingTarget?] = []
        if let person = answer.responsible { candidates.append(target(person, in: connection)) }
        if let group = answer.group { candidates.append(Self.isWord(group) ? .group(group) : nil) }
        if let person = answer.fallback { candidates.append(target(person, in: connection)) }
        return candidates
    }

    /// Whom the CRM's word means at this connection; `nil` where nobody is known by it.
    private func target(_ person: ContactAnswer.Person, in connection: ConnectionProfile) -> RoutingTarget? {
        switch person {
        case .userID(let id): return connection.employee(withID: id).map { .user($0) }
        case .extension(let ref):
            // Who is not listed may be rung by his short number; a login must be listed.
            let isKnown = connection.employees[ref] != nil || Self.isShort(ref)
            return isKnown ? .user(ref) : nil
        case .number(let text):
            let number = numbering.number(text, defaultCountry: connection.defaultCountry)
            if let known = connection.employee(withNumber: number) { return .user(known) }
            return number.e164.map { .number($0) }
        }
    }

    private static func isShort(_ text: String) -> Bool {
        (2...6).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// What a provider may call a group: nothing that ends a line or a parameter.
    private static func isWord(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "-_.*@".utf8.contains(byte)
        }
    }
}

extension ConnectionProfile {
    /// The short number or login of an employee, by the CRM's identifier or by a `user_id` of call records; the shortest of several.
    func employee(withID id: String) -> String? {
        let known = employees.filter { $0.value.crmID == id }.keys.min { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
        if let known { return known }
        let prefix = "\(self.id.name)/"
        guard id.hasPrefix(prefix) else { return nil }
        let name = String(id.dropFirst(prefix.count))
        return employees[name] == nil ? nil : name
    }

    /// The employee who is listed under his own number, in whatever form.
    func employee(withNumber number: PhoneNumber) -> String? {
        guard let e164 = number.e164 else { return employees[number.raw] == nil ? nil : number.raw }
        let digits = e164.dropFirst()
        // Beeline lists ten digits: a country code has at most three.
        let forms = [e164, String(digits)] + (1...3).map { String(digits.dropFirst($0)) }
        return forms.first { $0.utf8.count >= 10 && employees[$0] != nil }
    }
}
