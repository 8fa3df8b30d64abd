import Connector

/// What happens in a call that a double plays. Its log and the truth are taken from it; seconds count from the call's start.
struct CallDiary: Sendable {
    /// One employee's part in it.
    struct Part: Sendable {
        /// The vendor's name of it; that of the call, where it names no parts.
        var name: String
        var employee: String
        /// When his telephone rang, or, in a call out, when the other's did.
        var rang: Int
        var answered: Int?
        var ended: Int?
        var recordings: [String] = []

        var talk: Int { answered.map { max(0, (ended ?? $0) - $0) } ?? 0 }
    }

    /// The vendor's name of the call, as the record's `external_ids` have it.
    let name: String
    let direction: Direction
    let client: String
    let line: String?
    let start: Instant
    /// How it comes out where nobody answers.
    var failure: Call.Disposition
    private(set) var parts: [Part] = []
    /// When it ended without anybody having been rung.
    private var endedAlone: Int?

    init(
        _ name: String, _ direction: Direction, client: String, line: String?, start: Instant, failure: Call.Disposition? = nil
    ) {
        self.name = name
        self.direction = direction
        self.client = client
        self.line = line
        self.start = start
        self.failure = failure ?? (direction == .inbound ? .missed : .noAnswer)
    }

    // MARK: Writing

    mutating func rings(_ part: String, _ employee: String, at second: Int) {
        guard !parts.contains(where: { $0.name == part && $0.employee == employee }) else { return }
        parts.append(Part(name: part, employee: employee, rang: second))
    }

    mutating func answers(_ part: String, _ employee: String? = nil, at second: Int) {
        change(part, employee) { $0.answered = $0.answered ?? second }
    }

    mutating func ends(_ part: String, _ employee: String? = nil, at second: Int) { change(part, employee) { $0.ended = second } }

    mutating func records(_ recording: String, of part: String, _ employee: String? = nil) {
        change(part, employee) { $0.recordings.append(recording) }
    }

    private mutating func change(_ name: String, _ employee: String?, _ change: (inout Part) -> Void) {
        for place in parts.indices where parts[place].name == name && (employee ?? parts[place].employee) == parts[place].employee
        {
            change(&parts[place])
        }
    }

    /// Everything ends where it has not: nobody is left.
    mutating func endsAll(at second: Int) {
        for place in parts.indices where parts[place].ended == nil { parts[place].ended = second }
    }

    /// The call is over before anybody was rung.
    mutating func endsWithout(at second: Int) { endedAlone = second }

    /// Forgets what was planned behind `second`.
    mutating func cut(behind second: Int) {
        parts.removeAll { $0.rang > second }
        for place in parts.indices {
            if (parts[place].answered ?? 0) > second { parts[place].answered = nil }
            if (parts[place].ended ?? .max) > second {
                parts[place].ended = nil
                parts[place].recordings = []
            }
        }
    }

    // MARK: Reading

    func moment(_ second: Int) -> Instant { start.advanced(by: .seconds(second)) }

    /// How many whole seconds the call is old.
    func second(at now: Instant) -> Int { Int(max(0, now.milliseconds(since: start)) / 1000) }

    /// nil where a part is still up.
    var end: Int? {
        if parts.isEmpty { return endedAlone }
        guard parts.allSatisfy({ $0.ended != nil }) else { return nil }
        return parts.compactMap(\.ended).max()
    }

    func isOver(at now: Instant) -> Bool { end.map { moment($0) <= now } ?? false }

    func truth(of adapter: String) -> CallTruth? {
        guard let end else { return nil }
        let answered = parts.filter { $0.answered != nil }.sorted { ($0.answered ?? 0) < ($1.answered ?? 0) }
        let involved = (answered.isEmpty ? parts : answered).map(\.employee)
        return CallTruth(
            adapter: adapter, call: name, direction: direction, number: client, line: line,
            employees: involved.enumerated().filter { !involved[..<$0.offset].contains($0.element) }.map(\.element),
            disposition: answered.isEmpty ? failure : .answered, startedAt: start,
            answeredAt: answered.first?.answered.map(moment), endedAt: moment(end), recordings: parts.flatMap(\.recordings))
    }
}
