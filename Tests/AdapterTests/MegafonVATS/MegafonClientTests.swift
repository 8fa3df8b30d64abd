import Connector
import MegafonVATSAdapter
import Testing

/// What is asked of MegaFon VATS, and what its answers mean.
@Suite struct MegafonClientTests {
    static let key = "pbx-6b1e7d20-93fa-4c58-8a0d-4f1b2c3d5e6f"

    private func client(_ outgoing: CannedOutgoing, api: String = "v1") throws -> any ProviderClient {
        let settings = ["base_url": "https://demo.megapbx.ru", "api_key": Self.key, "api": api]
        return try #require(try MegafonWorkbench(settings).adapter.makeClient(outgoing))
    }

    private func perform(
        _ order: ProviderOrder, _ outgoing: CannedOutgoing, api: String = "v1"
    ) async throws -> Result<ProviderAnswer, ProviderFailure> {
        let client = try client(outgoing, api: api)
        do throws(ProviderFailure) {
            return .success(try await client.perform(order))
        } catch {
            return .failure(error)
        }
    }

    // MARK: Requests

    @Test func `v1 is asked as the vendor's example has it`() async throws {
        let outgoing = CannedOutgoing(200, #"{"callid":"Q1AAA0000400010A","clid":"74950000002"}"#)
        let answer = try await perform(.originate(from: "ivanov", line: "+74950000002"), outgoing)
        let request = try #require(outgoing.requests.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://demo.megapbx.ru/crmapi/v1/makecall")
        #expect(request.header("x-api-key") == Self.key)
        #expect(request.header("content-type") == "application/json")
        #expect(request.text == #"{"phone":"79000005678","user":"ivanov","clid":"74950000002"}"#)
        #expect(request.deadline == .seconds(20))
        #expect(request.redirects == 0)
        #expect(answer == .success(ProviderAnswer(call: ExternalKey(.call, "Q1AAA0000400010A"), code: "200")))
    }

    @Test func `legacy is asked as the vendor's example has it`() async throws {
        let outgoing = CannedOutgoing(200, "Q1AAA0000400010A")
        let answer = try await perform(.originate(from: "ivanov"), outgoing, api: "legacy")
        let request = try #require(outgoing.requests.first)
        #expect(request.url == "https://demo.megapbx.ru/sys/crm_api.wcgp")
        #expect(request.text == "cmd=makeCall&user=ivanov&phone=79000005678&token=\(Self.key)")
        #expect(answer == .success(ProviderAnswer(call: ExternalKey(.call, "Q1AAA0000400010A"), code: "200")))
    }

    @Test(arguments: [
        ProviderOrder.originate(from: ""), .originate(from: "ivanov petrov"), .originate(from: "иванов"), .originate(to: ""),
        .originate(to: "+7900000567x"), .originate(to: "79000005678,1"), .originate(line: "office"),
    ])
    func `what cannot be right does not leave`(order: ProviderOrder) async throws {
        let outgoing = CannedOutgoing()
        let failure = try #require(try await perform(order, outgoing).failure)
        #expect(failure.kind == .invalid)
        #expect(outgoing.requests.isEmpty)
    }

    @Test(arguments: [
        Command.Action.hangup, .hold, .resume, .dtmf("1"), .record(start: true), .transfer(to: "102", kind: .blind),
        .originate(.init(from: "101", to: "102", record: true)),
    ])
    func `what the API has no command for is unsupported`(action: Command.Action) async throws {
        let outgoing = CannedOutgoing()
        let failure = try #require(try await perform(.make(action), outgoing).failure)
        #expect(failure.kind == .unsupported)
        #expect(outgoing.requests.isEmpty)
    }

    @Test func `without a key there is no way to the PBX`() throws {
        #expect(try MegafonWorkbench().adapter.makeClient(CannedOutgoing()) == nil)
        #expect(try MegafonWorkbench(["api_key": "k"]).adapter.makeClient(CannedOutgoing()) == nil)
        #expect(MegafonVATSAdapter.descriptor.capabilities == [.originate, .recordings, .history, .routing])
    }

    // MARK: Answers

    @Test(arguments: [
        ("Q1AAA0000400010A", "Q1AAA0000400010A"), (" B10D0EB124F4E64AF4EA-1511\r\n", "B10D0EB124F4E64AF4EA-1511"),
        (#"{"CallID":"Q1AAA0000400010B"}"#, "Q1AAA0000400010B"), (#"{"callid":"Q1AAA0000400010B"}"#, "Q1AAA0000400010B"),
        (#""Q1AAA0000400010A""#, "Q1AAA0000400010A"), ("n1AAA0000400010A", "n1AAA0000400010A"),
        ("", String?.none), ("null", nil), ("{}", nil), (#"{"status":"OK"}"#, nil), ("OK", nil), (#"{"CallID":""}"#, nil),
    ])
    func `each of the answers to makeCall that servers were seen to give means yes`(body: String, call: String?) async throws {
        for api in ["v1", "legacy"] {
            let answer = try await perform(.originate(), CannedOutgoing(200, body), api: api)
            #expect(answer == .success(ProviderAnswer(call: call.map { ExternalKey(.call, $0) }, code: "200")))
        }
    }

    @Test(arguments: ["<html>login</html>", "Error", "[1]", "{", #"{"callid""#, "two words0", "\u{0}\u{1}\u{2}0000000"])
    func `an answer that cannot be read leaves open whether a telephone rings`(body: String) async throws {
        let failure = try #require(try await perform(.originate(), CannedOutgoing(200, body)).failure)
        #expect(failure.kind == .unknown)
        #expect(failure.code == "unreadable")
    }

    @Test(arguments: [
        (400, #"{"error":"Invalid parameters: [phone]"}"#, ProviderFailure.Kind.rejected), (404, "", .rejected),
        (302, "", .rejected),
        (401, #"{"error":"Invalid token"}"#, .unauthorized), (403, "", .unauthorized), (429, "", .limited),
        (503, "", .unavailable),
        (500, "", .unknown), (502, "<html>", .unknown), (200, #"{"error":"Invalid parameters"}"#, .rejected),
        (200, #"{"message":"no such user"}"#, .rejected),
    ])
    func `refusals keep their kinds`(status: Int, body: String, kind: ProviderFailure.Kind) async throws {
        let outgoing = CannedOutgoing(status, body, headers: [HeaderField(name: "Retry-After", value: "7")])
        let failure = try #require(try await perform(.originate(), outgoing).failure)
        #expect(failure.kind == kind)
        #expect(outgoing.requests.count == 1)
        if kind == .limited { #expect(failure.retryAfter == .seconds(7)) }
    }

    @Test(arguments: [
        (OutgoingError.Code.connect, ProviderFailure.Kind.unavailable), (.resolve, .unavailable), (.tls, .unavailable),
        (.timeout, .unknown), (.tooLarge, .unknown), (.other, .unknown), (.cancelled, .unknown),
    ])
    func `only what never left is known not to ring`(code: OutgoingError.Code, kind: ProviderFailure.Kind) async throws {
        let outgoing = CannedOutgoing([.failure(.made(code))])
        #expect(try await perform(.originate(), outgoing).failure?.kind == kind)
        #expect(outgoing.requests.count == 1)
    }

    @Test func `the vendor's words are told without key and number`() async throws {
        let body = #"{"message":"bad \#(Self.key) for 79000005678"}"#
        let failure = try #require(try await perform(.originate(), CannedOutgoing(400, body)).failure)
        #expect(failure.text.hasPrefix("the provider answered 400: bad *** for "))
        #expect(!"\(failure)".contains("5678") && !"\(failure)".contains("6b1e7d20"))
    }

    // MARK: The log

    private static let from = Instant(unixSeconds: 1_789_948_800)

    private func history(
        _ outgoing: CannedOutgoing, hours: Int = 24, page: Int = 0, api: String = "v1"
    ) async throws -> HistoryPage {
        let window = HistoryWindow(from: Self.from, to: Self.from.advanced(by: .seconds(3600 * hours)))
        return try await client(outgoing, api: api).history(window, page: page)
    }

    @Test func `the log is asked for by the day, in UTC`() async throws {
        let row = #"[{"uid":"C1"}]"#
        let outgoing = CannedOutgoing(row, row)
        let pages = [try await history(outgoing, hours: 30), try await history(outgoing, hours: 30, page: 1)]
        #expect(pages.map(\.hasMore) == [true, false])
        #expect(pages[0].bodies == [Array(row.utf8)])
        #expect(
            outgoing.requests.map(\.url) == [
                "https://demo.megapbx.ru/crmapi/v1/history/json?start=20260921T000000Z&end=20260922T000000Z&type=all&limit=1000",
                "https://demo.megapbx.ru/crmapi/v1/history/json?start=20260922T000000Z&end=20260922T060000Z&type=all&limit=1000",
            ])
        #expect(try await history(outgoing, hours: 30, page: 2).bodies.isEmpty)
        #expect(outgoing.requests.count == 2)
    }

    @Test func `legacy asks for CSV by a form`() async throws {
        let outgoing = CannedOutgoing("U,in,+79000001234,ivanov@x,+74950000002,2026-09-21T17:13:20+03:00,10,58,\r\n")
        let page = try await history(outgoing, api: "legacy")
        #expect(
            outgoing.requests.first?.text
                == "cmd=history&start=20260921T000000Z&end=20260922T000000Z&type=all&limit=1000&token=\(Self.key)")
        #expect(page.path == "/history/csv")
        #expect(try MegafonWorkbench().adapter.events(of: page).map { $0.keys[0].value } == ["U"])
    }

    @Test func `an answer that is full is asked for again by halves, the earlier first`() async throws {
        let full = "[" + Array(repeating: "1", count: 1000).joined(separator: ",") + "]"
        let outgoing = CannedOutgoing(full, "[1]", "[2]")
        let page = try await history(outgoing)
        #expect(page.bodies == [full, "[1]", "[2]"].map { Array($0.utf8) })
        #expect(
            outgoing.requests.dropFirst().map { $0.url.split(separator: "?")[1].prefix(43) } == [
                "start=20260921T000000Z&end=20260921T120000Z", "start=20260921T120000Z&end=20260922T000000Z",
            ])
    }

    @Test func `a log that is always full ends`() async throws {
        let full = "[" + Array(repeating: "1", count: 1000).joined(separator: ",") + "]"
        let outgoing = CannedOutgoing(
            Array(repeating: .success(OutgoingResponse(status: 200, body: Array(full.utf8))), count: 1000))
        await #expect(throws: ProviderFailure.self) { try await history(outgoing) }
        #expect(outgoing.requests.count == 256)
    }

    @Test(arguments: [
        ("v1", "<html>", ProviderFailure.Kind.unavailable), ("legacy", "<html>", .unavailable),
        ("v1", #"{"message":"no"}"#, .rejected), ("legacy", #"{"error":"Invalid token"}"#, .rejected),
    ])
    func `what is no page of the log is told`(api: String, body: String, kind: ProviderFailure.Kind) async throws {
        let failure = await #expect(throws: ProviderFailure.self) { try await history(CannedOutgoing(body), api: api) }
        #expect(failure?.kind == kind)
    }

    @Test(arguments: ["", "null", "[]", #"{"items":[]}"#])
    func `a page without calls needs no record`(body: String) async throws {
        #expect(try await history(CannedOutgoing(body)).bodies.isEmpty)
    }

    @Test func `who only asked knows that nothing was carried out`() async throws {
        let answers: [Result<OutgoingResponse, OutgoingError>] = [
            .failure(.made(.timeout)), .success(OutgoingResponse(status: 500)),
        ]
        for answer in answers {
            let failure = await #expect(throws: ProviderFailure.self) { try await history(CannedOutgoing([answer])) }
            #expect(failure?.kind == .unavailable)
        }
    }

    // MARK: Recordings

    @Test func `the key goes to the tenant's own server only`() async throws {
        let client = try client(CannedOutgoing())
        let own = try await client.recording("/records/2026/09/21/Q1.mp3")
        #expect(own.url == "https://demo.megapbx.ru/records/2026/09/21/Q1.mp3")
        #expect(own.header("x-api-key") == Self.key)
        #expect(own.redirects == 0)
        let other = try await client.recording("https://records.example.com/Q1.mp3")
        #expect(other.headers.isEmpty)
    }

    @Test(arguments: [
        "", "http://records.example.com/Q1.mp3", "https://127.0.0.1/a", "https://localhost/a", "https://a.localhost/",
        "https://[::1]/a", "https://user@records.example.com/", "https://records.example.com:8443/", "https://intranet/a",
        "file:///etc/passwd", "/a b", "https://2130706433/", "https://a.example.com\\@10.0.0.1/",
    ])
    func `other places are not fetched`(reference: String) async throws {
        let client = try client(CannedOutgoing())
        let failure = await #expect(throws: ProviderFailure.self) { try await client.recording(reference) }
        #expect(failure?.kind == .invalid)
    }
}

extension Result {
    var failure: Failure? { if case .failure(let failure) = self { failure } else { nil } }
}
