import AdapterKit
import Connector
import Digests

/// Plays MANGO OFFICE: forms of key, signature and JSON.
package struct MangoSimulator: VendorSimulator {
    package static let adapter = "mango"

    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .blindTransfer, .attendedTransfer, .outboundAnswered, .outboundBusy, .recording,
        .connectionCheck,
    ]

    private let key: String
    private let signer: KeyedDigest

    package init(settings: AdapterSettings) throws {
        key = try settings.required("api_key")
        signer = KeyedDigest(.sha256, prefix: Array(key.utf8), suffix: Array(try settings.required("api_salt").utf8))
    }

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
            return SimulatedStep(
                delay: .seconds(message.second - before), target: message.path,
                headers: [HeaderField(name: "content-type", value: "application/x-www-form-urlencoded")], body: form(message.json)
            )
        }
    }

    private func form(_ json: JSONValue) -> [UInt8] {
        let text = String(decoding: json.encoded, as: UTF8.self)
        let fields = [("vpbx_api_key", key), ("sign", signer.sign(text).hex), ("json", text)]
        return Array(FormEncoding.encode(fields.map { (name: $0.0, value: $0.1) }).utf8)
    }
}
