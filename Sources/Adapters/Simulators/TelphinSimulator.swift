import AdapterKit
import Connector

/// Plays Telphin: unsigned forms. The secret is in the address they are sent to.
package struct TelphinSimulator: VendorSimulator {
    package static let adapter = "telphin"

    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .transfer, .outboundAnswered, .outboundBusy, .recording,
    ]

    package init(settings: AdapterSettings) {}

    package func call(_ scenario: Scenario, startingAt start: Instant, seed: UInt64) -> SimulatedCall? {
        var script = TelphinScript(start: start, people: SimulatedPeople(seed: seed))
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
        return SimulatedCall(steps: Self.steps(of: script))
    }

    private static func steps(of script: TelphinScript) -> [SimulatedStep] {
        var before = 0
        return script.messages.map { message in
            defer { before = message.second }
            return SimulatedStep(
                delay: .seconds(message.second - before), target: "",
                headers: [HeaderField(name: "content-type", value: "application/x-www-form-urlencoded")],
                body: Array(FormEncoding.encode(message.fields).utf8))
        }
    }
}

/// What Telphin tells of one call, message by message. Seconds count from the call's start.
struct TelphinScript {
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
        incoming("dial-in", people.employees[0], at: 0)
        incoming("answer", people.employees[0], at: 9, status: "ANSWER")
        hangUp(people.employees[0], at: 72, "ANSWER", from: 0, talk: 63, recorded: recorded)
    }

    mutating func inboundMissed() {
        incoming("dial-in", people.employees[0], at: 0)
        hangUp(people.employees[0], at: 21, "CANCEL", from: 0)
    }

    /// A queue rings three; the second answers. The queue itself tells of its end only.
    mutating func group() {
        for short in people.employees { incoming("dial-in", short, at: 0) }
        incoming("answer", people.employees[1], at: 7, status: "ANSWER")
        hangUp(people.employees[0], at: 7, "CANCEL", from: 0)
        hangUp(people.employees[2], at: 7, "CANCEL", from: 0)
        hangUp(people.employees[1], at: 50, "ANSWER", from: 0, talk: 43)
        hangUp("700", at: 50, "ANSWER", from: 0, talk: 43)
    }

    mutating func transfer() {
        incoming("dial-in", people.employees[0], at: 0)
        incoming("answer", people.employees[0], at: 6, status: "ANSWER")
        incoming("dial-in", people.employees[1], at: 30)
        hangUp(people.employees[0], at: 31, "ANSWER", from: 0, talk: 25, transferred: true)
        incoming("answer", people.employees[1], at: 36, status: "ANSWER")
        hangUp(people.employees[1], at: 95, "ANSWER", from: 30, talk: 59)
    }

    mutating func outbound(answered: Bool) {
        outgoing("dial-out", at: 0)
        if answered { outgoing("answer", at: 11, status: "ANSWER") }
        let end = answered ? 46 : 4
        outgoing("hangup", at: end, status: answered ? "ANSWER" : "BUSY", Self.outcome(end, talk: answered ? 35 : 0))
    }

    // MARK: Messages

    private var callID: String { String(people.token("call").prefix(32)) }

    private func time(_ second: Int) -> String { String(start.advanced(by: .seconds(second)).milliseconds * 1000) }

    private func common(_ event: String, _ short: String, at second: Int, _ status: String, _ flow: String) -> Fields {
        [
            ("EventType", event), ("CallID", callID), ("SubCallID", "100\(short)-\(callID)"), ("CallAPIID", "35\(callID)"),
            ("CallStatus", status), ("CallFlow", flow), ("EventTime", time(second)),
        ]
    }

    private mutating func incoming(
        _ event: String, _ short: String, at second: Int, status: String = "CALLING", _ more: Fields = []
    ) {
        let fields: Fields = [
            ("CallerIDNum", people.client), ("CallerIDName", people.client), ("CalledDID", people.line),
            ("CalledNumber", "0000*\(short)"), ("CalledExtension", "0000*\(short)@sipproxy.telphin.ru"),
            ("CalledExtensionID", "100\(short)"),
        ]
        messages.append(Message(second: second, fields: common(event, short, at: second, status, "in") + fields + more))
    }

    private mutating func outgoing(_ event: String, at second: Int, status: String = "CALLING", _ more: Fields = []) {
        let short = people.employees[0]
        let fields: Fields = [
            ("CallerIDNum", "0000*\(short)"), ("CallerIDName", "0000*\(short)"),
            ("CallerExtension", "0000*\(short)@sipproxy.telphin.ru"), ("CallerExtensionID", "100\(short)"),
            ("CalledNumber", people.client),
        ]
        messages.append(Message(second: second, fields: common(event, short, at: second, status, "out") + fields + more))
    }

    private mutating func hangUp(
        _ short: String, at second: Int, _ status: String, from begin: Int, talk: Int = 0, transferred: Bool = false,
        recorded: Bool = false
    ) {
        var fields = Self.outcome(second - begin, talk: talk, transferred: transferred)
        if recorded { fields.append(("RecID", "100\(short)-\(people.token("recording").prefix(32))")) }
        incoming("hangup", short, at: second, status: status, fields)
    }

    private static func outcome(_ duration: Int, talk: Int, transferred: Bool = false) -> Fields {
        [
            ("Duration", "\(duration)000000"), ("BridgedDuration", "\(talk)000000"), ("Bridged", talk > 0 ? "yes" : "no"),
            ("Transfered", transferred ? "yes" : "no"),
        ]
    }
}
