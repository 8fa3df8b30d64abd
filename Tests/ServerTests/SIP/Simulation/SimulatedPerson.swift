import NetworkTypes

@testable import SIP

/// How people of one simulation behave.
struct PersonHabits {
    var transport: SIPFlow.Transport = .udp
    var sessionInterval: UInt32?
    /// Of who is called.
    var leastInterval: UInt32 = 90
    var likesReliableProvisionals = true
    /// Whether who calls insists on them.
    var demandsReliableProvisionals = false
    /// Whether who is called asks for a password first.
    var wantsProof = false
    /// Whether some offers and referrals are never answered by the person.
    var forgets = false
}

/// A user agent and the person at it, who calls, takes calls, holds, transfers and hangs up by chance.
final class SimulatedPerson: SimulationNode {
    /// Something that the person is going to do.
    enum Deed {
        case call
        case ask
        case ring(SIPLegID, UInt16, hasSession: Bool)
        case accept(SIPLegID)
        case reject(SIPLegID)
        case hangUp(SIPLegID)
        case offer(SIPLegID)
        case answer(SIPLegID, offer: [UInt8])
        case refuseOffer(SIPLegID)
        case inform(SIPLegID)
        case refer(SIPLegID)
        case answerReferral(SIPLegID, UInt32, UInt16)
        case tellReferral(SIPLegID, UInt32, UInt16)
    }

    let name: String
    let address: SocketAddress
    let peer: SocketAddress
    let habits: PersonHabits
    let chance: SimulatedChance
    let agent: SIPUserAgent
    var talks: [SIPLegID: SimulatedTalk] = [:]
    /// Requests outside of calls that wait for an answer.
    var askedCount = 0
    var answeredCount = 0
    var saidCount = 0
    var agenda = Agenda<Deed>()
    var now: MonotonicInstant
    /// What was seen that must not be.
    var faults: [String] = []
    var note: (String) -> Void = { _ in }

    init(
        _ name: String, at address: SocketAddress, peer: SocketAddress, _ habits: PersonHabits, chance: SimulatedChance,
        now: MonotonicInstant
    ) {
        self.name = name
        self.address = address
        self.peer = peer
        self.habits = habits
        self.chance = chance
        self.now = now
        var settings = SIPUserAgentSettings(contact: { _ in Array("<sip:\(address)>".utf8) }, chance: { chance.next() })
        settings.sessionTimer.wished = habits.sessionInterval
        // Of two, so that who calls may learn that it asked for too little.
        settings.sessionTimer.least = address.port < peer.port ? 90 : habits.leastInterval
        settings.prefersReliableProvisionals = habits.likesReliableProvisionals
        let transactions = SIPTransactions(
            now: now, chance: settings.chance, sentBy: { _ in (address.ip.description, address.port) })
        agent = SIPUserAgent(settings: settings, transactions: transactions, now: now)
    }

    var isEmpty: Bool { agent.isEmpty && agenda.isEmpty }

    var nextDeadline: MonotonicInstant? {
        guard let own = agenda.next else { return agent.nextDeadline }
        return agent.nextDeadline.map { min($0, own) } ?? own
    }

    func receive(_ message: SIPMessage, over flow: SIPFlow, now: MonotonicInstant) {
        self.now = now
        agent.receive(message, over: flow, now: now)
        hear()
    }

    func advance(to now: MonotonicInstant) {
        self.now = now
        agent.advance(to: now)
        hear()
        while let deed = agenda.takeDue(at: now) {
            perform(deed)
            hear()
        }
    }

    func transportFailed(_ flow: SIPFlow, now: MonotonicInstant) {
        self.now = now
        agent.transportFailed(flow, now: now)
        hear()
    }

    /// Whether a call goes on, as its user agent sees it.
    func isTalking(_ leg: SIPLegID) -> Bool { agent.leg(leg)?.phase == .confirmed }

    func takeSends() -> [SIPUserAgent.SIPSend] { agent.takeSends() }

    private func hear() {
        for event in agent.takeEvents() { hear(event) }
    }

    func plan(_ deed: Deed, in range: ClosedRange<Int>) {
        agenda.note(deed, for: now.advanced(by: chance.milliseconds(range)))
    }

    /// Bytes that nobody has said before.
    func newSession() -> [UInt8] {
        saidCount += 1
        return Array("\(name)\(saidCount)".utf8)
    }

    // MARK: Doing

    private func perform(_ deed: Deed) {
        switch deed {
        case .call: call()
        case .ask: ask()
        case .ring(let leg, let status, let hasSession):
            agent.progress(leg, status, session: hasSession ? talks[leg]?.session ?? [] : [], now: now)
        case .accept(let leg): agent.accept(leg, session: talks[leg]?.session ?? [], now: now)
        case .reject(let leg):
            if agent.leg(leg)?.phase == .invited { talks[leg]?.hasLeft = true }
            agent.reject(leg, chance.one(of: [302, 404, 480, 486, 500, 603]), now: now)
        case .hangUp(let leg): hangUp(leg)
        case .offer(let leg): agent.offer(leg, session: newSession(), now: now)
        case .answer(let leg, let offer): answer(leg, offer)
        case .refuseOffer(let leg): agent.refuse(offerOf: leg, now: now)
        case .inform(let leg):
            agent.inform(leg, contentType: "application/dtmf-relay", body: Array("Signal=5".utf8), now: now)
        case .refer(let leg):
            if let target = try? SIPURI("sip:carol@example.test") { agent.refer(leg, to: target, now: now) }
        case .answerReferral(let leg, let id, let status): agent.answer(referral: id, of: leg, status, now: now)
        case .tellReferral(let leg, let id, let status): agent.tell(referral: id, of: leg, status, now: now)
        }
    }

    private func call() {
        guard let target = try? SIPURI("sip:\(peer)"), let from = try? SIPURI("sip:\(name)@\(address)") else { return }
        let isLate = chance.happens(percent: 10)
        var request = SIPCallRequest(target: target, from: from, to: target, flow: flow, offer: isLate ? [] : newSession())
        if habits.demandsReliableProvisionals { try? request.lines.add(.require, "100rel") }
        request.authorizer = SimulatedAuthorizer()
        guard let leg = agent.call(request, now: now) else { return faults.append("no leg") }
        talks[leg] = SimulatedTalk(callID: agent.leg(leg)?.dialog.callID ?? [], isCaller: true, isLate: isLate)
        if chance.happens(percent: 30) { plan(.hangUp(leg), in: 0...6_000) }
        // Nobody waits for ever.
        plan(.hangUp(leg), in: 150_000...200_000)
    }

    private func ask() {
        guard let target = try? SIPURI("sip:\(peer)") else { return }
        var lines = SIPFieldLines()
        askedCount += 1
        try? lines.add(.from, "<sip:\(address)>;tag=\(askedCount)")
        try? lines.add(.to, "<sip:\(peer)>")
        try? lines.add(.callID, "\(name)-asks-\(askedCount)")
        try? lines.add(.cseq, "1 OPTIONS")
        lines.add(.maxForwards, fixed: "70")
        let draft = SIPRequestDraft(method: "OPTIONS", uri: target, fields: lines.bytes)
        try? agent.send(draft, over: flow, owner: 7, now: now)
    }

    private func hangUp(_ leg: SIPLegID) {
        if let phase = agent.leg(leg)?.phase, phase != .ended { talks[leg]?.hasLeft = true }
        agent.hangUp(leg, now: now)
    }

    private func answer(_ leg: SIPLegID, _ offer: [UInt8]) {
        let said = offer + Array(">".utf8) + newSession()
        guard case .theirs = agent.leg(leg)?.negotiation else { return }
        talks[leg]?.agreed = said
        agent.answer(offerOf: leg, session: said, now: now)
    }

    private var flow: SIPFlow { SIPFlow(transport: habits.transport, remote: peer, local: habits.transport == .udp ? 0 : 1) }
}

/// Knows the password that is asked for.
final class SimulatedAuthorizer: SIPAuthorizer {
    func answer(_ challenge: SIPMessage, method: SIPMethod, uri: SIPURI) -> SIPFieldLines? {
        var lines = SIPFieldLines()
        lines.add(.authorization, fixed: "Digest username=\"made-up\"")
        return lines
    }

    func advance(method: SIPMethod, uri: SIPURI) -> SIPFieldLines? { nil }
}

/// What a person knows of one leg.
struct SimulatedTalk {
    let callID: [UInt8]
    let isCaller: Bool
    /// What the person says when it takes the call.
    var session: [UInt8] = []
    /// Whether the first offer came with the 200: nobody answers it here, so nothing is agreed on at first.
    var isLate = false
    /// The last answer that was given or got, which names its offer.
    var agreed: [UInt8] = []
    var hasTalked = false
    /// Whether it was the person that ended it.
    var hasLeft = false
    /// How it ended without the person.
    var ending: String?
    var isForgotten = false
}
