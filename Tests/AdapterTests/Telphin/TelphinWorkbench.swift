import AdapterKit
import Connector
import TelphinAdapter

/// A Telphin connection to try events on.
struct TelphinWorkbench {
    /// When the events happened, and when they arrive: a second later.
    static let time = Instant(unixSeconds: 1_793_603_720)
    static let now = Instant(unixSeconds: 1_793_603_721)

    typealias Fields = [(name: String, value: String)]

    let adapter: TelphinAdapter

    init(_ settings: [String: String] = [:]) throws {
        adapter = try TelphinAdapter(settings: AdapterSettings(connection: ConnectionID("telphin"), values: settings))
    }

    func raw(_ body: String, query: String = "", source: CallSource = .webhook) -> RawRecord {
        RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("telphin"), receivedAt: Self.now, source: source,
            method: query.isEmpty ? "POST" : "GET", query: query, body: Array(body.utf8))
    }

    func authenticate(_ body: String, query: String = "") -> Authentication {
        raw(body, query: query).withRequest { adapter.makeAuthenticator().authenticate($0) }
    }

    func decode(_ body: String, query: String = "", source: CallSource = .webhook) -> [Decoded] {
        adapter.makeDecoder().decode(raw(body, query: query, source: source))
    }

    /// The events of one of Telphin's; fields given here count more than the usual ones, an empty value takes one away.
    func events(_ type: String, _ usual: Fields, _ more: Fields) -> [CallEvent] {
        let common: Fields = [
            ("EventType", type), ("CallID", "c"), ("EventTime", "1793603720000000"), ("CallStatus", "CALLING"),
        ]
        return Self.events(decode(FormEncoding.encode(common + usual + more)))
    }

    /// A call from 79000000101 to 101.
    func incoming(_ type: String, _ more: Fields = []) -> [CallEvent] {
        events(
            type,
            [
                ("SubCallID", "100101-c"), ("CallerIDNum", "79000000101"), ("CallerIDName", "79000000101"),
                ("CalledDID", "79000000010"), ("CalledNumber", "0000*101"), ("CalledExtension", "0000*101@sipproxy.telphin.ru"),
                ("CalledExtensionID", "100101"), ("CallFlow", "in"),
            ], more)
    }

    /// A call from 101 to 79000000102.
    func outgoing(_ type: String, _ more: Fields = []) -> [CallEvent] {
        events(
            type,
            [
                ("SubCallID", "100101-c"), ("CallerIDNum", "0000*101"), ("CallerIDName", "0000*101"),
                ("CallerExtension", "0000*101@sipproxy.telphin.ru"), ("CallerExtensionID", "100101"),
                ("CalledNumber", "79000000102"), ("CallFlow", "out"),
            ], more)
    }

    static func events(_ decoded: [Decoded]) -> [CallEvent] {
        decoded.compactMap { if case .call(let event) = $0 { event } else { nil } }
    }
}
