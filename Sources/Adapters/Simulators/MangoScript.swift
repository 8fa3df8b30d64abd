import Connector
import Digests

/// What Mango tells of one contact, message by message. Seconds count from the contact's start.
struct MangoScript {
    struct Message: Sendable {
        var path: String
        var json: JSONValue
    }

    private(set) var script = CallScript<Message>()
    private let start: Int
    private let people: SimulatedPeople
    private var counts: [String: Int] = [:]

    init(start: Instant, people: SimulatedPeople) {
        self.start = Int(start.milliseconds / 1000)
        self.people = people
    }

    /// nil where Mango has no such scenario.
    init?(_ scenario: Scenario, start: Instant, people: SimulatedPeople) {
        self.init(start: start, people: people)
        switch scenario {
        case .inboundAnswered: inboundAnswered()
        case .inboundMissed: inboundMissed()
        case .group: group()
        case .blindTransfer: blindTransfer()
        case .attendedTransfer: attendedTransfer()
        case .outboundAnswered: outbound(answered: true)
        case .outboundBusy: outbound(answered: false)
        case .recording: recording()
        case .connectionCheck: send("/ping", at: 0, [:])
        case .transfer: return nil
        }
    }

    private mutating func send(_ path: String, at second: Int, _ json: JSONValue) {
        script.add(Message(path: path, json: json), at: second)
    }

    // MARK: Scenarios

    mutating func inboundAnswered() {
        menu(from: 0, to: 8)
        ring("a", people.employees[0], at: 8, after: "menu")
        leg("a", "Connected", at: 15)
        leg("a", "Disconnected", at: 75, ["disconnect_reason": 1110])
        summary(to: people.employees[0], forward: 8, talk: 15, end: 75, reason: 1110)
    }

    mutating func inboundMissed() {
        ring("a", people.employees[0], at: 0)
        leg("a", "Disconnected", at: 18, ["disconnect_reason": 1110])
        summary(to: people.employees[0], forward: 0, talk: nil, end: 18, reason: 1110)
    }

    /// Three ring, the second answers; the others are no missed calls.
    mutating func group() {
        menu(from: 0, to: 6)
        define("queue", from: client("menu"), to: called(people.line, ["acd_group": "200"]), location: "queue")
        leg("queue", "Appeared", at: 6)
        for (index, name) in ["a", "b", "c"].enumerated() {
            ring(name, people.employees[index], at: 7, after: "queue", more: ["acd_group": "200"])
        }
        leg("b", "Connected", at: 13)
        leg("queue", "Disconnected", at: 13, ["disconnect_reason": 1100])
        leg("a", "Disconnected", at: 13, ["disconnect_reason": 1182])
        leg("c", "Disconnected", at: 13, ["disconnect_reason": 1182])
        leg("b", "Disconnected", at: 100, ["disconnect_reason": 1120])
        summary(to: people.employees[1], forward: 6, talk: 13, end: 100, reason: 1120)
    }

    mutating func blindTransfer() {
        ring("a", people.employees[0], at: 0)
        leg("a", "Connected", at: 5)
        define("a", from: party(people.client, ["was_transferred": true]), to: employee(people.employees[0], withLine: true))
        leg("a", "Disconnected", at: 30, ["disconnect_reason": 1183])
        ring("b", people.employees[1], at: 30, after: "a", ["transfer": "blind"])
        leg("b", "Connected", at: 37, ["transfer": "blind"])
        leg("b", "Disconnected", at: 90, ["transfer": "blind", "disconnect_reason": 1110])
        summary(to: people.employees[0], forward: 0, talk: 5, end: 90, reason: 1110)
    }

    /// The second employee's leg is connected twice: first with the first employee, then with the client.
    mutating func attendedTransfer() {
        ring("a", people.employees[0], at: 0)
        leg("a", "Connected", at: 7)
        define("a", from: party(people.client), to: employee(people.employees[0], withLine: true, ["hold_initiator": true]))
        leg("a", "OnHold", at: 17)
        define(
            "b", from: employee(people.employees[0], ["taken_from_call_id": .string(callID("a"))]),
            to: employee(people.employees[1]))
        leg("b", "Appeared", at: 18, ["transfer": "consultative"])
        leg("b", "Connected", at: 25, ["transfer": "consultative"])
        define("a", from: party(people.client, ["was_transferred": true]), to: employee(people.employees[0], withLine: true))
        leg("a", "Disconnected", at: 40, ["disconnect_reason": 1120])
        define("b", from: client("a"), to: employee(people.employees[1]))
        leg("b", "Connected", at: 40, ["transfer": "blind"])
        leg("b", "Disconnected", at: 100, ["transfer": "blind", "disconnect_reason": 1110])
        summary(to: people.employees[0], forward: 0, talk: 7, end: 100, reason: 1110)
    }

    mutating func outbound(answered: Bool) {
        define("a", from: employee(people.employees[0]), to: called(people.client))
        leg("a", "Appeared", at: 0)
        if answered { leg("a", "Connected", at: 12) }
        let end = answered ? 60 : 3
        let reason = answered ? 1120 : 1121
        leg("a", "Disconnected", at: end, ["disconnect_reason": .number(String(reason))])
        summary(
            direction: 2, from: employee(people.employees[0]), to: party(people.client), forward: 0, talk: answered ? 12 : nil,
            end: end,
            reason: reason)
    }

    mutating func recording() {
        ring("a", people.employees[0], at: 0)
        leg("a", "Connected", at: 6)
        record("Started", at: 6)
        leg("a", "Disconnected", at: 46, ["disconnect_reason": 1120])
        record("Completed", at: 46, ["completion_code": 1000, "recipient": "Cloud"])
        summary(to: people.employees[0], forward: 0, talk: 6, end: 46, reason: 1120)
        send(
            "/events/record/added", at: 66,
            [
                "entry_id": .string(entryID), "product_id": 400_099_001, "user_id": 400_000_101, "timestamp": time(66),
                "recording_id": .string(recordingID),
            ])
    }

    // MARK: Legs

    private struct Leg {
        var from: JSONValue
        var to: JSONValue
        var location: String
    }

    private var legs: [String: Leg] = [:]

    private mutating func define(_ name: String, from: JSONValue, to: JSONValue, location: String = "abonent") {
        legs[name] = Leg(from: from, to: to, location: location)
    }

    private mutating func menu(from begin: Int, to end: Int) {
        define("menu", from: party(people.client), to: called(people.line), location: "ivr")
        leg("menu", "Appeared", at: begin)
        leg("menu", "Disconnected", at: end, ["disconnect_reason": 1100])
    }

    private mutating func ring(
        _ name: String, _ employee: String, at second: Int, after parent: String? = nil, more: JSONValue = [:],
        _ marks: JSONValue = [:]
    ) {
        define(name, from: client(parent), to: self.employee(employee, withLine: true, more))
        leg(name, "Appeared", at: second, marks)
    }

    private mutating func leg(_ name: String, _ state: String, at second: Int, _ marks: JSONValue = [:]) {
        guard let leg = legs[name] else { return }
        counts[name, default: 0] += 1
        let json: JSONValue = [
            "entry_id": .string(entryID), "call_id": .string(callID(name)), "timestamp": time(second),
            "seq": .number(String(counts[name, default: 1])), "call_state": .string(state), "location": .string(leg.location),
            "from": leg.from, "to": leg.to, "dct": ["type": 0],
        ]
        send("/events/call", at: second, json.with(marks))
    }

    private mutating func record(_ state: String, at second: Int, _ more: JSONValue = [:]) {
        counts["recording", default: 0] += 1
        let json: JSONValue = [
            "recording_id": .string(recordingID), "recording_state": .string(state),
            "seq": .number(String(counts["recording", default: 1])), "entry_id": .string(entryID),
            "call_id": .string(callID("a")),
            "extension": .string(people.employees[0]), "timestamp": time(second),
        ]
        send("/events/recording", at: second, json.with(more))
    }

    private mutating func summary(to employee: String, forward: Int, talk: Int?, end: Int, reason: Int) {
        summary(
            direction: 1, from: party(people.client), to: self.employee(employee), forward: forward, talk: talk, end: end,
            reason: reason)
    }

    private mutating func summary(
        direction: Int, from: JSONValue, to: JSONValue, forward: Int, talk: Int?, end: Int, reason: Int
    ) {
        send(
            "/events/summary", at: end,
            [
                "entry_id": .string(entryID), "call_direction": .number(String(direction)), "from": from, "to": to,
                "line_number": .string(people.line), "create_time": time(0), "forward_time": talk == nil ? 0 : time(forward),
                "talk_time": talk.map(time) ?? 0, "end_time": time(end), "entry_result": talk == nil ? 0 : 1,
                "disconnect_reason": .number(String(reason)),
            ])
    }

    // MARK: Names and parties

    private var entryID: String { Base64.encode(String(people.chance("entry"))) }
    private var recordingID: String { Base64.encode("1:10099001:\(people.chance("entry")):0") }

    private func callID(_ leg: String) -> String {
        Base64.encode("1:10099001:502:\(people.chance(leg))\(leg == "menu" ? ":1" : "")")
    }

    private func time(_ second: Int) -> JSONValue { .number(String(start + second)) }

    private func client(_ parent: String?) -> JSONValue {
        party(people.client, parent.map { ["taken_from_call_id": .string(callID($0))] } ?? [:])
    }

    private func party(_ number: String, _ more: JSONValue = [:]) -> JSONValue {
        JSONValue.object([JSONValue.Member("number", .string(number))]).with(more)
    }

    private func called(_ number: String, _ more: JSONValue = [:]) -> JSONValue {
        party(number, ["line_number": .string(people.line)]).with(more)
    }

    private func employee(_ short: String, withLine: Bool = false, _ more: JSONValue = [:]) -> JSONValue {
        let person: JSONValue = ["extension": .string(short), "number": .string("sip:user\(short)@demo.mangosip.ru")]
        return (withLine ? person.with(["line_number": .string(people.line)]) : person).with(more)
    }
}

extension JSONValue {
    /// This object with the members of another behind its own.
    fileprivate func with(_ other: JSONValue) -> JSONValue { .object(members + other.members) }
}
