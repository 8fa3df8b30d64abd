import AdapterKit
import Connector
import Digests

/// Zadarma's API made up: callbacks, the log, recordings. It knows the calls it was told to make.
package struct ZadarmaDouble: VendorDouble {
    package static let adapter = "zadarma"

    /// A call at its start, of which the CRM is asked.
    private struct Waiting: Sendable {
        var scenario: Scenario
        var people: SimulatedPeople
        var start: Instant
    }

    private let key: String
    private let simulator: ZadarmaSimulator
    private let signer: KeyedDigest
    private let zone: LocalZone
    private let faults: DoubleFaults
    private var dice: RefusalDice
    private let seed: UInt64
    /// The newest ten thousand.
    private var calls: [ZadarmaScript] = []
    private var waiting: [String: Waiting] = [:]
    private var callCount: UInt64 = 0
    private var files: Set<String> = []
    private var limit = DoubleLimit(100, in: .seconds(60))
    private var statisticsLimit = DoubleLimit(3, in: .seconds(60))

    package init(settings: AdapterSettings, faults: DoubleFaults, seed: UInt64) throws {
        key = try settings.required("key")
        simulator = try ZadarmaSimulator(settings: settings)
        signer = simulator.signer
        zone = simulator.zone
        self.faults = faults
        dice = RefusalDice(faults, seed: seed)
        self.seed = seed
    }

    package mutating func answer(_ request: DoubleRequest) -> DoubleAnswer {
        if request.path.hasPrefix(Self.download) { return file(request.path) }
        if let code = dice.refusal() {
            return dice.marked(Self.refuse("something has gone wrong", code < 600 ? code : 400))
        }
        guard isSigned(request) else { return Self.refuse("Not authorized", 401) }
        guard limit.admits(at: request.receivedAt) else { return Self.refuse("You exceeded the rate limit", 429) }
        let parameters = Self.parameters(request.query)
        switch (request.method, request.path) {
        case ("GET", "/v1/request/callback/"): return callBack(parameters, request)
        case ("GET", "/v1/statistics/pbx/"): return statistics(parameters, request)
        case ("GET", "/v1/pbx/record/request/"): return recording(parameters, request)
        default: return Self.refuse("Wrong method", 404)
        }
    }

    // MARK: The door

    /// base64 of the hex text of HMAC-SHA1 over path, query and the query's MD5; the parameters sorted by name.
    private func isSigned(_ request: DoubleRequest) -> Bool {
        let query = FormEncoding.encode(Self.parameters(request.query).sorted { $0.name < $1.name })
        let signature = Base64.encode(signer.sign(request.path + query + Digest.hash(query, .md5).hex).hex)
        return request.header("authorization") == "\(key):\(signature)"
    }

    private static func parameters(_ query: String) -> [(name: String, value: String)] {
        do {
            return try FormBody.withQuery(query) { form in form.names.map { ($0, form.string($0) ?? "") } }
        } catch {
            return []
        }
    }

    private static func refuse(_ message: String, _ status: Int) -> DoubleAnswer {
        .json(["status": "error", "message": .string(message)], status: status)
    }

    // MARK: Calls

    /// The employee is rung first; the call out is told of when he has answered.
    private mutating func callBack(_ parameters: [(name: String, value: String)], _ request: DoubleRequest) -> DoubleAnswer {
        guard let from = Self.number("from", in: parameters), let to = Self.number("to", in: parameters) else {
            return Self.refuse("Wrong parameters", 400)
        }
        callCount += 1
        let people = SimulatedPeople(seed: seed &+ callCount, client: to, first: from)
        let start = request.receivedAt.advanced(by: .seconds(6))
        var call = ZadarmaScript(start: start, in: zone, people: people, direction: .outbound)
        call.callBack(DoubleOutcome(calling: to))
        return .json(
            [
                "status": "success", "from": .string(from), "to": .string(to),
                "time": .number(String(request.receivedAt.milliseconds / 1000)),
            ], effects: perform(call, after: .seconds(6)))
    }

    private mutating func perform(_ call: ZadarmaScript, after delay: Duration = .zero) -> [DoubleEffect] {
        if calls.count >= 10_000 { calls.removeFirst(1000) }
        calls.append(call)
        var steps = simulator.steps(of: call)
        if !steps.isEmpty { steps[0].delay += delay }
        return [.play(call: call.diary.name, steps: steps)]
    }

    // MARK: Calls that nobody ordered

    package mutating func begin(_ scenario: Scenario, seed: UInt64, at now: Instant, origin: String) -> [DoubleEffect]? {
        let people = SimulatedPeople(seed: seed)
        guard let call = ZadarmaScript(scenario, start: now, in: zone, people: people) else { return nil }
        guard call.diary.direction == .inbound else { return perform(call) }
        if waiting.count > 10_000 { waiting.removeAll() }
        waiting[call.diary.name] = Waiting(scenario: scenario, people: people, start: now)
        var questions = simulator.steps(of: call).prefix(1)
        questions[0].isQuestion = true
        return [.play(call: call.diary.name, steps: Array(questions))]
    }

    /// `redirect` rings that extension, and it alone; `hangup` ends the call.
    package mutating func heard(_ answer: OutgoingResponse?, of call: String, at now: Instant) -> [DoubleEffect] {
        guard var asked = waiting.removeValue(forKey: call) else { return [] }
        let orders = answer.flatMap(Self.orders)
        if let short = orders?["redirect"]?.string, SimulatedPeople.extensions.contains(short) {
            asked.people = asked.people.ringing(short)
            if asked.scenario == .group { asked.scenario = .inboundAnswered }
        }
        var script = ZadarmaScript(start: asked.start, in: zone, people: asked.people, direction: .inbound)
        if orders?["hangup"]?.int == 1 || orders?["hangup"]?.bool == true {
            script.hungUpAtOnce()
        } else {
            script = ZadarmaScript(asked.scenario, start: asked.start, in: zone, people: asked.people) ?? script
        }
        script.skipQuestion()
        return perform(script)
    }

    private static func orders(_ answer: OutgoingResponse) -> JSONValue? {
        do {
            return try JSONValue(parsing: answer.body)
        } catch {
            return nil
        }
    }

    package func truth(of call: String) -> CallTruth? {
        calls.last { $0.diary.name == call }?.diary.truth(of: Self.adapter)
    }

    private static func number(_ name: String, in parameters: [(name: String, value: String)]) -> String? {
        guard let value = parameters.last(where: { $0.name == name })?.value, (2...15).contains(value.utf8.count),
            value.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return value
    }

    // MARK: The log

    private mutating func statistics(_ parameters: [(name: String, value: String)], _ request: DoubleRequest) -> DoubleAnswer {
        guard statisticsLimit.admits(at: request.receivedAt) else { return Self.refuse("You exceeded the rate limit", 429) }
        func value(_ name: String) -> String? { parameters.last { $0.name == name }?.value }
        guard let start = value("start").flatMap({ LocalTimestamp.parse($0, in: zone) }),
            let end = value("end").flatMap({ LocalTimestamp.parse($0, in: zone) })
        else { return Self.refuse("Wrong parameters", 400) }
        let skip = max(0, value("skip").flatMap { Int($0) } ?? 0)
        let limit = min(1000, max(1, value("limit").flatMap { Int($0) } ?? 1000))
        let legs = calls.filter { $0.diary.isOver(at: request.receivedAt) }.flatMap { call in
            call.diary.parts.map { (call.diary, $0) }
        }
        let found = legs.filter { call, _ in
            let begin = call.start.advanced(by: faults.logOffset)
            return start <= begin && begin < end.advanced(by: .seconds(1))
        }
        let rows = found.dropFirst(skip).prefix(limit).map(row)
        return .json([
            "status": "success", "start": .string(value("start") ?? ""), "end": .string(value("end") ?? ""), "version": 2,
            "stats": .array(rows),
        ])
    }

    /// One for each leg.
    private func row(_ call: CallDiary, _ leg: CallDiary.Part) -> JSONValue {
        let comesIn = call.direction == .inbound
        let disposition = leg.answered != nil ? "answered" : call.failure == .busy ? "busy" : "no answer"
        return [
            "call_id": .string(leg.recordings.first ?? "0"), "pbx_call_id": .string(call.name), "sip": .string(leg.employee),
            "callstart": .string(LocalTimestamp.format(call.start.advanced(by: faults.logOffset), in: zone)),
            "clid": .string(comesIn ? call.client : leg.employee),
            "destination": .string(comesIn ? leg.employee : call.client), "disposition": .string(disposition),
            "seconds": .number(String(leg.talk)), "is_recorded": leg.recordings.isEmpty ? "false" : "true",
        ]
    }

    // MARK: Recordings

    private static let download = "/v1/pbx/record/download/"

    private mutating func recording(_ parameters: [(name: String, value: String)], _ request: DoubleRequest) -> DoubleAnswer {
        guard let name = parameters.last(where: { $0.name == "call_id" })?.value,
            calls.contains(where: { $0.filesAt <= request.receivedAt && $0.holds(recording: name) })
        else { return Self.refuse("Call not found", 404) }
        let path = Self.download + SimulatedPeople(seed: seed).token("file \(files.count)") + "/recording.wav"
        files.insert(path)
        let end = LocalTimestamp.format(request.receivedAt.advanced(by: .seconds(1800)), in: zone)
        return .json(["status": "success", "link": .string(request.origin + path), "lifetime_till": .string(end)])
    }

    private func file(_ path: String) -> DoubleAnswer {
        guard files.contains(path) else { return Self.refuse("Not found", 404) }
        return DoubleAnswer(200, headers: [HeaderField(name: "content-type", value: "audio/wav")], body: SmallRecording.wave)
    }
}

extension DoubleOutcome {
    /// In Zadarma's words.
    var disposition: String {
        switch self {
        case .answered: "answered"
        case .busy: "busy"
        case .noAnswer: "no answer"
        }
    }
}
