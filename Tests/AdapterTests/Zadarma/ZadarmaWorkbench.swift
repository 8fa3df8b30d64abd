import AdapterKit
import Connector
import Digests
import ZadarmaAdapter

/// A Zadarma connection to try requests on: signs them, lets them in, and reads them.
struct ZadarmaWorkbench {
    static let secret = "0f1e2d3c4b5a69788796"

    let adapter: ZadarmaAdapter

    init(timeZone: String? = nil) throws {
        var values = ["key": "a1b2c3d4e5f60718293a", "secret": Self.secret]
        values["time_zone"] = timeZone
        adapter = try ZadarmaAdapter(settings: AdapterSettings(connection: ConnectionID("zadarma"), values: values))
    }

    static let now = Instant(unixSeconds: 1_793_603_800)

    /// The signature of a text as most of Zadarma's own code writes it.
    static func sign(_ text: String) -> String {
        Base64.encode(KeyedDigest(hmac: .sha1, key: Array(secret.utf8)).sign(text).hex)
    }

    func raw(_ body: String, signature: String? = nil, type: String? = nil, method: String = "POST", query: String = "")
        -> RawRecord
    {
        let headers = [("signature", signature), ("content-type", type)].compactMap { name, value in
            value.map { HeaderField(name: name, value: $0) }
        }
        return RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("zadarma"), receivedAt: Self.now, method: method, query: query,
            headers: headers, body: Array(body.utf8))
    }

    func authenticate(_ raw: RawRecord) -> Authentication {
        raw.withRequest { adapter.makeAuthenticator().authenticate($0) }
    }

    func decode(_ fields: [(name: String, value: String)]) -> [Decoded] {
        adapter.makeDecoder().decode(raw(FormEncoding.encode(fields)))
    }

    /// The event of an incoming call's notification.
    func incoming(_ event: String, _ more: [(name: String, value: String)] = []) -> CallEvent? {
        let common: [(name: String, value: String)] = [
            ("event", event), ("call_start", "2026-11-02 10:15:20"), ("pbx_call_id", "in_1"), ("caller_id", "79000000101"),
            ("called_did", "79000000010"),
        ]
        return callEvent(common + more)
    }

    /// The event of an outgoing call's notification.
    func outgoing(_ event: String, to destination: String = "79000000102", _ more: [(name: String, value: String)] = [])
        -> CallEvent?
    {
        let common: [(name: String, value: String)] = [
            ("event", event), ("call_start", "2026-11-02 10:15:20"), ("pbx_call_id", "out_1"), ("internal", "499499-101"),
            ("destination", destination), ("caller_id", "79000000010"),
        ]
        return callEvent(common + more)
    }

    func callEvent(_ fields: [(name: String, value: String)]) -> CallEvent? {
        guard case .call(let event)? = decode(fields).first else { return nil }
        return event
    }
}
