import Connector

/// Telephones that ring together, and for how long at most.
package struct RingRound: Hashable, Sendable {
    package var targets: [RingTarget]
    package var time: Duration

    package init(_ targets: [RingTarget], for time: Duration) {
        self.targets = targets
        self.time = time
    }
}

extension DialPlan {
    /// Whom a step rings: one round after the other, until somebody answers. Nobody comes twice.
    package func rounds(of step: RingStep, using random: inout some RandomNumberGenerator) -> [RingRound] {
        var only: RingGroup?
        if step.whom.count == 1, case .group(let name)? = step.whom.first { only = groups[name] }
        return Self.rounds(
            step.whom.flatMap { targets($0) }, manner: step.manner ?? only?.manner ?? .all,
            time: step.ringTime ?? only?.ringTime ?? .seconds(25), using: &random)
    }

    /// The same for a group that a colleague dials, or that the CRM names.
    package func rounds(ofGroup name: String, using random: inout some RandomNumberGenerator) -> [RingRound] {
        rounds(of: RingStep([.group(name)]), using: &random)
    }

    /// Whom the CRM's word means here, as a step; `nil` where nobody of the house is meant.
    ///
    /// A group or a queue's members are known by name, else by the number that is dialled for them.
    package func step(for target: RoutingTarget, ringTime: Duration) -> RingStep? {
        switch target {
        case .user(let ref): return extensions[ref].map { RingStep([.target(.extension($0.number))], ringTime: ringTime) }
        case .number(let number): return RingStep([.target(.outside(number))], ringTime: ringTime)
        case .group(let ref):
            let group = groups[ref] ?? groups.values.first { $0.number == ref }
            if let group { return RingStep([.group(group.name)]) }
            let queue = queues[ref] ?? queues.values.first { $0.number == ref }
            return queue.map { RingStep($0.members.map { .target($0) }, ringTime: ringTime) }
        }
    }

    private func targets(_ whom: RingStep.Whom) -> [RingTarget] {
        switch whom {
        case .target(let target): [target]
        case .group(let name): groups[name]?.members ?? []
        }
    }

    private static func rounds(
        _ targets: [RingTarget], manner: RingManner, time: Duration, using random: inout some RandomNumberGenerator
    ) -> [RingRound] {
        var seen: Set<RingTarget> = []
        var once = targets.filter { seen.insert($0).inserted }
        guard !once.isEmpty else { return [] }
        if manner == .all { return [RingRound(once, for: time)] }
        if manner == .random { once.shuffle(using: &random) }
        return once.map { RingRound([$0], for: time) }
    }

    /// The number behind `mobile 101` or a number outside; `nil` for an extension.
    package func number(of target: RingTarget) -> String? {
        switch target {
        case .extension: nil
        case .mobile(let owner): extensions[owner]?.mobile
        case .outside(let number): number
        }
    }

    /// Extensions whose ringing calls this one takes with the bare pick-up code: those with which it shares a group or a queue.
    package func colleagues(of number: String) -> Set<String> {
        let lists = groups.values.map(\.members) + queues.values.map(\.members)
        var colleagues: Set<String> = []
        for list in lists where list.contains(.extension(number)) {
            for case .extension(let other) in list where other != number { colleagues.insert(other) }
        }
        return colleagues
    }
}

/// Whose turn it is in a queue: kept by the queue for all its callers.
package struct QueueOrder: Sendable, Equatable {
    private var lastRung: RingTarget?
    private var lastTalk: [RingTarget: Instant] = [:]

    package init() {}

    /// Somebody of the queue has ended a talk.
    package mutating func talked(_ member: RingTarget, until moment: Instant) {
        lastTalk[member] = max(moment, lastTalk[member] ?? moment)
    }

    /// Whom to ring next for a caller; empty where nobody can be rung now.
    /// - Parameters:
    ///   - isFree: whether a member's telephone is there and not in a call.
    ///   - tried: who has been rung for this caller in vain; it is emptied when everybody has had his turn.
    package mutating func next(
        in queue: CallQueue, isFree: (RingTarget) -> Bool, tried: inout Set<RingTarget>, at moment: Instant,
        using random: inout some RandomNumberGenerator
    ) -> [RingTarget] {
        let free = queue.members.filter { isFree($0) && !rests($0, queue, at: moment) }
        guard queue.strategy != .all else { return free }
        var open = free.filter { !tried.contains($0) }
        if open.isEmpty {
            tried = []
            open = free
        }
        guard let member = choose(open, in: queue, using: &random) else { return [] }
        tried.insert(member)
        lastRung = member
        return [member]
    }

    /// Forgets members that a changed plan no longer has.
    package mutating func keep(_ queue: CallQueue) {
        lastTalk = lastTalk.filter { queue.members.contains($0.key) }
    }

    private func rests(_ member: RingTarget, _ queue: CallQueue, at moment: Instant) -> Bool {
        guard let end = lastTalk[member] else { return false }
        // A clock that was set back lets nobody rest for ever.
        return end <= moment && moment < end.advanced(by: queue.restTime)
    }

    private func choose(
        _ open: [RingTarget], in queue: CallQueue, using random: inout some RandomNumberGenerator
    ) -> RingTarget? {
        switch queue.strategy {
        case .all: return open.first
        case .random: return open.randomElement(using: &random)
        case .longestIdle: return open.min { lastTalk[$0] ?? .earliest < lastTalk[$1] ?? .earliest }
        case .inTurn:
            guard let lastRung, let last = queue.members.firstIndex(of: lastRung) else { return open.first }
            let behind = queue.members[(last + 1)...].first { open.contains($0) }
            return behind ?? open.first
        }
    }
}
