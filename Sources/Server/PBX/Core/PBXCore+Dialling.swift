import Connector
import NetworkTypes
import PBXPlan
import SIP

/// What becomes of what a telephone dials, and of what a menu's caller dials.
extension PBXCore {
    func dial(_ meant: DialledText, for call: PBXCall, by short: String) {
        switch meant {
        case .extension(let number): call.follow(steps(to: number))
        case .group(let name): call.follow([.ring(RingStep([.group(name)]))])
        case .queue(let name): call.follow([.queue(name)])
        case .outside(let number): callOutside(number, for: call, by: short)
        case .emergency(let text): callOutside(numbering.number(text, defaultCountry: settings.country), for: call, by: short)
        case .pickUp(let owner): pickUp(ringingAt: owner, by: short, with: call)
        case .voicemail: call.begin(HearingMessages(call, of: short))
        case .echo: call.begin(Echoing(call))
        case .unknown: call.end(.invalidNumber, by: .system, cause: Cause(sip: 404, q850: 1), status: 404)
        }
    }

    /// A colleague's telephone, and what he wants done where he does not take it.
    func steps(to number: String) -> [PlanStep] {
        guard let phone = plan.extensions[number] else { return [.hangUp(.notFound)] }
        let ring = PlanStep.ring(RingStep([.target(.extension(number))], ringTime: phone.ringTime))
        if !phone.otherwise.isEmpty { return [ring] + phone.otherwise }
        return [ring] + (phone.voicemail.map { [.voicemail($0)] } ?? [])
    }

    // MARK: To the outside

    /// By the plan's rules: over the trunks that they allow, one after the other.
    private func callOutside(_ number: PhoneNumber, for call: PBXCall, by short: String) {
        let route = outgoingRoute(number, by: short, line: nil)
        if let refusal = route.refusal {
            return call.end(
                refusal.status == 503 ? .unreachable : .blocked, by: .system, cause: Cause(sip: Int(refusal.status), q850: 21),
                status: refusal.status)
        }
        call.line = route.choices.first?.line
        call.begin(
            Ringing(
                call, waves: waves(route, number, by: short), goesOn: { [plan] in plan.failOver.goesOn(status: $0, rang: $1) }))
    }

    func outgoingRoute(_ number: PhoneNumber, by short: String?, line: String?) -> OutgoingDecision {
        let decision = OutgoingRoute(plan, standings: trunks.standings(of: plan.trunks.map(\.name)), spent: toll.spent)
            .decide(OutgoingQuestion(number, caller: short, home: settings.country, at: wallClock(), line: line))
        toll.note(decision)
        return decision
    }

    /// One trunk a wave. How long one is left without any answer, `answerPatience` says; how long it rings, the caller.
    func waves(_ route: OutgoingDecision, _ number: PhoneNumber, by short: String?) -> [RingAttempt.Wave] {
        route.choices.compactMap { choice in
            candidate(choice, of: route, number, by: short).map {
                RingAttempt.Wave(
                    candidates: [$0], time: .seconds(120), patience: .seconds(6))
            }
        }
    }

    // MARK: Whom to ring

    /// Of a step of the plan, with what the record says of it.
    func ringOrder(_ ring: RingStep, for call: PBXCall) -> (waves: [RingAttempt.Wave], group: String?, step: PBXRecord.Step?) {
        var dice = random
        let waves = plan.rounds(of: ring, using: &dice).map { round in
            RingAttempt.Wave(candidates: round.targets.flatMap { candidates(for: $0) }, time: round.time)
        }
        guard ring.whom.count == 1, case .group(let name)? = ring.whom.first else { return (waves, nil, nil) }
        return (waves, name, PBXRecord.Step(.ringGroup, ref: name))
    }

    /// A target as legs: a telephone, or a number outside over the first trunk that the house's own rules give.
    func candidates(for target: RingTarget) -> [RingCandidate] {
        if case .extension(let short) = target { return [.phone(extension: short)] }
        guard let text = plan.number(of: target) else { return [] }
        let number = numbering.number(text, defaultCountry: settings.country)
        let owner: String? = if case .mobile(let short) = target { short } else { nil }
        let route = outgoingRoute(number, by: owner, line: nil)
        return route.choices.prefix(1).compactMap { candidate($0, of: route, number, by: owner) }
    }

    private func candidate(
        _ choice: TrunkChoice, of route: OutgoingDecision, _ number: PhoneNumber, by short: String?
    ) -> RingCandidate? {
        let toll = route.isEmergency ? nil : TollTicket(caller: short, price: choice.price)
        return TrunkID(choice.trunk).map { .trunk($0, number: number, line: choice.line, toll: toll) }
    }

    /// Whether a leg is that target's.
    func rings(_ target: RingTarget, _ leg: PBXLeg) -> Bool {
        if case .extension(let short) = target { return leg.extension == short }
        guard case .trunk(_, let number) = leg.place, let text = plan.number(of: target) else { return false }
        return numbering.number(text, defaultCountry: settings.country).e164 == number
    }

    // MARK: Menus

    /// Whether more digits may follow these to make a number of the house.
    func dialPlanMayContinue(_ digits: String) -> Bool {
        let numbers =
            Array(plan.extensions.keys) + plan.groups.values.compactMap(\.number) + plan.queues.values.compactMap(\.number)
        return numbers.contains { $0.hasPrefix(digits) && $0 != digits }
    }

    /// Where digits in a menu lead that is open to the house's numbers.
    func steps(dialledInMenu digits: String) -> [PlanStep]? {
        switch DialledText(digits, in: plan, home: settings.country, numbering: numbering) {
        case .extension(let number): steps(to: number)
        case .group(let name): [.ring(RingStep([.group(name)]))]
        case .queue(let name): [.queue(name)]
        default: nil
        }
    }
}

extension PBXCall {
    func follow(_ steps: [PlanStep]) {
        script = CallScript(steps, of: core.plan)
        proceed()
    }
}

extension FailOverRule {
    func goesOn(status: UInt16?, rang: Bool) -> Bool { goesOn(after: status.map { .status($0) } ?? .timeout, rang: rang) }
}
