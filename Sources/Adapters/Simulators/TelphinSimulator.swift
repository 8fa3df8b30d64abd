import Connector

/// Plays Telphin: unsigned forms. The secret is in the address they are sent to.
package struct TelphinSimulator: VendorSimulator {
    package static let adapter = "telphin"

    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .transfer, .outboundAnswered, .outboundBusy, .recording,
    ]

    package init(settings: AdapterSettings) {}

    package func call(_ scenario: Scenario, startingAt start: Instant, seed: UInt64) -> SimulatedCall? {
        TelphinScript(scenario, start: start, people: SimulatedPeople(seed: seed))
            .map { SimulatedCall(steps: $0.script.steps { .form($0) }) }
    }
}
