import AdapterKit
import Connector
import Synchronization
import TestSupport
import Testing

@testable import MangoAdapter

/// What leaves for Mango, and what its answers mean.
struct MangoClientTests {
    private static let leg = "MToxMDA5OTAwMTo1MDI6NzAwMTAwMDA0MA=="
    private let id = CommandID(bits: 7)

    private func client(_ outgoing: any Outgoing) throws -> MangoClient { try MangoWorkbench().adapter.client(outgoing) }

    private func order(_ action: Command.Action, legs: [CommandTarget.Leg] = [talking]) -> ProviderOrder {
        ProviderOrder(
            id: id, action: action, target: CommandTarget(keys: [ExternalKey(.session, "E")], legs: legs), deadline: .seconds(5))
    }

    private static let talking = CommandTarget.Leg(
        key: leg, user: "101", endpoint: "sip:ivanov@demo.mangosip.ru", isAnswered: true)

    private static func originate(_ from: String = "101", _ to: String = "79000005678", line: String? = nil) -> Command.Action {
        .originate(Command.Origination(from: from, to: to, line: line))
    }

    // MARK: Requests

    /// Row 1 of the reference's worked examples, to the byte.
    @Test func `a request is the form that the reference shows`() throws {
        let json: JSONValue = ["command_id": "gw-call-0001", "from": ["extension": "101"], "to_number": "79000005678"]
        let request = try client(ScriptedOutgoing()).request("/vpbx/commands/callback", json, within: .seconds(5))
        #expect(request.method == "POST")
        #expect(request.url == "https://app.mango-office.ru/vpbx/commands/callback")
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == "vpbx_api_key=mk9f3tq7w2c6x1z8v5b4n0m3l7k2j6h1"
                + "&sign=2a8b717ce67e4543ee5bdd82622da913a7fc703fe265e82ba710655d6d045df7&json=%7B%22command_id%22%3A%22gw-call-0001%22"
                + "%2C%22from%22%3A%7B%22extension%22%3A%22101%22%7D%2C%22to_number%22%3A%2279000005678%22%7D")
        #expect(request.headers == [HeaderField(name: "Content-Type", value: "application/x-www-form-urlencoded")])
        #expect(request.tlsMaximum == .tls12)
        #expect(request.redirects == 0)
    }

    @Test(arguments: [
        ("{}", "575ff80e3ea582711cd9320c47146e9bf7259f22ff1ce6cf03c6d4f720f703fa"),
        (#"{"text":"Привет"}"#, "380f40a60e27397c3563120e1844d075bc59639dc736646fb4d8c48dcedc718f"),
    ])
    func `the signature is that of the worked examples`(json: String, sign: String) throws {
        let request = try client(ScriptedOutgoing()).request("/", try JSONValue(parsing: json), within: .seconds(5))
        let form = try request.body.withUnsafeBytes { try FormBody($0) }
        #expect(form.string("sign") == sign)
        #expect(form.string("json") == json)
    }

    private static let commands: [(Command.Action, String, String)] = [
        (originate(), "callback", #""from":{"extension":"101"},"to_number":"79000005678""#),
        (originate("101", "+79000005678"), "callback", #""from":{"extension":"101"},"to_number":"79000005678""#),
        (
            originate(line: "+74950000001"), "callback",
            #""from":{"extension":"101"},"to_number":"79000005678","line_number":"74950000001""#
        ),
        (
            .transfer(to: "104", kind: .blind), "transfer",
            #""call_id":"\#(leg)","method":"blind","to_number":"104","initiator":"101""#
        ),
        (
            .transfer(to: "104", kind: .attended), "transfer",
            #""call_id":"\#(leg)","method":"hold","to_number":"104","initiator":"101""#
        ),
        (.hangup, "call/hangup", #""call_id":"\#(leg)""#),
        (.hold, "call/hold/on", #""call_id":"\#(leg)","initiator":"101""#),
        (.record(start: true), "recording/start", #""call_id":"\#(leg)","call_party_number":"101""#),
    ]

    @Test(arguments: commands)
    func `a command becomes the JSON of the reference, under our own name of it`(
        action: Command.Action, path: String, json: String
    ) async throws {
        let outgoing = ScriptedOutgoing(status: 200, #"{"result":1000}"#)
        let answer = try await client(outgoing).perform(order(action))
        #expect(answer == ProviderAnswer(code: "1000", isPreliminary: true))
        let request = try #require(outgoing.requests.first)
        #expect(outgoing.requests.count == 1)
        #expect(request.url == "https://app.mango-office.ru/vpbx/commands/\(path)")
        #expect(request.deadline == .seconds(5))
        let form = try request.body.withUnsafeBytes { try FormBody($0) }
        #expect(form.string("json") == #"{"command_id":"\#(id)",\#(json)}"#)
        #expect(form.string("sign") == MangoWorkbench.sign(form.string("json") ?? ""))
    }

    @Test func `a transfer leaves from the leg on which somebody talks, and a hangup from the newest`() async throws {
        let legs = [
            CommandTarget.Leg(key: "menu"), CommandTarget.Leg(key: "held", user: "101", isAnswered: true, isHeld: true),
            CommandTarget.Leg(key: "talks", user: "102", isAnswered: true), CommandTarget.Leg(key: "rings", user: "103"),
        ]
        let outgoing = ScriptedOutgoing(status: 200, #"{"result":1000}"#)
        _ = try await client(outgoing).perform(order(.transfer(to: "104", kind: .blind), legs: legs))
        _ = try await client(outgoing).perform(order(.hangup, legs: legs))
        _ = try await client(outgoing).perform(order(.hangup, legs: [legs[0], legs[3]]))
        let json = try outgoing.requests.map { request in
            try JSONValue(parsing: request.body.withUnsafeBytes { try FormBody($0) }.string("json") ?? "")
        }
        #expect(json.map { $0["call_id"]?.string } == ["talks", "talks", "rings"])
        #expect(json[0]["initiator"]?.string == "102")
    }

    // MARK: What does not leave

    private static let bad: [(Command.Action, ProviderFailure.Kind, String)] = [
        (originate("ivanov"), .invalid, "from"), (originate("79000000101"), .invalid, "from"), (originate(""), .invalid, "from"),
        (originate("101", ""), .invalid, "to"), (originate("101", "+7900000567"), .invalid, "to"),
        (originate("101", "+790000056789"), .invalid, "to"), (originate("101", "7900000567O"), .invalid, "to"),
        (originate("101", "7900 0005678"), .invalid, "to"), (originate("101", "+٧٩٠٠٠٠٠٥٦٧٨"), .invalid, "to"),
        (originate(line: "sip:line"), .invalid, "line"), (.transfer(to: "everybody", kind: .blind), .invalid, "to"),
        (.originate(Command.Origination(from: "101", to: "102", record: true)), .unsupported, "record"),
        (.resume, .unsupported, "resume"), (.record(start: false), .unsupported, "record_stop"),
        (.dtmf("1"), .unsupported, "send_dtmf"),
    ]

    @Test(arguments: bad)
    func `what Mango would count as a bad request never leaves`(
        action: Command.Action, kind: ProviderFailure.Kind, code: String
    ) async throws {
        let outgoing = ScriptedOutgoing(status: 200, #"{"result":1000}"#)
        let failure = await failure { try await client(outgoing).perform(order(action)) }
        #expect(failure?.kind == kind)
        #expect(failure?.code == code)
        #expect(outgoing.requests.isEmpty)
    }

    @Test(arguments: [Command.Action.hangup, .hold, .transfer(to: "104", kind: .attended), .record(start: true)])
    func `a call without anybody in it is not acted upon`(action: Command.Action) async throws {
        let outgoing = ScriptedOutgoing(status: 200, #"{"result":1000}"#)
        let failure = await failure { try await client(outgoing).perform(order(action, legs: [])) }
        #expect(failure?.kind == .invalid)
        #expect(failure?.code == "call")
        #expect(outgoing.requests.isEmpty)
    }

    // MARK: Answers

    private static let refusals: [(Int, String, ProviderFailure.Kind, String)] = [
        (200, #"{"result":3103}"#, .rejected, "3103"), (420, #"{"code":3104}"#, .rejected, "3104"),
        (200, #"{"result":"4101"}"#, .rejected, "4101"), (200, #"{"result":3102}"#, .unauthorized, "3102"),
        (200, #"{"result":3105}"#, .unauthorized, "3105"), (200, #"{"result":2240}"#, .rejected, "2240"),
        (200, #"{"result":2219}"#, .rejected, "2219"), (200, #"{"result":4290}"#, .limited, "4290"),
        (200, #"{"result":5008}"#, .limited, "5008"), (200, #"{"result":4001}"#, .unsupported, "4001"),
        (200, #"{"result":5001}"#, .unavailable, "5001"), (200, #"{"result":5003}"#, .unknown, "5003"),
        (200, #"{"result":5011}"#, .unknown, "5011"), (200, #"{"result":5201}"#, .rejected, "5201"),
        (429, #"{"name":"Service Unavailable","message":"Rate limit exceeded.","code":0,"status":429}"#, .limited, "429"),
        (401, "", .unauthorized, "401"), (403, "", .unauthorized, "403"), (503, "", .limited, "503"), (500, "", .unknown, "500"),
        (502, "<html>", .unknown, "502"), (200, "<html>", .unknown, "unreadable"), (200, "", .unknown, "unreadable"),
        (200, #"{"result":"#, .unknown, "unreadable"), (200, "{}", .unknown, "unreadable"), (302, "", .unknown, "302"),
        (404, "", .rejected, "404"),
    ]

    @Test(arguments: refusals)
    func `a refusal is told by its code, and without one by its status`(
        status: Int, body: String, kind: ProviderFailure.Kind, code: String
    ) async throws {
        let outgoing = ScriptedOutgoing(status: status, body)
        let failure = await failure { try await client(outgoing).perform(order(Self.originate())) }
        #expect(failure?.kind == kind)
        #expect(failure?.code == code)
        #expect(outgoing.requests.count == 1)
    }

    @Test func `a limit tells when to come again, and a blocked key that it takes two minutes`() async throws {
        let limited = ScriptedOutgoing(status: 429, headers: [HeaderField(name: "Retry-After", value: "7")], "{}")
        #expect(await failure { try await client(limited).perform(order(.hangup)) }?.retryAfter == .seconds(7))
        let blocked = ScriptedOutgoing(status: 401, "")
        #expect(await failure { try await client(blocked).perform(order(.hangup)) }?.retryAfter == .seconds(120))
    }

    @Test(arguments: [
        (OutgoingError.Code.timeout, ProviderFailure.Kind.unknown), (.connect, .unavailable), (.tls, .unavailable),
        (.cancelled, .unknown), (.tooLarge, .unknown),
    ])
    func `silence is unknown, and what never left is not`(code: OutgoingError.Code, kind: ProviderFailure.Kind) async throws {
        let outgoing = ScriptedOutgoing(.failure(OutgoingError(code, place: "https://x", reason: "r", isTransient: true)))
        #expect(await failure { try await client(outgoing).perform(order(.hangup)) }?.kind == kind)
    }

    @Test func `a message of Mango's is told without the number in it`() async throws {
        let outgoing = ScriptedOutgoing(status: 200, #"{"result":3200,"message":"Bad number 79000005678\u0007!"}"#)
        let failure = await failure { try await client(outgoing).perform(order(Self.originate())) }
        #expect(failure?.text == "Bad number •••••••••••!")
    }

    // MARK: Recordings and statistics

    @Test func `a recording is fetched from the redirect, without form, key or further redirects`() async throws {
        let place = "https://files.mango-office.ru/one-time-demo-token"
        let outgoing = ScriptedOutgoing(status: 302, headers: [HeaderField(name: "Location", value: place)], "")
        let request = try await client(outgoing).recording("MToxMDA5OTAwMToxOTkwMDAwMDAwMTow")
        #expect(request.method == "GET")
        #expect(request.url == place)
        #expect(request.headers.isEmpty)
        #expect(request.body.isEmpty)
        #expect(request.redirects == 0)
        let form = try #require(outgoing.requests.first).body.withUnsafeBytes { try FormBody($0) }
        #expect(form.string("json") == #"{"recording_id":"MToxMDA5OTAwMToxOTkwMDAwMDAwMTow","action":"download"}"#)
    }

    @Test(arguments: ["http://files.mango-office.ru/x", "ftp://x/y", "/relative", "file:///etc/passwd"])
    func `a redirect to what is not encrypted is not followed`(place: String) async throws {
        let outgoing = ScriptedOutgoing(status: 302, headers: [HeaderField(name: "Location", value: place)], "")
        let failure = await failure { try await client(outgoing).recording("R") }
        #expect(failure?.code == "location")
    }

    @Test func `a recording that is not there is a refusal, and a failing server nothing done`() async throws {
        let missing = ScriptedOutgoing(status: 200, #"{"result":3320}"#)
        #expect(await failure { try await client(missing).recording("R") }?.kind == .rejected)
        let failing = ScriptedOutgoing(status: 500, "")
        #expect(await failure { try await client(failing).recording("R") }?.kind == .unavailable)
    }

    @Test func `statistics are ordered, waited for and given as they came`() async throws {
        let csv =
            "[];1790000100;1790000118;0;;79000001234;102;sip:petrov@demo.mangosip.ru;1110;74950000001;abonent;1790000100;RQ==\n"
        let outgoing = ScriptedOutgoing(
            .success(OutgoingResponse(status: 200, body: Array(#"{"key":"K"}"#.utf8))), .success(OutgoingResponse(status: 204)),
            .success(OutgoingResponse(status: 200, body: Array(csv.utf8))))
        let pauses = Mutex<[Duration]>([])
        var client = try client(outgoing)
        client.pause = { duration in pauses.withLock { $0.append(duration) } }
        let window = HistoryWindow(from: Instant(unixSeconds: 1_790_000_000), to: Instant(unixSeconds: 1_790_003_600))
        let page = try await client.history(window, page: 0)
        #expect(page.bodies == [Array(csv.utf8)])
        #expect(!page.hasMore)
        #expect(pauses.withLock { $0 } == [.seconds(5), .seconds(5)])
        let order = try outgoing.requests[0].body.withUnsafeBytes { try FormBody($0) }.string("json") ?? ""
        #expect(order.hasPrefix(#"{"date_from":"1790000000","date_to":"1790003600","fields":"records,start,"#))
        #expect(order.hasSuffix(#",entry_id"}"#))
    }

    @Test func `statistics that are never ready are given up`() async throws {
        let outgoing = ScriptedOutgoing(
            .success(OutgoingResponse(status: 200, body: Array(#"{"key":"K"}"#.utf8))), .success(OutgoingResponse(status: 204)))
        var client = try client(outgoing)
        client.pause = { _ in }
        let window = HistoryWindow(from: Instant(unixSeconds: 0), to: Instant(unixSeconds: 60))
        let failure = await failure { try await client.history(window, page: 0) }
        #expect(failure?.kind == .unavailable)
        #expect(outgoing.requests.count == 25)
    }

    @Test func `a window is asked for by the day`() {
        let start = Instant(unixSeconds: 1_790_000_000)
        let window = HistoryWindow(from: start, to: start.advanced(by: .seconds(100_000)))
        #expect(MangoClient.slice(0, of: window)?.to == start.advanced(by: .seconds(86_400)))
        #expect(MangoClient.slice(1, of: window)?.to == window.to)
        #expect(MangoClient.slice(2, of: window) == nil)
        #expect(MangoClient.slice(-1, of: window) == nil)
    }

    // MARK: Settings

    @Test func `keys go to the host of the setting`() async throws {
        let adapter = try MangoAdapter(
            settings: AdapterSettings(
                connection: ConnectionID("m"), values: ["api_key": "k", "api_salt": "s", "base_url": "https://pbx.example/"]))
        let outgoing = ScriptedOutgoing(status: 200, #"{"result":1000}"#)
        _ = try await #require(adapter.makeClient(outgoing)).perform(order(.hangup))
        #expect(outgoing.requests.first?.url == "https://pbx.example/vpbx/commands/call/hangup")
        #expect(throws: SettingsError.self) {
            _ = try MangoAdapter(
                settings: AdapterSettings(
                    connection: ConnectionID("m"), values: ["api_key": "k", "api_salt": "s", "base_url": "http://pbx.example"]))
        }
    }
}

/// What a call to a provider failed with; nil where it did not.
func failure<Answer>(_ body: () async throws -> Answer) async -> ProviderFailure? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? ProviderFailure
    }
}
