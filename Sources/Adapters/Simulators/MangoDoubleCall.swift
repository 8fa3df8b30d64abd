import Connector
import Digests

/// A call that Mango's double plays or was told to make: what it has told and is going to tell of it, in the order of time.
///
/// The plan is the truth: what the call looks like at a moment is what has been planned up to it. A command cuts the rest of the plan
/// off and writes another.
struct MangoDoubleCall {
    struct Message {
        var at: Instant
        var path: String
        var json: JSONValue
    }

    struct Leg {
        var id: String
        var from: JSONValue
        var to: JSONValue
        /// `command_id`, `callback_initiator`, `transfer`.
        var marks: [JSONValue.Member]
        /// The employee on it; empty in a menu or a queue.
        var employee: String
        /// `abonent`, `ivr` or `queue`.
        var location = "abonent"
        var states: [(at: Instant, word: String, reason: Int?)] = []

        func state(at now: Instant) -> String? { states.last { $0.at <= now }?.word }
    }

    let entry: String
    private let direction: Direction
    /// Ordered by the API: the first leg goes to the employee, and the client is on those that follow.
    private let isCallback: Bool
    /// How it comes out where nobody answers.
    private var failure: Call.Disposition
    let line: String
    let client: String
    let employee: String
    private let people: SimulatedPeople
    private let createdAt: Instant
    private(set) var legs: [Leg] = []
    private(set) var plan: [Message] = []
    private var recordings: [(id: String, leg: String, employee: String, begin: Instant, end: Instant?)] = []

    init(people: SimulatedPeople, employee: String, client: String, line: String?, at now: Instant) {
        self.people = people
        self.employee = employee
        self.client = client
        self.line = line ?? people.line
        createdAt = now.wholeSeconds
        entry = Base64.encode(String(people.chance("entry")))
        direction = .outbound
        isCallback = true
        failure = .noAnswer
    }

    /// A call that nobody ordered, as its script tells it.
    init(_ script: MangoScript, _ scenario: Scenario, people: SimulatedPeople, at now: Instant) {
        self.people = people
        employee = people.employees[0]
        client = people.client
        line = people.line
        createdAt = now.wholeSeconds
        entry = Base64.encode(String(people.chance("entry")))
        direction = scenario == .outboundAnswered || scenario == .outboundBusy ? .outbound : .inbound
        isCallback = false
        failure = scenario == .outboundBusy ? .busy : direction == .inbound ? .missed : .noAnswer
        for message in script.script.messages { adopt(message.content, at: moment(message.second)) }
    }

    private mutating func adopt(_ message: MangoScript.Message, at moment: Instant) {
        let json = message.json
        plan.append(Message(at: moment, path: message.path, json: json))
        switch message.path {
        case "/events/call": adoptLeg(json, at: moment)
        case "/events/recording":
            guard let id = json["recording_id"]?.string else { return }
            if let place = recordings.firstIndex(where: { $0.id == id }) {
                recordings[place].end = moment
            } else {
                recordings.append((id, json["call_id"]?.string ?? "", json["extension"]?.string ?? "", moment, nil))
            }
        default: break
        }
    }

    private mutating func adoptLeg(_ json: JSONValue, at moment: Instant) {
        guard let id = json["call_id"]?.string, let from = json["from"], let to = json["to"] else { return }
        let location = json["location"]?.string ?? ""
        let known = place(of: id)
        if known == nil {
            let owner = to["extension"]?.string ?? from["extension"]?.string ?? ""
            legs.append(Leg(id: id, from: from, to: to, marks: [], employee: owner, location: location))
        }
        let place = known ?? legs.count - 1
        (legs[place].from, legs[place].to) = (from, to)
        legs[place].states.append((moment, json["call_state"]?.string ?? "", json["disconnect_reason"]?.int))
    }

    // MARK: Courses

    /// The employee is rung first and shown the client; then the client on a leg of its own.
    mutating func callBack(_ command: String, outcome: DoubleOutcome) {
        let marks = [JSONValue.Member("command_id", .string(command)), JSONValue.Member("callback_initiator", "API")]
        let first = open(from: ["number": .string(client)], to: device(employee), marks, employee: employee)
        say(first, "Appeared", 1)
        say(first, "Connected", 6)
        say(first, "Disconnected", 8, reason: 1000)
        let second = open(
            from: joined(device(employee), ["taken_from_call_id": .string(legs[first].id)]),
            to: ["number": .string(client), "line_number": .string(line)], marks, employee: employee)
        say(second, "Appeared", 8)
        switch outcome {
        case .answered:
            say(second, "Connected", 20)
            record(second, from: 20)
            end(second, at: 80, reason: 1120)
        case .busy:
            failure = .busy
            end(second, at: 11, reason: 1121)
        case .noAnswer: end(second, at: 68, reason: 1111)
        }
    }

    /// What is alive ends at once.
    mutating func hangUp(_ command: String, at now: Instant) {
        let second = cut(at: now)
        let marks = [JSONValue.Member("command_id", .string(command))]
        if direction == .outbound { failure = .canceled }
        for place in legs.indices where isAlive(place, now) { say(place, "Disconnected", second, reason: 1181, marks) }
        close(at: second, reason: 1181)
    }

    /// Out of the menu, or away from a telephone that rings.
    mutating func route(_ place: Int, to number: String, _ command: String, at now: Instant) {
        let second = cut(at: now)
        let waiting = legs.indices.filter { isAlive($0, now) }
        for other in waiting { say(other, "Disconnected", second, reason: 1100) }
        let next = open(
            from: ["number": .string(client), "taken_from_call_id": .string(legs[place].id)], to: target(number),
            [JSONValue.Member("command_id", .string(command))], employee: number)
        say(next, "Appeared", second)
        say(next, "Connected", second + 7)
        end(next, at: second + 60, reason: 1110)
    }

    /// The client is passed on; the employee is out of it.
    mutating func transferBlind(_ place: Int, to number: String, _ command: String, at now: Instant) {
        let second = cut(at: now)
        let left = legs[place].id
        passOn(place)
        say(place, "Disconnected", second, reason: 1183)
        endRecordings(at: second)
        let next = open(
            from: ["number": .string(client), "taken_from_call_id": .string(left)], to: target(number),
            [JSONValue.Member("transfer", "blind"), JSONValue.Member("command_id", .string(command))], employee: number)
        say(next, "Appeared", second)
        say(next, "Connected", second + 7)
        end(next, at: second + 60, reason: 1110)
    }

    /// The colleague is asked first; then the first employee leaves and the colleague's leg is connected again, with the client.
    mutating func transferAttended(_ place: Int, to number: String, _ command: String, at now: Instant) {
        let second = cut(at: now)
        let left = legs[place]
        hold(place, second)
        let next = open(
            from: joined(device(left.employee), ["taken_from_call_id": .string(left.id)]), to: target(number),
            [JSONValue.Member("transfer", "consultative"), JSONValue.Member("command_id", .string(command))], employee: number)
        say(next, "Appeared", second + 1)
        say(next, "Connected", second + 8)
        passOn(place)
        say(place, "Disconnected", second + 23, reason: 1120)
        legs[next].from = ["number": .string(client), "taken_from_call_id": .string(left.id)]
        legs[next].marks = [JSONValue.Member("transfer", "blind"), JSONValue.Member("command_id", .string(command))]
        say(next, "Connected", second + 23)
        endRecordings(at: second + 23)
        end(next, at: second + 83, reason: 1110)
    }

    /// Held for good: the API has no way back, so the employee takes it up again after half a minute.
    mutating func putOnHold(_ place: Int, at now: Instant) {
        let second = cut(at: now)
        hold(place, second)
        say(place, "Connected", second + 30)
        end(place, at: second + 90, reason: 1120)
    }

    /// False where the leg is being recorded.
    mutating func startRecording(_ place: Int, _ command: String, at now: Instant) -> Bool {
        guard !isRecorded(place, now) else { return false }
        let second = cut(at: now)
        record(place, from: second, [JSONValue.Member("command_id", .string(command))])
        end(place, at: second + 60, reason: 1120)
        return true
    }

    // MARK: What it looks like

    func place(of leg: String) -> Int? { legs.firstIndex { $0.id == leg } }

    /// Whether it has rung and not ended.
    func isAlive(_ place: Int, _ now: Instant) -> Bool {
        legs[place].state(at: now).map { $0 != "Disconnected" } ?? false
    }

    private func isRecorded(_ place: Int, _ now: Instant) -> Bool {
        recordings.contains { $0.leg == legs[place].id && $0.begin <= now && ($0.end ?? .latest) > now }
    }

    /// What is to be told from `now` on, in order.
    func news(from now: Instant) -> [Message] { plan.filter { $0.at > now } }

    /// Whether the file of that recording is in the cloud.
    func holds(recording: String, at now: Instant) -> Bool {
        plan.contains { $0.at <= now && $0.path == "/events/record/added" && $0.json["recording_id"]?.string == recording }
    }

    /// A row of the statistics for each leg that has ended: values by the names of Mango's fields.
    func rows(at now: Instant) -> [[String: String]] {
        legs.compactMap { leg in
            guard let begin = leg.states.first?.at, let end = leg.states.last, end.word == "Disconnected", end.at <= now else {
                return nil
            }
            let answer = leg.states.first { $0.word == "Connected" }?.at
            let files = recordings.filter { $0.leg == leg.id && holds(recording: $0.id, at: now) }.map(\.id)
            return [
                "records": "[\(files.joined(separator: ","))]", "start": Self.unix(begin), "finish": Self.unix(end.at),
                "answer": answer.map(Self.unix) ?? "0", "from_extension": leg.from["extension"]?.string ?? "",
                "from_number": leg.from["number"]?.string ?? "", "to_extension": leg.to["extension"]?.string ?? "",
                "to_number": leg.to["number"]?.string ?? "", "disconnect_reason": end.reason.map(String.init) ?? "",
                "line_number": line, "location": leg.location, "create": Self.unix(createdAt), "entry_id": entry,
            ]
        }
    }

    /// The client is on them.
    private var clientLegs: ArraySlice<Leg> { isCallback ? legs.dropFirst() : legs[...] }

    /// nil while it is not over.
    func truth(at now: Instant = .latest) -> CallTruth? {
        guard !legs.contains(where: { !$0.states.isEmpty && $0.states.last?.word != "Disconnected" }),
            let end = legs.compactMap({ $0.states.last?.at }).max(), end <= now
        else { return nil }
        func connected(_ leg: Leg) -> Instant? { leg.states.first { $0.word == "Connected" }?.at }
        let people = legs.filter { (1...6).contains($0.employee.utf8.count) && !$0.states.isEmpty }
        let answeredAt = clientLegs.filter { $0.location == "abonent" }.compactMap(connected).min()
        let talked = people.filter { connected($0) != nil }.sorted { (connected($0) ?? end) < (connected($1) ?? end) }
        let involved = (answeredAt == nil ? people : talked).map(\.employee)
        return CallTruth(
            adapter: MangoDouble.adapter, call: entry, direction: direction, number: client, line: line,
            employees: involved.enumerated().filter { !involved[..<$0.offset].contains($0.element) }.map(\.element),
            disposition: answeredAt == nil ? failure : .answered, startedAt: createdAt, answeredAt: answeredAt, endedAt: end,
            recordings: recordings.map(\.id))
    }

    private static func unix(_ moment: Instant) -> String { String(moment.milliseconds / 1000) }

    // MARK: Writing the plan

    /// Forgets what was planned behind `now`.
    /// - Returns: the next second of the call, in which something else may happen.
    private mutating func cut(at now: Instant) -> Int {
        plan.removeAll { $0.at > now }
        for place in legs.indices { legs[place].states.removeAll { $0.at > now } }
        recordings.removeAll { $0.begin > now }
        for place in recordings.indices where (recordings[place].end ?? .earliest) > now { recordings[place].end = nil }
        return Int((now.milliseconds - createdAt.milliseconds) / 1000) + 1
    }

    private func moment(_ second: Int) -> Instant { createdAt.advanced(by: .seconds(second)) }

    private mutating func open(
        from: JSONValue, to: JSONValue, _ marks: [JSONValue.Member], employee: String
    ) -> Int {
        let id = Base64.encode("1:10099001:502:\(people.chance("leg \(legs.count)"))")
        legs.append(Leg(id: id, from: from, to: to, marks: marks, employee: employee))
        return legs.count - 1
    }

    private mutating func say(
        _ place: Int, _ state: String, _ second: Int, reason: Int? = nil, _ marks: [JSONValue.Member] = []
    ) {
        let at = moment(second)
        legs[place].states.append((at, state, reason))
        let leg = legs[place]
        var members = [
            JSONValue.Member("entry_id", .string(entry)), JSONValue.Member("call_id", .string(leg.id)),
            JSONValue.Member("timestamp", .number(Self.unix(at))), JSONValue.Member("seq", .number(String(leg.states.count))),
            JSONValue.Member("call_state", .string(state)), JSONValue.Member("location", "abonent"),
            JSONValue.Member("from", leg.from), JSONValue.Member("to", leg.to), JSONValue.Member("dct", ["type": 0]),
        ]
        if let reason { members.append(JSONValue.Member("disconnect_reason", .number(String(reason)))) }
        members += leg.marks.filter { mark in !marks.contains { $0.name == mark.name } } + marks
        plan.append(Message(at: at, path: "/events/call", json: .object(members)))
    }

    private mutating func hold(_ place: Int, _ second: Int) {
        let leg = legs[place]
        if isCalledBy(place) {
            legs[place].from = joined(leg.from, ["hold_initiator": true])
        } else {
            legs[place].to = joined(leg.to, ["hold_initiator": true])
        }
        say(place, "OnHold", second)
        (legs[place].from, legs[place].to) = (leg.from, leg.to)
    }

    /// Marks whom the employee leaves behind: on his own call out the client is the callee.
    private mutating func passOn(_ place: Int) {
        if isCalledBy(place) {
            legs[place].to = joined(legs[place].to, ["was_transferred": true])
        } else {
            legs[place].from = joined(legs[place].from, ["was_transferred": true])
        }
    }

    /// Whether the leg's employee is its caller.
    private func isCalledBy(_ place: Int) -> Bool { legs[place].from["extension"]?.string == legs[place].employee }

    private mutating func end(_ place: Int, at second: Int, reason: Int) {
        say(place, "Disconnected", second, reason: reason)
        close(at: second, reason: reason)
    }

    /// Recordings end, the summary comes, and later the files are there.
    private mutating func close(at second: Int, reason: Int) {
        endRecordings(at: second)
        let talk = clientLegs.lazy.compactMap { leg in leg.states.first { $0.word == "Connected" }?.at }.first
        let comesIn = direction == .inbound
        let (own, other) = (device(employee), JSONValue.object([.init("number", .string(client))]))
        send(
            "/events/summary", second,
            [
                "entry_id": .string(entry), "call_direction": comesIn ? 1 : 2, "from": comesIn ? other : own,
                "to": comesIn ? own : other,
                "line_number": .string(line), "create_time": .number(Self.unix(createdAt)),
                "forward_time": .number(Self.unix(createdAt)), "talk_time": .number(talk.map(Self.unix) ?? "0"),
                "end_time": .number(Self.unix(moment(second))), "entry_result": talk == nil ? 0 : 1,
                "disconnect_reason": .number(String(reason)),
            ])
        for recording in recordings {
            send(
                "/events/record/added", second + 20,
                [
                    "entry_id": .string(entry), "product_id": 10_099_001, "user_id": 400_000_101,
                    "timestamp": .number(Self.unix(moment(second + 20))), "recording_id": .string(recording.id),
                ])
        }
    }

    private mutating func send(_ path: String, _ second: Int, _ json: JSONValue) {
        plan.append(Message(at: moment(second), path: path, json: json))
    }

    private mutating func record(_ place: Int, from second: Int, _ marks: [JSONValue.Member] = []) {
        let id = Base64.encode("1:10099001:\(people.chance("entry")):\(recordings.count)")
        recordings.append((id, legs[place].id, legs[place].employee, moment(second), nil))
        say(recording: recordings.count - 1, "Started", second, marks)
    }

    private mutating func endRecordings(at second: Int) {
        for place in recordings.indices where recordings[place].end == nil {
            recordings[place].end = moment(second)
            say(
                recording: place, "Completed", second,
                [JSONValue.Member("completion_code", 1000), JSONValue.Member("recipient", "Cloud")])
        }
    }

    private mutating func say(recording place: Int, _ state: String, _ second: Int, _ marks: [JSONValue.Member]) {
        let recording = recordings[place]
        let json: JSONValue = [
            "recording_id": .string(recording.id), "recording_state": .string(state), "seq": state == "Started" ? 1 : 2,
            "entry_id": .string(entry), "call_id": .string(recording.leg), "extension": .string(recording.employee),
            "timestamp": .number(Self.unix(moment(second))),
        ]
        send("/events/recording", second, joined(json, .object(marks)))
    }

    // MARK: Parties

    private func device(_ short: String) -> JSONValue {
        ["extension": .string(short), "number": .string("sip:user\(short)@demo.mangosip.ru")]
    }

    private func target(_ number: String) -> JSONValue {
        number.utf8.count <= 6 ? device(number) : ["number": .string(number)]
    }

    private func joined(_ one: JSONValue, _ other: JSONValue) -> JSONValue { .object(one.members + other.members) }
}

extension Instant {
    /// Mango tells no parts of a second.
    fileprivate var wholeSeconds: Instant { Instant(milliseconds: milliseconds / 1000 * 1000) }
}
