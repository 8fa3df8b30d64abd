import Connector

/// What Beeline tells of one call, event by event. Seconds count from the call's start.
struct BeelineScript {
    struct Message {
        var second: Int
        var xml: String
    }

    private(set) var messages: [Message] = []
    private let start: Instant
    private let people: SimulatedPeople
    private var halves: [String: Half] = [:]

    init(start: Instant, people: SimulatedPeople) {
        self.start = start
        self.people = people
    }

    // MARK: Scenarios

    mutating func inboundAnswered(recorded: Bool) {
        ring("a", at: 0)
        answer("a", at: 7)
        release("a", at: 68, by: "remoteRelease", recorded ? "<xsi:recorded/>" : "")
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
        detach("a", at: 30)
        ring("b", at: 30, redirection(user("a"), reason: "transfer") + redirection(people.line, reason: "unconditional"))
        answer("b", at: 37)
        release("b", at: 90, by: "remoteRelease")
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

    mutating func outbound(answered: Bool) {
        halves["a"] = Half(user: user("a"), personality: "Originator", remote: outside, start: 0)
        send("CallOriginatedEvent", "a", at: 0, state: "Alerting")
        guard answered else {
            let cause = "<xsi:releaseCause><xsi:internalReleaseCause>Busy</xsi:internalReleaseCause></xsi:releaseCause>"
            return release("a", at: 4, by: "remoteRelease", cause)
        }
        answer("a", at: 12)
        release("a", at: 58, by: "localRelease")
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
    }

    private mutating func ring(_ name: String, at second: Int, _ redirections: String? = nil) {
        halves[name] = Half(
            user: user(name), personality: "Terminator", remote: outside,
            redirections: redirections ?? redirection(people.line, reason: "unconditional"), start: second)
        send("CallReceivedEvent", name, at: second, state: "Alerting")
    }

    /// The employee of half `name` calls a colleague.
    private mutating func consult(_ name: String, with colleague: String, at second: Int) {
        halves[name] = Half(
            user: user("a"), personality: "Originator", remote: inside(colleague), tracking: "consultation", start: second)
        halves[colleague] = Half(
            user: user(colleague), personality: "Terminator", remote: inside("a"), tracking: "consultation", start: second)
        send("CallOriginatedEvent", name, at: second, state: "Alerting")
        send("CallReceivedEvent", colleague, at: second, state: "Alerting")
    }

    private mutating func answer(_ name: String, at second: Int) {
        halves[name]?.answer = second
        send("CallAnsweredEvent", name, at: second, state: "Active", answerTime(name))
    }

    private mutating func release(_ name: String, at second: Int, by party: String?, _ more: String = "") {
        let who = party.map { "<xsi:releasingParty>\($0)</xsi:releasingParty>" } ?? ""
        let times = answerTime(name) + time("releaseTime", second)
        send("CallReleasedEvent", name, at: second, state: "Released", who + times + more)
    }

    private mutating func detach(_ name: String, at second: Int) {
        let times = answerTime(name) + time("detachedTime", second)
        send("CallRedirectedEvent", name, at: second, state: "Detached", times, isList: true)
    }

    // MARK: XML

    private mutating func send(
        _ type: String, _ name: String, at second: Int, state: String, _ more: String = "", isList: Bool = false
    ) {
        guard let half = halves[name] else { return }
        let call = """
            <xsi:call><xsi:callId>callhalf-\(people.chance(name) % 10_000_000):0</xsi:callId>\
            <xsi:extTrackingId>\(uuid(half.tracking))</xsi:extTrackingId><xsi:personality>\(half.personality)</xsi:personality>\
            <xsi:state>\(state)</xsi:state>\(half.remote)<xsi:redirections>\(half.redirections)</xsi:redirections>\
            <xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>sip:\(half.user)</xsi:addressOfRecord>\
            </xsi:endpoint>\(time("startTime", half.start))\(more)</xsi:call>
            """
        let number = messages.count + 1
        let xml = """
            <?xml version="1.0" encoding="UTF-8"?><xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" \
            xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent">\
            <xsi:eventID>\(uuid("event \(number)"))</xsi:eventID><xsi:sequenceNumber>\(number)</xsi:sequenceNumber>\
            <xsi:userId>\(half.user)</xsi:userId><xsi:subscriptionId>\(uuid("subscription"))</xsi:subscriptionId>\
            <xsi:targetId>\(half.user)</xsi:targetId>\
            <xsi:eventData xsi1:type="xsi:\(type)">\(isList ? "<xsi:calls>\(call)</xsi:calls>" : call)</xsi:eventData></xsi:Event>
            """
        messages.append(Message(second: second, xml: xml))
    }

    private func time(_ name: String, _ second: Int) -> String {
        "<xsi:\(name)>\(start.milliseconds + Int64(second) * 1000)</xsi:\(name)>"
    }

    private func answerTime(_ name: String) -> String { halves[name]?.answer.map { time("answerTime", $0) } ?? "" }

    // MARK: Names and parties

    /// `9000000101@ip.beeline.ru`: Beeline knows an employee by his mobile number.
    private func user(_ name: String) -> String {
        let place = ["a": 0, "b": 1, "c": 2][name] ?? 0
        return "9000000\(people.employees[place])@ip.beeline.ru"
    }

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

    private func uuid(_ what: String) -> String {
        let hex = Array(people.token(what))
        let ends = [8, 12, 16, 20, 32]
        return zip([0] + ends, ends).map { String(hex[$0..<$1]) }.joined(separator: "-")
    }
}
