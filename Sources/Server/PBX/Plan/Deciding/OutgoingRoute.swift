import Connector

/// A call that is to go outside.
package struct OutgoingQuestion: Sendable {
    package var number: PhoneNumber
    /// The extension that calls, or on whose account a call is sent on; `nil`: the house itself.
    package var caller: String?
    /// The country of numbers without a country code: where telephones may call of which nothing else is said.
    package var home: String
    package var at: Instant
    /// The line that is wished to be shown, in E.164.
    package var line: String?

    package init(_ number: PhoneNumber, caller: String? = nil, home: String, at: Instant, line: String? = nil) {
        self.number = number
        self.caller = caller
        self.home = home
        self.at = at
        self.line = line
    }
}

/// How a trunk stands at the moment of the question.
package struct TrunkStanding: Sendable, Equatable {
    /// Why it cannot be used now, in a few words; `nil` where it can.
    package var trouble: String?
    /// Lines of its account, where the plan names none.
    package var lines: [String]
    /// Channels that are free; `nil` where nobody counts them.
    package var freeChannels: Int?

    package init(trouble: String? = nil, lines: [String] = [], freeChannels: Int? = nil) {
        self.trouble = trouble
        self.lines = lines
        self.freeChannels = freeChannels
    }
}

/// A trunk to try.
package struct TrunkChoice: Hashable, Sendable {
    package var trunk: String
    /// The line shown; `nil` leaves it to the trunk's account.
    package var line: String?
    package var price: CallPrice?
    package var priority: Int
    /// The rule's place in the file, and which of its destinations fits; `nil` for an emergency call.
    package var fileLine: Int?
    package var destination: Destination?

    package init(
        trunk: String, line: String? = nil, price: CallPrice? = nil, priority: Int = 5, fileLine: Int? = nil,
        destination: Destination? = nil
    ) {
        self.trunk = trunk
        self.line = line
        self.price = price
        self.priority = priority
        self.fileLine = fileLine
        self.destination = destination
    }
}

/// A trunk, or a row of the table, that is not tried, and why.
package struct PassedOver: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// The rule's schedule is closed.
        case closed(String)
        /// The rule is for others.
        case caller
        /// Another rule says more of the number.
        case narrower(fileLine: Int)
        /// A rule that says more of the number forbids it.
        case forbidden(fileLine: Int)
        case trouble(String)
        case full
        case limit(TollGuard.Obstacle)
    }

    package var trunk: String
    package var price: Money?
    package var fileLine: Int
    package var reason: Reason

    package init(trunk: String, price: Money?, fileLine: Int, reason: Reason) {
        self.trunk = trunk
        self.price = price
        self.fileLine = fileLine
        self.reason = reason
    }
}

/// Which trunks a call takes, one after the other, and why.
package struct OutgoingDecision: Hashable, Sendable {
    package enum Refusal: Hashable, Sendable {
        /// The extension is none of the plan's.
        case unknownCaller
        /// It may not call there; the word that says so, `nil` where none allows it.
        case notPermitted(by: Destination?)
        /// A rule sends such calls to nobody.
        case forbidden(fileLine: Int)
        case limit(TollGuard.Obstacle)
        /// No rule is for this number.
        case noRule
        /// There are rules, but no trunk is left.
        case noTrunk

        /// The answer to whoever calls.
        package var status: UInt16 {
            switch self {
            case .unknownCaller, .notPermitted, .forbidden, .limit: 403
            case .noRule: 404
            case .noTrunk: 503
            }
        }
    }

    package var isEmergency = false
    /// In the order in which they are tried; no trunk comes twice.
    package var choices: [TrunkChoice] = []
    package var passedOver: [PassedOver] = []
    /// Why nothing is tried; with `choices` empty.
    package var refusal: Refusal?
    /// What allowed the extension to call there.
    package var permittedBy: Destination?
}

/// Finds the way of a call to the outside: by rights, limits, direction, schedule, priority and price. Pure.
///
/// Of the rules that fit, each trunk goes by the one that says most of the number (`Destination.specificity`), of equals by the first in the
/// file. Then lower priorities come first, then lower prices, unknown ones last, then the order of the file.
package struct OutgoingRoute {
    private struct Candidate {
        var rule: Int
        var place: Int
        var carrier: OutgoingRule.Carrier
        var destination: Destination
        var specificity: Int
    }

    private let plan: DialPlan
    private let standings: [String: TrunkStanding]
    private let spent: TollGuard?

    /// - Parameters:
    ///   - standings: by the plan's names of trunks; one that is absent is taken to be well.
    ///   - spent: what has been used of the limits; `nil` where nobody counts, as offline.
    package init(_ plan: DialPlan, standings: [String: TrunkStanding] = [:], spent: TollGuard? = nil) {
        self.plan = plan
        self.standings = standings
        self.spent = spent
    }

    package func decide(_ question: OutgoingQuestion) -> OutgoingDecision {
        if plan.emergency.numbers.contains(question.number.raw) { return emergency(question) }
        var decision = OutgoingDecision()
        if let refusal = rights(question, &decision) {
            decision.refusal = refusal
            return decision
        }
        guard let best = candidates(question, &decision) else { return decision }
        decision.choices = usable(best, question, &decision).map { choice($0, question) }
        if decision.choices.isEmpty { decision.refusal = .noTrunk }
        return decision
    }

    /// All its trunks, the troubled ones last: neither rights nor limits nor rules count.
    private func emergency(_ question: OutgoingQuestion) -> OutgoingDecision {
        var decision = OutgoingDecision(isEmergency: true)
        let names = plan.emergency.trunks.isEmpty ? plan.trunks.map(\.name) : plan.emergency.trunks
        let well = names.filter { standings[$0]?.trouble == nil }
        let troubled = names.filter { standings[$0]?.trouble != nil }
        var seen: Set<String> = []
        decision.choices = (well + troubled).filter { seen.insert($0).inserted }.map { name in
            TrunkChoice(trunk: name, line: line(name, rule: nil, question), price: nil, priority: 0)
        }
        if decision.choices.isEmpty { decision.refusal = .noTrunk }
        return decision
    }

    // MARK: Whether at all

    private func rights(_ question: OutgoingQuestion, _ decision: inout OutgoingDecision) -> OutgoingDecision.Refusal? {
        if let caller = question.caller {
            guard let one = plan.extensions[caller] else { return .unknownCaller }
            let (isAllowed, word) = one.mayDial.permit(question.number, home: question.home)
            guard isAllowed || isShortOfRules(question.number, one.mayDial) else { return .notPermitted(by: word) }
            decision.permittedBy = word
        }
        return spent?.obstacle(caller: question.caller, number: question.number, at: question.at).map { .limit($0) }
    }

    /// A short number that a rule names leads where the rule says: whoever may call anywhere may call it.
    private func isShortOfRules(_ number: PhoneNumber, _ rights: DialRights) -> Bool {
        guard number.e164 == nil, rights.allowed != [], !rights.denied.contains(.short(number.raw)) else { return false }
        return plan.outgoing.contains { $0.destinations.contains(.short(number.raw)) }
    }

    // MARK: By which rules

    /// For each trunk its rule; `nil` where the decision is made.
    private func candidates(_ question: OutgoingQuestion, _ decision: inout OutgoingDecision) -> [Candidate]? {
        var ban: (fileLine: Int, specificity: Int)?
        var candidates: [Candidate] = []
        for (index, rule) in plan.outgoing.enumerated() {
            guard let fit = Destination.best(rule.destinations, for: question.number) else { continue }
            if let reason = reasonToSkip(rule, question) {
                decision.passedOver += rule.carriers.map { PassedOver($0, rule, reason) }
            } else if rule.forbids {
                if fit.specificity > ban?.specificity ?? -1 { ban = (rule.fileLine, fit.specificity) }
            } else {
                for (place, carrier) in rule.carriers.enumerated() {
                    candidates.append(
                        Candidate(
                            rule: index, place: place, carrier: carrier, destination: fit.destination,
                            specificity: fit.specificity))
                }
            }
        }
        if let ban {
            let banned = candidates.filter { $0.specificity <= ban.specificity }
            candidates.removeAll { $0.specificity <= ban.specificity }
            decision.passedOver += banned.map { passed($0, .forbidden(fileLine: ban.fileLine)) }
            if candidates.isEmpty { decision.refusal = .forbidden(fileLine: ban.fileLine) }
        } else if candidates.isEmpty {
            decision.refusal = decision.passedOver.isEmpty ? .noRule : .noTrunk
        }
        return decision.refusal == nil ? narrowest(candidates, &decision) : nil
    }

    private func reasonToSkip(_ rule: OutgoingRule, _ question: OutgoingQuestion) -> PassedOver.Reason? {
        if !rule.callers.isEmpty, !(question.caller.map(rule.callers.contains) ?? false) { return .caller }
        if let name = rule.schedule, plan.schedules[name]?.isOpen(at: question.at) != true { return .closed(name) }
        return nil
    }

    /// Of each trunk's candidates the one that says most of the number; they come in the order of the file.
    private func narrowest(_ candidates: [Candidate], _ decision: inout OutgoingDecision) -> [Candidate] {
        var best: [String: Candidate] = [:]
        for candidate in candidates where candidate.specificity > best[candidate.carrier.trunk]?.specificity ?? -1 {
            best[candidate.carrier.trunk] = candidate
        }
        var chosen: [Candidate] = []
        for candidate in candidates {
            guard let winner = best[candidate.carrier.trunk] else { continue }
            if winner.rule == candidate.rule, winner.place == candidate.place {
                chosen.append(candidate)
            } else {
                decision.passedOver.append(passed(candidate, .narrower(fileLine: plan.outgoing[winner.rule].fileLine)))
            }
        }
        return chosen
    }

    // MARK: In which order

    private func usable(_ candidates: [Candidate], _ question: OutgoingQuestion, _ decision: inout OutgoingDecision)
        -> [Candidate]
    {
        let usable = candidates.filter { candidate in
            guard let reason = obstacle(candidate.carrier.trunk, question) else { return true }
            decision.passedOver.append(passed(candidate, reason))
            return false
        }
        return usable.sorted { order($0) < order($1) }
    }

    private func obstacle(_ trunk: String, _ question: OutgoingQuestion) -> PassedOver.Reason? {
        if let trouble = standings[trunk]?.trouble { return .trouble(trouble) }
        if let free = standings[trunk]?.freeChannels, free <= 0 { return .full }
        return spent?.obstacle(trunk: trunk, at: question.at).map { .limit($0) }
    }

    private func order(_ candidate: Candidate) -> (Int, Int64, Int, Int) {
        let rule = plan.outgoing[candidate.rule]
        return (rule.priority, candidate.carrier.price?.tenThousandths ?? .max, candidate.rule, candidate.place)
    }

    private func choice(_ candidate: Candidate, _ question: OutgoingQuestion) -> TrunkChoice {
        let rule = plan.outgoing[candidate.rule]
        let trunk = candidate.carrier.trunk
        let unit = plan.trunk(trunk)?.unit ?? .minute
        return TrunkChoice(
            trunk: trunk, line: line(trunk, rule: rule, question),
            price: candidate.carrier.price.map { CallPrice(minute: $0, unit: unit) }, priority: rule.priority,
            fileLine: rule.fileLine,
            destination: candidate.destination)
    }

    /// The line wished, then the rule's, then the caller's, then the trunk's first: the first that the trunk has.
    private func line(_ name: String, rule: OutgoingRule?, _ question: OutgoingQuestion) -> String? {
        let planned = plan.trunk(name)?.lines ?? []
        let own = planned.isEmpty ? standings[name]?.lines ?? [] : planned
        let callers = question.caller.flatMap { plan.extensions[$0]?.lines } ?? []
        let wishes = [question.line, rule?.line].compactMap(\.self) + callers
        return wishes.first { own.isEmpty || own.contains($0) } ?? own.first
    }

    private func passed(_ candidate: Candidate, _ reason: PassedOver.Reason) -> PassedOver {
        PassedOver(candidate.carrier, plan.outgoing[candidate.rule], reason)
    }
}

extension PassedOver {
    fileprivate init(_ carrier: OutgoingRule.Carrier, _ rule: OutgoingRule, _ reason: Reason) {
        self.init(trunk: carrier.trunk, price: carrier.price, fileLine: rule.fileLine, reason: reason)
    }
}

/// The trunks of a decision, tried one after the other.
package struct OutgoingAttempts: Sendable {
    private var rest: ArraySlice<TrunkChoice>
    private let rule: FailOverRule

    package init(_ decision: OutgoingDecision, of plan: DialPlan) {
        rest = decision.choices[...]
        // An emergency call is tried everywhere.
        rule = decision.isEmergency ? .always : plan.failOver
    }

    package mutating func first() -> TrunkChoice? { rest.popFirst() }

    /// The next trunk after one that failed; `nil` where the failure counts, or none is left.
    package mutating func next(after failure: FailOverRule.Failure, rang: Bool) -> TrunkChoice? {
        rule.goesOn(after: failure, rang: rang) ? rest.popFirst() : nil
    }
}
