import Connector
import Media
import NetworkTypes
import PBXPlan
import SIP

/// Requests outside of dialogs: who is heard, and what becomes of an INVITE.
extension PBXCore {
    func receive(request message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow) {
        let isKnown = trunks.isKnown(flow.remote.ip) || phones.isKnown(flow, at: now)
        if isKnown { agent.transactions.trust(transaction) }
        if let objection = message.objection {
            guard isKnown, let status = objection.answer.status else { return agent.ignore(transaction, now: now) }
            return agent.respond(status, to: message, transaction, now: now)
        }
        switch message.method {
        case .register: phones.register(message, transaction, flow, now: now)
        case .invite where message.toTag == nil: invited(message, transaction, flow)
        default: answerOther(message, transaction, flow)
        }
    }

    /// Whom we know gets an answer; strangers get none, so that they learn nothing (no difference between 404 and 401, no Server).
    private func answerOther(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow) {
        guard trunks.isKnown(flow.remote.ip) || phones.isKnown(flow, at: now) else { return agent.ignore(transaction, now: now) }
        agent.transactions.trust(transaction)
        if agent.refuses(message, transaction, now: now) { return }
        var lines = SIPFieldLines()
        lines.add(.allow, fixed: "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, REGISTER")
        let status: UInt16 =
            switch message.method {
            case .options: message.toTag == nil ? 200 : 481
            case .subscribe, .publish: 489
            case .bye, .prack, .update, .info, .notify: 481
            case _ where message.toTag != nil: 481
            default: 405
            }
        agent.respond(status, to: message, transaction, lines, now: now)
    }

    private func invited(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow) {
        if message.maxForwards == 0 { return agent.respond(483, to: message, transaction, now: now) }
        if let trunk = trunks.trunk(of: message, from: flow.remote.ip) { return comeIn(message, transaction, flow, trunk) }
        switch phones.authenticate(message, transaction, flow, now: now) {
        case .phone(let short): dial(message, transaction, flow, short)
        case .answered: break
        }
    }

    // MARK: From outside

    private func comeIn(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow, _ trunk: TrunkDesk.Incoming) {
        agent.transactions.trust(transaction)
        let caller = trunk.caller.map { numbering.number($0, defaultCountry: settings.country).e164 ?? $0 } ?? ""
        guard let leg = admit(message, transaction, flow, .trunk(trunk.id, number: caller)) else { return }
        let line = trunk.line.map { numbering.number($0, defaultCountry: settings.country).e164 ?? $0 }
        let call = begin(leg, direction: .inbound, origin: .trunk, line: line, dialled: line ?? "")
        call.callerName = trunk.callerName
        call.tellBeginning(from: message, trunk: trunk.id.description)
        call.caller.map(trunks.occupied)
        guard let (steps, _) = IncomingRoute.find(line: line, trunk: trunk.id.description, in: plan) else {
            return call.end(.invalidNumber, by: .system, cause: Cause(sip: 404, q850: 1), status: 404)
        }
        call.script = CallScript(steps, of: plan)
        call.proceed()
    }

    // MARK: From a telephone

    private func dial(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow, _ short: String) {
        let text = message.requestURI?.user.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let contact = (try? message.address(.contact).uri.host).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let leg = admit(message, transaction, flow, .phone(extension: short, contact: contact)) else { return }
        let meant = DialledText(text, in: plan, home: settings.country, numbering: numbering)
        let call = begin(
            leg, direction: meant.direction, origin: .device, line: nil, dialled: text, consultationOf: callHeld(by: short))
        if meant.direction == .outbound { call.recorder.isWanted = plan.extensions[short]?.isRecorded ?? false }
        call.tellBeginning(from: message, trunk: nil)
        if let value = message.value(.replaces), let replaces = SIPReplaces(value) {
            return pickUp(replaces, with: call)
        }
        dial(meant, for: call, by: short)
    }

    /// The call that an employee has on hold: another that he makes meanwhile is his consultation.
    private func callHeld(by short: String) -> PBXCall? {
        legs(of: short).lazy.map(\.call).first { call in
            guard !call.isConsultation, let talking = call.activity as? Talking else { return false }
            return [talking.first, talking.second].contains { $0.extension == short && $0.isHoldingUs }
        }
    }

    // MARK: Both

    /// Makes a leg with sound of an INVITE; else it is answered.
    private func admit(
        _ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow, _ place: PBXLeg.Place
    ) -> (sip: SIPLegID, place: PBXLeg.Place, session: LegSession)? {
        if agent.refuses(message, transaction, now: now) { return nil }
        let port: MediaPort
        do {
            port = try media.open(address: localAddress(flow), near: nil)
        } catch {
            agent.respond(503, to: message, transaction, now: now)
            return nil
        }
        var session = LegSession(port, seenAt: advertised(flow), flow: flow, habits(of: place), chance: chance())
        do {
            if message.body.isEmpty { _ = session.offer() } else { _ = try session.answer(Array(message.body)) }
        } catch {
            media.close(port.id)
            agent.respond(488, to: message, transaction, now: now)
            return nil
        }
        guard let sip = agent.admit(message, transaction, flow, now: now) else {
            media.close(port.id)
            return nil
        }
        return (sip, place, session)
    }

    private func begin(
        _ admitted: (sip: SIPLegID, place: PBXLeg.Place, session: LegSession), direction: Direction, origin: Origin,
        line: String?,
        dialled: String, consultationOf other: PBXCall? = nil
    ) -> PBXCall {
        let call = PBXCall(
            makeCallName(), in: self, direction: direction, origin: origin, line: line, dialled: dialled, consultationOf: other)
        let leg = PBXLeg(call.nextLegName(), admitted.place, in: call, session: admitted.session, isCaller: true)
        leg.sip = admitted.sip
        call.caller = leg
        keep(call)
        keep(leg)
        if let terms = leg.session.terms { media.configure(leg.stream, terms) }
        return call
    }

}

extension DialledText {
    var direction: Direction {
        switch self {
        case .outside, .emergency: .outbound
        default: .internal
        }
    }
}

extension PBXCall {
    /// The first record.
    func tellBeginning(from message: SIPMessage, trunk: String?) {
        if isConsultation { return }
        tell(
            .created(
                PBXRecord.Beginning(
                    direction: direction, origin: origin, from: caller?.party, dialled: dialled.isEmpty ? nil : dialled,
                    line: line,
                    name: callerName, trunk: trunk, sipCallID: String(decoding: message.callID, as: UTF8.self), command: command))
        )
    }
}
