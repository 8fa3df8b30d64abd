import Connector

/// A made-up call: what really happened, and the events that tell it.
///
/// Grown from a seed: menus, queues, ring groups, losers, holds, transfers, missed and answered, all directions.
package struct CallStory: Sendable {
    package private(set) var events: [CallEvent] = []
    package private(set) var direction: Direction
    package private(set) var isAnswered = false
    package private(set) var talker: String?
    /// A phone of an employee rang before the call was answered or ended.
    package private(set) var rang = false

    private var clock: Int64 = 0
    private var legCount = 0
    private let key: ExternalKey
    private let client = Party.external(number: "79000001234")

    package init(seed: UInt64) {
        var chance = SeededRandom(seed: seed)
        key = ExternalKey(.session, "story-\(seed)")
        direction = [.inbound, .inbound, .outbound, .internal].randomElement(using: &chance) ?? .inbound
        switch direction {
        case .inbound: tellInbound(&chance)
        case .outbound: tellOutgoing(to: client, &chance)
        case .internal: tellOutgoing(to: .user(extension: "104", endpoint: nil), &chance)
        }
    }

    // MARK: Plots

    private mutating func tellInbound(_ chance: inout SeededRandom) {
        if chance.oneIn(2) {
            station(.ivr(ref: nil), leaves: chance.oneIn(4) ? .callerHungUp : .normal)
            if events.last?.leg?.reason == .callerHungUp { return end(.callerHungUp) }
        }
        let usesQueue = chance.oneIn(2)
        if usesQueue {
            station(.queue(ref: "200"), leaves: chance.oneIn(5) ? .callerHungUp : .normal)
            if events.last?.leg?.reason == .callerHungUp { return end(.callerHungUp) }
        }
        let members = Int.random(in: 1...(usesQueue ? 3 : 1), using: &chance)
        let winner = chance.oneIn(3) ? nil : Int.random(in: 0..<members, using: &chance)
        ringGroup(members, winner: winner, group: usesQueue ? "200" : nil, &chance)
    }

    private mutating func ringGroup(_ members: Int, winner: Int?, group: String?, _ chance: inout SeededRandom) {
        rang = true
        let first = legCount
        for member in 0..<members { leg(first + member, .ringing, to: employee(member), group: group) }
        pass(&chance)
        guard let winner else {
            for member in 0..<members {
                leg(first + member, .ended, sequence: 2, to: employee(member), group: group, reason: .noAnswer)
            }
            return end(.noAnswer)
        }
        leg(first + winner, .answered, sequence: 2, to: employee(winner), group: group)
        for member in 0..<members where member != winner {
            leg(first + member, .ended, sequence: 2, to: employee(member), group: group, reason: .answeredElsewhere)
        }
        talk(first + winner, employee(winner), group, &chance)
    }

    private mutating func talk(_ leg: Int, _ user: Party, _ group: String?, _ chance: inout SeededRandom) {
        isAnswered = true
        talker = user.employee
        var sequence = 3
        pass(&chance)
        if chance.oneIn(3) {
            self.leg(leg, .held, sequence: sequence, to: user, group: group)
            pass(&chance)
            self.leg(leg, .answered, sequence: sequence + 1, to: user, group: group)
            pass(&chance)
            sequence += 2
        }
        if chance.oneIn(3) { return transfer(from: leg, user, sequence: sequence, group, &chance) }
        let reason: EndReason = chance.oneIn(2) ? .callerHungUp : .calleeHungUp
        self.leg(leg, .ended, sequence: sequence, to: user, group: group, reason: reason)
        end(reason)
    }

    private mutating func transfer(
        from old: Int, _ user: Party, sequence: Int, _ group: String?, _ chance: inout SeededRandom
    ) {
        leg(old, .ended, sequence: sequence, to: user, group: group, away: true, reason: .transferred)
        let target = Party.user(extension: "109", endpoint: nil)
        let new = legCount
        leg(new, .ringing, to: target, parent: old, handover: .blind)
        pass(&chance)
        if chance.oneIn(3) {
            leg(new, .ended, sequence: 2, to: target, parent: old, handover: .blind, reason: .callerHungUp)
            return end(.callerHungUp)
        }
        leg(new, .answered, sequence: 2, to: target, parent: old, handover: .blind)
        talker = "109"
        pass(&chance)
        leg(new, .ended, sequence: 3, to: target, parent: old, handover: .blind, reason: .callerHungUp)
        end(.callerHungUp)
    }

    private mutating func tellOutgoing(to target: Party, _ chance: inout SeededRandom) {
        let caller = Party.user(extension: "101", endpoint: "sip:101@pbx.example")
        leg(0, .ringing, from: caller, to: target)
        pass(&chance)
        if chance.oneIn(3) {
            let reason: EndReason = [.busy, .noAnswer, .rejected, .callerHungUp].randomElement(using: &chance) ?? .busy
            leg(0, .ended, sequence: 2, from: caller, to: target, reason: reason)
            return end(reason)
        }
        isAnswered = true
        leg(0, .answered, sequence: 2, from: caller, to: target)
        pass(&chance)
        leg(0, .ended, sequence: 3, from: caller, to: target, reason: .callerHungUp)
        end(.callerHungUp)
    }

    // MARK: Telling

    private func employee(_ member: Int) -> Party {
        .user(extension: "\(101 + member)", endpoint: "sip:\(101 + member)@pbx.example")
    }

    private mutating func station(_ party: Party, leaves reason: EndReason) {
        let index = legCount
        leg(index, .ringing, to: party)
        leg(index, .answered, sequence: 2, to: party)
        clock += 5
        leg(index, .ended, sequence: 3, to: party, reason: reason)
    }

    private mutating func pass(_ chance: inout SeededRandom) { clock += Int64.random(in: 1...60, using: &chance) }

    private mutating func leg(
        _ index: Int, _ phase: LegReport.Phase, sequence: Int = 1, from: Party? = nil, to: Party, parent: Int? = nil,
        handover: LegReport.Handover? = nil, group: String? = nil, away: Bool = false, reason: EndReason? = nil
    ) {
        legCount = max(legCount, index + 1)
        let report = LegReport(
            key: "leg-\(index)", phase: phase, sequence: sequence, from: from ?? client, to: to,
            parent: parent.map { "leg-\($0)" }, handover: handover, group: group, calleeTransferredAway: away, reason: reason)
        events.append(.make("leg-\(index)-\(sequence)-\(phase)", at: clock, keys: [key], leg: report))
    }

    private mutating func end(_ reason: EndReason) {
        let report = EndReport(reason: reason, endedAt: Instant.base.advanced(by: .seconds(clock)))
        events.append(.make("end", type: .ended, at: clock, keys: [key], facts: CallFacts(direction: direction), ending: report))
    }
}

extension Party {
    fileprivate var employee: String? { if case .user(let name, _) = self { name } else { nil } }
}
