import AdapterKit
import Connector

/// MegaFon VATS made up: both generations of its API over the same five employees, `user101` to `user105`.
///
/// Legacy answers to `makeCall` take turns in the four shapes that servers were seen to use. The vendor names no limit of requests.
package struct MegafonDouble: VendorDouble {
    package static let adapter = "megafon-vats"

    /// A call at its start, of which the CRM is asked.
    private struct Waiting: Sendable {
        var scenario: Scenario
        var people: SimulatedPeople
        var start: Instant
        var origin: String
    }

    private let token: String
    private let key: String
    private let faults: DoubleFaults
    private var dice: RefusalDice
    private let seed: UInt64
    /// The newest thousand.
    private var calls: [MegafonScript] = []
    private var waiting: [String: Waiting] = [:]
    private var orderCount: UInt64 = 0

    package init(settings: AdapterSettings, faults: DoubleFaults, seed: UInt64) throws {
        token = try settings.required("crm_token")
        key = try settings.required("api_key")
        self.faults = faults
        dice = RefusalDice(faults, seed: seed)
        self.seed = seed
    }

    package mutating func answer(_ request: DoubleRequest) -> DoubleAnswer {
        if let code = dice.refusal() { return dice.marked(Self.refusal(code, request.path)) }
        if request.path == "/sys/crm_api.wcgp" { return legacy(request) }
        guard request.header("x-api-key") == key else { return Self.refusal(401, request.path) }
        switch (request.method, request.path) {
        case ("POST", "/crmapi/v1/makecall"): return makeCallV1(request)
        case ("GET", "/crmapi/v1/users"): return .json(["items": .array((101...105).map(Self.employee)), "info": ["total": 5]])
        case ("GET", "/crmapi/v1/history/json"):
            return .json(.array(log(DoubleForm(request.query), request).map { item($0, request.origin) }))
        case ("GET", "/crmapi/v1/history/csv"): return csv(DoubleForm(request.query), request)
        case ("GET", _) where request.path.hasPrefix("/records/"): return recording(request.path)
        default: return Self.refusal(404, request.path)
        }
    }

    /// What the vendor says with a status, each generation in its own words.
    private static func refusal(_ status: Int, _ path: String, _ field: String? = nil) -> DoubleAnswer {
        let word = status == 401 ? "Invalid token" : status == 400 ? "Invalid parameters" : "Not available"
        let text = JSONValue.string(field.map { "\(word): [\($0)]" } ?? word)
        return .json(path.hasPrefix("/crmapi/") ? ["message": text] : ["error": text], status: status)
    }

    // MARK: Legacy

    private mutating func legacy(_ request: DoubleRequest) -> DoubleAnswer {
        let form = DoubleForm(request.method == "GET" ? request.query : String(decoding: request.body, as: UTF8.self))
        guard form["token"] == key else { return Self.refusal(401, request.path) }
        switch form["cmd"] {
        case "makeCall": return makeCallLegacy(form, request)
        case "accounts": return .json(.array((101...105).map(Self.employee)))
        case "history": return csv(form, request)
        default: return Self.refusal(400, request.path, "cmd")
        }
    }

    private mutating func makeCallLegacy(_ form: DoubleForm, _ request: DoubleRequest) -> DoubleAnswer {
        guard let employee = Self.place(of: form["user"]) else { return Self.refusal(400, request.path, "user") }
        guard let phone = form["phone"], Self.isNumber(phone) else { return Self.refusal(400, request.path, "phone") }
        let call = order(employee, phone, line: form["clid"], request)
        switch orderCount % 4 {
        case 1: return DoubleAnswer(200, body: Array(call.id.utf8), effects: call.effects)
        case 2: return .json(["CallID": .string(call.id)], effects: call.effects)
        case 3: return .json(["status": "OK"], effects: call.effects)
        default: return DoubleAnswer(200, effects: call.effects)
        }
    }

    // MARK: v1

    private mutating func makeCallV1(_ request: DoubleRequest) -> DoubleAnswer {
        let json: JSONNode
        do {
            json = try JSONText(request.body).root
        } catch {
            return Self.refusal(400, request.path)
        }
        guard let employee = Self.place(of: json["user"].string), let phone = json["phone"].string, Self.isNumber(phone) else {
            return Self.refusal(400, request.path)
        }
        let call = order(employee, phone, line: json["clid"].string, request)
        return .json(["callid": .string(call.id), "clid": .string(call.line)], effects: call.effects)
    }

    private func item(_ row: MegafonScript.Row, _ origin: String) -> JSONValue {
        [
            "uid": .string(row.id), "type": .string(row.direction), "status": .string(row.status.lowercased()),
            "client": .string(row.client), "user": .string(row.user), "account": .string(row.user),
            "diversion": .string(row.line), "start": .string(time(row.start)), "wait": .number("\(row.wait)"),
            "duration": .number("\(row.talk)"), "record": row.recording.map { .string($0) } ?? .null,
        ]
    }

    /// With the offset of the zone in which the log is written.
    private func time(_ moment: Instant) -> String {
        let minutes = Int(faults.logOffset.components.seconds / 60)
        guard minutes != 0 else { return moment.description }
        let (hour, minute) = abs(minutes).quotientAndRemainder(dividingBy: 60)
        let zone = "\(minutes < 0 ? "-" : "+")\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
        return moment.advanced(by: faults.logOffset).description.prefix(19) + zone
    }

    // MARK: Calls

    private mutating func order(
        _ employee: Int, _ phone: String, line: String?, _ request: DoubleRequest
    ) -> (id: String, line: String, effects: [DoubleEffect]) {
        orderCount += 1
        let people = SimulatedPeople(seed: seed &+ orderCount, client: phone, line: line, first: "\(employee)")
        var call = MegafonScript(
            start: request.receivedAt.advanced(by: .seconds(1)), people: people, direction: .outbound, origin: request.origin)
        call.callBack(DoubleOutcome(calling: phone))
        return (call.diary.name, people.line, perform(call, after: .seconds(1)))
    }

    private mutating func perform(_ call: MegafonScript, after delay: Duration = .zero) -> [DoubleEffect] {
        calls.append(call)
        if calls.count > 1000 { calls.removeFirst() }
        var steps = call.script.steps { MegafonScript.step($0, token: token) }
        if !steps.isEmpty { steps[0].delay += delay }
        return [.play(call: call.diary.name, steps: steps)]
    }

    package mutating func begin(_ scenario: Scenario, seed: UInt64, at now: Instant, origin: String) -> [DoubleEffect]? {
        let people = SimulatedPeople(seed: seed)
        guard let call = MegafonScript(scenario, start: now, people: people, origin: origin) else { return nil }
        guard call.diary.direction == .inbound else { return perform(call) }
        if waiting.count > 10_000 { waiting.removeAll() }
        waiting[call.diary.name] = Waiting(scenario: scenario, people: people, start: now, origin: origin)
        var questions = call.script.steps { MegafonScript.step($0, token: token) }.prefix(1)
        questions[0].isQuestion = true
        return [.play(call: call.diary.name, steps: Array(questions))]
    }

    /// `responsible` is rung first, and alone: he picks up where anybody would have.
    package mutating func heard(_ answer: OutgoingResponse?, of call: String, at now: Instant) -> [DoubleEffect] {
        guard var asked = waiting.removeValue(forKey: call) else { return [] }
        if let name = answer.flatMap(Self.responsible), let place = Self.place(of: name) {
            asked.people = asked.people.ringing("\(place)")
            if asked.scenario == .group { asked.scenario = .inboundAnswered }
        }
        guard var script = MegafonScript(asked.scenario, start: asked.start, people: asked.people, origin: asked.origin) else {
            return []
        }
        script.skipQuestion()
        return perform(script)
    }

    private static func responsible(_ answer: OutgoingResponse) -> String? {
        do {
            return try JSONText(answer.body).root["responsible"].string
        } catch {
            return nil
        }
    }

    package func truth(of call: String) -> CallTruth? {
        calls.last { $0.diary.name == call }?.diary.truth(of: Self.adapter)
    }

    // MARK: The log

    /// Calls that are over and began in the form's window, oldest first, `limit` at most.
    private func log(_ form: DoubleForm, _ request: DoubleRequest) -> [MegafonScript.Row] {
        guard let start = form["start"], let end = form["end"] else { return [] }
        let limit = form["limit"].flatMap { Int($0) } ?? 1000
        let found = calls.filter { $0.diary.isOver(at: request.receivedAt) }.flatMap(\.rows).filter {
            (start..<max(start, end)).contains(MegafonScript.compact($0.start))
        }
        return Array(found.sorted { $0.start < $1.start }.prefix(max(0, limit)))
    }

    private func csv(_ form: DoubleForm, _ request: DoubleRequest) -> DoubleAnswer {
        let rows = log(form, request).map { row in
            let kind = row.status.lowercased() == "missed" ? "missed" : row.direction
            let recording = row.recording.map { request.origin + $0 } ?? ""
            return "\(row.id),\(kind),+\(row.client),\(row.user)@demo.megapbx.ru,+\(row.line),\(time(row.start)),"
                + "\(row.wait),\(row.talk),\(recording)\r\n"
        }
        return DoubleAnswer(
            200, headers: [HeaderField(name: "content-type", value: "text/csv")], body: Array(rows.joined().utf8))
    }

    private func recording(_ path: String) -> DoubleAnswer {
        guard calls.contains(where: { $0.rows.contains { $0.recording == path } }) else { return Self.refusal(404, path) }
        return DoubleAnswer(
            200, headers: [HeaderField(name: "content-type", value: "audio/mpeg")], body: Array("ID3 made up \(path)".utf8))
    }

    // MARK: Words

    /// By login, with its host or without, by short number or by own number.
    private static func place(of user: String?) -> Int? {
        guard let user else { return nil }
        return (101...105).first { [String($0), "user\($0)", "79000000\($0)"].contains(String(user.prefix { $0 != "@" })) }
    }

    private static func employee(_ place: Int) -> JSONValue {
        [
            "login": .string("user\(place)"), "name": .string("user\(place)"), "ext": .string("\(place)"),
            "telnum": .string("79000000\(place)"),
        ]
    }

    /// A plus is refused, as a live tenant did.
    private static func isNumber(_ text: String) -> Bool {
        (1...20).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
