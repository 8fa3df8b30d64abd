import AdapterKit
import Connector
import Digests

/// Mango's API made up: commands, basic statistics, recordings.
///
/// A second bad request (3xxx) within two minutes blocks the key, as Mango does; limits are
/// those of the reference, per kind of request.
package struct MangoDouble: VendorDouble {
    package static let adapter = "mango"

    private let envelope: MangoEnvelope
    private var dice: RefusalDice
    private let seed: UInt64
    private var calls: [MangoDoubleCall] = []
    private var callCount: UInt64 = 0
    private var firstBadRequest: Instant?
    private var isBlocked = false
    private var limits: [String: DoubleLimit] = [:]
    private var reports: [String: (at: Instant, fields: [String], from: Int, to: Int)] = [:]
    private var files: Set<String> = []
    private var tokens = 0

    package init(settings: AdapterSettings, faults: DoubleFaults, seed: UInt64) throws {
        envelope = try MangoEnvelope(settings: settings)
        dice = RefusalDice(faults, seed: seed)
        self.seed = seed
    }

    package mutating func answer(_ request: DoubleRequest) -> DoubleAnswer {
        if request.method == "GET", request.path.hasPrefix("/files/") { return file(request.path) }
        if let code = dice.refusal() { return dice.marked(Self.fault(code)) }
        if let refusal = refusalOfBlocked(request) { return refusal }
        do throws(MangoRefusal) {
            guard request.method == "POST" else { throw MangoRefusal(code: 3101) }
            let json = try envelope.open(request.body)
            guard let handler = Self.handlers[request.path] else { return .text("Not Found", status: 404) }
            guard admits(request.path, at: request.receivedAt) else { return Self.tooMany }
            return try handler(&self, json, request)
        } catch {
            return refuse(error, at: request.receivedAt)
        }
    }

    private typealias Handler =
        @Sendable (inout MangoDouble, JSONValue, DoubleRequest) throws(MangoRefusal) -> DoubleAnswer

    private static let handlers: [String: Handler] = [
        "/vpbx/commands/callback": { double, json, request throws(MangoRefusal) in try double.callBack(json, request) },
        "/vpbx/commands/call/hangup": { double, json, request throws(MangoRefusal) in try double.hangUp(json, request) },
        "/vpbx/commands/transfer": { double, json, request throws(MangoRefusal) in try double.transfer(json, request) },
        "/vpbx/commands/route": { double, json, request throws(MangoRefusal) in try double.route(json, request) },
        "/vpbx/commands/call/hold/on": { double, json, request throws(MangoRefusal) in try double.hold(json, request) },
        "/vpbx/commands/recording/start": { double, json, request throws(MangoRefusal) in try double.record(json, request) },
        "/vpbx/stats/request": { double, json, request throws(MangoRefusal) in try double.orderReport(json, request) },
        "/vpbx/stats/result": { double, json, request throws(MangoRefusal) in try double.report(json, request) },
        "/vpbx/queries/recording/post": { double, json, request throws(MangoRefusal) in try double.recording(json, request) },
    ]

    // MARK: Refusals

    private static func fault(_ code: Int) -> DoubleAnswer {
        if code == 429 { return tooMany }
        return code < 600 ? .text("", status: code) : .json(["result": .number(String(code))])
    }

    private static let tooMany = DoubleAnswer.json(
        ["name": "Service Unavailable", "message": "Rate limit exceeded.", "code": 0, "status": 429], status: 429)

    private mutating func refuse(_ refusal: MangoRefusal, at now: Instant) -> DoubleAnswer {
        if (3000..<4000).contains(refusal.code) {
            isBlocked = firstBadRequest != nil
            firstBadRequest = firstBadRequest ?? now
        }
        return .json(["result": .number(String(refusal.code))])
    }

    /// Two minutes from the first bad request on.
    private mutating func refusalOfBlocked(_ request: DoubleRequest) -> DoubleAnswer? {
        guard let first = firstBadRequest else { return nil }
        if request.receivedAt >= first.advanced(by: .seconds(120)) {
            firstBadRequest = nil
            isBlocked = false
        }
        return isBlocked ? .text("", status: 401) : nil
    }

    private mutating func admits(_ path: String, at now: Instant) -> Bool {
        limits[path, default: Self.limit(of: path)].admits(at: now)
    }

    private static func limit(of path: String) -> DoubleLimit {
        switch path {
        case "/vpbx/commands/callback", "/vpbx/commands/call/hangup", "/vpbx/commands/recording/start":
            DoubleLimit(4, in: .seconds(1))
        case "/vpbx/commands/transfer", "/vpbx/commands/route", "/vpbx/stats/request": DoubleLimit(1, in: .seconds(2))
        default: DoubleLimit(10, in: .seconds(1))
        }
    }

    // MARK: Commands

    private mutating func callBack(_ json: JSONValue, _ request: DoubleRequest) throws(MangoRefusal) -> DoubleAnswer {
        guard let employee = json["from"]?["extension"]?.string, let number = json["to_number"]?.string, !number.isEmpty else {
            throw MangoRefusal(code: 3103)
        }
        guard Self.areDigits(number), Self.areDigits(employee) else { throw MangoRefusal(code: 3200) }
        callCount += 1
        var call = MangoDoubleCall(
            people: SimulatedPeople(seed: seed &+ callCount), employee: employee, client: number,
            line: json["line_number"]?.string, at: request.receivedAt)
        call.callBack(Self.command(json), outcome: DoubleOutcome(calling: number))
        remember(call)
        return taken(json, "callback", [.play(call: call.entry, steps: steps(of: call, from: request.receivedAt))])
    }

    private mutating func remember(_ call: MangoDoubleCall) {
        if calls.count >= 10_000 { calls.removeFirst(1000) }
        calls.append(call)
    }

    package mutating func begin(_ scenario: Scenario, seed: UInt64, at now: Instant, origin: String) -> [DoubleEffect]? {
        let people = SimulatedPeople(seed: seed)
        guard scenario != .connectionCheck, let script = MangoScript(scenario, start: now, people: people) else { return nil }
        let call = MangoDoubleCall(script, scenario, people: people, at: now)
        remember(call)
        return [.play(call: call.entry, steps: script.script.steps { envelope.step($0.path, $0.json, after: .zero) })]
    }

    package func truth(of call: String) -> CallTruth? { calls.last { $0.entry == call }?.truth() }

    private mutating func hangUp(_ json: JSONValue, _ request: DoubleRequest) throws(MangoRefusal) -> DoubleAnswer {
        let (place, leg) = try find(json, at: request.receivedAt)
        guard calls[place].isAlive(leg, request.receivedAt) else { throw MangoRefusal(code: 4101) }
        calls[place].hangUp(Self.command(json), at: request.receivedAt)
        return taken(json, "call/hangup", turned(place, request))
    }

    private mutating func transfer(_ json: JSONValue, _ request: DoubleRequest) throws(MangoRefusal) -> DoubleAnswer {
        guard let number = json["to_number"]?.string, let method = json["method"]?.string else { throw MangoRefusal(code: 3103) }
        guard Self.areDigits(number) else { throw MangoRefusal(code: 3200) }
        let (place, leg) = try talking(json, as: "initiator", at: request.receivedAt)
        switch method {
        case "blind": calls[place].transferBlind(leg, to: number, Self.command(json), at: request.receivedAt)
        case "hold": calls[place].transferAttended(leg, to: number, Self.command(json), at: request.receivedAt)
        default: throw MangoRefusal(code: 3104)
        }
        return taken(json, "transfer", turned(place, request))
    }

    private mutating func route(_ json: JSONValue, _ request: DoubleRequest) throws(MangoRefusal) -> DoubleAnswer {
        guard let number = json["to_number"]?.string else { throw MangoRefusal(code: 3103) }
        guard Self.areDigits(number) else { throw MangoRefusal(code: 3200) }
        let (place, leg) = try find(json, at: request.receivedAt)
        guard calls[place].isAlive(leg, request.receivedAt) else { throw MangoRefusal(code: 4101) }
        guard calls[place].legs[leg].state(at: request.receivedAt) == "Appeared" else { throw MangoRefusal(code: 4100) }
        calls[place].route(leg, to: number, Self.command(json), at: request.receivedAt)
        return taken(json, "route", turned(place, request))
    }

    private mutating func hold(_ json: JSONValue, _ request: DoubleRequest) throws(MangoRefusal) -> DoubleAnswer {
        let (place, leg) = try talking(json, as: "initiator", at: request.receivedAt)
        calls[place].putOnHold(leg, at: request.receivedAt)
        return taken(json, "call/hold/on", turned(place, request))
    }

    private mutating func record(_ json: JSONValue, _ request: DoubleRequest) throws(MangoRefusal) -> DoubleAnswer {
        let (place, leg) = try talking(json, as: "call_party_number", at: request.receivedAt)
        guard calls[place].startRecording(leg, Self.command(json), at: request.receivedAt) else { throw MangoRefusal(code: 4102) }
        return taken(json, "recording/start", turned(place, request))
    }

    private static func command(_ json: JSONValue) -> String { json["command_id"]?.string ?? "" }

    private static func areDigits(_ text: String) -> Bool {
        (2...15).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// The call and the leg that a command names.
    private func find(_ json: JSONValue, at now: Instant) throws(MangoRefusal) -> (call: Int, leg: Int) {
        guard let name = json["call_id"]?.string, !name.isEmpty else { throw MangoRefusal(code: 3103) }
        for (place, call) in calls.enumerated().reversed() {
            if let leg = call.place(of: name) { return (place, leg) }
        }
        throw MangoRefusal(code: 4101)
    }

    /// A leg on which the named employee talks.
    private func talking(
        _ json: JSONValue, as field: String, at now: Instant
    ) throws(MangoRefusal) -> (call: Int, leg: Int) {
        guard let employee = json[field]?.string else { throw MangoRefusal(code: 3103) }
        let (place, leg) = try find(json, at: now)
        guard calls[place].isAlive(leg, now) else { throw MangoRefusal(code: 4101) }
        guard calls[place].legs[leg].state(at: now) == "Connected" else { throw MangoRefusal(code: 4100) }
        guard calls[place].legs[leg].employee == employee else { throw MangoRefusal(code: 3330) }
        return (place, leg)
    }

    // MARK: What follows

    /// The answer at once, the result by webhook soon, and then what it leads to.
    private func taken(_ json: JSONValue, _ path: String, _ effects: [DoubleEffect]) -> DoubleAnswer {
        guard let command = json["command_id"]?.string else { return .json(["result": 1000], effects: effects) }
        let result = envelope.step(
            "/result/\(path)", ["command_id": .string(command), "result": 1000], after: .milliseconds(200))
        return .json(["result": 1000], effects: [.play(call: "result \(command)", steps: [result])] + effects)
    }

    /// What was planned is off; the call takes its new course.
    private func turned(_ place: Int, _ request: DoubleRequest) -> [DoubleEffect] {
        let call = calls[place]
        return [.stop(call: call.entry), .play(call: call.entry, steps: steps(of: call, from: request.receivedAt))]
    }

    private func steps(of call: MangoDoubleCall, from now: Instant) -> [SimulatedStep] {
        var before = now
        return call.news(from: now).map { message in
            defer { before = message.at }
            return envelope.step(message.path, message.json, after: .milliseconds(message.at.milliseconds - before.milliseconds))
        }
    }

    // MARK: Statistics and recordings

    private mutating func orderReport(_ json: JSONValue, _ request: DoubleRequest) throws(MangoRefusal) -> DoubleAnswer {
        guard let from = json["date_from"]?.string.flatMap({ Int($0) }), let to = json["date_to"]?.string.flatMap({ Int($0) })
        else {
            throw MangoRefusal(code: 3103)
        }
        guard from <= to, to - from <= 31 * 86_400 else { throw MangoRefusal(code: 3104) }
        let fields = json["fields"]?.string ?? "records,start,finish,answer,from_extension,from_number,to_extension,to_number"
        let key = token()
        reports[key] = (request.receivedAt, fields.split(separator: ",").map(String.init), from, to)
        return .json(["key": .string(key)])
    }

    /// Ready after three seconds, kept for two minutes.
    private mutating func report(_ json: JSONValue, _ request: DoubleRequest) throws(MangoRefusal) -> DoubleAnswer {
        let now = request.receivedAt
        reports = reports.filter { $0.value.at.advanced(by: .seconds(120)) > now }
        guard let key = json["key"]?.string else { throw MangoRefusal(code: 3103) }
        guard let report = reports[key] else { return .text("", status: 404) }
        guard report.at.advanced(by: .seconds(3)) <= now else { return DoubleAnswer(204) }
        let rows = calls.flatMap { $0.rows(at: now) }.filter { row in
            row["start"].flatMap { Int($0) }.map { report.from <= $0 && $0 < report.to } ?? false
        }
        let text = rows.map { row in report.fields.map { row[$0] ?? "" }.joined(separator: ";") + "\n" }.joined()
        return DoubleAnswer(200, headers: [HeaderField(name: "content-type", value: "text/csv")], body: Array(text.utf8))
    }

    private mutating func recording(_ json: JSONValue, _ request: DoubleRequest) throws(MangoRefusal) -> DoubleAnswer {
        guard let name = json["recording_id"]?.string else { throw MangoRefusal(code: 3103) }
        guard calls.contains(where: { $0.holds(recording: name, at: request.receivedAt) }) else { throw MangoRefusal(code: 3320) }
        let path = "/files/\(token())"
        files.insert(path)
        return DoubleAnswer(302, headers: [HeaderField(name: "location", value: request.origin + path)])
    }

    /// Once: the address dies at the first access.
    private mutating func file(_ path: String) -> DoubleAnswer {
        guard files.remove(path) != nil else { return .text("Not Found", status: 404) }
        return DoubleAnswer(200, headers: [HeaderField(name: "content-type", value: "audio/wav")], body: SmallRecording.wave)
    }

    private mutating func token() -> String {
        tokens += 1
        return SimulatedPeople(seed: seed).token("token \(tokens)")
    }
}
