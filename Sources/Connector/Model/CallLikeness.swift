/// What a row of a provider's history shows of the call it tells of, where its name does not find that call: it has none, or one that
/// may not be the name of the webhooks.
///
/// The ledger finds the call by it (`CallLedger+Likeness`): one row, one call.
package struct CallLikeness: Hashable, Sendable {
    /// The employee whose part in the call the row tells of, by short number or login; `nil` where it tells of the call as a whole.
    package var part: String?
    package var direction: Direction?
    /// The outside party's number as the provider writes it.
    package var number: String?
    /// Our number.
    package var line: String?
    package var startedAt: Instant

    /// How far the clocks of a provider's webhooks and of its history may be apart: both count whole seconds here and there.
    package static let tolerance = Duration.seconds(2)

    package init(part: String? = nil, direction: Direction?, number: String?, line: String? = nil, startedAt: Instant) {
        self.part = part
        self.direction = direction
        self.number = number
        self.line = line
        self.startedAt = startedAt
    }

    /// The likeness of what a row of a whole call says; `nil` where that is too little to tell calls apart: no number, or no time.
    package init?(ofWhole facts: CallFacts) {
        guard let start = facts.startedAt, let number = facts.externalNumber else { return nil }
        self.init(direction: facts.direction, number: number, line: facts.line, startedAt: start)
    }

    /// How far apart they begin, in milliseconds, where the row may be one of `call`; `nil` where it cannot be.
    package func distance(to call: Call) -> Int64? {
        Self.occasions(of: part, in: call).compactMap { distance(to: $0, in: call) }.min()
    }

    /// The same of one occasion in the call.
    ///
    /// Direction, numbers and employee must agree as far as both know them; a row of the whole call needs a number on both sides.
    func distance(to occasion: Occasion, in call: Call) -> Int64? {
        guard agreesOnNumbers(with: call), agreesOnDirection(with: call) else { return nil }
        let distances = occasion.beginnings.map { Int64(clamping: $0.milliseconds(since: startedAt).magnitude) }
        return distances.min().flatMap { $0 <= Self.tolerance.milliseconds ? $0 : nil }
    }

    /// What one row may tell of: the call, or one of an employee's parts in it.
    struct Occasion: Hashable, Sendable {
        /// The moments that count as its beginning, the earliest first.
        var beginnings: [Instant]
    }

    /// An employee's part begins with one of his legs, or, the first one, with the call; legs of his that ring together are one.
    static func occasions(of part: String?, in call: Call) -> [Occasion] {
        guard let part else { return [Occasion(beginnings: [call.startedAt])] }
        let people = call.participants.filter { $0.kind == .user }
        guard let person = people.first(where: { $0.extension == part }) else {
            // Nobody told whose call it is: its number must do.
            return people.isEmpty && call.externalParty != nil ? [Occasion(beginnings: [call.startedAt])] : []
        }
        var occasions = [Occasion(beginnings: [call.startedAt])]
        var lastStart: Instant?
        for start in call.legs.filter({ $0.participantID == person.id }).compactMap(\.startedAt).sorted() {
            if let lastStart, lastStart.advanced(by: tolerance) < start {
                occasions.append(Occasion(beginnings: [start]))
            } else {
                occasions[occasions.count - 1].beginnings.append(start)
            }
            lastStart = start
        }
        return occasions
    }

    private func agreesOnNumbers(with call: Call) -> Bool {
        let known = call.externalParty?.number.raw
        let isOfPerson = part != nil && call.participants.contains { $0.kind == .user }
        if !isOfPerson, number == nil || known == nil { return false }
        let isSameLine = Self.mayBeSame(line, call.line?.number.raw)
        // Of a call between employees the row of one knows the other by some number of his.
        return isSameLine && (call.direction == .internal || Self.mayBeSame(number, known))
    }

    private func agreesOnDirection(with call: Call) -> Bool {
        guard let direction, let known = call.direction, direction != known else { return true }
        return known == .internal && part != nil
    }

    /// By their last ten digits, however they are written; what either does not know is no hindrance.
    private static func mayBeSame(_ one: String?, _ other: String?) -> Bool {
        guard let one, let other else { return true }
        let digits = [one, other].map { $0.utf8.filter { (0x30...0x39).contains($0) }.suffix(10) }
        return digits[0].elementsEqual(digits[1])
    }
}
