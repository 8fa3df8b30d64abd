import NetworkTypes

@testable import SIP

/// One run: what the seed makes of network, habits and calls.
final class SimulatedEvening: CustomStringConvertible {
    let simulation: Simulation
    let alice: SimulatedPerson
    let bob: SimulatedPerson
    private let quality: NetworkQuality
    private let habits: PersonHabits
    private let isCut: Bool

    init(seed: UInt64, isTraced: Bool = false) {
        let chance = SimulatedChance(seed: seed)
        let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)
        habits = PersonHabits(
            transport: chance.happens(percent: 25) ? .tcp : .udp, sessionInterval: chance.one(of: [nil, 90, 1800]),
            leastInterval: chance.one(of: [90, 120]), likesReliableProvisionals: chance.happens(percent: 50),
            demandsReliableProvisionals: chance.happens(percent: 20), wantsProof: chance.happens(percent: 20),
            forgets: chance.happens(percent: 10))
        quality = chance.one(of: [.good, .jittery, .slow, .lossy(5), .lossy(15), .lossy(30)])
        let addresses = [UInt16(5060), 5070].map { SocketAddress(IPAddress(v4: 0xC000_0201), port: $0) }
        alice = SimulatedPerson("a", at: addresses[0], peer: addresses[1], habits, chance: chance, now: start)
        bob = SimulatedPerson("b", at: addresses[1], peer: addresses[0], habits, chance: chance, now: start)
        let network = SimulatedNetwork(quality, chance: chance)
        simulation = Simulation([alice, bob], network, transport: habits.transport, at: start, isTraced: isTraced)
        isCut = habits.transport == .tcp && chance.happens(percent: 20)
        if isCut { simulation.cuts.note((), for: start.advanced(by: chance.milliseconds(0...20_000))) }
        let people = [alice, bob]
        for person in people { person.note = { [unowned simulation] text in simulation.note(text) } }
        for _ in 0...chance.below(3) { chance.one(of: people).plan(.call, in: 0...2_000) }
        if chance.happens(percent: 20) { chance.one(of: people).plan(.ask, in: 0...2_000) }
    }

    var description: String { "\(habits.transport) over a \(quality.name) network\(isCut ? ", cut" : "")" }

    /// Whether nothing that is sent can fail to arrive, however late.
    private var keepsAll: Bool { !isCut && (quality.keepsAll || habits.transport != .udp) }

    /// - Returns: what was wrong.
    func run() -> [String] {
        var faults: [String] = []
        do {
            try simulation.run(until: Self.rest)
            faults += faultsAtRest()
            try simulation.run()
        } catch {
            faults.append(error.text)
        }
        return faults + alice.faults + bob.faults + faultsAtEnd()
    }

    /// By then whoever means to do something in a call has done so, and nobody hangs up before 150 s.
    private static let rest = Duration.seconds(130)

    /// Both ends of a call that goes on know the same of it.
    private func faultsAtRest() -> [String] {
        var faults: [String] = []
        for (leg, talk) in alice.talks where alice.isTalking(leg) {
            guard let (other, its) = bob.talks.first(where: { $0.value.callID == talk.callID }), bob.isTalking(other) else {
                if keepsAll { faults.append("b is not in a call that a is in") }
                continue
            }
            if talk.agreed != its.agreed, !talk.isLate {
                faults.append(
                    "a has \(String(decoding: talk.agreed, as: UTF8.self)), b \(String(decoding: its.agreed, as: UTF8.self))")
            }
        }
        if keepsAll {
            for (leg, talk) in bob.talks where bob.isTalking(leg) {
                let isBoth = alice.talks.contains { $0.value.callID == talk.callID && alice.isTalking($0.key) }
                if !isBoth { faults.append("a is not in a call that b is in") }
            }
        }
        return faults
    }

    private func faultsAtEnd() -> [String] {
        var faults: [String] = []
        for person in [alice, bob] {
            let name = person.name
            if !person.isEmpty {
                faults.append("\(name) keeps \(person.agent.legCount) legs, \(person.agent.transactions.count) transactions")
            }
            if person.askedCount != person.answeredCount { faults.append("\(name) never got an answer") }
            for talk in person.talks.values {
                if !talk.isForgotten { faults.append("\(name) has a leg without an end") }
                if keepsAll, let ending = talk.ending, isFailure(ending, of: talk, peer: person === alice ? bob : alice) {
                    faults.append("\(name): \(ending)")
                }
            }
        }
        return faults
    }

    /// Whether only a network that loses messages can make a call end so.
    private func isFailure(_ ending: String, of talk: SimulatedTalk, peer: SimulatedPerson) -> Bool {
        switch ending {
        case "ended unacknowledged", "refused 408", "refused 503": true
        // An offer that nobody answers keeps the session from being refreshed.
        case "ended expired": !habits.forgets
        // What comes in front of a BYE finds that the call is over.
        case "ended lost": !peer.talks.values.contains { $0.callID == talk.callID && ($0.hasLeft || habits.forgets) }
        default: false
        }
    }
}
