import AdapterKit
import Connector

/// Telphin's API made up: phones `0000*101` to `0000*105`, and a queue `0000*700`. It knows the calls it was told to make.
///
/// Statistics are made at once here, so the vendor's only limit, one such request at a time, never strikes.
package struct TelphinDouble: VendorDouble {
    package static let adapter = "telphin"

    /// A call in the menu, of which the CRM is asked.
    private struct Waiting: Sendable {
        var scenario: Scenario
        var people: SimulatedPeople
        var start: Instant
    }

    private let clientID: String
    private let secret: String
    private let faults: DoubleFaults
    private var dice: RefusalDice
    private let people: SimulatedPeople
    /// Until when each token does; the newest hundred.
    private var tokens: [(text: String, end: Instant)] = []
    private var tokenCount = 0
    /// The newest thousand.
    private var calls: [TelphinScript] = []
    private var waiting: [String: Waiting] = [:]
    private var callCount: UInt64 = 0
    private let seed: UInt64
    /// What extensions were told to send, in order.
    private var events: [(id: Int, extension: String, url: String, type: String)] = []

    package init(settings: AdapterSettings, faults: DoubleFaults, seed: UInt64) throws {
        clientID = try settings.required("client_id")
        secret = try settings.required("client_secret")
        self.faults = faults
        dice = RefusalDice(faults, seed: seed)
        self.seed = seed
        people = SimulatedPeople(seed: seed)
    }

    /// Takes back every token before its time, as the vendor may.
    package mutating func revokeTokens() { tokens.removeAll() }

    package mutating func answer(_ request: DoubleRequest) -> DoubleAnswer {
        if let code = dice.refusal() { return dice.marked(Self.refusal(code)) }
        if request.path == "/oauth/token" { return makeToken(request) }
        guard let token = request.header("authorization"),
            tokens.contains(where: { token == "Bearer \($0.text)" && request.receivedAt < $0.end })
        else { return Self.refusal(401) }
        let prefix = "/api/ver1.0/"
        guard request.path.hasPrefix(prefix) else { return Self.refusal(404) }
        let parts = request.path.dropFirst(prefix.count).split(separator: "/").map(String.init)
        guard parts.count >= 3 else { return Self.refusal(404) }
        return parts[0] == "client" ? ofClient(parts, request) : ofExtension(parts, request)
    }

    private static func refusal(_ status: Int, _ text: String? = nil) -> DoubleAnswer {
        let usual =
            switch status {
            case 401: "The access token provided is invalid"
            case 404: "Not found"
            case 429: "Stats request already exists, concurrent request not allowed"
            default: "Something went wrong"
            }
        return .json(["message": .string(text ?? usual)], status: status)
    }

    // MARK: Tokens

    private mutating func makeToken(_ request: DoubleRequest) -> DoubleAnswer {
        let form = DoubleForm(String(decoding: request.body, as: UTF8.self))
        guard form["grant_type"] == "client_credentials", form["client_id"] == clientID, form["client_secret"] == secret else {
            return .json(["error": "invalid_client", "error_description": "Client authentication failed"], status: 401)
        }
        tokenCount += 1
        let text = people.token("access token \(tokenCount)")
        tokens.append((text, request.receivedAt.advanced(by: .seconds(3600))))
        if tokens.count > 100 { tokens.removeFirst() }
        return .json(["access_token": .string(text), "token_type": "Bearer", "expires_in": 3600])
    }

    // MARK: The client

    private func ofClient(_ parts: [String], _ request: DoubleRequest) -> DoubleAnswer {
        let query = DoubleForm(request.query)
        switch (request.method, parts[2]) {
        case ("GET", "extension"):
            guard query["page"] ?? "1" == "1" else { return .json([]) }
            let phones = (101...105).map { Self.row(of: $0, type: "phone") }
            return .json(.array(phones + [Self.row(of: 700, type: "queue")]))
        case ("GET", "call_history"): return history(query, at: request.receivedAt)
        case ("GET", "current_calls"):
            let owners = SimulatedPeople.extensions.map { "100\($0)" }
            return .json(.array(owners.flatMap { live($0, at: request.receivedAt) }))
        default: return Self.refusal(404)
        }
    }

    private func live(_ owner: String, at now: Instant) -> [JSONValue] {
        calls.filter { $0.isUp(owner, at: $0.diary.second(at: now)) }.map { $0.live(owner) }
    }

    private static func row(of short: Int, type: String) -> JSONValue {
        ["id": .number("100\(short)"), "name": .string("0000*\(short)"), "type": .string(type), "status": "active"]
    }

    private func history(_ query: DoubleForm, at now: Instant) -> DoubleAnswer {
        guard let start = query["start_datetime"], let end = query["end_datetime"] else { return Self.refusal(400) }
        let page = max(1, query["page"].flatMap { Int($0) } ?? 1)
        let size = min(max(1, query["per_page"].flatMap { Int($0) } ?? 100), 1000)
        let found = calls.filter { $0.diary.isOver(at: now) }.sorted { $0.diary.start < $1.diary.start }.filter { call in
            let begin = text(call.diary.start)
            return start <= begin && begin < end
        }
        let skipped = (page - 1).multipliedReportingOverflow(by: size)
        let rows = found.dropFirst(skipped.overflow ? found.count : skipped.partialValue).prefix(size)
        return .json([
            "page": .number("\(page)"), "per_page": .number("\(size)"), "order": "asc",
            "call_history": .array(rows.map { $0.row(text) }),
        ])
    }

    /// UTC, unless the log is to be wrong.
    private func text(_ moment: Instant) -> String { LocalTimestamp.format(moment.advanced(by: faults.logOffset), in: .utc) }

    // MARK: Extensions

    private mutating func ofExtension(_ parts: [String], _ request: DoubleRequest) -> DoubleAnswer {
        let known = Set((101...105).map { "100\($0)" } + ["100700"])
        guard known.contains(parts[1]) else { return Self.refusal(404, "Record not found") }
        switch (request.method, parts[2]) {
        case ("POST", "callback"): return callBack(parts[1], request)
        case ("GET", "current_calls"):
            return .json(.array(live(parts[1], at: request.receivedAt)))
        case ("PUT", "current_calls"), ("DELETE", "current_calls"): return act(parts, request)
        case ("GET", "event"): return .json(.array(events.filter { $0.extension == parts[1] }.map(Self.row)))
        case ("POST", "event"): return subscribe(parts[1], request)
        case ("GET", "record"): return recording(parts)
        default: return Self.refusal(404)
        }
    }

    private static func row(_ event: (id: Int, extension: String, url: String, type: String)) -> JSONValue {
        ["id": .number("\(event.id)"), "url": .string(event.url), "method": "POST", "event_type": .string(event.type)]
    }

    private mutating func subscribe(_ owner: String, _ request: DoubleRequest) -> DoubleAnswer {
        guard let json = Self.json(request), let url = json["url"]?.string, let type = json["event_type"]?.string,
            ["dial-in", "dial-out", "answer", "hangup"].contains(type), events.count < 1000
        else { return Self.refusal(400, "Invalid event") }
        events.append((events.count + 1, owner, url, type))
        return .json(["id": .number("\(events.count)")], status: 201)
    }

    private func recording(_ parts: [String]) -> DoubleAnswer {
        guard parts.count == 4, calls.contains(where: { $0.diary.parts.contains { $0.recordings.contains(parts[3]) } }) else {
            return Self.refusal(404, "Record not found")
        }
        return DoubleAnswer(
            200, headers: [HeaderField(name: "content-type", value: "audio/mpeg")], body: Array("ID3 made up \(parts[3])".utf8))
    }

    // MARK: Calls

    private mutating func callBack(_ owner: String, _ request: DoubleRequest) -> DoubleAnswer {
        guard let json = Self.json(request), let source = json["src_num"]?[0]?.string, let target = json["dst_num"]?.string,
            owner == "100\(source)", (2...20).contains(target.utf8.count), target.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return Self.refusal(400, "Invalid number") }
        callCount += 1
        let people = SimulatedPeople(seed: seed &+ callCount, client: target, first: source)
        var call = TelphinScript(start: request.receivedAt, people: people, direction: .outbound)
        call.callBack(DoubleOutcome(calling: target))
        return .json(
            ["call_api_id": .string(call.handle), "call_id": .string(call.diary.name)], status: 201, effects: perform(call))
    }

    private mutating func perform(_ call: TelphinScript) -> [DoubleEffect] {
        calls.append(call)
        if calls.count > 1000 { calls.removeFirst() }
        return [.play(call: call.diary.name, steps: call.script.steps { .form($0) })]
    }

    private mutating func act(_ parts: [String], _ request: DoubleRequest) -> DoubleAnswer {
        let handle = parts.count > 3 ? parts[3].replacing("%3A", with: ":") : ""
        let short = String(parts[1].dropFirst(3))
        let now = request.receivedAt
        guard
            let place = calls.lastIndex(where: {
                $0.handle == handle && $0.isUp(parts[1], at: $0.diary.second(at: now))
            })
        else { return Self.refusal(404, "Record not found") }
        let second = calls[place].diary.second(at: now)
        if request.method == "DELETE" {
            calls[place].hangUp(short, at: second)
            return turned(place)
        }
        let json = Self.json(request)
        switch json?["action"]?.string {
        case "hold", "offhold": return .json([:])
        case "transfer", "attended_transfer":
            guard let target = json?["send_dst"]?.string, !target.isEmpty else { return Self.refusal(400, "Invalid number") }
            calls[place].pass(short, to: target, at: second)
            return turned(place)
        default: return Self.refusal(400, "Invalid action")
        }
    }

    /// What was planned is off; the call takes its new course.
    private func turned(_ place: Int) -> DoubleAnswer {
        let call = calls[place]
        return .json(
            [:],
            effects: [.stop(call: call.diary.name), .play(call: call.diary.name, steps: call.script.steps { .form($0) })])
    }

    // MARK: Calls that nobody ordered

    package mutating func begin(_ scenario: Scenario, seed: UInt64, at now: Instant, origin: String) -> [DoubleEffect]? {
        let people = SimulatedPeople(seed: seed)
        guard let call = TelphinScript(scenario, start: now, people: people) else { return nil }
        guard call.diary.direction == .inbound else { return perform(call) }
        if waiting.count > 10_000 { waiting.removeAll() }
        waiting[call.diary.name] = Waiting(scenario: scenario, people: people, start: now)
        return [.play(call: call.diary.name, steps: [call.question])]
    }

    /// Somebody whom the answer names is rung, and alone.
    package mutating func heard(_ answer: OutgoingResponse?, of call: String, at now: Instant) -> [DoubleEffect] {
        guard var asked = waiting.removeValue(forKey: call) else { return [] }
        if let short = answer.flatMap({ Self.named(in: String(decoding: $0.body.prefix(16_384), as: UTF8.self)) }) {
            asked.people = asked.people.ringing(short)
            if asked.scenario == .group { asked.scenario = .inboundAnswered }
        }
        guard var script = TelphinScript(asked.scenario, start: asked.start, people: asked.people) else { return [] }
        script.leaveMenu()
        return perform(script)
    }

    /// The extension that an answer of Call Interactive leads to, whatever the element: attributes of `SimpleTransfer` are documented
    /// nowhere.
    private static func named(in xml: String) -> String? {
        SimulatedPeople.extensions.first { short in
            ["\"\(short)\"", "*\(short)\"", ">\(short)<", "*\(short)<", "'\(short)'", "*\(short)'"].contains { xml.contains($0) }
        }
    }

    package func truth(of call: String) -> CallTruth? {
        calls.last { $0.diary.name == call }?.diary.truth(of: Self.adapter)
    }

    private static func json(_ request: DoubleRequest) -> JSONValue? {
        do {
            return try JSONValue(parsing: request.body)
        } catch {
            return nil
        }
    }
}
