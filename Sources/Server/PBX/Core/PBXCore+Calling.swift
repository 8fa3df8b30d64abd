import Connector
import Media
import NetworkTypes
import PBXPlan
import SIP

/// Why somebody could not even be called.
struct CallFailure: Error {
    let ending: LegEnding

    init(_ reason: EndReason, sip: Int, q850: Int, _ text: String? = nil) {
        ending = LegEnding(reason, cause: Cause(sip: sip, q850: q850, text: text))
    }
}

/// Calls of the PBX: to telephones and over trunks.
extension PBXCore {
    /// Calls a candidate.
    /// - Returns: the legs that ring, of a telephone one for each contact.
    func call(_ candidate: RingCandidate, for attempt: RingAttempt, in call: PBXCall) -> Result<[PBXLeg], CallFailure> {
        do throws(CallFailure) {
            switch candidate {
            case .phone(let short): return .success(try ringPhone(short, attempt, call))
            case .trunk(let trunk, let number, let line, let toll):
                return .success([try dial(number, over: trunk, line, toll, attempt, call)])
            }
        } catch {
            return .failure(error)
        }
    }

    private func ringPhone(_ short: String, _ attempt: RingAttempt, _ call: PBXCall) throws(CallFailure) -> [PBXLeg] {
        guard let phone = plan.extensions[short] else { throw CallFailure(.invalidNumber, sip: 404, q850: 1) }
        guard callCount(of: short) < phone.calls else { throw CallFailure(.busy, sip: 486, q850: 17) }
        let contacts = phones.contacts(of: short, at: now)
        guard !contacts.isEmpty else { throw CallFailure(.unreachable, sip: 480, q850: 20, "the telephone is not registered") }
        var legs: [PBXLeg] = []
        for contact in contacts {
            guard let from = phones.address(of: callerText(attempt.caller), over: contact.flow),
                let to = phones.address(of: short, over: contact.flow)
            else { continue }
            var request = SIPCallRequest(
                target: contact.uri, from: from, displayName: callerName(attempt.caller), to: to, flow: contact.flow, offer: [])
            request.lines = attempt.lines
            if let leg = try? start(&request, .phone(extension: short, contact: contact.name), attempt, call) { legs.append(leg) }
        }
        guard !legs.isEmpty else { throw CallFailure(.failed, sip: 503, q850: 47, "no port for its sound") }
        return legs
    }

    private func dial(
        _ number: PhoneNumber, over trunk: TrunkID, _ line: String?, _ ticket: TollTicket?, _ attempt: RingAttempt,
        _ call: PBXCall
    ) throws(CallFailure) -> PBXLeg {
        try toll.check(ticket, number, over: trunk.description, for: attempt)
        guard let way = trunks.way(over: trunk) else { throw CallFailure(.unreachable, sip: 503, q850: 38, "the trunk is down") }
        guard var request = way.request(to: number, showing: line ?? call.line) else {
            throw CallFailure(.invalidNumber, sip: 484, q850: 28)
        }
        let leg = try start(&request, .trunk(trunk, number: number.e164 ?? number.raw), attempt, call)
        trunks.occupied(by: leg)
        toll.began(leg, ticket, number, over: trunk.description, for: attempt)
        return leg
    }

    private func start(
        _ request: inout SIPCallRequest, _ place: PBXLeg.Place, _ attempt: RingAttempt, _ call: PBXCall
    ) throws(CallFailure) -> PBXLeg {
        let port: MediaPort
        do {
            port = try media.open(address: mediaAddress(for: request.flow), near: attempt.caller?.stream)
        } catch {
            throw CallFailure(.failed, sip: 503, q850: 47, error.description)
        }
        var session = LegSession(port, seenAt: advertised(for: request.flow), flow: request.flow, chance: chance())
        request.offer = session.offer()
        guard let sip = agent.call(request, now: now) else {
            media.close(port.id)
            throw CallFailure(.failed, sip: 503, q850: 42, "too many calls")
        }
        let leg = PBXLeg(call.nextLegName(), place, in: call, session: session, isCaller: false, parent: attempt.caller)
        leg.sip = sip
        leg.attempt = attempt
        keep(leg)
        call.tell(.started, leg)
        return leg
    }

    /// How many calls a telephone is in.
    func callCount(of short: String) -> Int {
        Set(legs(of: short).map { ObjectIdentifier($0.call) }).count
    }

    func isFree(_ target: RingTarget) -> Bool {
        switch target {
        case .extension(let short):
            return callCount(of: short) == 0 && phones.isRegistered(short, at: now)
        case .mobile(let short): return callCount(of: short) == 0
        case .outside: return true
        }
    }

    // MARK: Addresses

    /// Ours as the other end of a flow knows it.
    func advertised(for flow: SIPFlow) -> IPAddress {
        let isLocal = settings.localNetworks.contains { $0.contains(flow.remote.ip) }
        if !isLocal, let address = settings.publicAddress { return address }
        return localAddress(flow)
    }

    /// Where sound for the other end of a flow is received.
    func mediaAddress(for flow: SIPFlow) -> IPAddress { localAddress(flow) }

    // MARK: Who calls

    /// What a telephone is shown: the caller's number, or his extension.
    private func callerText(_ caller: PBXLeg?) -> String {
        switch caller?.party {
        case .user(let short, _)?: short
        case .external(let number?)?: number
        default: "anonymous"
        }
    }

    private func callerName(_ caller: PBXLeg?) -> [UInt8] {
        switch caller?.party {
        case .user(let short, _)?: Array((plan.extensions[short]?.name ?? "").utf8)
        default: Array((caller?.call.callerName ?? "").utf8)
        }
    }
}
