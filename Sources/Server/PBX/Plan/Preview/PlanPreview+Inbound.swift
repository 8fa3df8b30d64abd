import Connector

/// What becomes of a call within the house while nobody answers.
extension PlanPreview {
    private static let stepLimit = 100

    func inbound(_ question: RoutePreviewQuestion) -> RoutePreview {
        let number = numbering.number(question.number, defaultCountry: home)
        guard let found = IncomingRoute.find(line: number.e164 ?? question.number, trunk: question.trunk, in: plan) else {
            var preview = RoutePreview(connection, question, .refused)
            preview.e164 = number.e164
            preview.reason = .init("no_route", "`incoming` has nothing for this line, and no `other`")
            preview.status = HangUpCause.notFound.status
            return preview
        }
        var preview = RoutePreview(connection, question, .inside)
        preview.e164 = number.e164
        switch found.by {
        case .line: preview.by = "line"
        case .trunk: preview.by = "trunk"
        case .other: preview.by = "other"
        }
        preview.steps = steps(RouteWalk(found.steps, of: plan), at: question.at, showsKeys: true)
        return preview
    }

    /// Everything until the call ends, if nobody answers and no key is pressed.
    private func steps(_ walk: RouteWalk, at moment: Instant, showsKeys: Bool) -> [RoutePreview.Step] {
        var walk = walk
        var steps: [RoutePreview.Step] = []
        while steps.count < Self.stepLimit {
            let action = walk.next(at: moment)
            for passed in walk.takePassed() {
                steps.append(.init("schedule", ref: passed.schedule, result: passed.isOpen ? "open" : "closed"))
            }
            steps.append(step(action, at: moment, showsKeys: showsKeys))
            switch action {
            case .voicemail, .hangUp: return steps
            case .queue(let queue): walk.take(otherwise: queue.otherwise)
            case .menu(let menu): walk.take(otherwise: menu.otherwise)
            default: break
            }
        }
        return steps
    }

    private func step(_ action: RouteWalk.Action, at moment: Instant, showsKeys: Bool) -> RoutePreview.Step {
        switch action {
        case .announce(let prompt): .init("announce", ref: prompt)
        case .record(let isOn): .init("record", result: isOn ? "on" : "off")
        case .responsible(let time): .init("responsible", seconds: time.wholeSeconds)
        case .ring(let step): ring(step)
        case .queue(let queue): queueStep(queue)
        case .menu(let menu): .init("menu", ref: menu.name, keys: showsKeys ? keys(menu, at: moment) : [])
        case .voicemail(let box): .init("voicemail", ref: box.name, seconds: box.longest.wholeSeconds)
        case .forward(let target, let time): .init("forward", rings: [self.target(target)], seconds: time.wholeSeconds)
        case .hangUp(let cause): .init("hang_up", result: cause.rawValue)
        }
    }

    /// Menus within menus are named only.
    private func keys(_ menu: Menu, at moment: Instant) -> [RoutePreview.Key] {
        menu.keys.sorted { $0.key < $1.key }.map { key, steps in
            RoutePreview.Key(String(key), self.steps(RouteWalk(steps, of: plan), at: moment, showsKeys: false))
        }
    }

    func ring(_ step: RingStep) -> RoutePreview.Step {
        var only: RingGroup?
        if step.whom.count == 1, case .group(let name)? = step.whom.first { only = plan.groups[name] }
        let manner = step.manner ?? only?.manner ?? .all
        // Of random orders that of the file is shown: who rings is the same.
        let shown = RingStep(step.whom, manner: manner == .random ? .inTurn : manner, ringTime: step.ringTime)
        var random = SystemRandomNumberGenerator()
        let rounds = plan.rounds(of: shown, using: &random)
        return RoutePreview.Step(
            "ring", ref: only?.name, result: manner.rawValue, rings: rounds.flatMap(\.targets).map(target),
            seconds: rounds.first?.time.wholeSeconds)
    }

    func queueStep(_ queue: CallQueue) -> RoutePreview.Step {
        .init(
            "queue", ref: queue.name, result: queue.strategy.rawValue, rings: queue.members.map(target),
            seconds: queue.longestWait.wholeSeconds)
    }

    func extensionStep(_ number: String) -> RoutePreview.Step {
        .init("ring", rings: [target(.extension(number))], seconds: plan.extensions[number]?.ringTime.wholeSeconds)
    }

    /// What becomes of a colleague's call that the extension does not take.
    func after(_ number: String, _ moment: Instant) -> [RoutePreview.Step] {
        steps(RouteWalk(plan.unanswered(number), of: plan), at: moment, showsKeys: true)
    }

    private func target(_ target: RingTarget) -> RoutePreview.Ring {
        switch target {
        case .extension(let number): .init(number, kind: "extension", name: plan.extensions[number]?.name)
        case .mobile(let owner):
            .init(plan.number(of: target) ?? owner, kind: "mobile", name: plan.extensions[owner]?.name ?? owner)
        case .outside(let number): .init(number, kind: "outside")
        }
    }
}

extension DialPlan {
    /// The steps of a colleague's call that an extension does not take: its own, else its voicemail; empty hangs up.
    package func unanswered(_ number: String) -> [PlanStep] {
        guard let phone = extensions[number] else { return [] }
        return phone.otherwise.isEmpty ? phone.voicemail.map { [.voicemail($0)] } ?? [] : phone.otherwise
    }
}

extension Duration {
    fileprivate var wholeSeconds: Int { Int(components.seconds) }
}
