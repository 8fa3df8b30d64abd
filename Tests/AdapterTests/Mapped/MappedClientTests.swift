import Connector
import Synchronization
import TestSupport
import Testing

@Suite struct MappedClientTests {
    private static let commands = """
        vendor: shop-pbx
        format: json
        authentication: {type: token, header: X-Token}
        event: event
        call: {key: id}
        events: {rang: {type: call.ringing}}
        command_headers: {Authorization: "Basic {api_basic}", X-Id: "{api_user}"}
        commands:
          originate:
            method: POST
            path: /v1/calls
            query: {line: "{line_digits}"}
            json: {from: "{from}", to: "{to_digits}", caller: "{caller_name}", record: "{record}", n: 5, yes: true, none: null, t: "5", list: ["{to}", "{line}"], ref: "{command_id}"}
            answer: {call: data.id, code: status, ok: [ok, queued]}
          hangup: {method: DELETE, path: "/v1/calls/{call}", headers: {x-id: "own"}}
          transfer.blind: {method: POST, path: /v1/transfer, form: {to: "{to}", leg: "{leg}", user: "{user}", "{{x}}": "a {{b}} c"}}
          dtmf: {method: PUT, path: "/v1/calls/{call}/{digits}"}
          recordings: {method: GET, path: "/rec/{recording}.mp3"}
        """

    private static let settings =
        "webhook_secret: env:SECRET, base_url: \"https://api.shop.example/\", api_user: shop, api_key: env:KEY"

    private static let target = CommandTarget(
        keys: [ExternalKey(.session, "s"), ExternalKey(.call, "c/1")],
        legs: [.init(key: "L1", user: "101", isAnswered: true), .init(key: "L2", endpoint: "79000000102", isAnswered: true)],
        externalNumber: "+79000000102")

    private func client(_ sent: SentRequests) throws -> any ProviderClient {
        try #require(try MappedWorkbench(Self.commands, settings: Self.settings).adapter.makeClient(sent))
    }

    private func order(_ action: Command.Action, _ target: CommandTarget? = nil) -> ProviderOrder {
        ProviderOrder(id: CommandID(bits: 1), action: action, target: target, deadline: .seconds(7))
    }

    private static let call = Command.Action.originate(.init(from: "101", to: "+79000000102", record: true))

    @Test func `a page of the log is asked for, and is what the vendor sent`() async throws {
        let mapping =
            Self.commands + """

                  history: {method: GET, path: /v1/log, query: {a: "{since}", b: "{until_s}", page: "{page_from_1}"}}
                log: {rows: data.rows, more: data.next, type: call.ended, call: {key: no}, ending: {reason: {value: normal}}}
                """
        let body = #"{"data":{"rows":[{"no":"1"},{"no":"2"},{}],"next":"x"}}"#
        let sent = SentRequests(.init(status: 200, body: Array(body.utf8)))
        let adapter = try MappedWorkbench(mapping, settings: Self.settings).adapter
        #expect(adapter.descriptor.capabilities.contains(.history))
        let client = try #require(adapter.makeClient(sent))
        let window = HistoryWindow(from: Instant(unixSeconds: 0), to: Instant(unixSeconds: 3600))
        let page = try await client.history(window, page: 1)
        #expect(sent.all.map(\.url) == ["https://api.shop.example/v1/log?a=1970-01-01T00%3A00%3A00.000Z&b=3600&page=2"])
        #expect(page.bodies == [Array(body.utf8)])
        #expect(page.hasMore)
        // A row that names no call is the only one that is not read.
        let raw = RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("shop"), receivedAt: Instant(unixSeconds: 1), source: .history,
            body: page.bodies[0])
        let decoded = adapter.makeDecoder().decode(raw)
        #expect(
            decoded.compactMap { if case .call(let event) = $0 { event.keys } else { nil } } == [
                [ExternalKey(.call, "1")], [ExternalKey(.call, "2")],
            ])
        #expect(decoded.last == .undecoded(reason: "the call's key is missing"))
    }

    @Test(arguments: [
        (#"{"data":{"rows":[]}}"#, false), (#"{"data":{"rows":[],"next":false}}"#, false),
        (#"{"data":{"rows":[],"next":0}}"#, false),
        (#"{"data":{"rows":[],"next":""}}"#, false), (#"{"data":{"rows":[],"next":null}}"#, false),
        (#"{"data":{"rows":[],"next":true}}"#, true),
        (#"{"data":{"rows":[],"next":{"page":2}}}"#, true),
    ])
    func `more pages are there as long as the vendor says so`(body: String, expected: Bool) async throws {
        let mapping =
            MappedWorkbench.least + """

                log: {rows: data.rows, more: data.next, type: call.ended, call: {key: no}, ending: {reason: {value: normal}}}
                commands: {history: {method: GET, path: /v1/log}}
                """
        let sent = SentRequests(.init(status: 200, body: Array(body.utf8)))
        let client = try #require(try MappedWorkbench(mapping, settings: Self.settings).adapter.makeClient(sent))
        let window = HistoryWindow(from: Instant(unixSeconds: 0), to: Instant(unixSeconds: 3600))
        #expect(try await client.history(window, page: 0).hasMore == expected)
    }

    @Test(arguments: [
        ("commands: {history: {method: GET, path: /v1/log}}", "`history` asks for a log that nothing reads"),
        ("log: {rows: data.rows, type: call.ended}", "`ending` is missing in `log`"),
        ("log: {rowz: data.rows, type: call.updated}", "`log` knows no `rowz`"),
        ("log: {rows: {value: x}, type: call.updated}", "`rows` is no path"),
    ])
    func `a log that cannot be right is told`(section: String, expected: String) {
        let problems = MappedWorkbench.read(MappedWorkbench.least + "\n" + section, settings: Self.settings).problems
        #expect(problems.contains { $0.problem.contains(expected) }, "\(problems)")
    }

    @Test func `a call is asked for as the file says`() async throws {
        let sent = SentRequests(.init(status: 200, body: Array(#"{"status":"ok","data":{"id":17}}"#.utf8)))
        let answer = try await client(sent).perform(order(Self.call))
        #expect(answer == ProviderAnswer(call: ExternalKey(.call, "17"), code: "ok"))
        let request = try #require(sent.all.first)
        #expect(request.method == "POST")
        // Without a line, what would name it is left out.
        #expect(request.url == "https://api.shop.example/v1/calls")
        #expect(request.deadline == .seconds(7))
        #expect(request.headers.map(\.name) == ["Authorization", "X-Id", "Content-Type"])
        #expect(request.headers.map(\.value) == ["Basic c2hvcDprM3ktMDAwMQ==", "shop", "application/json"])
        let expected =
            #"{"from":"101","to":"79000000102","record":true,"n":5,"yes":true,"none":null,"t":"5","list":["+79000000102"],"ref":"\#(CommandID(bits: 1))"}"#
        #expect(String(decoding: request.body, as: UTF8.self) == expected)
    }

    @Test func `a line and a name are sent where they are given`() async throws {
        let sent = SentRequests(.init(status: 200, body: Array(#"{"status":"queued"}"#.utf8)))
        let action = Command.Action.originate(.init(from: "101", to: "102", line: "+74950000001", callerName: #"A "B""#))
        let answer = try await client(sent).perform(order(action))
        #expect(answer == ProviderAnswer(code: "queued"))
        #expect(sent.all.first?.url == "https://api.shop.example/v1/calls?line=74950000001")
        let body = try JSONValue(parsing: sent.all.first?.body ?? [])
        #expect(body["caller"] == #"A "B""#)
        #expect(body["record"] == false)
        #expect(body["list"] == ["102", "+74950000001"])
    }

    @Test func `names are encoded where they stand in a path, and no header comes twice`() async throws {
        let sent = SentRequests(.init(status: 204))
        let answer = try await client(sent).perform(order(.hangup, Self.target))
        #expect(answer == ProviderAnswer(code: "204"))
        #expect(sent.all.first?.url == "https://api.shop.example/v1/calls/c%2F1")
        #expect(sent.all.first?.headers.map(\.name) == ["Authorization", "x-id"])
        #expect(sent.all.first?.headers.last?.value == "own")
        _ = try await client(sent).perform(order(.dtmf("1#*"), Self.target))
        #expect(sent.all.last?.url == "https://api.shop.example/v1/calls/c%2F1/1%23%2A")
    }

    @Test func `a form is sent, of the talking leg`() async throws {
        let sent = SentRequests(.init(status: 200))
        _ = try await client(sent).perform(order(.transfer(to: "+7 900", kind: .blind), Self.target))
        #expect(
            String(decoding: sent.all.first?.body ?? [], as: UTF8.self) == "to=%2B7+900&leg=L1&user=101&%7B%7Bx%7D%7D=a+%7Bb%7D+c"
        )
        #expect(sent.all.first?.headers.last == HeaderField(name: "Content-Type", value: "application/x-www-form-urlencoded"))
    }

    @Test(arguments: ["..", ".", ""]) func `a name that would lead elsewhere is not sent`(name: String) async throws {
        let sent = SentRequests(.init(status: 200))
        let target = CommandTarget(keys: [ExternalKey(.call, name)])
        let failure = await failure(of: order(.hangup, target), try client(sent))
        #expect(failure?.kind == .invalid)
        #expect(sent.all.isEmpty)
    }

    @Test func `what is missing in a path, and what the file does not describe, is said`() async throws {
        let sent = SentRequests(.init(status: 200))
        let client = try client(sent)
        let nameless = await failure(of: order(.hangup, CommandTarget(keys: [ExternalKey(.session, "s")])), client)
        #expect(nameless?.kind == .invalid)
        #expect(nameless?.code == "missing")
        #expect(await failure(of: order(.hold, Self.target), client)?.kind == .unsupported)
        await #expect(throws: ProviderFailure.self) {
            try await client.history(HistoryWindow(from: .earliest, to: .latest), page: 0)
        }
        #expect(sent.all.isEmpty)
    }

    @Test(arguments: [
        (401, "{}", ProviderFailure.Kind.unauthorized, "401"), (403, #"{"status":"denied"}"#, .unauthorized, "denied"),
        (404, "", .rejected, "404"), (429, "{}", .limited, "429"), (500, "oops", .unknown, "500"), (502, "", .unknown, "502"),
        (503, "", .unavailable, "503"), (302, "", .unknown, "302"), (200, #"{"status":"no"}"#, .rejected, "no"),
        (200, "oops", .unknown, "200"), (200, "{}", .unknown, "200"),
        (400, #"{"status":"79000000102 is bad"}"#, .rejected, "other"),
    ])
    func `what the vendor says is understood`(status: Int, body: String, kind: ProviderFailure.Kind, code: String) async throws {
        let headers = [HeaderField(name: "Retry-After", value: "3")]
        let sent = SentRequests(.init(status: status, headers: headers, body: Array(body.utf8)))
        let failure = await failure(of: order(Self.call), try client(sent))
        #expect(failure?.kind == kind)
        #expect(failure?.code == code)
        #expect(failure?.retryAfter == (status == 429 || status == 503 ? .seconds(3) : nil))
    }

    @Test func `no answer may mean anything, unless it never left`() async throws {
        let lost = SentRequests(
            failing: OutgoingError(.timeout, place: "https://api.shop.example", reason: "x", isTransient: true))
        #expect(await failure(of: order(Self.call), try client(lost))?.kind == .unknown)
        let closed = SentRequests(
            failing: OutgoingError(.connect, place: "https://api.shop.example", reason: "x", isTransient: true))
        #expect(await failure(of: order(Self.call), try client(closed))?.kind == .unavailable)
    }

    @Test func `a recording is fetched from the same server`() async throws {
        let request = try await client(SentRequests(.init(status: 200))).recording("r?/1")
        #expect(request.method == "GET")
        #expect(request.url == "https://api.shop.example/rec/r%3F%2F1.mp3")
        #expect(request.headers.map(\.name) == ["Authorization", "X-Id"])
    }

    @Test func `the connection shows what its file describes`() throws {
        let adapter = try MappedWorkbench(Self.commands, settings: Self.settings).adapter
        #expect(Set(adapter.descriptor.capabilities) == [.originate, .hangup, .blindTransfer, .dtmf, .recordings])
        #expect(adapter.descriptor.provider == "shop-pbx")
        #expect(try MappedWorkbench().adapter.makeClient(SentRequests(.init(status: 200))) == nil)
    }

    private func failure(of order: ProviderOrder, _ client: any ProviderClient) async -> ProviderFailure? {
        do {
            _ = try await client.perform(order)
            return nil
        } catch {
            return error
        }
    }
}

/// Answers every request with the same, and keeps what was asked.
private final class SentRequests: Outgoing {
    private let requests = Mutex<[OutgoingRequest]>([])
    private let outcome: Result<OutgoingResponse, OutgoingError>

    init(_ response: OutgoingResponse) { outcome = .success(response) }

    init(failing error: OutgoingError) { outcome = .failure(error) }

    var all: [OutgoingRequest] { requests.withLock { $0 } }

    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        requests.withLock { $0.append(request) }
        return try outcome.get()
    }
}
