import Connector
import Digests
import MangoAdapter

/// A Mango connection to try requests on: signs them, lets them in, and reads them.
struct MangoWorkbench {
    static let key = "mk9f3tq7w2c6x1z8v5b4n0m3l7k2j6h1"
    static let salt = "ms4d8f1g6h3j9k2l5z7x0c4v8b1n6m3q"

    let adapter: MangoAdapter

    init() throws {
        adapter = try MangoAdapter(
            settings: AdapterSettings(connection: ConnectionID("mango"), values: ["api_key": Self.key, "api_salt": Self.salt]))
    }

    static func sign(_ json: String) -> String { Digest.hash(Self.key + json + Self.salt, .sha256).hex }

    /// A body whose values are percent-encoded to the last byte.
    static func body(_ json: String, key: String? = key, sign: String? = nil) -> String {
        func encoded(_ text: String) -> String { text.utf8.map { "%" + Hex.encode([$0]) }.joined() }
        let fields = [("vpbx_api_key", key), ("sign", sign ?? Self.sign(json)), ("json", json)]
        return fields.compactMap { name, value in value.map { "\(name)=\(encoded($0))" } }.joined(separator: "&")
    }

    func raw(_ path: String, _ body: String) -> RawRecord {
        RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("mango"), receivedAt: Instant(unixSeconds: 1_790_000_500), path: path,
            body: Array(body.utf8))
    }

    func authenticate(_ body: String, path: String = "/events/call") -> Authentication {
        raw(path, body).withRequest { adapter.makeAuthenticator().authenticate($0) }
    }

    func decode(_ path: String, _ json: String) -> [Decoded] {
        adapter.makeDecoder().decode(raw(path, Self.body(json)))
    }

    func event(_ path: String, _ json: String) -> CallEvent? {
        guard case .call(let event)? = decode(path, json).first else { return nil }
        return event
    }

    /// A leg's event with the given members put before the usual ones.
    func leg(_ members: String, state: String = "Appeared") -> CallEvent? {
        event(
            "/events/call", #"{"entry_id":"E","call_id":"L","timestamp":1790000100,"seq":3,"call_state":"\#(state)",\#(members)}"#
        )
    }
}
