import AdapterKit
import Connector

/// What Telphin tells of one call, form by form. Seconds count from the call's start.
struct TelphinScript: ScenarioScript {
    private(set) var script = CallScript<FormFields>()
    private(set) var diary: CallDiary
    private let people: SimulatedPeople
    /// It was ordered by the API: its events say so.
    private var isOrdered = false
    /// It stood in a menu, which stays in it to the end.
    private var hasMenu = false

    init(start: Instant, people: SimulatedPeople, direction: Direction) {
        self.people = people
        diary = CallDiary(
            String(people.token("call").prefix(32)), direction, client: people.client,
            line: direction == .inbound ? people.line : nil, start: start)
    }

    /// nil where Telphin has no such scenario.
    init?(_ scenario: Scenario, start: Instant, people: SimulatedPeople) {
        self.init(start: start, people: people, direction: scenario.direction)
        guard write(scenario) else { return nil }
    }

    // MARK: Scenarios

    mutating func inboundAnswered(recorded: Bool) {
        incoming("dial-in", people.employees[0], at: 0)
        incoming("answer", people.employees[0], at: 9, status: "ANSWER")
        hangUp(people.employees[0], at: 72, "ANSWER", recorded: recorded)
    }

    mutating func inboundMissed() {
        incoming("dial-in", people.employees[0], at: 0)
        hangUp(people.employees[0], at: 21, "CANCEL")
    }

    /// A queue rings three; the second answers. The queue itself tells of its end only.
    mutating func group() {
        for short in people.employees { incoming("dial-in", short, at: 0) }
        incoming("answer", people.employees[1], at: 7, status: "ANSWER")
        hangUp(people.employees[0], at: 7, "CANCEL")
        hangUp(people.employees[2], at: 7, "CANCEL")
        hangUp(people.employees[1], at: 50, "ANSWER")
        incoming("hangup", "700", at: 50, status: "ANSWER", Self.outcome(50, talk: 43))
    }

    mutating func transfer() {
        incoming("dial-in", people.employees[0], at: 0)
        incoming("answer", people.employees[0], at: 6, status: "ANSWER")
        passOn(people.employees[0], to: people.employees[1], at: 30)
    }

    mutating func outbound(answered: Bool) {
        outgoing("dial-out", at: 0)
        if answered { outgoing("answer", at: 11, status: "ANSWER") }
        if !answered { diary.failure = .busy }
        end(at: answered ? 46 : 4, answered ? "ANSWER" : "BUSY")
    }

    /// The employee's phone is called by nobody's number; when he has answered, his call out is told of.
    mutating func callBack(_ outcome: DoubleOutcome) {
        isOrdered = true
        let short = people.employees[0]
        let own: FormFields = [
            ("CallerIDNum", "CRM"), ("CallerIDName", "CRM"), ("CalledNumber", "0000*\(short)"),
            ("CalledExtension", "0000*\(short)@sipproxy.telphin.ru"), ("CalledExtensionID", "100\(short)"),
            ("RemoteNumber", people.client),
        ]
        script.add(common("dial-in", short, at: 1, "CALLING", "in") + own, at: 1)
        outgoing("dial-out", at: 10)
        switch outcome {
        case .answered:
            outgoing("answer", at: 18, status: "ANSWER")
            end(at: 48, "ANSWER", recorded: true)
        case .busy:
            diary.failure = .busy
            end(at: 14, "BUSY")
        case .noAnswer: end(at: 70, "NOANSWER")
        }
    }

    /// The menu has asked; what it leads to is planned. The menu, too, tells of its end only.
    mutating func leaveMenu() {
        hasMenu = true
        endMenu()
    }

    private mutating func endMenu() {
        guard hasMenu, let end = diary.end else { return }
        incoming("hangup", "800", at: end, status: "ANSWER", Self.outcome(end, talk: diary.parts.reduce(0) { $0 + $1.talk }))
    }

    // MARK: Orders

    /// The extension's part is over at once.
    mutating func hangUp(_ short: String, at second: Int) {
        guard let part = part(of: short) else { return }
        cut(behind: second)
        let isAnswered = part.answered.map { $0 <= second } ?? false
        if !isAnswered { diary.failure = diary.direction == .inbound ? .missed : .canceled }
        if diary.direction == .inbound {
            for part in diary.parts where part.ended == nil {
                hangUp(part.employee, at: second, part.answered == nil ? "CANCEL" : "ANSWER")
            }
        } else {
            end(at: second, isAnswered ? "ANSWER" : "CANCEL", recorded: isAnswered && isOrdered)
        }
        endMenu()
    }

    /// The extension passes the call on. Of a call out, what becomes of it at an outside number is not told.
    mutating func pass(_ short: String, to target: String, at second: Int) {
        cut(behind: second)
        let next = target.split(separator: "*").last.map(String.init) ?? target
        if SimulatedPeople.extensions.contains(next) {
            passOn(short, to: next, at: second)
        } else {
            leave(short, at: second)
        }
        endMenu()
    }

    private mutating func passOn(_ short: String, to next: String, at second: Int) {
        incoming("dial-in", next, at: second)
        leave(short, at: second + 1)
        incoming("answer", next, at: second + 6, status: "ANSWER")
        hangUp(next, at: second + 65, "ANSWER")
    }

    private mutating func leave(_ short: String, at second: Int) {
        guard diary.direction == .inbound else { return end(at: second, "ANSWER", transferred: true, recorded: isOrdered) }
        hangUp(short, at: second, "ANSWER", transferred: true)
    }

    private mutating func cut(behind second: Int) {
        script.cut(behind: second)
        diary.cut(behind: second)
    }

    /// Whether the extension takes part at that second: his telephone rings, or he talks.
    func isUp(_ owner: String, at second: Int) -> Bool {
        diary.parts.contains { "100\($0.employee)" == owner && $0.rang <= second && ($0.ended ?? .max) > second }
            || isOrdered && owner == "100\(people.employees[0])" && second < (diary.parts.first?.rang ?? .max)
    }

    private func part(of short: String) -> CallDiary.Part? { diary.parts.last { $0.employee == short } }

    // MARK: What the API shows

    var handle: String { "358:\(diary.name)" }

    /// A row of `current_calls`.
    func live(_ owner: String) -> JSONValue {
        let comesIn = diary.direction == .inbound
        let own = "0000*\(owner.dropFirst(3))"
        return [
            "call_api_id": .string(handle), "callback_id": isOrdered ? .string(diary.name) : .null,
            "call_flow": comesIn ? "IN" : "OUT", "called_number": .string(comesIn ? own : people.client),
            "caller_id_number": .string(comesIn ? people.client : own),
            "caller_extension": comesIn ? .null : .string(own), "extension_id": .number(owner),
        ]
    }

    /// A row of `call_history`, its times as `text` writes them.
    func row(_ text: (Instant) -> String) -> JSONValue {
        let comesIn = diary.direction == .inbound
        let talked = diary.parts.filter { $0.answered != nil }
        let owner = (talked.first ?? diary.parts.first)?.employee ?? people.employees[0]
        let (own, end) = ("0000*\(owner)", diary.end ?? 0)
        let result = talked.isEmpty ? (diary.failure == .busy ? "busy" : "not answered") : "bridged"
        var json: [JSONValue.Member] = [
            .init("call_uuid", .string(diary.name.uppercased())), .init("flow", comesIn ? "in" : "out"),
            .init("result", .string(result)), .init("init_time_gmt", .string(text(diary.start))),
            .init("hangup_time_gmt", .string(text(diary.moment(end)))), .init("duration", .number("\(end)")),
            .init("from_username", .string(comesIn ? people.client : own)),
            .init("to_username", .string(comesIn ? own : people.client)), .init("extension_id", .number("100\(owner)")),
            .init("extension_name", .string(own)), .init("extension_type", "phone"),
        ]
        if comesIn { json.append(.init("did_number", .string(people.line))) }
        if let answered = talked.first?.answered {
            json.append(.init("bridged_time_gmt", .string(text(diary.moment(answered)))))
            json.append(.init("bridged_duration", .number("\(end - answered)")))
        }
        json.append(.init("cdr", .array(diary.parts.map(leg))))
        return .object(json)
    }

    /// A leg of a row: one employee's part, without times of its own.
    private func leg(_ part: CallDiary.Part) -> JSONValue {
        let comesIn = diary.direction == .inbound
        let own = "0000*\(part.employee)"
        let isTaken = diary.parts.contains { $0.answered != nil }
        let failure = isTaken ? "answered elsewhere" : diary.failure == .busy ? "busy" : "not answered"
        var json: [JSONValue.Member] = [
            .init("ani_number", .string(comesIn ? people.client : own)),
            .init("dest_number", .string(comesIn ? own : people.client)),
            .init("result", .string(part.answered == nil ? failure : "bridged")),
        ]
        if isOrdered { json.append(.init("application", "callback")) }
        for file in part.recordings.prefix(1) { json.append(.init("record_uuid", .string(file))) }
        return .object(json)
    }

    // MARK: Messages

    /// A step of the menu asks what to do with the call.
    var question: SimulatedStep {
        let fields: FormFields = [
            ("EventType", "call_interactive"), ("CallID", diary.name), ("CallAPIID", handle), ("CallerIDNum", people.client),
            ("CallerIDName", people.client), ("CalledDID", people.line), ("CalledNumber", "0000*800"),
            ("CalledExtension", "0000*800@sipproxy.telphin.ru"), ("CalledExtensionID", "100800"), ("CallStatus", "ANSWER"),
            ("CallFlow", "IN"), ("EventTime", time(0)),
        ]
        var step = SimulatedStep.form(fields)
        step.isQuestion = true
        return step
    }

    private func time(_ second: Int) -> String { String(diary.moment(second).milliseconds * 1000) }

    private func common(_ event: String, _ short: String, at second: Int, _ status: String, _ flow: String) -> FormFields {
        let fields: FormFields = [
            ("EventType", event), ("CallID", diary.name), ("SubCallID", leg(short)), ("CallAPIID", handle),
            ("CallStatus", status), ("CallFlow", flow), ("EventTime", time(second)),
        ]
        return isOrdered ? fields + [("CallBackID", diary.name)] : fields
    }

    private func leg(_ short: String) -> String { "100\(short)-\(diary.name)" }

    private mutating func incoming(
        _ event: String, _ short: String, at second: Int, status: String = "CALLING", _ more: FormFields = []
    ) {
        if event == "dial-in" { diary.rings(leg(short), short, at: second) }
        if event == "answer" { diary.answers(leg(short), at: second) }
        let fields: FormFields = [
            ("CallerIDNum", people.client), ("CallerIDName", people.client), ("CalledDID", people.line),
            ("CalledNumber", "0000*\(short)"), ("CalledExtension", "0000*\(short)@sipproxy.telphin.ru"),
            ("CalledExtensionID", "100\(short)"),
        ]
        script.add(common(event, short, at: second, status, "in") + fields + more, at: second)
    }

    private mutating func outgoing(_ event: String, at second: Int, status: String = "CALLING", _ more: FormFields = []) {
        let short = people.employees[0]
        if event == "dial-out" { diary.rings(leg(short), short, at: second) }
        if event == "answer" { diary.answers(leg(short), at: second) }
        let fields: FormFields = [
            ("CallerIDNum", "0000*\(short)"), ("CallerIDName", "0000*\(short)"),
            ("CallerExtension", "0000*\(short)@sipproxy.telphin.ru"), ("CallerExtensionID", "100\(short)"),
            ("CalledNumber", people.client),
        ]
        script.add(common(event, short, at: second, status, "out") + fields + more, at: second)
    }

    private mutating func hangUp(
        _ short: String, at second: Int, _ status: String, transferred: Bool = false, recorded: Bool = false
    ) {
        let fields = ending(short, at: second, transferred: transferred, recorded: recorded)
        incoming("hangup", short, at: second, status: status, fields)
    }

    /// The employee's call out is over.
    private mutating func end(at second: Int, _ status: String, transferred: Bool = false, recorded: Bool = false) {
        let fields = ending(people.employees[0], at: second, transferred: transferred, recorded: recorded)
        outgoing("hangup", at: second, status: status, fields)
    }

    private mutating func ending(_ short: String, at second: Int, transferred: Bool, recorded: Bool) -> FormFields {
        let recording = "100\(short)-\(people.token("recording").prefix(32))"
        diary.ends(leg(short), at: second)
        if recorded { diary.records(recording, of: leg(short)) }
        let part = diary.parts.first { $0.name == leg(short) }
        let begin = isOrdered ? 0 : part?.rang ?? 0
        let fields = Self.outcome(second - begin, talk: part?.talk ?? 0, transferred: transferred)
        return recorded ? fields + [("RecID", recording)] : fields
    }

    private static func outcome(_ duration: Int, talk: Int, transferred: Bool = false) -> FormFields {
        [
            ("Duration", "\(duration)000000"), ("BridgedDuration", "\(talk)000000"), ("Bridged", talk > 0 ? "yes" : "no"),
            ("Transfered", transferred ? "yes" : "no"),
        ]
    }
}
