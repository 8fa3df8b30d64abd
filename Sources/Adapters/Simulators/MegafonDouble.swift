import AdapterKit
import Connector

/// MegaFon VATS made up: both generations of its API over the same five employees, `user101` to `user105`.
///
/// Legacy answers to `makeCall` take turns in the four shapes that servers were seen to use. The vendor names no limit of requests.
package struct MegafonDouble: VendorDouble {
    package static let adapter = "megafon-vats"

    /// A call that was ordered. Seconds count from the order.
    struct Call {
        let id: String
        let employee: Int
        let phone: String
        let line: String
        let orderedAt: Instant

        var startedAt: Instant { orderedAt.advanced(by: .seconds(1)) }
        static let wait = 9
        static let talk = 40
        var endedAt: Instant { startedAt.advanced(by: .seconds(Self.wait + Self.talk)) }
    }

    private typealias Fields = [(name: String, value: String)]

    private let token: String
    private let key: String
    private let faults: DoubleFaults
    private let people: SimulatedPeople
    /// The newest thousand.
    private var calls: [Call] = []
    private var orderCount = 0

    package init(settings: AdapterSettings, faults: DoubleFaults, seed: UInt64) throws {
        token = try settings.required("crm_token")
        key = try settings.required("api_key")
        self.faults = faults
        people = SimulatedPeople(seed: seed)
    }

    package mutating func answer(_ request: DoubleRequest) -> DoubleAnswer {
        if let code = faults.code { return Self.refusal(code, request.path) }
        if request.path == "/sys/crm_api.wcgp" { return legacy(request) }
        guard request.header("x-api-key") == key else { return Self.refusal(401, request.path) }
        switch (request.method, request.path) {
        case ("POST", "/crmapi/v1/makecall"): return makeCallV1(request)
        case ("GET", "/crmapi/v1/users"): return .json(["items": .array((101...105).map(Self.employee)), "info": ["total": 5]])
        case ("GET", "/crmapi/v1/history/json"): return .json(.array(log(DoubleForm(request.query), request).map(item)))
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
        let call = order(employee, phone, line: form["clid"], at: request.receivedAt)
        switch orderCount % 4 {
        case 1: return DoubleAnswer(200, body: Array(call.id.utf8), effects: effects(of: call, request.origin))
        case 2: return .json(["CallID": .string(call.id)], effects: effects(of: call, request.origin))
        case 3: return .json(["status": "OK"], effects: effects(of: call, request.origin))
        default: return DoubleAnswer(200, effects: effects(of: call, request.origin))
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
        let call = order(employee, phone, line: json["clid"].string, at: request.receivedAt)
        return .json(["callid": .string(call.id), "clid": .string(call.line)], effects: effects(of: call, request.origin))
    }

    private func item(_ call: Call) -> JSONValue {
        [
            "uid": .string(call.id), "type": "out", "status": "success", "client": .string(call.phone),
            "user": .string("user\(call.employee)"), "account": .string("user\(call.employee)"), "diversion": .string(call.line),
            "start": .string(call.startedAt.description), "wait": .number("\(Call.wait)"), "duration": .number("\(Call.talk)"),
            "record": .string("/records/\(call.id).mp3"),
        ]
    }

    // MARK: Calls

    private mutating func order(_ employee: Int, _ phone: String, line: String?, at now: Instant) -> Call {
        orderCount += 1
        let id = "Q" + people.token("call \(orderCount)").prefix(15).uppercased()
        let call = Call(id: id, employee: employee, phone: phone, line: line ?? people.line, orderedAt: now)
        calls.append(call)
        if calls.count > 1000 { calls.removeFirst() }
        return call
    }

    /// The employee's phone rings, then the client's; both are announced as one outgoing call (inferred).
    private func effects(of call: Call, _ origin: String) -> [DoubleEffect] {
        let parties: Fields = [
            ("callid", call.id), ("phone", call.phone), ("user", "user\(call.employee)"), ("ext", "\(call.employee)"),
            ("telnum", "79000000\(call.employee)"), ("crm_token", token),
        ]
        func event(_ type: String, after seconds: Int) -> SimulatedStep {
            step([("cmd", "event"), ("type", type), ("direction", "out")] + parties, after: seconds)
        }
        let history: Fields = [
            ("cmd", "history"), ("type", "out"), ("status", "Success"), ("start", Self.compact(call.startedAt)),
            ("duration", "\(Call.wait + Call.talk)"), ("wait", "\(Call.wait)"), ("link", "\(origin)/records/\(call.id).mp3"),
        ]
        let steps = [
            event("OUTGOING", after: 1), event("ACCEPTED", after: Call.wait), event("COMPLETED", after: Call.talk),
            step(history + parties, after: 1),
        ]
        return [.play(call: call.id, steps: steps)]
    }

    private func step(_ fields: Fields, after seconds: Int) -> SimulatedStep {
        SimulatedStep(
            delay: .seconds(seconds), target: "",
            headers: [HeaderField(name: "content-type", value: "application/x-www-form-urlencoded")],
            body: Array(FormEncoding.encode(fields).utf8), expectedBody: Array("{}".utf8))
    }

    // MARK: The log

    /// Calls that are over and began in the form's window, oldest first, `limit` at most.
    private func log(_ form: DoubleForm, _ request: DoubleRequest) -> [Call] {
        guard let start = form["start"], let end = form["end"] else { return [] }
        let limit = form["limit"].flatMap { Int($0) } ?? 1000
        let found = calls.filter {
            $0.endedAt <= request.receivedAt && (start..<max(start, end)).contains(Self.compact($0.startedAt))
        }
        return Array(found.prefix(max(0, limit)))
    }

    private func csv(_ form: DoubleForm, _ request: DoubleRequest) -> DoubleAnswer {
        let rows = log(form, request).map { call in
            "\(call.id),out,+\(call.phone),user\(call.employee)@demo.megapbx.ru,+\(call.line),\(call.startedAt),"
                + "\(Call.wait),\(Call.talk),\(request.origin)/records/\(call.id).mp3\r\n"
        }
        return DoubleAnswer(
            200, headers: [HeaderField(name: "content-type", value: "text/csv")], body: Array(rows.joined().utf8))
    }

    private func recording(_ path: String) -> DoubleAnswer {
        guard calls.contains(where: { path == "/records/\($0.id).mp3" }) else { return Self.refusal(404, path) }
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

    /// `20260921T141320Z`; such texts sort as their times do.
    private static func compact(_ moment: Instant) -> String {
        moment.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
