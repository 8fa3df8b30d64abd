import AdapterKit
import Connector

/// Plays MegaFon VATS: forms with the token in their midst.
package struct MegafonSimulator: VendorSimulator {
    package static let adapter = "megafon-vats"

    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .transfer, .outboundAnswered, .outboundBusy, .recording,
    ]

    private let token: String

    package init(settings: AdapterSettings) throws { token = try settings.required("crm_token") }

    package func call(_ scenario: Scenario, startingAt start: Instant, seed: UInt64) -> SimulatedCall? {
        var script = MegafonScript(start: start, people: SimulatedPeople(seed: seed))
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

    private func steps(of script: MegafonScript) -> [SimulatedStep] {
        var before = 0
        return script.messages.map { message in
            defer { before = message.second }
            return SimulatedStep(
                delay: .seconds(message.second - before), target: "",
                headers: [HeaderField(name: "content-type", value: "application/x-www-form-urlencoded")],
                body: Array(FormEncoding.encode(message.fields + [("crm_token", token)]).utf8), expectedBody: Array("{}".utf8))
        }
    }
}

/// What the PBX tells of one call, message by message. Seconds count from the call's start.
struct MegafonScript {
    typealias Fields = [(name: String, value: String)]

    struct Message {
        var second: Int
        var fields: Fields
    }

    private(set) var messages: [Message] = []
    private let start: Instant
    private let people: SimulatedPeople

    init(start: Instant, people: SimulatedPeople) {
        self.start = start
        self.people = people
    }

    // MARK: Scenarios

    mutating func inboundAnswered(recorded: Bool) {
        contact()
        event("INCOMING", 0, at: 1)
        event("ACCEPTED", 0, at: 9)
        event("COMPLETED", 0, at: 64)
        history("Success", 0, at: 65, duration: 64, wait: 9, recorded: recorded)
    }

    mutating func inboundMissed() {
        contact()
        event("INCOMING", 0, at: 1)
        event("CANCELLED", 0, at: 20)
        history("missed", 0, at: 21, duration: 0)
    }

    /// Three ring under one callid, the second answers; each of the others is cancelled.
    mutating func group() {
        let department: Fields = [("groupRealName", "Отдел продаж")]
        contact()
        for place in people.employees.indices { event("INCOMING", place, at: 1, department) }
        event("ACCEPTED", 1, at: 7, department)
        event("CANCELLED", 0, at: 7, department)
        event("CANCELLED", 2, at: 7, department)
        event("COMPLETED", 1, at: 90, department)
        history("Success", 1, at: 91, duration: 90, wait: 7, department)
    }

    /// The second part has a callid of its own, and begins before the first one's end is told.
    mutating func transfer() {
        contact()
        event("INCOMING", 0, at: 1)
        event("ACCEPTED", 0, at: 6)
        event("INCOMING", 1, at: 35, of: "second")
        event("TRANSFERRED", 0, at: 35, [("second_callid", callID("second"))])
        event("ACCEPTED", 1, at: 41, of: "second")
        event("COMPLETED", 1, at: 110, of: "second")
        history("Success", 0, at: 111, duration: 35, wait: 6)
        history("Success", 1, at: 111, duration: 75, wait: 6, from: 35, of: "second")
    }

    mutating func outbound(answered: Bool) {
        event("OUTGOING", 0, at: 0, direction: "out")
        event(answered ? "ACCEPTED" : "CANCELLED", 0, at: answered ? 11 : 4, direction: "out")
        if answered { event("COMPLETED", 0, at: 58, direction: "out") }
        history(answered ? "Success" : "Busy", 0, at: answered ? 59 : 5, duration: answered ? 58 : 0, direction: "out")
    }

    // MARK: Messages

    private mutating func contact() {
        let fields: Fields = [
            ("cmd", "contact"), ("phone", people.client), ("callid", callID("call")), ("diversion", people.line),
        ]
        messages.append(Message(second: 0, fields: fields))
    }

    private mutating func event(
        _ type: String, _ place: Int, at second: Int, of part: String = "call", direction: String = "in", _ more: Fields = []
    ) {
        let fields: Fields = [("cmd", "event"), ("type", type), ("direction", direction)]
        messages.append(Message(second: second, fields: fields + parties(place, of: part, direction) + more))
    }

    private mutating func history(
        _ status: String, _ place: Int, at second: Int, duration: Int, wait: Int? = nil, from begin: Int = 0,
        of part: String = "call", direction: String = "in", recorded: Bool = false, _ more: Fields = []
    ) {
        var fields: Fields = [("cmd", "history"), ("type", direction), ("status", status)]
        fields += parties(place, of: part, direction)
        fields += [("start", Self.compact(start.advanced(by: .seconds(begin)))), ("duration", String(duration))]
        if let wait { fields.append(("wait", String(wait))) }
        if recorded { fields.append(("link", "https://demo.megapbx.ru/records/\(callID(part)).mp3")) }
        messages.append(Message(second: second, fields: fields + more))
    }

    private func parties(_ place: Int, of part: String, _ direction: String) -> Fields {
        let short = people.employees[place]
        let common: Fields = [
            ("callid", callID(part)), ("phone", people.client), ("user", "user\(short)"), ("ext", short),
            ("telnum", "79000000\(short)"),
        ]
        return direction == "in" ? common + [("diversion", people.line)] : common
    }

    /// `Q` and fifteen more, as newer servers make them.
    private func callID(_ part: String) -> String { "Q" + people.token(part).prefix(15).uppercased() }

    /// `20260921T141320Z`.
    private static func compact(_ moment: Instant) -> String {
        moment.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
