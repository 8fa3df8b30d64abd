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
        MangoScript(scenario, start: start, people: SimulatedPeople(seed: seed)).map { play in
            SimulatedCall(steps: play.script.steps { envelope.step($0.path, $0.json, after: .zero) })
        }
    }
}
