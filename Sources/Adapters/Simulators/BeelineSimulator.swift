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
        let people = SimulatedPeople(seed: seed)
        guard let play = BeelineScript(scenario, start: start, people: people) else { return nil }
        let subscription = BeelineScript.uuid("subscription", people)
        var number = 0
        return SimulatedCall(
            steps: play.script.steps { event in
                number += 1
                return event.step(event.xml(subscription: subscription, number: number))
            })
    }
}

extension BeelineScript {
    /// nil where Beeline has no such scenario.
    init?(_ scenario: Scenario, start: Instant, people: SimulatedPeople) {
        self.init(start: start, people: people, direction: scenario.direction)
        switch scenario {
        case .inboundAnswered: inboundAnswered(recorded: false)
        case .recording: inboundAnswered(recorded: true)
        case .inboundMissed: inboundMissed()
        case .group: group()
        case .blindTransfer: blindTransfer()
        case .attendedTransfer: attendedTransfer()
        case .outboundAnswered: outbound(answered: true)
        case .outboundBusy: outbound(answered: false)
        case .transfer, .connectionCheck: return nil
        }
    }
}
