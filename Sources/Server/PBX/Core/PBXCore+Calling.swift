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
        var failure = CallFailure(.failed, sip: 484, q850: 28, "its address cannot be written")
        for contact in contacts {
            guard let from = phones.address(of: callerText(attempt.caller), over: contact.flow),
                let to = phones.address(of: short, over: contact.flow)
            else { continue }
            var request = SIPCallRequest(
                target: contact.uri, from: from, displayName: callerName(attempt.caller), to: to, flow: contact.flow, offer: [])
            request.lines = attempt.lines
            do throws(CallFailure) {
                legs.append(try start(&request, .phone(extension: short, contact: contact.name), attempt, call))
            } catch {
                failure = error
            }
        }
        guard !legs.isEmpty else { throw failure }
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
        // The plan may name a connection with several accounts: it is the account that is busy, and has its habits.
        let place = PBXLeg.Place.trunk(way.link.account.id, number: number.e164 ?? number.raw)
        let leg = try start(&request, place, attempt, call)
        trunks.occupied(by: leg)
        toll.began(leg, ticket, number, over: trunk.description, for: attempt)
        return leg
    }

    private func start(
        _ request: inout SIPCallRequest, _ place: PBXLeg.Place, _ attempt: RingAttempt, _ call: PBXCall
    ) throws(CallFailure) -> PBXLeg {
        let port: MediaPort
        do {
            port = try media.open(address: localAddress(request.flow), near: attempt.caller?.stream)
        } catch {
            throw CallFailure(.failed, sip: 503, q850: 47, error.description)
        }
        var session = LegSession(
            port, seenAt: advertised(request.flow), flow: request.flow, habits(of: place), chance: chance())
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
