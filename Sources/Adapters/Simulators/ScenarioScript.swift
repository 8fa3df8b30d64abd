import Connector

/// The script of a vendor who knows one kind of transfer: each scenario is a method, and a whole call.
protocol ScenarioScript {
    mutating func inboundAnswered(recorded: Bool)
    mutating func inboundMissed()
    mutating func group()
    mutating func transfer()
    mutating func outbound(answered: Bool)
}

extension ScenarioScript {
    /// Writes the call of a scenario.
    /// - Returns: `false`, with nothing written, where the vendor has no such scenario.
    mutating func write(_ scenario: Scenario) -> Bool {
        switch scenario {
        case .inboundAnswered: inboundAnswered(recorded: false)
        case .recording: inboundAnswered(recorded: true)
        case .inboundMissed: inboundMissed()
        case .group: group()
        case .transfer: transfer()
        case .outboundAnswered: outbound(answered: true)
        case .outboundBusy: outbound(answered: false)
        case .blindTransfer, .attendedTransfer, .connectionCheck: return false
        }
        return true
    }
}

extension Scenario {
    /// Who calls whom.
    var direction: Direction { self == .outboundAnswered || self == .outboundBusy ? .outbound : .inbound }
}
