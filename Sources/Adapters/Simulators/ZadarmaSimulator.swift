import AdapterKit
import Connector
import Digests

/// Plays Zadarma: forms with the header `Signature`, local times of the account's zone.
package struct ZadarmaSimulator: VendorSimulator {
    package static let adapter = "zadarma"

    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .transfer, .outboundAnswered, .outboundBusy, .recording, .connectionCheck,
    ]

    let signer: KeyedDigest
    let zone: LocalZone

    package init(settings: AdapterSettings) throws {
        signer = KeyedDigest(hmac: .sha1, key: Array(try settings.required("secret").utf8))
        do {
            zone = try LocalZone(named: settings["time_zone"] ?? "Europe/Moscow")
        } catch {
            throw SettingsError(setting: "time_zone", problem: "cannot be used", hint: error.description)
        }
    }

    package func call(_ scenario: Scenario, startingAt start: Instant, seed: UInt64) -> SimulatedCall? {
        let people = SimulatedPeople(seed: seed)
        if scenario == .connectionCheck { return connectionCheck(people) }
        var script = ZadarmaScript(callStart: LocalTimestamp.format(start, in: zone), people: people)
        switch scenario {
        case .inboundAnswered: script.inboundAnswered(recorded: false)
        case .recording: script.inboundAnswered(recorded: true)
        case .inboundMissed: script.inboundMissed()
        case .group: script.group()
        case .transfer: script.transfer()
        case .outboundAnswered: script.outbound(answered: true)
        case .outboundBusy: script.outbound(answered: false)
        case .blindTransfer, .attendedTransfer, .connectionCheck: return nil
        }
        return SimulatedCall(steps: steps(of: script))
    }

    private func connectionCheck(_ people: SimulatedPeople) -> SimulatedCall {
        let value = String(people.token("echo").prefix(10))
        return SimulatedCall(steps: [
            SimulatedStep(
                delay: .zero, method: "GET", target: "?zd_echo=\(value)", headers: [], body: [], expectedBody: Array(value.utf8))
        ])
    }

    func steps(of script: ZadarmaScript) -> [SimulatedStep] {
        var before = 0
        return script.messages.map { message in
            defer { before = message.second }
            let signature = Base64.encode(signer.sign(message.signed).hex)
            return SimulatedStep(
                delay: .seconds(message.second - before), target: "",
                headers: [
                    HeaderField(name: "content-type", value: "application/x-www-form-urlencoded"),
                    HeaderField(name: "signature", value: signature),
                ], body: Array(FormEncoding.encode(message.fields).utf8))
        }
    }
}

/// What Zadarma tells of one call, message by message. Seconds count from the call's start.
struct ZadarmaScript {
    typealias Fields = [(name: String, value: String)]

    struct Message {
        var second: Int
        var fields: Fields
        /// The text that is signed.
        var signed: String
    }

    private(set) var messages: [Message] = []
    private let callStart: String
    private let people: SimulatedPeople
    /// Who calls out, and whom.
    private let employee: String
    private let client: String

    init(callStart: String, people: SimulatedPeople, employee: String? = nil, client: String? = nil) {
        self.callStart = callStart
        self.people = people
        self.employee = employee ?? people.employees[0]
        self.client = client ?? people.client
    }

    // MARK: Scenarios

    mutating func inboundAnswered(recorded: Bool) {
        incoming("NOTIFY_START", at: 0)
        ring(0, at: 1)
        answer(0, at: 8)
        end(at: 71, answeredBy: 0, talk: 63, recording: recorded ? "first" : nil)
        if recorded { record("first", at: 111) }
    }

    mutating func inboundMissed() {
        incoming("NOTIFY_START", at: 0)
        ring(0, at: 1)
        incoming("NOTIFY_END", at: 19, [internalField(0)] + Self.outcome("cancel", code: 16, talk: 0))
    }

    mutating func group() {
        incoming("NOTIFY_START", at: 0)
        for place in people.employees.indices { ring(place, at: 1) }
        answer(1, at: 7)
        end(at: 94, answeredBy: 1, talk: 87, recording: nil)
    }

    /// By key code on the telephone: the new extension under the same call is all that is told.
    mutating func transfer() {
        incoming("NOTIFY_START", at: 0)
        ring(0, at: 1)
        answer(0, at: 6)
        ring(1, at: 40)
        answer(1, at: 46)
        end(at: 118, answeredBy: 1, talk: 112, recording: "second")
        record("first", at: 158)
        record("second", at: 159)
    }

    mutating func outbound(answered: Bool) {
        outgoing("NOTIFY_OUT_START", at: 0)
        if answered { answerOutside(at: 12) }
        let outcome = answered ? Self.outcome("answered", code: 16, talk: 35) : Self.outcome("busy", code: 17, talk: 0)
        outgoing("NOTIFY_OUT_END", at: answered ? 47 : 4, outcome)
    }

    /// Of a callback the vendor tells what it tells of any call out; answered ones are recorded.
    mutating func callBack(_ outcome: DoubleOutcome) {
        outgoing("NOTIFY_OUT_START", at: 0)
        switch outcome {
        case .answered:
            answerOutside(at: 12)
            var ending = Self.outcome(outcome.disposition, code: 16, talk: Self.talkOfCallback)
            ending.removeLast()
            ending += [("is_recorded", "1"), ("call_id_with_rec", recordingID("first"))]
            outgoing("NOTIFY_OUT_END", at: 12 + Self.talkOfCallback, ending)
            record("first", of: outgoingID, at: 52 + Self.talkOfCallback)
        case .busy: outgoing("NOTIFY_OUT_END", at: 4, Self.outcome(outcome.disposition, code: 17, talk: 0))
        case .noAnswer: outgoing("NOTIFY_OUT_END", at: 60, Self.outcome(outcome.disposition, code: 19, talk: 0))
        }
    }

    /// Seconds of talk in an answered callback.
    static let talkOfCallback = 48

    // MARK: Messages

    private var incomingID: String { "in_" + people.token("call") }
    var outgoingID: String { "out_" + people.token("call") }

    func recordingID(_ part: String) -> String { "1793603720.\(people.chance(part) % 10_000_000_000)" }

    private func internalField(_ place: Int) -> (name: String, value: String) { ("internal", people.employees[place]) }

    private static func outcome(_ disposition: String, code: Int, talk: Int) -> Fields {
        [
            ("duration", String(talk)), ("disposition", disposition), ("status_code", String(code)), ("is_recorded", "0"),
        ]
    }

    private mutating func incoming(_ event: String, at second: Int, _ more: Fields = []) {
        let fields: Fields = [
            ("event", event), ("call_start", callStart), ("pbx_call_id", incomingID), ("caller_id", people.client),
            ("called_did", people.line),
        ]
        messages.append(Message(second: second, fields: fields + more, signed: people.client + people.line + callStart))
    }

    private mutating func outgoing(_ event: String, at second: Int, _ more: Fields = []) {
        let fields: Fields = [
            ("event", event), ("call_start", callStart), ("pbx_call_id", outgoingID), ("internal", employee),
            ("destination", client), ("caller_id", people.line),
        ]
        messages.append(Message(second: second, fields: fields + more, signed: employee + client + callStart))
    }

    private mutating func answerOutside(at second: Int) {
        let fields: Fields = [
            ("event", "NOTIFY_ANSWER"), ("caller_id", people.line), ("destination", client), ("call_start", callStart),
            ("pbx_call_id", outgoingID), ("internal", employee),
        ]
        messages.append(Message(second: second, fields: fields, signed: people.line + client + callStart))
    }

    private mutating func ring(_ place: Int, at second: Int) {
        incoming("NOTIFY_INTERNAL", at: second, [internalField(place)])
    }

    private mutating func answer(_ place: Int, at second: Int) {
        let fields: Fields = [
            ("event", "NOTIFY_ANSWER"), ("caller_id", people.client), ("destination", people.employees[place]),
            ("call_start", callStart), ("pbx_call_id", incomingID), internalField(place),
        ]
        messages.append(Message(second: second, fields: fields, signed: people.client + people.employees[place] + callStart))
    }

    private mutating func end(at second: Int, answeredBy place: Int, talk: Int, recording: String?) {
        var outcome = Self.outcome("answered", code: 16, talk: talk)
        if let recording {
            outcome.removeLast()
            outcome += [("is_recorded", "1"), ("call_id_with_rec", recordingID(recording))]
        }
        incoming("NOTIFY_END", at: second, [internalField(place)] + outcome)
    }

    private mutating func record(_ part: String, of call: String? = nil, at second: Int) {
        let call = call ?? incomingID
        let fields: Fields = [
            ("event", "NOTIFY_RECORD"), ("call_id_with_rec", recordingID(part)), ("pbx_call_id", call),
        ]
        messages.append(Message(second: second, fields: fields, signed: call + recordingID(part)))
    }
}
