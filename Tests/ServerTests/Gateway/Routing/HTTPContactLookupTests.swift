import Connector
import Digests
import TestSupport
import Testing

@testable import Gateway

/// What the CRM is sent, and what its answers mean.
@Suite struct HTTPContactLookupTests {
    private static let clock = ManualClock(Instant(unixSeconds: 1_793_603_720))
    private static let query = ContactQuery(
        tenant: .standard, connection: ConnectionID("vats"), provider: "megafon",
        number: PhoneNumber(raw: "79000001234", e164: "+79000001234", national: "8 (900) 000-12-34", country: "RU"),
        line: nil, call: ExternalKey(.call, "Q1"), patience: .seconds(1))

    private func lookup(_ outgoing: any Outgoing, secret: String? = nil) -> HTTPContactLookup {
        HTTPContactLookup(url: "https://crm.example/who?key=s", secret: secret, outgoing: outgoing, clock: Self.clock)
    }

    private func answer(_ status: Int, _ body: String) async throws(ContactFailure) -> ContactAnswer {
        try await lookup(TestSupport.ScriptedOutgoing(status: status, body)).ask(Self.query, within: .seconds(3))
    }

    @Test func `the question is one JSON object, bounded both ways`() async throws {
        let outgoing = TestSupport.ScriptedOutgoing(status: 200, "{}")
        #expect(try await lookup(outgoing).ask(Self.query, within: .seconds(3)) == .unknown)
        let request = try #require(outgoing.requests.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://crm.example/who?key=s")
        #expect(request.deadline == .seconds(3))
        #expect(request.maximumBody == 16 << 10)
        #expect(request.redirects == 0)
        let expected: JSONValue = [
            "type": "contact.lookup", "at": "2026-11-02T07:15:20.000Z", "tenant_id": "default", "connection_id": "vats",
            "provider": "megafon",
            "number": ["raw": "79000001234", "e164": "+79000001234", "national": "8 (900) 000-12-34", "country": "RU"],
            "line": nil, "call": ["kind": "call", "value": "Q1"], "answer_within_ms": 1000,
        ]
        #expect(try JSONValue(parsing: request.body) == expected)
        #expect(!request.headers.contains { $0.name == "webhook-signature" })
    }

    @Test(arguments: [
        ("whsec_" + Base64.encode("made-up key"), "made-up key"), ("made-up key", "made-up key"),
        ("whsec_not base64", "whsec_not base64"),
    ])
    func `the signature is that of Standard Webhooks`(secret: String, key: String) async throws {
        let outgoing = TestSupport.ScriptedOutgoing(status: 204, "")
        _ = try await lookup(outgoing, secret: secret).ask(Self.query, within: .seconds(3))
        let request = try #require(outgoing.requests.first)
        func header(_ name: String) -> String { request.headers.first { $0.name == name }?.value ?? "" }
        let message = Array("\(header("webhook-id")).\(header("webhook-timestamp")).".utf8) + request.body
        let digest = KeyedDigest(hmac: .sha256, key: Array(key.utf8)).sign(message)
        #expect(header("webhook-timestamp") == "1793603720")
        #expect(header("webhook-id").hasPrefix("msg_"))
        #expect(header("webhook-signature") == "v1," + Base64.encode(digest.bytes))
    }

    @Test func `no two questions have one name`() async throws {
        let outgoing = TestSupport.ScriptedOutgoing(status: 204, "")
        for _ in 0..<2 { _ = try await lookup(outgoing).ask(Self.query, within: .seconds(3)) }
        let names = outgoing.requests.map { $0.headers.first { $0.name == "webhook-id" }?.value }
        #expect(Set(names).count == 2)
    }

    @Test func `200 and 204 are answers`() async throws {
        #expect(try await answer(200, #"{"responsible":"17"}"#) == ContactAnswer(responsible: .userID("17")))
        #expect(try await answer(204, "") == .unknown)
    }

    @Test(arguments: [
        (200, "<html>", ContactFailure.Code.unreadable), (200, "[]", .unreadable), (200, "", .unreadable),
        (301, "{}", .redirect), (307, "{}", .redirect), (401, "{}", .status), (404, "{}", .status), (500, "{}", .status),
        (201, "{}", .status),
    ])
    func `everything else is a failure`(status: Int, body: String, code: ContactFailure.Code) async {
        let failure = await #expect(throws: ContactFailure.self) { try await answer(status, body) }
        #expect(failure?.code == code)
        #expect(failure?.text.contains("html") == false)
    }

    @Test(arguments: [
        (OutgoingError.Code.timeout, ContactFailure.Code.timeout), (.tooLarge, .unreadable), (.connect, .unreachable),
        (.resolve, .unreachable), (.tls, .unreachable), (.cancelled, .unreachable),
    ])
    func `without an answer it says why, and neither path nor query`(code: OutgoingError.Code, kind: ContactFailure.Code) async {
        let error = OutgoingError(code, place: "https://crm.example", reason: "made up", isTransient: true)
        let lookup = lookup(TestSupport.ScriptedOutgoing(.failure(error)))
        let failure = await #expect(throws: ContactFailure.self) { try await lookup.ask(Self.query, within: .seconds(3)) }
        #expect(failure?.code == kind)
        #expect(failure?.text == "https://crm.example: made up")
    }
}
