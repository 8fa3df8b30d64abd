import AdapterKit
import Connector
import Digests

/// Zadarma's API made up: callbacks, the log, recordings. It knows the calls it was told to make.
package struct ZadarmaDouble: VendorDouble {
    package static let adapter = "zadarma"

    private struct Call {
        var name: String
        var employee: String
        var number: String
        var startedAt: Instant
        var endedAt: Instant
        var seconds: Int
        var disposition: String
        var recording: String?
        /// When the file is there.
        var fileAt: Instant
    }

    private let key: String
    private let simulator: ZadarmaSimulator
    private let signer: KeyedDigest
    private let zone: LocalZone
    private let faults: DoubleFaults
    private let seed: UInt64
    private var calls: [Call] = []
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
        self.seed = seed
    }

    package mutating func answer(_ request: DoubleRequest) -> DoubleAnswer {
        if request.path.hasPrefix(Self.download) { return file(request.path) }
        if let code = faults.code { return Self.refuse("something has gone wrong", code < 600 ? code : 400) }
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
        let start = request.receivedAt.advanced(by: .seconds(6))
        callCount += 1
        let people = SimulatedPeople(seed: seed &+ callCount)
        var script = ZadarmaScript(
            callStart: LocalTimestamp.format(start, in: zone), people: people, employee: from, client: to)
        let outcome = DoubleOutcome(calling: to)
        script.callBack(outcome)
        remember(script, outcome, from: from, to: to, startedAt: start)
        var steps = simulator.steps(of: script)
        if !steps.isEmpty { steps[0].delay += .seconds(6) }
        return .json(
            [
                "status": "success", "from": .string(from), "to": .string(to),
                "time": .number(String(request.receivedAt.milliseconds / 1000)),
            ], effects: [.play(call: script.outgoingID, steps: steps)])
    }

    private mutating func remember(
        _ script: ZadarmaScript, _ outcome: DoubleOutcome, from: String, to: String, startedAt: Instant
    ) {
        let talk = outcome == .answered ? ZadarmaScript.talkOfCallback : 0
        let length = script.messages.last { $0.fields.contains { $0.value == "NOTIFY_OUT_END" } }?.second ?? 0
        let end = startedAt.advanced(by: .seconds(length))
        if calls.count >= 10_000 { calls.removeFirst(1000) }
        calls.append(
            Call(
                name: script.outgoingID, employee: from, number: to, startedAt: startedAt, endedAt: end, seconds: talk,
                disposition: outcome.disposition, recording: outcome == .answered ? script.recordingID("first") : nil,
                fileAt: end.advanced(by: .seconds(40))))
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
        let found = calls.filter {
            start <= $0.startedAt && $0.startedAt < end.advanced(by: .seconds(1)) && $0.endedAt <= request.receivedAt
        }
        let rows = found.dropFirst(skip).prefix(limit).map(row)
        return .json([
            "status": "success", "start": .string(value("start") ?? ""), "end": .string(value("end") ?? ""), "version": 2,
            "stats": .array(rows),
        ])
    }

    private func row(_ call: Call) -> JSONValue {
        [
            "call_id": .string(call.recording ?? "0"), "pbx_call_id": .string(call.name), "sip": .string(call.employee),
            "callstart": .string(LocalTimestamp.format(call.startedAt, in: zone)), "clid": .string(call.employee),
            "destination": .string(call.number), "disposition": .string(call.disposition),
            "seconds": .number(String(call.seconds)),
            "is_recorded": .string(call.recording == nil ? "false" : "true"),
        ]
    }

    // MARK: Recordings

    private static let download = "/v1/pbx/record/download/"

    private mutating func recording(_ parameters: [(name: String, value: String)], _ request: DoubleRequest) -> DoubleAnswer {
        guard let name = parameters.last(where: { $0.name == "call_id" })?.value,
            calls.contains(where: { $0.recording == name && $0.fileAt <= request.receivedAt })
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
