import Connector

/// Plays Beeline: XSI events as XML, unsigned. What is inferred of their order is said in the adapter's README.
package struct BeelineSimulator: VendorSimulator {
    package static let adapter = "beeline"

    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .blindTransfer, .attendedTransfer, .outboundAnswered, .outboundBusy, .recording,
    ]

    /// Nothing is signed: the address is the secret.
    package init(settings: AdapterSettings) {}

    package func call(_ scenario: Scenario, startingAt start: Instant, seed: UInt64) -> SimulatedCall? {
        var script = BeelineScript(start: start, people: SimulatedPeople(seed: seed))
        switch scenario {
        case .inboundAnswered: script.inboundAnswered(recorded: false)
        case .recording: script.inboundAnswered(recorded: true)
        case .inboundMissed: script.inboundMissed()
        case .group: script.group()
        case .blindTransfer: script.blindTransfer()
        case .attendedTransfer: script.attendedTransfer()
        case .outboundAnswered: script.outbound(answered: true)
        case .outboundBusy: script.outbound(answered: false)
        case .transfer, .connectionCheck: return nil
        }
        return SimulatedCall(steps: steps(of: script))
    }

    private func steps(of script: BeelineScript) -> [SimulatedStep] {
        var before = 0
        return script.messages.map { message in
            defer { before = message.second }
            return SimulatedStep(
                delay: .seconds(message.second - before), target: "",
                headers: [HeaderField(name: "content-type", value: "application/xml; charset=UTF-8")],
                body: Array(message.xml.utf8))
        }
    }
}
