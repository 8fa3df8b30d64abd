import AdapterKit
import Connector
import MegafonVATSAdapter

/// A MegaFon connection to try requests on.
struct MegafonWorkbench {
    static let token = "crm-0f3c9a52-7d41-4b86-9e1c-2a5d8b7c6e10"
    static let now = Instant(unixSeconds: 1_790_000_100)

    typealias Fields = [(name: String, value: String)]

    let adapter: MegafonVATSAdapter

    init(_ more: [String: String] = ["base_url": "https://demo.megapbx.ru"]) throws {
        let values = ["crm_token": Self.token].merging(more) { $1 }
        adapter = try MegafonVATSAdapter(settings: AdapterSettings(connection: ConnectionID("vats"), values: values))
    }

    func raw(_ body: String, source: CallSource = .webhook) -> RawRecord {
        RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("vats"), receivedAt: Self.now, source: source, body: Array(body.utf8))
    }

    func authenticate(_ body: String) -> Authentication {
        raw(body).withRequest { adapter.makeAuthenticator().authenticate($0) }
    }

    func decode(_ body: String, source: CallSource = .webhook) -> [Decoded] {
        adapter.makeDecoder().decode(raw(body, source: source))
    }

    func decode(_ fields: Fields) -> [Decoded] {
        decode(FormEncoding.encode([("callid", "C"), ("crm_token", Self.token)] + fields))
    }

    func events(_ fields: Fields) -> [CallEvent] { Self.events(decode(fields)) }

    static func events(_ decoded: [Decoded]) -> [CallEvent] {
        decoded.compactMap { if case .call(let event) = $0 { event } else { nil } }
    }

    /// The event of a push about a call from 79000001234 to 101.
    func state(_ type: String, _ more: Fields = [("direction", "in")]) -> CallEvent? {
        events(Self.people + [("cmd", "event"), ("type", type)] + more).first
    }

    /// The first event of a history of such a call; fields given here stand before the usual ones.
    func history(_ more: Fields) -> CallEvent? { histories(more).first }

    func histories(_ more: Fields) -> [CallEvent] {
        let usual: Fields = [("cmd", "history"), ("type", "in"), ("status", "Success"), ("start", "20260921T141320Z")]
        return events(Self.people + usual + more)
    }

    private static let people: Fields = [
        ("phone", "79000001234"), ("user", "ivanov@demo.megapbx.ru"), ("ext", "101"), ("telnum", "79000000101"),
        ("diversion", "74950000002"),
    ]
}
