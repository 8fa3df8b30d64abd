import Connector

/// Plays MegaFon VATS: forms with the token in their midst.
package struct MegafonSimulator: VendorSimulator {
    package static let adapter = "megafon-vats"

    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .transfer, .outboundAnswered, .outboundBusy, .recording,
    ]

    private let token: String

    package init(settings: AdapterSettings) throws { token = try settings.required("crm_token") }

    package func call(_ scenario: Scenario, startingAt start: Instant, seed: UInt64) -> SimulatedCall? {
        MegafonScript(scenario, start: start, people: SimulatedPeople(seed: seed))
            .map { SimulatedCall(steps: $0.script.steps { MegafonScript.step($0, token: token) }) }
    }
}
