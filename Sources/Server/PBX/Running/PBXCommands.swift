import Connector
import Media
import PBXPlan
import SIP

/// What the CRM asks, carried out on the signalling loop.
extension PBXCore {
    func perform(_ order: ProviderOrder) throws(ProviderFailure) -> ProviderAnswer {
        if case .originate(let wish) = order.action { return try originate(wish, order) }
        let call = try call(of: order)
        switch order.action {
        case .hangup:
            guard let leg = employee(of: call) ?? call.liveLegs.first else { throw .gone }
            release(leg, ending: LegEnding(.byCommand, cause: Cause(q850: 16)))
            call.end(.byCommand, by: .user, cause: Cause(q850: 16))
        case .hold: try hold(call, true)
        case .resume: try hold(call, false)
        case .transfer(let number, .blind): try transfer(call, to: number)
        case .transfer(let number, .attended): try consult(call, with: number)
        case .record(let start): try record(call, start)
        case .dtmf(let digits): try press(digits, call)
        case .originate: break
        }
        return ProviderAnswer(code: "ok")
    }

    private func call(of order: ProviderOrder) throws(ProviderFailure) -> PBXCall {
        let names = order.target?.keys.filter { $0.kind == .call }.map(\.value) ?? []
        guard let call = names.lazy.compactMap({ self.calls[$0] }).first else { throw .gone }
        return call
    }

    private func talking(_ call: PBXCall) throws(ProviderFailure) -> Talking {
        guard let talking = call.activity as? Talking else {
            throw ProviderFailure(.rejected, code: "not-talking", text: "nobody talks in this call now")
        }
        return talking
    }

    /// The employee's leg of a talk; of one between employees the called one's.
    private func employee(of call: PBXCall) -> PBXLeg? {
        guard let talking = call.activity as? Talking else { return nil }
        return [talking.second, talking.first].first { $0.extension != nil && $0 !== call.caller }
            ?? [talking.first, talking.second].first { $0.extension != nil }
    }

    // MARK: Calls

    /// Rings the employee first, then calls the number for him.
    private func originate(_ wish: Command.Origination, _ order: ProviderOrder) throws(ProviderFailure) -> ProviderAnswer {
        guard let phone = plan.extensions[wish.from] else {
            throw .invalid("from", "there is no extension \(wish.from)")
        }
        let meant = DialledText(wish.to, in: plan, home: settings.country, numbering: numbering)
        if case .unknown = meant { throw .invalid("to", "this number leads nowhere") }
        let call = PBXCall(
            makeCallName(), in: self, direction: meant.direction, origin: .clickToCall, line: wish.line, dialled: wish.to)
        call.command = order.id.description
        keep(call)
        if wish.record { call.recorder.isWanted = true }
        call.tell(
            .created(
                PBXRecord.Beginning(
                    direction: call.direction, origin: .clickToCall, from: .user(extension: wish.from, endpoint: nil),
                    dialled: wish.to, line: wish.line, command: call.command)))
        call.begin(CallingBack(call, phone, to: meant))
        return ProviderAnswer(call: ExternalKey(.call, call.name), code: "ringing", isPreliminary: false)
    }

    private func hold(_ call: PBXCall, _ isOn: Bool) throws(ProviderFailure) {
        let talking = try talking(call)
        guard let leg = employee(of: call) else { throw .gone }
        guard leg.isHeldByCommand != isOn else { return }
        leg.isHeldByCommand = isOn
        talking.held(leg)
    }

    private func transfer(_ call: PBXCall, to number: String) throws(ProviderFailure) {
        let talking = try talking(call)
        guard let leg = employee(of: call) else { throw .gone }
        guard let target = transferTarget(number, by: leg) else {
            throw ProviderFailure(.rejected, code: "not-permitted", text: "this extension may not call there")
        }
        call.begin(Transferring(call, by: leg, of: talking.partner(of: leg), to: target, letsGo: true))
    }

    private func consult(_ call: PBXCall, with number: String) throws(ProviderFailure) {
        let talking = try talking(call)
        guard let leg = employee(of: call) else { throw .gone }
        guard let target = transferTarget(number, by: leg) else {
            throw ProviderFailure(.rejected, code: "not-permitted", text: "this extension may not call there")
        }
        call.begin(Consulting(call, by: leg, for: talking.partner(of: leg), with: target))
    }

    // MARK: In a call

    private func record(_ call: PBXCall, _ start: Bool) throws(ProviderFailure) {
        guard start else {
            call.recorder.isWanted = false
            call.recorder.finish(in: call)
            return
        }
        let talking = try talking(call)
        call.recorder.isWanted = true
        call.recorder.follow(talking.first, talking.second, in: call)
    }

    private func press(_ digits: String, _ call: PBXCall) throws(ProviderFailure) {
        let talking = try talking(call)
        guard let leg = employee(of: call) else { throw .gone }
        send(keys: digits.uppercased(), to: talking.partner(of: leg))
    }
}

extension ProviderFailure {
    fileprivate static var gone: ProviderFailure {
        ProviderFailure(.rejected, code: "no-call", text: "this call is over")
    }

    fileprivate static func invalid(_ code: String, _ text: String) -> ProviderFailure {
        ProviderFailure(.invalid, code: code, text: text)
    }
}
