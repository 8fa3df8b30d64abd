import Connector

/// Tells which way a call would take: the same decisions that the PBX makes, put into words.
package struct PlanPreview {
    let plan: DialPlan
    let connection: ConnectionID
    /// The country of numbers without a country code.
    let home: String
    let numbering: any NumberingPlan
    let standings: [String: TrunkStanding]
    let spent: TollGuard?

    /// - Parameters:
    ///   - standings: by the plan's names of trunks; one that is absent is taken to be well.
    ///   - spent: what has been used of the limits; `nil` where nobody counts.
    package init(
        _ plan: DialPlan, of connection: ConnectionID, home: String, numbering: any NumberingPlan,
        standings: [String: TrunkStanding] = [:], spent: TollGuard? = nil
    ) {
        self.plan = plan
        self.connection = connection
        self.home = home
        self.numbering = numbering
        self.standings = standings
        self.spent = spent
    }

    package func answer(_ question: RoutePreviewQuestion) -> RoutePreview {
        switch question.direction {
        case .inbound: inbound(question)
        case .outbound: outbound(question)
        }
    }

    // MARK: Out

    private func outbound(_ question: RoutePreviewQuestion) -> RoutePreview {
        switch DialledText(question.number, in: plan, home: home, numbering: numbering) {
        case .emergency(let number):
            return outside(PhoneNumber(raw: number, kind: .shortCode), question)
        case .outside(let number): return outside(number, question)
        case .extension(let number): return inside([extensionStep(number)] + after(number, question.at), question)
        case .group(let name): return inside([ring(RingStep([.group(name)]))], question)
        case .queue(let name): return inside(plan.queues[name].map { [queueStep($0)] } ?? [], question)
        case .pickUp(let owner): return inside([.init("pick_up", ref: owner)], question)
        case .voicemail:
            return inside([.init("voicemail", ref: question.from.flatMap { plan.extensions[$0]?.voicemail })], question)
        case .echo: return inside([.init("echo")], question)
        case .unknown:
            var preview = RoutePreview(connection, question, .refused)
            preview.reason = .init("not_a_number", "that is neither a number of the house nor one outside")
            preview.status = 404
            return preview
        }
    }

    private func inside(_ steps: [RoutePreview.Step], _ question: RoutePreviewQuestion) -> RoutePreview {
        var preview = RoutePreview(connection, question, .inside)
        preview.steps = steps
        return preview
    }

    private func outside(_ number: PhoneNumber, _ question: RoutePreviewQuestion) -> RoutePreview {
        let asked = OutgoingQuestion(number, caller: question.from, home: home, at: question.at)
        let decision = OutgoingRoute(plan, standings: standings, spent: spent).decide(asked)
        var preview = RoutePreview(connection, question, decision.isEmergency ? .emergency : .outside)
        preview.e164 = number.e164
        preview.trunks = decision.choices.map(trunk)
        preview.passedOver = decision.passedOver.map(trunk)
        if let refusal = decision.refusal {
            preview.outcome = .refused
            preview.reason = reason(refusal, question)
            preview.status = refusal.status
        }
        return preview
    }

    private func trunk(_ choice: TrunkChoice) -> RoutePreview.Trunk {
        RoutePreview.Trunk(
            choice.trunk, line: choice.line, price: choice.price.map { price($0.minute, $0.unit) },
            priority: choice.fileLine == nil ? nil : choice.priority, fileLine: choice.fileLine,
            destination: choice.destination?.description)
    }

    private func trunk(_ passed: PassedOver) -> RoutePreview.Trunk {
        let unit = plan.trunk(passed.trunk)?.unit ?? .minute
        return RoutePreview.Trunk(
            passed.trunk, price: passed.price.map { price($0, unit) }, fileLine: passed.fileLine, reason: passed.reason.words)
    }

    private func price(_ minute: Money, _ unit: CallPrice.Unit) -> RoutePreview.Price {
        RoutePreview.Price(amount: minute.description, currency: plan.currency, billedBy: unit.rawValue)
    }

    private func reason(_ refusal: OutgoingDecision.Refusal, _ question: RoutePreviewQuestion) -> RoutePreview.Reason {
        let caller = question.from ?? "the house"
        switch refusal {
        case .unknownCaller: return .init("unknown_caller", "\(caller) is no extension of the plan")
        case .notPermitted(let word?): return .init("not_permitted", "\(caller) may not dial \(word)")
        case .notPermitted(nil): return .init("not_permitted", "`may_dial` of \(caller) does not allow it")
        case .forbidden(let line): return .init("forbidden", "the rule in line \(line) sends such calls to nobody")
        case .limit(let obstacle): return .init("limit_reached", obstacle.words)
        case .noRule: return .init("no_rule", "no rule of `outgoing` is for this number")
        case .noTrunk: return .init("no_trunk", "no trunk is left to try")
        }
    }
}

extension PassedOver.Reason {
    /// For programs and for people.
    fileprivate var words: RoutePreview.Reason {
        switch self {
        case .closed(let schedule): .init("closed", "the rule counts while `\(schedule)` is open")
        case .caller: .init("other_callers", "the rule is for other extensions")
        case .narrower(let line): .init("narrower_rule", "the rule in line \(line) says more of the number")
        case .forbidden(let line): .init("forbidden", "the rule in line \(line) sends such calls to nobody")
        case .trouble(let text): .init("trouble", text)
        case .full: .init("full", "all its channels are in use")
        case .limit(let obstacle): .init("limit_reached", obstacle.words)
        }
    }
}

extension TollGuard.Obstacle {
    /// For people.
    package var words: String {
        switch scope {
        case .trunk(let name): "the limit `\(measure.rawValue)` of the trunk \(name) is reached"
        case .extension(let number): "the limit `\(measure.rawValue)` of \(number) is reached"
        case .destination(let destination): "the limit `\(measure.rawValue)` of calls to \(destination) is reached"
        }
    }
}
