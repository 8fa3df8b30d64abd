import AdapterKit
import Connector
import Digests

/// What Zadarma tells of one call, message by message. Seconds count from the call's start.
struct ZadarmaScript: ScenarioScript {
    struct Message: Sendable {
        var fields: FormFields
        /// The text that is signed.
        var signed: String
    }

    private(set) var script = CallScript<Message>()
    private(set) var diary: CallDiary
    private let callStart: String
    private let people: SimulatedPeople

    /// - Parameter zone: the account's.
    init(start: Instant, in zone: LocalZone, people: SimulatedPeople, direction: Direction) {
        self.people = people
        // Whole seconds are all that is told of a beginning.
        let start = Instant(milliseconds: start.milliseconds / 1000 * 1000)
        callStart = LocalTimestamp.format(start, in: zone)
        diary = CallDiary(
            (direction == .inbound ? "in_" : "out_") + people.token("call"), direction, client: people.client, line: people.line,
            start: start)
    }

    /// nil where Zadarma has no such scenario.
    init?(_ scenario: Scenario, start: Instant, in zone: LocalZone, people: SimulatedPeople) {
        self.init(start: start, in: zone, people: people, direction: scenario.direction)
        guard write(scenario) else { return nil }
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
        diary.endsAll(at: 19)
    }

    /// The CRM wants no talk: nobody's telephone rings.
    mutating func hungUpAtOnce() {
        incoming("NOTIFY_START", at: 0)
        incoming("NOTIFY_END", at: 1, Self.outcome("cancel", code: 16, talk: 0))
        diary.failure = .abandoned
        diary.endsWithout(at: 1)
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
        diary.ends(diary.name, people.employees[0], at: 46)
        diary.records(recordingID("first"), of: diary.name, people.employees[0])
        end(at: 118, answeredBy: 1, talk: 112, recording: "second")
        record("first", at: 158)
        record("second", at: 159)
    }

    mutating func outbound(answered: Bool) {
        outgoing("NOTIFY_OUT_START", at: 0)
        if answered { answerOutside(at: 12) }
        let outcome = answered ? Self.outcome("answered", code: 16, talk: 35) : Self.outcome("busy", code: 17, talk: 0)
        outgoing("NOTIFY_OUT_END", at: answered ? 47 : 4, outcome)
        if !answered { diary.failure = .busy }
        diary.endsAll(at: answered ? 47 : 4)
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
            diary.endsAll(at: 12 + Self.talkOfCallback)
            diary.records(recordingID("first"), of: diary.name)
            record("first", at: 52 + Self.talkOfCallback)
        case .busy:
            outgoing("NOTIFY_OUT_END", at: 4, Self.outcome(outcome.disposition, code: 17, talk: 0))
            diary.failure = .busy
            diary.endsAll(at: 4)
        case .noAnswer:
            outgoing("NOTIFY_OUT_END", at: 60, Self.outcome(outcome.disposition, code: 19, talk: 0))
            diary.endsAll(at: 60)
        }
    }

    /// It has been asked; what comes now is what the answer led to.
    mutating func skipQuestion() { script.leave(1, toldBy: 0) }

    func holds(recording name: String) -> Bool { diary.parts.contains { $0.recordings.contains(name) } }

    /// When the files are there.
    var filesAt: Instant { diary.moment((diary.end ?? 0) + 40) }

    /// Seconds of talk in an answered callback.
    static let talkOfCallback = 48

    // MARK: Messages

    func recordingID(_ part: String) -> String { "1793603720.\(people.chance(part) % 10_000_000_000)" }

    private func internalField(_ place: Int) -> (name: String, value: String) { ("internal", people.employees[place]) }

    private static func outcome(_ disposition: String, code: Int, talk: Int) -> FormFields {
        [
            ("duration", String(talk)), ("disposition", disposition), ("status_code", String(code)), ("is_recorded", "0"),
        ]
    }

    private mutating func incoming(_ event: String, at second: Int, _ more: FormFields = []) {
        let fields: FormFields = [
            ("event", event), ("call_start", callStart), ("pbx_call_id", diary.name), ("caller_id", people.client),
            ("called_did", people.line),
        ]
        add(fields + more, signed: people.client + people.line + callStart, at: second)
    }

    private mutating func outgoing(_ event: String, at second: Int, _ more: FormFields = []) {
        let employee = people.employees[0]
        let fields: FormFields = [
            ("event", event), ("call_start", callStart), ("pbx_call_id", diary.name), ("internal", employee),
            ("destination", people.client), ("caller_id", people.line),
        ]
        if event == "NOTIFY_OUT_START" { diary.rings(diary.name, employee, at: second) }
        add(fields + more, signed: employee + people.client + callStart, at: second)
    }

    private mutating func answerOutside(at second: Int) {
        let fields: FormFields = [
            ("event", "NOTIFY_ANSWER"), ("caller_id", people.line), ("destination", people.client), ("call_start", callStart),
            ("pbx_call_id", diary.name), ("internal", people.employees[0]),
        ]
        diary.answers(diary.name, at: second)
        add(fields, signed: people.line + people.client + callStart, at: second)
    }

    private mutating func ring(_ place: Int, at second: Int) {
        diary.rings(diary.name, people.employees[place], at: second)
        incoming("NOTIFY_INTERNAL", at: second, [internalField(place)])
    }

    private mutating func answer(_ place: Int, at second: Int) {
        let fields: FormFields = [
            ("event", "NOTIFY_ANSWER"), ("caller_id", people.client), ("destination", people.employees[place]),
            ("call_start", callStart), ("pbx_call_id", diary.name), internalField(place),
        ]
        diary.answers(diary.name, people.employees[place], at: second)
        add(fields, signed: people.client + people.employees[place] + callStart, at: second)
    }

    private mutating func end(at second: Int, answeredBy place: Int, talk: Int, recording: String?) {
        var outcome = Self.outcome("answered", code: 16, talk: talk)
        if let recording {
            outcome.removeLast()
            outcome += [("is_recorded", "1"), ("call_id_with_rec", recordingID(recording))]
            diary.records(recordingID(recording), of: diary.name, people.employees[place])
        }
        diary.endsAll(at: second)
        incoming("NOTIFY_END", at: second, [internalField(place)] + outcome)
    }

    private mutating func record(_ part: String, at second: Int) {
        let fields: FormFields = [
            ("event", "NOTIFY_RECORD"), ("call_id_with_rec", recordingID(part)), ("pbx_call_id", diary.name),
        ]
        add(fields, signed: diary.name + recordingID(part), at: second)
    }

    private mutating func add(_ fields: FormFields, signed: String, at second: Int) {
        script.add(Message(fields: fields, signed: signed), at: second)
    }
}
