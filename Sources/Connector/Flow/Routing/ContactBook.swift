/// What is known of numbers, and which are being asked about: a bounded cache and a circuit breaker.
///
/// A value without a clock: everybody says what time it is.
struct ContactBook: Sendable {
    /// Answers belong to the tenant whose call it was.
    struct Key: Hashable, Sendable {
        let tenant: TenantID
        /// In E.164, else as received.
        let number: String
    }

    /// What is to be done about a number.
    enum Consultation: Equatable {
        /// The CRM said so a moment ago.
        case known(ContactAnswer)
        /// It is to be asked about now; `settle` or `fail` must follow.
        case ask
        /// It is being asked about.
        case wait
        /// The CRM is left alone.
        case closed
        /// Too many are being asked about.
        case overloaded
    }

    private struct Entry {
        let answer: ContactAnswer
        let until: Instant
    }

    private let policy: RingPlan.Policy
    /// Two halves: when the younger is full it becomes the older, and what nobody asked for meanwhile is forgotten.
    private var young: [Key: Entry] = [:]
    private var old: [Key: Entry] = [:]
    private var underWay: Set<Key> = []
    private var circuit = CircuitBreaker()

    init(_ policy: RingPlan.Policy) { self.policy = policy }

    var knownCount: Int { young.count + old.count }
    var underWayCount: Int { underWay.count }

    /// Until when the CRM is not asked; `nil` where it is.
    func closed(at now: Instant) -> Instant? { circuit.closed(at: now) }

    mutating func consult(_ key: Key, at now: Instant) -> Consultation {
        if let answer = answer(key, at: now) { return .known(answer) }
        if underWay.contains(key) { return .wait }
        if circuit.closed(at: now) != nil || circuit.isOnTrial(at: now) && !underWay.isEmpty { return .closed }
        guard underWay.count < policy.concurrency else { return .overloaded }
        underWay.insert(key)
        return .ask
    }

    private mutating func answer(_ key: Key, at now: Instant) -> ContactAnswer? {
        guard let entry = young[key] ?? old[key], now < entry.until else { return nil }
        if young[key] == nil { keep(entry, of: key) }
        return entry.answer
    }

    /// Takes in what the CRM said.
    /// - Parameter inTime: whether the call that asked could still wait; a CRM that is always late is left alone too.
    mutating func settle(_ key: Key, _ answer: ContactAnswer, inTime: Bool, at now: Instant) {
        underWay.remove(key)
        inTime ? circuit.succeeded() : circuit.failed(at: now)
        let kept = answer == .unknown ? policy.unknownKept : policy.kept
        guard kept > .zero else { return }
        keep(Entry(answer: answer, until: now.advanced(by: kept)), of: key)
    }

    /// Takes in that the CRM said nothing that helps.
    mutating func fail(_ key: Key, at now: Instant) {
        underWay.remove(key)
        circuit.failed(at: now)
    }

    private mutating func keep(_ entry: Entry, of key: Key) {
        if young.count >= policy.capacity / 2 {
            old = young
            young = [:]
        }
        young[key] = entry
    }
}
