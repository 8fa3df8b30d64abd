import Connector

/// Which steps an incoming call takes: those of the line that was called, else of the trunk it came on, else of `other`.
package enum IncomingRoute {
    package enum Origin: Hashable, Sendable {
        case line(String)
        case trunk(String)
        case other
    }

    /// - Parameters:
    ///   - line: our number, in E.164; `nil` where it could not be read.
    ///   - trunk: `connection`, or `connection/account`: what the plan says of the account goes before what it says of the connection.
    /// - Returns: `nil` where the plan has nothing for it: such a call is refused (404).
    package static func find(line: String?, trunk: String?, in plan: DialPlan) -> (steps: [PlanStep], by: Origin)? {
        if let line, let steps = plan.incoming.lines[line] { return (steps, .line(line)) }
        if let trunk {
            let connection = String(trunk.prefix { $0 != "/" })
            for name in [trunk, connection] {
                if let steps = plan.incoming.trunks[name] { return (steps, .trunk(name)) }
            }
        }
        return plan.incoming.other.map { ($0, .other) }
    }
}

/// Where a call is in its steps: the next thing to do is asked for when the one before is done.
///
/// Schedules and routes on the way are decided here. What a schedule, a menu's key or a queue's end leads to takes the place of all that
/// would have followed. A value: a call keeps the plan it began with, whatever becomes of the file.
package struct RouteWalk: Sendable {
    /// Something for the PBX to do.
    package enum Action: Sendable, Equatable {
        case announce(String)
        case record(Bool)
        case responsible(Duration)
        case ring(RingStep)
        case queue(CallQueue)
        case menu(Menu)
        case voicemail(VoicemailBox)
        case forward(RingTarget, Duration)
        case hangUp(HangUpCause)
    }

    /// A schedule that was looked at on the way, for the record.
    package struct Passed: Sendable, Equatable {
        package var schedule: String
        package var isOpen: Bool

        package init(schedule: String, isOpen: Bool) {
            self.schedule = schedule
            self.isOpen = isOpen
        }
    }

    /// A call that has taken so many steps is ended: a caller could press keys for ever.
    package static let stepLimit = 500

    package let plan: DialPlan
    private var rest: ArraySlice<PlanStep>
    private var stepCount = 0
    private var passed: [Passed] = []

    package init(_ steps: [PlanStep], of plan: DialPlan) {
        self.plan = plan
        rest = steps[...]
    }

    /// What is to be done next; where nothing is left, that the call is hung up. After that and after voicemail it is over.
    package mutating func next(at moment: Instant) -> Action {
        while let step = rest.popFirst() {
            stepCount += 1
            guard stepCount <= Self.stepLimit else { return .hangUp(.congested) }
            switch step {
            case .schedule(let name, let otherwise):
                let isOpen = plan.schedules[name]?.isOpen(at: moment) ?? false
                passed.append(Passed(schedule: name, isOpen: isOpen))
                if !isOpen { rest = otherwise[...] }
            case .route(let name): rest = plan.routes[name, default: []][...]
            default: if let action = action(step) { return action }
            }
        }
        return .hangUp(.unavailable)
    }

    /// What a step asks of the PBX; `nil` for what is not there, which a checked plan does not have.
    private func action(_ step: PlanStep) -> Action? {
        switch step {
        case .announce(let prompt): .announce(prompt)
        case .record(let isOn): .record(isOn)
        case .responsible(let time): .responsible(time)
        case .ring(let ring): .ring(ring)
        case .queue(let name): plan.queues[name].map { .queue($0) }
        case .menu(let name): plan.menus[name].map { .menu($0) }
        case .voicemail(let name): plan.voicemail[name].map { .voicemail($0) }
        case .forward(let target, let time): .forward(target, time)
        case .hangUp(let cause): .hangUp(cause)
        case .schedule, .route: nil
        }
    }

    /// Goes on with other steps: a key's.
    package mutating func take(_ steps: [PlanStep]) { rest = steps[...] }

    /// Goes on with what stands under `otherwise`; where that is empty, with the step that follows.
    package mutating func take(otherwise steps: [PlanStep]) { if !steps.isEmpty { take(steps) } }

    /// Schedules looked at since this was last asked.
    package mutating func takePassed() -> [Passed] {
        defer { passed = [] }
        return passed
    }
}
