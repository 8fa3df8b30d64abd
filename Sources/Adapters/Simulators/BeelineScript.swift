import Connector

/// What Beeline tells of one call, event by event. Seconds count from the call's start.
///
/// A subscription's part of an event (`eventID`, `sequenceNumber`, `subscriptionId`) is left open: `BeelineEvent` fills it in.
struct BeelineScript {
    private(set) var script = CallScript<BeelineEvent>()
    private(set) var diary: CallDiary
    private let people: SimulatedPeople
    private var halves: [String: Half] = [:]

    init(start: Instant, people: SimulatedPeople, direction: Direction = .inbound) {
        self.people = people
        diary = CallDiary(
            Self.uuid("call", people), direction, client: people.client, line: direction == .inbound ? people.line : nil,
            start: start)
    }

    // MARK: Scenarios

    mutating func inboundAnswered(recorded: Bool) {
        ring("a", at: 0)
        answer("a", at: 7)
        release("a", at: 68, by: "remoteRelease", recorded: recorded)
    }

    mutating func inboundMissed() {
        ring("a", at: 0)
        release("a", at: 19, by: "remoteRelease")
    }

    /// Three ring, the second answers; the others are no missed calls.
    mutating func group() {
        let group = redirection(people.line, reason: "hunt-group")
        for name in ["a", "b", "c"] { ring(name, at: 0, group) }
        answer("b", at: 8)
        for name in ["a", "c"] { release(name, at: 8, by: nil) }
        release("b", at: 91, by: "localRelease")
    }

    mutating func blindTransfer() {
        ring("a", at: 0)
        answer("a", at: 6)
        passOn("a", to: "b", at: 30)
    }

    /// The second employee speaks with the first one, under a tracking id of their own, then with the client under the client's.
    mutating func attendedTransfer() {
        ring("a", at: 0)
        answer("a", at: 6)
        send("CallHeldEvent", "a", at: 17, state: "Held", time("heldTime", 17))
        consult("a2", with: "b", at: 18)
        send("CallAnsweredEvent", "a2", at: 25, state: "Active", time("answerTime", 25))
        answer("b", at: 25)
        release("a2", at: 40, by: "localRelease")
        detach("a", at: 40)
        let client = outside
        halves["b"]?.tracking = "call"
        halves["b"]?.remote = client
        send("CallTransferredEvent", "b", at: 40, state: "Active", time("answerTime", 25))
        release("b", at: 100, by: "remoteRelease")
    }

    mutating func outbound(answered: Bool) { callOut(answered ? .answered : .busy, recorded: false) }

    /// As an employee's own call, or one that was ordered for him and that he has picked up.
    mutating func callOut(_ outcome: DoubleOutcome, recorded: Bool, from second: Int = 0, clickToDial: Bool = false) {
        halves["a"] = Half(user: user("a"), personality: "Originator", remote: outside, start: second)
        diary.rings("a", number("a"), at: second)
        if clickToDial {
            halves["a"]?.personality = "Click-to-Dial"
            send("CallOriginatedEvent", "a", at: second, state: "Alerting")
            halves["a"]?.personality = "Originator"
            send("CallUpdatedEvent", "a", at: second + 5, state: "Alerting")
        } else {
            send("CallOriginatedEvent", "a", at: second, state: "Alerting")
        }
        let rings = clickToDial ? second + 5 : second
        switch outcome {
        case .answered:
            answer("a", at: rings + 12)
            release("a", at: rings + 58, by: "localRelease", recorded: recorded)
        case .busy:
            diary.failure = .busy
            release("a", at: rings + 4, by: "remoteRelease", Self.cause("Busy"))
        case .noAnswer: release("a", at: rings + 60, by: "localRelease", Self.cause("Request Timeout"))
        }
    }

    private static func cause(_ word: String) -> String {
        "<xsi:releaseCause><xsi:internalReleaseCause>\(word)</xsi:internalReleaseCause></xsi:releaseCause>"
    }

    // MARK: Orders

    /// The half that is up at that second and goes by that `callId`.
    func half(_ callID: String, of user: String, at second: Int) -> String? {
        halves.first { $0.value.user == user && $0.value.isTalking(at: second) && self.callID($0.key) == callID }?.key
    }

    /// The employee lets go of the call, whoever was to be told what; somebody else is rung.
    mutating func transfer(_ name: String, to target: String, at second: Int) {
        script.cut(behind: second)
        diary.cut(behind: second)
        for name in Array(halves.keys) { halves[name]?.cut(behind: second) }
        let next = "transfer \(halves.count)"
        halves[next] = Half(user: target, personality: "Terminator", remote: outside, start: second + 1)
        passOn(name, to: next, at: second + 1)
    }

    private mutating func passOn(_ name: String, to next: String, at second: Int) {
        detach(name, at: second)
        let ways = redirection(user(name), reason: "transfer") + redirection(people.line, reason: "unconditional")
        ring(next, at: second, ways)
        answer(next, at: second + 7)
        release(next, at: second + 60, by: "remoteRelease")
    }

    // MARK: Halves of the conversation

    /// One employee's part.
    private struct Half {
        var user: String
        var personality: String
        var remote: String
        /// Which of the script's tracking ids it bears.
        var tracking = "call"
        var redirections = ""
        var start: Int
        var answer: Int?
        var end: Int?

        init(user: String, personality: String, remote: String, tracking: String = "call", redirections: String = "", start: Int)
        {
            self.user = user
            self.personality = personality
            self.remote = remote
            self.tracking = tracking
            self.redirections = redirections
            self.start = start
        }

        func isTalking(at second: Int) -> Bool { (answer ?? .max) <= second && second < (end ?? .max) }

        mutating func cut(behind second: Int) {
            if (answer ?? 0) > second { answer = nil }
            if (end ?? 0) > second { end = nil }
        }
    }

    private mutating func ring(_ name: String, at second: Int, _ redirections: String? = nil) {
        halves[name] = Half(
            user: user(name), personality: "Terminator", remote: outside,
            redirections: redirections ?? redirection(people.line, reason: "unconditional"), start: second)
        diary.rings(name, number(name), at: second)
        send("CallReceivedEvent", name, at: second, state: "Alerting")
    }

    /// The employee of half `name` calls a colleague.
    private mutating func consult(_ name: String, with colleague: String, at second: Int) {
        halves[name] = Half(
            user: user("a"), personality: "Originator", remote: inside(colleague), tracking: "consultation", start: second)
        halves[colleague] = Half(
            user: user(colleague), personality: "Terminator", remote: inside("a"), tracking: "consultation", start: second)
        diary.rings(colleague, number(colleague), at: second)
        send("CallOriginatedEvent", name, at: second, state: "Alerting")
        send("CallReceivedEvent", colleague, at: second, state: "Alerting")
    }

    private mutating func answer(_ name: String, at second: Int) {
        halves[name]?.answer = second
        diary.answers(name, at: second)
        send("CallAnsweredEvent", name, at: second, state: "Active", answerTime(name))
    }

    private mutating func release(
        _ name: String, at second: Int, by party: String?, recorded: Bool = false, _ more: String = ""
    ) {
        let who = party.map { "<xsi:releasingParty>\($0)</xsi:releasingParty>" } ?? ""
        let times = answerTime(name) + time("releaseTime", second)
        halves[name]?.end = second
        diary.ends(name, at: second)
        if recorded { diary.records("\(uuid("call"))/\(user(name))", of: name) }
        send("CallReleasedEvent", name, at: second, state: "Released", who + times + (recorded ? "<xsi:recorded/>" : "") + more)
    }

    private mutating func detach(_ name: String, at second: Int) {
        let times = answerTime(name) + time("detachedTime", second)
        halves[name]?.end = second
        diary.ends(name, at: second)
        send("CallRedirectedEvent", name, at: second, state: "Detached", times, isList: true)
    }

    // MARK: XML

    private mutating func send(
        _ type: String, _ name: String, at second: Int, state: String, _ more: String = "", isList: Bool = false
    ) {
        guard let half = halves[name] else { return }
        let call = """
            <xsi:call><xsi:callId>\(callID(name))</xsi:callId>\
            <xsi:extTrackingId>\(uuid(half.tracking))</xsi:extTrackingId><xsi:personality>\(half.personality)</xsi:personality>\
            <xsi:state>\(state)</xsi:state>\(half.remote)<xsi:redirections>\(half.redirections)</xsi:redirections>\
            <xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>sip:\(half.user)</xsi:addressOfRecord>\
            </xsi:endpoint>\(time("startTime", half.start))\(more)</xsi:call>
            """
        let event = BeelineEvent(
            id: uuid("event \(script.messages.count + 1) \(second)"), user: half.user, type: type,
            data: isList ? "<xsi:calls>\(call)</xsi:calls>" : call)
        script.add(event, at: second)
    }

    private func time(_ name: String, _ second: Int) -> String {
        "<xsi:\(name)>\(diary.moment(second).milliseconds)</xsi:\(name)>"
    }

    private func answerTime(_ name: String) -> String { halves[name]?.answer.map { time("answerTime", $0) } ?? "" }

    // MARK: Names and parties

    /// `extTrackingId`.
    var tracking: String { uuid("call") }

    func callID(_ name: String) -> String { "callhalf-\(people.chance(name) % 10_000_000):0" }

    /// `9000000101@ip.beeline.ru`: Beeline knows an employee by his mobile number.
    private func user(_ name: String) -> String {
        if let known = halves[name]?.user { return known }
        let place = ["a": 0, "b": 1, "c": 2][name] ?? 0
        return Self.user(people.employees[place])
    }

    static func user(_ short: String) -> String { "9000000\(short)@ip.beeline.ru" }

    /// As events and truth name him: the ten digits.
    private func number(_ name: String) -> String { String(user(name).prefix { $0 != "@" }) }

    private var outside: String {
        """
        <xsi:remoteParty><xsi:address countryCode="7">tel:+\(people.client)</xsi:address>\
        <xsi:callType>Network</xsi:callType></xsi:remoteParty>
        """
    }

    private func inside(_ name: String) -> String {
        """
        <xsi:remoteParty><xsi:userId>\(user(name))</xsi:userId>\
        <xsi:userDN countryCode="7">tel:+7\(user(name).prefix(10))</xsi:userDN><xsi:callType>Group</xsi:callType></xsi:remoteParty>
        """
    }

    private func redirection(_ party: String, reason: String) -> String {
        let who = party.contains("@") ? "<xsi:userId>\(party)</xsi:userId>" : "<xsi:address>tel:+\(party)</xsi:address>"
        return """
            <xsi:redirection><xsi:party>\(who)<xsi:callType>Group</xsi:callType></xsi:party>\
            <xsi:reason>\(reason)</xsi:reason></xsi:redirection>
            """
    }

    private func uuid(_ what: String) -> String { Self.uuid(what, people) }

    static func uuid(_ what: String, _ people: SimulatedPeople) -> String {
        let hex = Array(people.token(what))
        let ends = [8, 12, 16, 20, 32]
        return zip([0] + ends, ends).map { String(hex[$0..<$1]) }.joined(separator: "-")
    }
}

/// One of Beeline's events, before it is known whose subscription brings it.
struct BeelineEvent: Sendable {
    /// Different for each subscription's copy.
    var id: String
    /// Whose telephone it tells of.
    var user: String
    var type: String
    /// What stands in `eventData`.
    var data: String

    /// The event as a subscription brings it.
    func xml(subscription: String, number: Int, target: String? = nil) -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?><xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" \
        xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent">\
        <xsi:eventID>\(id)</xsi:eventID><xsi:sequenceNumber>\(number)</xsi:sequenceNumber>\
        <xsi:userId>\(user)</xsi:userId><xsi:subscriptionId>\(subscription)</xsi:subscriptionId>\
        <xsi:targetId>\(target ?? user)</xsi:targetId>\
        <xsi:eventData xsi1:type="xsi:\(type)">\(data)</xsi:eventData></xsi:Event>
        """
    }

    func step(_ xml: String, to target: String = "") -> SimulatedStep {
        SimulatedStep(
            delay: .zero, target: target, headers: [HeaderField(name: "content-type", value: "application/xml; charset=UTF-8")],
            body: Array(xml.utf8))
    }
}
