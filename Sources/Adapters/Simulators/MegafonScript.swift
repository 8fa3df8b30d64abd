import AdapterKit
import Connector

/// What the PBX tells of one call, form by form. Seconds count from the call's start.
struct MegafonScript: ScenarioScript {
    /// The call, or the part of it with a callid of its own, as the vendor's log has it.
    struct Row {
        var id: String
        var direction: String
        var status: String
        var client: String
        var user: String
        var line: String
        var start: Instant
        var end: Instant
        var wait: Int
        var talk: Int
        var recording: String?
    }

    private(set) var script = CallScript<FormFields>()
    private(set) var diary: CallDiary
    private(set) var rows: [Row] = []
    private let people: SimulatedPeople
    /// Where recordings lie.
    private let origin: String

    init(start: Instant, people: SimulatedPeople, direction: Direction, origin: String = "https://demo.megapbx.ru") {
        self.people = people
        self.origin = origin
        diary = CallDiary(Self.callID("call", people), direction, client: people.client, line: people.line, start: start)
    }

    /// nil where the vendor has no such scenario.
    init?(_ scenario: Scenario, start: Instant, people: SimulatedPeople, origin: String = "https://demo.megapbx.ru") {
        self.init(start: start, people: people, direction: scenario.direction, origin: origin)
        guard write(scenario) else { return nil }
    }

    static func step(_ fields: FormFields, token: String) -> SimulatedStep {
        .form(fields + [("crm_token", token)], expecting: fields.contains { $0.value == "contact" } ? nil : "{}")
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
        let department: FormFields = [("groupRealName", "Отдел продаж")]
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
        event("OUTGOING", 0, at: 0)
        event(answered ? "ACCEPTED" : "CANCELLED", 0, at: answered ? 11 : 4)
        if answered { event("COMPLETED", 0, at: 58) }
        if !answered { diary.failure = .busy }
        history(answered ? "Success" : "Busy", 0, at: answered ? 59 : 5, duration: answered ? 58 : 0, wait: answered ? 11 : nil)
    }

    /// The employee's phone rings, then the client's; both are announced as one outgoing call (inferred). The log has the call begin
    /// a second after the order.
    mutating func callBack(_ outcome: DoubleOutcome) {
        event("OUTGOING", 0, at: 0)
        switch outcome {
        case .answered:
            event("ACCEPTED", 0, at: 9)
            event("COMPLETED", 0, at: 49)
            history("Success", 0, at: 50, duration: 49, wait: 9, recorded: true)
        case .busy:
            event("CANCELLED", 0, at: 13)
            diary.failure = .busy
            history("Busy", 0, at: 14, duration: 0)
        case .noAnswer:
            event("CANCELLED", 0, at: 60)
            diary.failure = .unreachable
            history("NotAvailable", 0, at: 61, duration: 0)
        }
    }

    // MARK: Messages

    private var isOutbound: Bool { diary.direction == .outbound }
    private var word: String { isOutbound ? "out" : "in" }

    private mutating func contact() {
        script.add(
            [("cmd", "contact"), ("phone", people.client), ("callid", callID("call")), ("diversion", people.line)], at: 0)
    }

    /// It has been asked; what comes now is what the answer led to.
    mutating func skipQuestion() { script.leave(1, toldBy: 0) }

    private mutating func event(
        _ type: String, _ place: Int, at second: Int, of part: String = "call", _ more: FormFields = []
    ) {
        let name = callID(part)
        let employee = people.employees[place]
        switch type {
        case "INCOMING", "OUTGOING": diary.rings(name, employee, at: second)
        case "ACCEPTED": diary.answers(name, employee, at: second)
        default: diary.ends(name, employee, at: second)
        }
        let fields: FormFields = [("cmd", "event"), ("type", type), ("direction", word)]
        script.add(fields + parties(place, of: part) + more, at: second)
    }

    private mutating func history(
        _ status: String, _ place: Int, at second: Int, duration: Int, wait: Int? = nil, from begin: Int = 0,
        of part: String = "call", recorded: Bool = false, _ more: FormFields = []
    ) {
        let link = recorded ? "/records/\(callID(part)).mp3" : nil
        if let link { diary.records(link, of: callID(part), people.employees[place]) }
        rows.append(
            Row(
                id: callID(part), direction: word, status: status, client: people.client, user: "user\(people.employees[place])",
                line: people.line, start: diary.moment(begin), end: diary.moment(second - 1), wait: wait ?? second - 1 - begin,
                talk: wait.map { duration - $0 } ?? 0, recording: link))
        var fields: FormFields = [("cmd", "history"), ("type", word), ("status", status)]
        fields += parties(place, of: part)
        fields += [("start", Self.compact(diary.moment(begin))), ("duration", String(duration))]
        if let wait { fields.append(("wait", String(wait))) }
        if let link { fields.append(("link", origin + link)) }
        script.add(fields + more, at: second)
    }

    private func parties(_ place: Int, of part: String) -> FormFields {
        let short = people.employees[place]
        let common: FormFields = [
            ("callid", callID(part)), ("phone", people.client), ("user", "user\(short)"), ("ext", short),
            ("telnum", "79000000\(short)"),
        ]
        return isOutbound ? common : common + [("diversion", people.line)]
    }

    /// `Q` and fifteen more, as newer servers make them.
    private func callID(_ part: String) -> String { Self.callID(part, people) }

    private static func callID(_ part: String, _ people: SimulatedPeople) -> String {
        "Q" + people.token(part).prefix(15).uppercased()
    }

    /// `20260921T141320Z`; such texts sort as their times do.
    static func compact(_ moment: Instant) -> String {
        moment.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
