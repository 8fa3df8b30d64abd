import Connector

/// An event, with the class that one must be allowed to read for it.
struct AsteriskEvent: Sendable {
    var category: String
    var fields: AsteriskFields
}

/// What will happen in a call unless something else comes first. Legs by their Uniqueid.
enum AsteriskStep: Sendable {
    case answers(String)
    case declines(String, cause: Int)
    /// Nobody has answered in time; void for another dial than that number.
    case givesUp(String, dial: Int)
    /// Whoever holds this leg hangs up.
    case hangsUp(String)
    case passesOn(String, to: String)
    case asks(String, for: String)
    case joins(String)
}

/// The exchange behind the double: legs, bridges and what people do, told as Asterisk tells it.
///
/// A value without clock: whoever owns it says what time it is, and takes the events away.
struct AsteriskExchange: Sendable {
    static let trunk = "trunk"
    static let inside = "internal"
    static let outside = "from-trunk"

    let options: AsteriskOptions
    private let people: SimulatedPeople
    private var nextLeg = 0
    private var nextBridge = 0
    private var nextLocal = 0

    /// In the order of their beginning.
    private(set) var order: [String] = []
    var legs: [String: AsteriskLeg] = [:]
    /// Who is in a bridge, in the order of entering.
    var bridges: [String: [String]] = [:]
    var books: [String: AsteriskCallBook] = [:]
    var consultations: [String: AsteriskConsultation] = [:]
    /// Orders whose first leg is not decided: by that leg.
    var orders: [String: AsteriskOrder] = [:]
    private(set) var processedCalls = 0
    private var agenda = AsteriskAgenda()

    private(set) var now: Instant
    private var events: [AsteriskEvent] = []
    private var truths: [CallTruth] = []
    /// Orders that have been decided: their leg and whether it was answered.
    var decided: [(order: AsteriskOrder, isAnswered: Bool)] = []

    init(_ options: AsteriskOptions, seed: UInt64, at now: Instant) {
        self.options = options
        self.now = now
        people = SimulatedPeople(seed: seed)
    }

    // MARK: Time

    var nextDue: Instant? { agenda.first }

    /// Does what is due by then, in its order, each at its time.
    mutating func advance(to moment: Instant) {
        while let (due, step) = agenda.take(by: moment) {
            now = max(now, due)
            perform(step)
        }
        now = max(now, moment)
    }

    mutating func plan(_ step: AsteriskStep, after pause: Duration) {
        agenda.add(step, at: now.advanced(by: pause / options.speed))
    }

    private mutating func perform(_ step: AsteriskStep) {
        switch step {
        case .answers(let leg): answers(leg)
        case .declines(let leg, let cause): declines(leg, cause: cause)
        case .givesUp(let leg, let dial): givesUp(leg, dial: dial)
        case .hangsUp(let leg): hangsUp(leg)
        case .passesOn(let leg, let exten): _ = passOn(leg, to: exten, isExternal: false)
        case .asks(let leg, let exten): ask(leg, for: exten)
        case .joins(let leg): join(leg)
        }
    }

    // MARK: What is told

    mutating func tell(_ name: String, _ category: String = "call", _ parts: AsteriskFields...) {
        var fields = AsteriskFields(["Event": name, "Privilege": "\(category),all"])
        if options.isStamped { fields.add("Timestamp", now.asteriskStamp) }
        for part in parts { fields.add(part) }
        events.append(AsteriskEvent(category: category, fields: fields))
    }

    mutating func takeEvents() -> [AsteriskEvent] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    mutating func takeTruths() -> [CallTruth] {
        defer { truths.removeAll() }
        return truths
    }

    mutating func takeDecided() -> [(order: AsteriskOrder, isAnswered: Bool)] {
        defer { decided.removeAll() }
        return decided
    }

    // MARK: Legs

    /// The leg with that channel name.
    func leg(named name: String) -> AsteriskLeg? { legs.values.first { $0.name == name } }

    /// Begins a leg and tells of it.
    mutating func begin(
        _ endpoint: String, _ state: AsteriskLeg.State, caller: String, context: String, exten: String,
        of linkedID: String? = nil,
        id: String? = nil, dialledBy: String? = nil
    ) -> AsteriskLeg {
        nextLeg += 1
        let number = String(nextLeg - 1, radix: 16)
        let name = "PJSIP/\(endpoint)-" + String(repeating: "0", count: max(0, 8 - number.count)) + number
        return add(
            name, endpoint, state, caller: caller, context: context, exten: exten, of: linkedID, id: id, dialledBy: dialledBy)
    }

    /// Both halves of a Local channel to an extension.
    mutating func beginLocal(to exten: String, of linkedID: String) -> (one: AsteriskLeg, two: AsteriskLeg) {
        nextLocal += 1
        let number = String(nextLocal - 1, radix: 16)
        let name = "Local/\(exten)@\(Self.inside)-" + String(repeating: "0", count: max(0, 8 - number.count)) + number
        nextLeg += 2
        let one = add(
            name + ";1", exten, .down, caller: exten, context: Self.inside, exten: exten, of: linkedID, id: nil, dialledBy: nil)
        let two = add(
            name + ";2", exten, .ring, caller: exten, context: Self.inside, exten: exten, of: linkedID, id: nil, dialledBy: nil)
        return (one, two)
    }

    private var nextID = 0

    private mutating func add(
        _ name: String, _ endpoint: String, _ state: AsteriskLeg.State, caller: String, context: String, exten: String,
        of linkedID: String?, id: String?, dialledBy: String?
    ) -> AsteriskLeg {
        nextID += 1
        let id = id ?? "\(options.namingSecond ?? now.milliseconds / 1000).\(nextID - 1)"
        let leg = AsteriskLeg(
            name: name, id: id, linkedID: linkedID ?? id, endpoint: endpoint, createdAt: now, state: state, callerNumber: caller,
            context: context, exten: exten, dialledBy: dialledBy)
        legs[id] = leg
        order.append(id)
        tell("Newchannel", "call", leg.fields())
        return leg
    }

    mutating func set(_ state: AsteriskLeg.State, of id: String) {
        guard var leg = legs[id], leg.state != state else { return }
        leg.state = state
        if state == .up { leg.answeredAt = leg.answeredAt ?? now }
        legs[id] = leg
        tell("Newstate", "call", leg.fields())
        tellDevice(leg, state == .up ? "INUSE" : state == .ringing ? "RINGING" : "INUSE")
    }

    mutating func connect(_ id: String, with number: String) {
        guard var leg = legs[id], leg.connectedNumber != number else { return }
        leg.connectedNumber = number
        legs[id] = leg
        tell("NewConnectedLine", "call", leg.fields())
    }

    func tellable(_ id: String) -> AsteriskFields { legs[id]?.fields() ?? AsteriskFields() }

    private mutating func tellDevice(_ leg: AsteriskLeg, _ state: String) {
        guard !leg.isLocal else { return }
        tell("DeviceStateChange", "call", ["Device": leg.device, "State": state])
    }

    /// The leg is gone: the last word on it, and on the call where it was its last.
    mutating func end(_ id: String, cause: Int) {
        guard let leg = legs.removeValue(forKey: id) else { return }
        order.removeAll { $0 == id }
        var fields = leg.fields()
        fields.add("Cause", "\(cause)")
        fields.add("Cause-txt", Self.text(of: cause))
        tell("Hangup", "call", fields)
        tellDevice(leg, "NOT_INUSE")
        decide(leg.id, false)
        note(leg)
    }

    private mutating func note(_ leg: AsteriskLeg) {
        guard var book = books[leg.linkedID] else { return }
        let isOutside = leg.isTrunk || book.direction == .internal
        if isOutside || book.endedAt == nil { book.endedAt = now }
        books[leg.linkedID] = book
        guard !legs.values.contains(where: { $0.linkedID == leg.linkedID }) else { return }
        books[leg.linkedID] = nil
        processedCalls += 1
        truths.append(book.truth(endedAt: now))
    }

    // MARK: Bridges

    mutating func makeBridge() -> String {
        nextBridge += 1
        let token = people.token("bridge \(nextBridge)")
        let id = [8, 4, 4, 4, 12].reduce(into: (text: "", rest: token[...])) { made, length in
            made.text += (made.text.isEmpty ? "" : "-") + made.rest.prefix(length)
            made.rest = made.rest.dropFirst(length)
        }.text
        bridges[id] = []
        tell("BridgeCreate", "call", bridgeFields(id))
        return id
    }

    func bridgeFields(_ id: String, _ prefix: String = "Bridge") -> AsteriskFields {
        var fields = AsteriskFields()
        fields.add(prefix + "Uniqueid", id)
        fields.add(prefix + "Type", "basic")
        fields.add(prefix + "Technology", "simple_bridge")
        fields.add(prefix + "Creator", "<unknown>")
        fields.add(prefix + "Name", "<unknown>")
        fields.add(prefix + "NumChannels", "\(bridges[id]?.count ?? 0)")
        fields.add(prefix + "VideoSourceMode", "none")
        return fields
    }

    mutating func enter(_ id: String, _ bridge: String) {
        guard legs[id] != nil else { return }
        legs[id]?.bridge = bridge
        bridges[bridge, default: []].append(id)
        tell("BridgeEnter", "call", bridgeFields(bridge), tellable(id))
    }

    /// Leaves the bridge; an empty one ends. Nothing where it is in none.
    mutating func leave(_ id: String) {
        guard let bridge = legs[id]?.bridge else { return }
        legs[id]?.bridge = nil
        bridges[bridge]?.removeAll { $0 == id }
        tell("BridgeLeave", "call", bridgeFields(bridge), tellable(id))
        destroyIfEmpty(bridge)
    }

    mutating func destroyIfEmpty(_ bridge: String) {
        guard bridges[bridge]?.isEmpty == true else { return }
        tell("BridgeDestroy", "call", bridgeFields(bridge))
        bridges[bridge] = nil
    }

    /// Who else is in its bridge.
    func partner(of id: String) -> String? {
        legs[id]?.bridge.flatMap { bridges[$0]?.first { $0 != id } }
    }

    // MARK: Ends of everything

    /// The PBX is told to restart: all legs are ended in order.
    mutating func endAll() {
        for id in order {
            guard legs[id] != nil else { continue }
            tell("SoftHangupRequest", "call", tellable(id), ["Cause": "4"])
        }
        for id in order { leave(id) }
        for id in order { end(id, cause: 16) }
        forgetPlans()
    }

    /// The PBX is gone: nobody is told of anything.
    mutating func vanish() {
        truths += books.values.sorted { $0.startedAt < $1.startedAt }.map { $0.truth(endedAt: now) }
        books.removeAll()
        legs.removeAll()
        order.removeAll()
        bridges.removeAll()
        orders.removeAll()
        events.removeAll()
        forgetPlans()
    }

    private mutating func forgetPlans() {
        agenda = AsteriskAgenda()
        consultations.removeAll()
    }

    /// Q.850, in Asterisk's words.
    static func text(of cause: Int) -> String {
        switch cause {
        case 1: "Unallocated (unassigned) number"
        case 3: "No route to destination"
        case 16: "Normal Clearing"
        case 17: "User busy"
        case 18: "No user responding"
        case 19: "User alerting, no answer"
        case 20: "Subscriber absent"
        case 21: "Call Rejected"
        case 26: "Answered elsewhere"
        case 34: "Circuit/channel congestion"
        case 127: "Interworking, unspecified"
        default: "Unknown"
        }
    }
}

extension AsteriskFields: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { add(name, value) }
    }
}

extension Instant {
    /// Seconds since 1970 with six decimals.
    var asteriskStamp: String {
        let rest = "\(milliseconds % 1000)"
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest + "000"
    }
}

/// What is to happen, by its time; of two at the same time, what was planned first.
struct AsteriskAgenda: Sendable {
    /// The next comes last.
    private var steps: [(at: Instant, step: AsteriskStep)] = []

    var first: Instant? { steps.last?.at }

    mutating func add(_ step: AsteriskStep, at moment: Instant) {
        var (low, high) = (0, steps.count)
        while low < high {
            let middle = (low + high) / 2
            if steps[middle].at >= moment { low = middle + 1 } else { high = middle }
        }
        // Behind those that are later, before those at the same time: these were planned earlier.
        while low > 0, steps[low - 1].at == moment { low -= 1 }
        steps.insert((moment, step), at: low)
    }

    mutating func take(by moment: Instant) -> (Instant, AsteriskStep)? {
        guard let next = steps.last, next.at <= moment else { return nil }
        steps.removeLast()
        return (next.at, next.step)
    }
}
