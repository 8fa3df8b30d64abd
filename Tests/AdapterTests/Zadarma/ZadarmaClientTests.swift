import AdapterKit
import Connector
import TestSupport
import Testing

@testable import ZadarmaAdapter

/// What leaves for Zadarma, and what its answers mean.
struct ZadarmaClientTests {
    private func client(_ outgoing: any Outgoing) throws -> any ProviderClient {
        try #require(ZadarmaWorkbench().adapter.makeClient(outgoing))
    }

    private static func originate(_ from: String = "101", _ to: String = "79000000102") -> Command.Action {
        .originate(Command.Origination(from: from, to: to))
    }

    private func order(_ action: Command.Action) -> ProviderOrder {
        ProviderOrder(id: CommandID(bits: 7), action: action, deadline: .seconds(5))
    }

    private static let success = #"{"status":"success","from":101,"to":79000000102,"time":1793603720}"#

    /// The reference's worked example, to the byte.
    @Test func `a callback is the request that the reference shows`() async throws {
        let outgoing = ScriptedOutgoing(status: 200, Self.success)
        let answer = try await client(outgoing).perform(order(Self.originate("101", "+79000000102")))
        #expect(answer == ProviderAnswer(code: "success"))
        let request = try #require(outgoing.requests.first)
        #expect(request.method == "GET")
        #expect(request.url == "https://api.zadarma.com/v1/request/callback/?format=json&from=101&to=79000000102")
        let signature = "a1b2c3d4e5f60718293a:OTkzYTY1OGM0NGE5YzhhODIyYzU3ZTJlMDAzNjU3NDM1NzRiYWM5OQ=="
        #expect(request.headers == [HeaderField(name: "Authorization", value: signature)])
        #expect(request.deadline == .seconds(5))
        #expect(outgoing.requests.count == 1)
    }

    private static let bad: [(Command.Action, ProviderFailure.Kind, String)] = [
        (originate("ivanov"), .invalid, "from"), (originate("101", ""), .invalid, "to"),
        (originate("101", "+7900000010"), .invalid, "to"), (originate("101", "79000000102&sip=1"), .invalid, "to"),
        (.originate(Command.Origination(from: "101", to: "102", line: "74950000001")), .unsupported, "line"),
        (.originate(Command.Origination(from: "101", to: "102", record: true)), .unsupported, "record"),
        (.hangup, .unsupported, "hangup"), (.hold, .unsupported, "hold"), (.resume, .unsupported, "resume"),
        (.transfer(to: "102", kind: .blind), .unsupported, "transfer"), (.dtmf("1"), .unsupported, "send_dtmf"),
        (.record(start: true), .unsupported, "record_start"),
    ]

    @Test(arguments: bad)
    func `what cannot be right or cannot be done never leaves`(
        action: Command.Action, kind: ProviderFailure.Kind, code: String
    ) async throws {
        let outgoing = ScriptedOutgoing(status: 200, Self.success)
        let failure = await failure { try await client(outgoing).perform(order(action)) }
        #expect(failure?.kind == kind)
        #expect(failure?.code == code)
        #expect(outgoing.requests.isEmpty)
    }

    private static let refusals: [(Int, String, ProviderFailure.Kind, String)] = [
        (401, #"{"status":"error","message":"Not authorized"}"#, .unauthorized, "401"), (403, "", .unauthorized, "403"),
        (429, #"{"status":"error","message":"You exceeded the rate limit"}"#, .limited, "429"),
        (400, #"{"status":"error","message":"Wrong parameters"}"#, .rejected, "400"),
        (200, #"{"status":"error","message":"Not enough money"}"#, .rejected, "error"), (503, "", .unavailable, "503"),
        (500, "", .unknown, "500"), (504, "<html>", .unknown, "504"), (200, "<html>", .unknown, "unreadable"),
        (200, "", .unknown, "unreadable"),
        (200, #"{"status":"#, .unknown, "unreadable"), (200, "{}", .unknown, "unreadable"),
        (200, "[]", .unknown, "unreadable"),
        (500, #"{"status":"success"}"#, .unknown, "500"),
    ]

    @Test(arguments: refusals)
    func `a refusal is told by status and message`(
        status: Int, body: String, kind: ProviderFailure.Kind, code: String
    ) async throws {
        let outgoing = ScriptedOutgoing(status: status, body)
        let failure = await failure { try await client(outgoing).perform(order(Self.originate())) }
        #expect(failure?.kind == kind)
        #expect(failure?.code == code)
        #expect(outgoing.requests.count == 1)
    }

    @Test func `a limit tells when to come again`() async throws {
        let outgoing = ScriptedOutgoing(status: 429, headers: [HeaderField(name: "retry-after", value: "30")], "{}")
        #expect(await failure { try await client(outgoing).perform(order(Self.originate())) }?.retryAfter == .seconds(30))
    }

    @Test func `silence after the request has left is unknown`() async throws {
        let outgoing = ScriptedOutgoing(.failure(OutgoingError(.timeout, place: "https://x", reason: "r", isTransient: true)))
        #expect(await failure { try await client(outgoing).perform(order(Self.originate())) }?.kind == .unknown)
        let window = HistoryWindow(from: Instant(unixSeconds: 0), to: Instant(unixSeconds: 60))
        #expect(await failure { try await client(outgoing).history(window, page: 0) }?.kind == .unavailable)
    }

    // MARK: The log and recordings

    @Test func `the log is asked for in the account's time, a thousand rows to a page`() async throws {
        let rows = Array(repeating: #"{"call_id":"1"}"#, count: 1000).joined(separator: ",")
        let full = #"{"status":"success","stats":[\#(rows)]}"#
        let outgoing = ScriptedOutgoing(
            .success(OutgoingResponse(status: 200, body: Array(full.utf8))),
            .success(OutgoingResponse(status: 200, body: Array(#"{"status":"success","stats":[]}"#.utf8))))
        let start = try #require(LocalTimestamp.parse("2026-11-02 10:00:00", in: try LocalZone(named: "Europe/Moscow")))
        let window = HistoryWindow(from: start, to: start.advanced(by: .seconds(3600)))
        let client = try client(outgoing)
        let first = try await client.history(window, page: 0)
        #expect(first.bodies == [Array(full.utf8)])
        #expect(first.hasMore)
        let second = try await client.history(window, page: 1)
        #expect(second.bodies.isEmpty)
        #expect(!second.hasMore)
        #expect(
            outgoing.requests.map(\.url)
                == [0, 1000].map { skip in
                    "https://api.zadarma.com/v1/statistics/pbx/?end=2026-11-02+10%3A59%3A59&format=json&limit=1000&skip=\(skip)"
                        + "&start=2026-11-02+10%3A00%3A00&version=2"
                })
    }

    @Test func `a recording is fetched by its link, without the key`() async throws {
        let outgoing = ScriptedOutgoing(
            status: 200, #"{"status":"success","link":"https:\/\/api.zadarma.com\/v1\/pbx\/record\/download\/x\/y.mp3"}"#)
        let request = try await client(outgoing).recording("1793603720.1234")
        #expect(request.url == "https://api.zadarma.com/v1/pbx/record/download/x/y.mp3")
        #expect(request.headers.isEmpty)
        #expect(
            outgoing.requests.first?.url == "https://api.zadarma.com/v1/pbx/record/request/?call_id=1793603720.1234&format=json")
    }

    @Test(arguments: [#"{"status":"success"}"#, #"{"status":"success","link":"http://elsewhere.example/x"}"#])
    func `no link, or one that is not encrypted, is no recording`(body: String) async throws {
        #expect(await failure { try await client(ScriptedOutgoing(status: 200, body)).recording("R") }?.code == "link")
    }

    @Test func `Novofon is another host`() async throws {
        let adapter = try ZadarmaAdapter(
            settings: AdapterSettings(
                connection: ConnectionID("n"), values: ["key": "k", "secret": "s", "base_url": "https://api.novofon.com"]))
        let outgoing = ScriptedOutgoing(status: 200, Self.success)
        _ = try await #require(adapter.makeClient(outgoing)).perform(order(Self.originate()))
        #expect(outgoing.requests.first?.url.hasPrefix("https://api.novofon.com/v1/request/callback/?") == true)
    }
}
