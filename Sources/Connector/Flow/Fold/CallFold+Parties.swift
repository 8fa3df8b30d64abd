// Who called whom: direction, the outside party, our line, what was wanted.

extension CallFold {
    /// Rule 5: what a command or the vendor's own verdict says comes first; else the earliest leg with somebody outside.
    func readDirection() {
        call.origin = digest.origin ?? .unknown
        let isCommanded = [.clickToCall, .callbackRequest, .campaign].contains(call.origin)
        call.direction = isCommanded ? commandedDirection : statedDirection ?? directionOfLegs ?? digest.pastDirection
        if call.origin == .unknown, let direction = call.direction {
            call.origin = direction == .inbound ? .trunk : .device
        }
    }

    /// Whatever is ordered goes out, unless it is a colleague who was to be called.
    private var commandedDirection: Direction {
        directionOfLegs == .internal && digest.externalNumber == nil ? .internal : .outbound
    }

    private var statedDirection: Direction? {
        told?.direction ?? digest.direction
    }

    private var directionOfLegs: Direction? {
        for leg in legs {
            if leg.firstFrom?.isExternal == true { return .inbound }
            if leg.to?.isExternal == true { return .outbound }
        }
        return legs.contains { $0.firstFrom?.isUser == true && $0.to?.isUser == true } ? .internal : nil
    }

    func readParties() {
        readExternalParty()
        readLine()
        readRequested()
    }

    private func readExternalParty() {
        guard call.direction != .internal else { return }
        guard let raw = externalNumber else { return }
        call.externalParty = ExternalParty(number: number(raw), name: digest.externalName)
    }

    /// The outside number: of the first leg that shows one, else as reported; `""` where the caller hides it.
    private var externalNumber: String? {
        var isHidden = false
        for leg in legs {
            for party in [call.direction == .outbound ? leg.to : leg.firstFrom, leg.firstFrom, leg.to] {
                guard case .external(let number) = party else { continue }
                if let number { return number }
                isHidden = true
            }
        }
        return digest.externalNumber ?? (isHidden ? "" : nil)
    }

    private func readLine() {
        if let lineNumber = digest.line.map(number) {
            let id = lineNumber.e164 ?? lineNumber.raw
            call.line = Line(id: id, number: lineNumber, label: profile.lines[id]?.label)
        }
        call.attribution = attribution(tracking: digest.tracking)
    }

    private func attribution(tracking: TrackingReport?) -> Attribution? {
        if let tracking {
            let dialled = tracking.number.map(number)
            let id = dialled.flatMap { $0.e164 ?? $0.raw } ?? call.line?.id
            return Attribution(trackingNumber: id, method: tracking.method, channel: id.flatMap { profile.lines[$0]?.channel })
        }
        guard call.direction == .inbound, let id = call.line?.id, let channel = profile.lines[id]?.channel else { return nil }
        return Attribution(trackingNumber: id, method: .static, channel: channel)
    }

    private func readRequested() {
        switch call.direction {
        case .inbound: call.requested = call.line.map { .number($0.number) }
        case .outbound: call.requested = call.externalParty.map { .number($0.number) }
        case .internal:
            call.requested = legs.lazy.compactMap { $0.to?.extension }.first.map { .user(userID($0)) }
        case nil: break
        }
    }
}
