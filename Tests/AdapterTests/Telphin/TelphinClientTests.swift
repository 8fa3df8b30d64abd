import Connector
import TelphinAdapter
import TestSupport
import Testing

/// What is asked of Telphin, and what its answers mean.
@Suite struct TelphinClientTests {
    static let secret = "sec-0001"
    private static let token = #"{"access_token":"tok-1","token_type":"Bearer","expires_in":3600}"#
    private static let phones =
        #"[{"id":100101,"name":"0000*101","type":"phone"},{"id":100700,"name":"0000*700","type":"queue"}]"#
    static let call = "02abb9ee685a11ea94bfe17eb6eaecba"

    private func client(_ outgoing: CannedOutgoing) throws -> any ProviderClient {
        try #require(
            try TelphinWorkbench(["client_id": "app-0001", "client_secret": Self.secret]).adapter.makeClient(outgoing))
    }

    private func failure(_ order: ProviderOrder, _ outgoing: CannedOutgoing) async throws -> ProviderFailure? {
        let client = try client(outgoing)
        return await #expect(throws: ProviderFailure.self) { try await client.perform(order) }
    }

    // MARK: Making calls

    @Test func `a callback is ordered as the vendor's example has it`() async throws {
        let outgoing = CannedOutgoing(
            Self.token, Self.phones, #"{"call_api_id":"358:x","call_id":"02ABB9EE-685A-11EA-94BF-E17EB6EAECBA"}"#)
        let answer = try await client(outgoing).perform(.originate(line: "+79000000010", callerName: "Анна"))
        let requests = outgoing.requests
        #expect(
            requests.map { "\($0.method) \($0.url)" } == [
                "POST https://apiproxy.telphin.ru/oauth/token",
                "GET https://apiproxy.telphin.ru/api/ver1.0/client/@me/extension/?page=1&per_page=100",
                "POST https://apiproxy.telphin.ru/api/ver1.0/extension/100101/callback/",
            ])
        #expect(requests[0].text == "grant_type=client_credentials&client_id=app-0001&client_secret=sec-0001")
        #expect(requests[1].header("authorization") == "Bearer tok-1")
        #expect(
            requests[2].text
                == #"{"src_num":["101"],"dst_num":"79000005678","caller_id_number":"79000000010","src_caller_id_name":"Анна"}"#)
        #expect(answer == ProviderAnswer(call: ExternalKey(.call, Self.call), code: "200"))
    }

    @Test func `token and extensions are asked for once`() async throws {
        let outgoing = CannedOutgoing(Self.token, Self.phones, "{}", "{}")
        let client = try client(outgoing)
        _ = try await client.perform(.originate())
        #expect(try await client.perform(.originate(from: "0000*101")) == ProviderAnswer(code: "200"))
        #expect(outgoing.requests.count == 4)
    }

    @Test(arguments: [
        ProviderOrder.originate(from: "anna"), .originate(from: ""), .originate(to: "anna"), .originate(line: "x"),
        .make(.transfer(to: "", kind: .blind)), .make(.hangup), .make(.hold, on: CommandTarget(keys: [])),
        .make(.hold, on: CommandTarget(keys: [], legs: [.init(key: "100101-c", user: "101")])),
        .make(.hangup, on: CommandTarget(keys: [])),
    ])
    func `what cannot be right does not leave`(order: ProviderOrder) async throws {
        let outgoing = CannedOutgoing()
        #expect(try await failure(order, outgoing)?.kind == .invalid)
        #expect(outgoing.requests.isEmpty)
    }

    @Test(arguments: [
        Command.Action.dtmf("1"), .record(start: true), .record(start: false),
        .originate(.init(from: "101", to: "102", record: true)),
    ])
    func `what the API has no command for is unsupported`(action: Command.Action) async throws {
        let outgoing = CannedOutgoing()
        #expect(try await failure(.make(action), outgoing)?.kind == .unsupported)
        #expect(outgoing.requests.isEmpty)
    }

    @Test(arguments: ["700", "109"])
    func `nobody is called for what is no phone`(from: String) async throws {
        let outgoing = CannedOutgoing(Self.token, Self.phones)
        #expect(try await failure(.originate(from: from), outgoing)?.kind == .invalid)
        #expect(outgoing.requests.count == 2)
    }

    // MARK: Tokens

    private static func answer(_ status: Int, _ body: String = "") -> Result<OutgoingResponse, OutgoingError> {
        .success(OutgoingResponse(status: status, body: Array(body.utf8)))
    }

    @Test func `a token that is refused before its time is replaced once`() async throws {
        let another = Self.token.replacing("tok-1", with: "tok-2")
        let outgoing = CannedOutgoing([
            Self.answer(200, Self.token), Self.answer(401), Self.answer(200, another), Self.answer(200, Self.phones),
            Self.answer(201, "{}"),
        ])
        #expect(try await client(outgoing).perform(.originate()).code == "201")
        #expect(
            outgoing.requests.compactMap { $0.header("authorization") } == ["tok-1", "tok-2", "tok-2"].map { "Bearer \($0)" })
    }

    @Test func `a new token that is refused too is the credentials' fault`() async throws {
        let outgoing = CannedOutgoing([
            Self.answer(200, Self.token), Self.answer(401), Self.answer(200, Self.token), Self.answer(401),
        ])
        #expect(try await failure(.originate(), outgoing)?.kind == .unauthorized)
        #expect(outgoing.requests.count == 4)
    }

    @Test(arguments: [
        (Self.answer(401), ProviderFailure.Kind.unauthorized), (answer(400, #"{"error":"invalid_client"}"#), .unauthorized),
        (answer(500), .unavailable), (answer(200, "<html>"), .unavailable),
        (answer(200, #"{"access_token":"a b"}"#), .unavailable),
        (.failure(.made(.timeout)), .unavailable), (answer(429), .limited),
    ])
    func `without a token nothing was carried out`(
        answer: Result<OutgoingResponse, OutgoingError>, kind: ProviderFailure.Kind
    ) async throws {
        let outgoing = CannedOutgoing([answer])
        let failure = try #require(try await failure(.originate(), outgoing))
        #expect(failure.kind == kind)
        #expect(!failure.text.contains(Self.secret))
        #expect(outgoing.requests.count == 1)
    }

    // MARK: Answers

    @Test(arguments: [
        (answer(400, #"{"message":"Invalid number"}"#), ProviderFailure.Kind.rejected), (answer(404), .rejected),
        (answer(429), .limited),
        (answer(403), .unauthorized), (answer(503), .unavailable), (answer(500), .unknown), (answer(201, "<html>"), .unknown),
        (answer(200, ""), .unknown), (.failure(.made(.timeout)), .unknown), (.failure(.made(.connect)), .unavailable),
    ])
    func `refusals keep their kinds`(answer: Result<OutgoingResponse, OutgoingError>, kind: ProviderFailure.Kind) async throws {
        let outgoing = CannedOutgoing([Self.answer(200, Self.token), Self.answer(200, Self.phones), answer])
        #expect(try await failure(.originate(), outgoing)?.kind == kind)
        #expect(outgoing.requests.count == 3)
    }

    @Test func `a time that is over lets nothing leave`() async throws {
        let outgoing = CannedOutgoing(Self.token, Self.phones, "{}")
        let order = ProviderOrder.make(.originate(.init(from: "101", to: "79000005678")), deadline: .zero)
        #expect(try await failure(order, outgoing)?.kind == .unavailable)
        #expect(outgoing.requests.count == 1)
    }

    // MARK: Acting on calls

    private static func target(number: String? = "+79000000102", answered: Bool = true) -> CommandTarget {
        CommandTarget(
            keys: [ExternalKey(.call, call)],
            legs: [.init(key: "100101-\(call)", user: "101", isAnswered: answered)], externalNumber: number)
    }

    private static let live =
        #"[{"call_api_id":"358:\#(call)","called_number":"79000000102"},{"call_api_id":"359","called_number":"5"}]"#

    @Test(arguments: [
        (Command.Action.hangup, "DELETE", ""), (.hold, "PUT", #"{"action":"hold"}"#), (.resume, "PUT", #"{"action":"offhold"}"#),
        (.transfer(to: "102", kind: .blind), "PUT", #"{"action":"transfer","send_dst":"102"}"#),
        (.transfer(to: "+79000000103", kind: .attended), "PUT", #"{"action":"attended_transfer","send_dst":"79000000103"}"#),
    ])
    func `a call is found among the live ones, then acted upon`(action: Command.Action, method: String, body: String) async throws
    {
        let outgoing = CannedOutgoing(Self.token, Self.live, "")
        #expect(try await client(outgoing).perform(.make(action, on: Self.target())) == ProviderAnswer(code: "200"))
        let requests = outgoing.requests
        #expect(requests[1].url == "https://apiproxy.telphin.ru/api/ver1.0/extension/100101/current_calls/")
        #expect(requests[2].method == method)
        #expect(requests[2].url == "https://apiproxy.telphin.ru/api/ver1.0/extension/100101/current_calls/358%3A\(Self.call)")
        #expect(requests[2].text == body)
    }

    @Test(arguments: [
        #"[{"call_api_id":"7","called_number":"79000000102"},{"call_api_id":"8","called_number":"79000000103"}]"#,
        #"{"call_list":[{"call_api_id":7,"caller_id_number":"89000000102"}]}"#,
        #"[{"call_api_id":"7","callback_id":"02ABB9EE-685A-11EA-94BF-E17EB6EAECBA","called_number":"1"},{"call_api_id":"8"}]"#,
    ])
    func `a call is known by number or by order too`(rows: String) async throws {
        let outgoing = CannedOutgoing(Self.token, rows, "")
        _ = try await client(outgoing).perform(.make(.hangup, on: Self.target()))
        #expect(outgoing.requests.last?.url.hasSuffix("/current_calls/7") == true)
    }

    @Test(arguments: [
        ("[]", String?.some("79000000102"), "not_live"),
        (#"[{"call_api_id":"..","called_number":"79000000102"}]"#, "79000000102", "not_live"),
        (#"[{"call_api_id":"7","called_number":"79000000103"}]"#, "79000000102", "not_live"),
        (#"[{"call_api_id":"7"},{"call_api_id":"8"}]"#, nil, "not_live"),
        (#"[{"called_number":"79000000102"}]"#, "79000000102", "not_live"),
        (
            #"[{"call_api_id":"7","called_number":"79000000102"},{"call_api_id":"8","called_number":"79000000102"}]"#,
            "79000000102", "ambiguous"
        ),
    ])
    func `another call is never acted upon`(rows: String, number: String?, code: String) async throws {
        let outgoing = CannedOutgoing(Self.token, rows, "")
        let failure = try await failure(.make(.hangup, on: Self.target(number: number)), outgoing)
        #expect(failure?.kind == .rejected)
        #expect(failure?.code == code)
        #expect(outgoing.requests.count == 2)
    }

    @Test func `a hidden number's call is taken where it is the only one`() async throws {
        let outgoing = CannedOutgoing(Self.token, #"[{"call_api_id":"7"}]"#, "")
        _ = try await client(outgoing).perform(.make(.hangup, on: Self.target(number: "")))
        #expect(outgoing.requests.count == 3)
    }

    @Test func `a telephone that rings can be hung up, and not held`() async throws {
        let outgoing = CannedOutgoing(Self.token, Self.live, "")
        _ = try await client(outgoing).perform(.make(.hangup, on: Self.target(answered: false)))
        #expect(try await failure(.make(.hold, on: Self.target(answered: false)), CannedOutgoing())?.kind == .invalid)
    }

    // MARK: Log and recordings

    private static let window = HistoryWindow(
        from: Instant(unixSeconds: 1_793_577_600), to: Instant(milliseconds: 1_793_603_720_500))

    @Test func `the log is asked for by the page, in UTC, and read as the decoder reads it`() async throws {
        let row = #"{"call_uuid":"\#(Self.call.uppercased())","hangup_time_gmt":"2026-11-02 07:16:32"}"#
        let outgoing = CannedOutgoing(Self.token, #"{"page":3,"call_history":[\#(row)]}"#)
        let page = try await client(outgoing).history(Self.window, page: 2)
        #expect(
            outgoing.requests.last?.url
                == "https://apiproxy.telphin.ru/api/ver1.0/client/@me/call_history/?start_datetime=2026-11-02%2000%3A00%3A00"
                + "&end_datetime=2026-11-02%2007%3A15%3A21&order=asc&per_page=200&page=3")
        #expect(page.hasMore == false)
        #expect(try TelphinWorkbench().adapter.events(of: page).map { $0.keys[0].value } == [Self.call])
    }

    @Test func `a full page has another behind it`() async throws {
        let rows = Array(repeating: "{}", count: 200).joined(separator: ",")
        let outgoing = CannedOutgoing(Self.token, #"{"call_history":[\#(rows)]}"#, #"{"call_history":[]}"#)
        let client = try client(outgoing)
        #expect(try await client.history(Self.window, page: 0).hasMore)
        #expect(try await client.history(Self.window, page: 1).bodies.isEmpty)
    }

    @Test(arguments: [
        (answer(200, "[]"), ProviderFailure.Kind.unavailable), (answer(429), .limited), (answer(500), .unavailable),
    ])
    func `a log that cannot be had is told`(answer: Result<OutgoingResponse, OutgoingError>, kind: ProviderFailure.Kind)
        async throws
    {
        let client = try client(CannedOutgoing([Self.answer(200, Self.token), answer]))
        let failure = await #expect(throws: ProviderFailure.self) { try await client.history(Self.window, page: 0) }
        #expect(failure?.kind == kind)
    }

    @Test func `a page is as long as Telphin says`() async throws {
        let outgoing = CannedOutgoing(
            Self.token, #"{"per_page":2,"call_history":[{},{}]}"#, #"{"per_page":2,"call_history":[{}]}"#)
        let client = try client(outgoing)
        #expect(try await client.history(Self.window, page: 0).hasMore)
        #expect(try await !client.history(Self.window, page: 1).hasMore)
    }

    @Test func `a second question to the statistics does not leave while the first one waits`() async throws {
        let outgoing = AskingOutgoing()
        let client = try #require(
            try TelphinWorkbench(["client_id": "app-0001", "client_secret": Self.secret]).adapter.makeClient(outgoing))
        outgoing.meanwhile.withLock { meanwhile in
            meanwhile = {
                let failure = await #expect(throws: ProviderFailure.self) { try await client.history(Self.window, page: 0) }
                #expect(failure?.kind == .limited)
            }
        }
        _ = try await client.history(Self.window, page: 0)
        _ = try await client.history(Self.window, page: 1)
        #expect(outgoing.count.withLock { $0 } == 3)
    }

    /// Does something else before it answers a question to the statistics.
    private final class AskingOutgoing: Outgoing {
        let meanwhile = Guarded<(@Sendable () async -> Void)?>(nil)
        let count = Guarded(0)

        func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
            count.withLock { $0 += 1 }
            guard request.method == "GET" else { return OutgoingResponse(status: 200, body: Array(token.utf8)) }
            let task = meanwhile.withLock { $0.take() }
            await task?()
            return OutgoingResponse(status: 200, body: Array(#"{"call_history":[]}"#.utf8))
        }
    }

    @Test func `a recording's name tells its extension`() async throws {
        let request = try await client(CannedOutgoing(Self.token)).recording("100101-3a849fa63b1f11efa1d2000000000020")
        #expect(
            request.url
                == "https://apiproxy.telphin.ru/api/ver1.0/extension/100101/record/100101-3a849fa63b1f11efa1d2000000000020")
        #expect(request.header("authorization") == "Bearer tok-1")
        #expect(request.redirects == 0)
    }

    @Test(arguments: ["", "100101", "../x-1", "100101-../..", "a-b", "-1", "100101-a/b", "100101-%2e"])
    func `what is no recording's name is not fetched`(reference: String) async throws {
        let outgoing = CannedOutgoing()
        let client = try client(outgoing)
        let failure = await #expect(throws: ProviderFailure.self) { try await client.recording(reference) }
        #expect(failure?.kind == .invalid)
        #expect(outgoing.requests.isEmpty)
    }
}
