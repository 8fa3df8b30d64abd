import BeelineAdapter
import Connector
import Testing

/// What is asked of Beeline, and what its answers mean.
@Suite struct BeelineClientTests {
    static let token = "00000000-1111-4222-8333-444444444444"

    private func client(_ outgoing: CannedOutgoing) throws -> BeelineClient {
        let server = try #require(BeelineServer(BeelineServer.standard))
        return BeelineClient(server: server, token: Self.token, outgoing: outgoing)
    }

    private func failure(_ order: ProviderOrder, _ outgoing: CannedOutgoing) async throws -> ProviderFailure? {
        let client = try client(outgoing)
        return await #expect(throws: ProviderFailure.self) { try await client.perform(order) }
    }

    private static let talking = CommandTarget(
        keys: [ExternalKey(.session, "t")], legs: [.init(key: "callhalf-1001:0", user: "9000000021", isAnswered: true)])

    // MARK: Commands

    @Test func `a call is ordered as the vendor's example has it`() async throws {
        let outgoing = CannedOutgoing(
            200, #"{"callId":"callhalf-1051:0","externalTrackingId":"11111111-1111-4111-8111-000000000020"}"#)
        let answer = try await client(outgoing).perform(.originate(from: "9000000021", to: "+79000000102"))
        let request = try #require(outgoing.requests.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://cloudpbx.beeline.ru/apis/portal/v2/abonents/9000000021/call?phoneNumber=9000000102")
        #expect(request.header("x-mpbx-api-auth-token") == Self.token)
        #expect(request.body.isEmpty)
        #expect(
            answer == ProviderAnswer(call: ExternalKey(.session, "11111111-1111-4111-8111-000000000020"), code: "200"))
    }

    @Test(arguments: [
        ("+79000000021", "9000000021"), ("101", "101"), ("9000000021@ip.beeline.ru", "9000000021%40ip.beeline.ru"),
    ])
    func `an employee is a number or an identifier`(from: String, segment: String) async throws {
        let outgoing = CannedOutgoing(200, "{}")
        _ = try await client(outgoing).perform(.originate(from: from))
        #expect(outgoing.requests.first?.url.contains("/v2/abonents/\(segment)/call?") == true)
    }

    @Test func `a call is passed on by the employee who talks`() async throws {
        let outgoing = CannedOutgoing(200, "")
        let answer = try await client(outgoing).perform(.make(.transfer(to: "102", kind: .blind), on: Self.talking))
        #expect(
            outgoing.requests.first?.url
                == "https://cloudpbx.beeline.ru/apis/portal/abonents/9000000021/callTransfer?callId=callhalf-1001%3A0&phoneNumber=102"
        )
        #expect(answer == ProviderAnswer(code: "200"))
    }

    @Test(arguments: [
        ProviderOrder.originate(from: ""), .originate(from: ".."), .originate(from: "a/b"), .originate(to: "x"),
        .make(.transfer(to: "x", kind: .blind), on: talking), .make(.transfer(to: "102", kind: .blind)),
        .make(.transfer(to: "102", kind: .blind), on: CommandTarget(keys: [], legs: [.init(key: "c", user: "101")])),
    ])
    func `what cannot be right does not leave`(order: ProviderOrder) async throws {
        let outgoing = CannedOutgoing()
        #expect(try await failure(order, outgoing)?.kind == .invalid)
        #expect(outgoing.requests.isEmpty)
    }

    @Test(arguments: [
        ProviderOrder.make(.hangup), .make(.hold), .make(.resume), .make(.dtmf("1")), .make(.record(start: true)),
        .make(.transfer(to: "102", kind: .attended)), .originate(line: "+79000000010"), .originate(record: true),
    ])
    func `what the portal has no request for is unsupported`(order: ProviderOrder) async throws {
        let outgoing = CannedOutgoing()
        #expect(try await failure(order, outgoing)?.kind == .unsupported)
        #expect(outgoing.requests.isEmpty)
    }

    @Test(arguments: ["", "{}", "17", #""text""#, "callhalf-1:0", "null"])
    func `good answers need be no objects`(body: String) async throws {
        #expect(try await client(CannedOutgoing(200, body)).perform(.originate()) == ProviderAnswer(code: "200"))
    }

    @Test(arguments: [
        (400, #"{"errorCode":"BadRequest","description":"no such abonent"}"#, ProviderFailure.Kind.rejected, "BadRequest"),
        (200, #"{"errorCode":"BadRequest"}"#, .rejected, "BadRequest"), (401, "", .unauthorized, "401"),
        (429, "", .limited, "429"),
        (503, "", .unavailable, "503"), (500, "", .unknown, "500"), (200, "<html>", .unknown, "unreadable"),
    ])
    func `refusals keep their kinds`(status: Int, body: String, kind: ProviderFailure.Kind, code: String) async throws {
        let failure = try await failure(.originate(), CannedOutgoing(status, body))
        #expect(failure?.kind == kind)
        #expect(failure?.code == code)
    }

    // MARK: Statistics and recordings

    private static let window = HistoryWindow(from: Instant(unixSeconds: 1_793_577_600), to: Instant(unixSeconds: 1_793_603_720))

    @Test func `statistics are asked for by the page`() async throws {
        let full = "[" + Array(repeating: "{}", count: 100).joined(separator: ",") + "]"
        let outgoing = CannedOutgoing(full, "[]")
        let client = try client(outgoing)
        #expect(try await client.history(Self.window, page: 0).hasMore)
        let last = try await client.history(Self.window, page: 1)
        #expect(last.bodies.isEmpty && last.next != nil, "behind them are the recordings")
        #expect(
            outgoing.requests[1].url
                == "https://cloudpbx.beeline.ru/apis/portal/v2/statistics?dateFrom=2026-11-02T00%3A00%3A00.000Z"
                + "&dateTo=2026-11-02T07%3A15%3A20.000Z&page=1&pageSize=100")
    }

    @Test func `where there is no page 0, the first is asked for`() async throws {
        let outgoing = CannedOutgoing([
            .success(OutgoingResponse(status: 400)), .success(OutgoingResponse(status: 200, body: Array("[{}]".utf8))),
        ])
        #expect(try await client(outgoing).history(Self.window, page: 0).bodies.count == 1)
        #expect(outgoing.requests.last?.url.contains("&page=1&") == true)
    }

    @Test func `recordings are listed behind the statistics, from the last one on`() async throws {
        let full = "[" + (1...100).map { #"{"id":"\#($0 + 7000)"}"# }.joined(separator: ",") + "]"
        let outgoing = CannedOutgoing("[{}]", full, "[{}]")
        let client = try client(outgoing)
        let statistics = try await client.history(Self.window, page: 0)
        let first = try await client.history(Self.window, page: try #require(statistics.next))
        #expect(first.path == "/records" && first.hasMore && first.bodies.count == 1)
        let last = try await client.history(Self.window, page: try #require(first.next))
        #expect(last.path == "/records" && !last.hasMore && last.bodies.count == 1)
        let window = "dateFrom=2026-11-02T00%3A00%3A00.000Z&dateTo=2026-11-02T07%3A15%3A20.000Z"
        let urls = ["?", "?id=7100&"].map { "https://cloudpbx.beeline.ru/apis/portal/records" + $0 + window }
        #expect(outgoing.requests.dropFirst().map { $0.url } == urls)
    }

    @Test func `a list of recordings that does not go on is not asked for without end`() async throws {
        let full = "[" + Array(repeating: #"{"id":"7"}"#, count: 100).joined(separator: ",") + "]"
        let client = try client(CannedOutgoing("[]", full, full))
        let statistics = try await client.history(Self.window, page: 0)
        let first = try await client.history(Self.window, page: try #require(statistics.next))
        let next = try #require(first.next)
        let failure = await #expect(throws: ProviderFailure.self) { try await client.history(Self.window, page: next) }
        #expect(failure?.code == "unreadable")
    }

    @Test(arguments: [(403, true), (404, true), (503, false), (429, false)])
    func `who has not ordered recordings has his statistics all the same`(status: Int, isForgiven: Bool) async throws {
        let client = try client(
            CannedOutgoing([
                .success(OutgoingResponse(status: 200, body: Array("[{}]".utf8))), .success(OutgoingResponse(status: status)),
            ]))
        let next = try #require(try await client.history(Self.window, page: 0).next)
        do {
            let page = try await client.history(Self.window, page: next)
            #expect(isForgiven && page.bodies.isEmpty && !page.hasMore)
        } catch {
            #expect(!isForgiven)
        }
    }

    @Test(arguments: [
        ("t-1/9000000021@ip.beeline.ru", "t-1/9000000021%40ip.beeline.ru"), ("17", "17"),
    ])
    func `a recording is named by its call and employee, or by itself`(reference: String, path: String) async throws {
        let request = try await client(CannedOutgoing()).recording(reference)
        #expect(request.url == "https://cloudpbx.beeline.ru/apis/portal/v2/records/\(path)/download")
        #expect(request.header("x-mpbx-api-auth-token") == Self.token)
        #expect(request.redirects == 0)
    }

    @Test(arguments: ["", "/", "a/", "../x", "a/b/c", "a b", "https://records.example.com/1"])
    func `what is no recording's name is not fetched`(reference: String) async throws {
        let client = try client(CannedOutgoing())
        let failure = await #expect(throws: ProviderFailure.self) { try await client.recording(reference) }
        #expect(failure?.kind == .invalid)
    }

    // MARK: Subscriptions

    private static let address = "https://crm.example.test/hooks/beeline/s3cr3t-made-up"

    @Test func `a subscription is asked for as the vendor's example has it, and the grant counts`() async throws {
        let outgoing = CannedOutgoing(200, #"{"subscriptionId":"s-1","expires":3600}"#)
        let grant = try await client(outgoing).subscribe(address: Self.address)
        #expect(outgoing.requests.first?.method == "PUT")
        #expect(outgoing.requests.first?.url == "https://cloudpbx.beeline.ru/apis/portal/subscription")
        #expect(
            outgoing.requests.first?.text == #"{"expires":86400,"subscriptionType":"BASIC_CALL","url":"\#(Self.address)"}"#)
        #expect(grant == BeelineGrant(id: "s-1", duration: .seconds(3600)))
    }

    @Test func `a refused subscription does not tell our address`() async throws {
        let client = try client(CannedOutgoing(400, #"{"errorCode":"E","description":"bad \#(Self.address)"}"#))
        let failure = await #expect(throws: ProviderFailure.self) { try await client.subscribe(address: Self.address) }
        #expect(failure?.text == "the provider answered 400: bad ***")
    }

    @Test(arguments: [
        ("https://cloudpbx.beeline.ru/apis/portal/", "https://cloudpbx.beeline.ru/apis/portal/"),
        ("https://pbx.example", "https://pbx.example/"), ("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a/"),
        ("http://pbx.example/", nil), ("pbx.example", nil), ("https://user@pbx.example/", nil), ("https://pbx.example/?a", nil),
    ])
    func `the portal's address is encrypted, or on the loopback`(text: String, base: String?) {
        #expect(BeelineServer(text)?.base == base)
    }
}
