import Connector

/// Plays MANGO OFFICE: forms of key, signature and JSON.
package struct MangoSimulator: VendorSimulator {
    package static let adapter = "mango"

    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .blindTransfer, .attendedTransfer, .outboundAnswered, .outboundBusy, .recording,
        .connectionCheck,
    ]

    private let envelope: MangoEnvelope

    package init(settings: AdapterSettings) throws { envelope = try MangoEnvelope(settings: settings) }

    package func call(_ scenario: Scenario, startingAt start: Instant, seed: UInt64) -> SimulatedCall? {
        var script = MangoScript(start: start, people: SimulatedPeople(seed: seed))
        switch scenario {
        case .inboundAnswered: script.inboundAnswered()
        case .inboundMissed: script.inboundMissed()
        case .group: script.group()
        case .blindTransfer: script.blindTransfer()
        case .attendedTransfer: script.attendedTransfer()
        case .outboundAnswered: script.outbound(answered: true)
        case .outboundBusy: script.outbound(answered: false)
        case .recording: script.recording()
        case .connectionCheck: script.send("/ping", at: 0, [:])
        case .transfer: return nil
        }
        return SimulatedCall(steps: steps(of: script))
    }

    private func steps(of script: MangoScript) -> [SimulatedStep] {
        var before = 0
        return script.messages.map { message in
            defer { before = message.second }
            return envelope.step(message.path, message.json, after: .seconds(message.second - before))
        }
    }
}
