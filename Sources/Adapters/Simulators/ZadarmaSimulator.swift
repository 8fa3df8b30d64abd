import AdapterKit
import Connector
import Digests

/// Plays Zadarma: forms with the header `Signature`, local times of the account's zone.
package struct ZadarmaSimulator: VendorSimulator {
    package static let adapter = "zadarma"

    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .transfer, .outboundAnswered, .outboundBusy, .recording, .connectionCheck,
    ]

    let signer: KeyedDigest
    let zone: LocalZone

    package init(settings: AdapterSettings) throws {
        signer = KeyedDigest(hmac: .sha1, key: Array(try settings.required("secret").utf8))
        do {
            zone = try LocalZone(named: settings["time_zone"] ?? "Europe/Moscow")
        } catch {
            throw SettingsError(setting: "time_zone", problem: "cannot be used", hint: error.description)
        }
    }

    package func call(_ scenario: Scenario, startingAt start: Instant, seed: UInt64) -> SimulatedCall? {
        let people = SimulatedPeople(seed: seed)
        if scenario == .connectionCheck { return connectionCheck(people) }
        return ZadarmaScript(scenario, start: start, in: zone, people: people).map { SimulatedCall(steps: steps(of: $0)) }
    }

    private func connectionCheck(_ people: SimulatedPeople) -> SimulatedCall {
        let value = String(people.token("echo").prefix(10))
        return SimulatedCall(steps: [
            SimulatedStep(
                delay: .zero, method: "GET", target: "?zd_echo=\(value)", headers: [], body: [], expectedBody: Array(value.utf8))
        ])
    }

    /// What of the call has not been told.
    func steps(of script: ZadarmaScript) -> [SimulatedStep] {
        script.script.steps { message in
            let signature = Base64.encode(signer.sign(message.signed).hex)
            return .form(message.fields, headers: [HeaderField(name: "signature", value: signature)])
        }
    }
}
