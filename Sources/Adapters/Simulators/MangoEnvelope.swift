import AdapterKit
import Connector
import Digests

/// The form of key, signature and JSON that Mango sends and takes.
struct MangoEnvelope: Sendable {
    private let key: String
    private let signer: KeyedDigest

    init(settings: AdapterSettings) throws {
        key = try settings.required("api_key")
        signer = KeyedDigest(.sha256, prefix: Array(key.utf8), suffix: Array(try settings.required("api_salt").utf8))
    }

    func seal(_ json: JSONValue) -> [UInt8] {
        let text = String(decoding: json.encoded, as: UTF8.self)
        return Array(FormEncoding.encode([("vpbx_api_key", key), ("sign", signer.sign(text).hex), ("json", text)]).utf8)
    }

    /// A webhook, `delay` after the one before.
    func step(_ path: String, _ json: JSONValue, after delay: Duration) -> SimulatedStep {
        SimulatedStep(
            delay: delay, target: path,
            headers: [HeaderField(name: "content-type", value: "application/x-www-form-urlencoded")], body: seal(json))
    }

    /// The JSON of a request.
    /// - Throws: `MangoRefusal` with the code that Mango answers.
    func open(_ body: [UInt8]) throws(MangoRefusal) -> JSONValue {
        let form: FormBody
        do {
            form = try body.withUnsafeBytes { try FormBody($0) }
        } catch {
            throw MangoRefusal(code: 3100)
        }
        guard let text = form.bytes(of: "json"), let sign = form.string("sign"), let key = form.string("vpbx_api_key") else {
            throw MangoRefusal(code: 3103)
        }
        guard key == self.key else { throw MangoRefusal(code: 3105) }
        guard sign == signer.sign(text).hex else { throw MangoRefusal(code: 3102) }
        do {
            return try JSONValue(parsing: text)
        } catch {
            throw MangoRefusal(code: 3400)
        }
    }
}

/// A code with which Mango says no.
struct MangoRefusal: Error {
    var code: Int
}
