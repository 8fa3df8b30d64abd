import Connector
import Digests

/// An Asterisk made up, as its manager interface shows it: takes the bytes that clients send, and says which bytes they get and when.
///
/// A value that opens no socket and reads no clock: whoever owns it hands in the time, asks with `nextDue` when it wants to go on,
/// and takes with `takeOutput` what has become due. Behind it lies a small exchange, so that actions act on live calls and their
/// events follow. Numbers that end in 17 are busy, in 19 nobody answers; telephones are 100 to 199.
package struct AsteriskDouble: Sendable {
    package static let adapter = "asterisk"
    /// What it plays by itself.
    package static let scenarios: [Scenario] = [
        .inboundAnswered, .inboundMissed, .group, .outboundAnswered, .outboundBusy, .blindTransfer, .attendedTransfer, .recording,
    ]

    private static let mostPending = 1000

    /// How a connection begins.
    package enum Reception: Sendable, Equatable {
        /// Taken, perhaps without ever being greeted.
        case taken(Int)
        case refused
    }

    /// What one connection is to be sent, or that it is to be closed.
    package struct Output: Sendable, Equatable {
        package var session: Int
        /// Empty where the connection is closed.
        package var bytes: [UInt8]
        package var isClose: Bool
    }

    let options: AsteriskOptions
    private let chances: SimulatedPeople
    var exchange: AsteriskExchange
    var sessions: [Int: AsteriskSession] = [:]
    private var nextSession = 0
    private var waiting: [(at: Instant, output: Output)] = []
    private var alarms: [(at: Instant, alarm: Alarm)] = []
    private(set) var bootedAt: Instant
    private var awayUntil: Instant?
    private var told = 0
    /// Variables of no channel.
    var globals: [String: String] = [:]

    fileprivate enum Alarm: Sendable {
        case failLogin(Int, actionID: String?)
        case authTimeout(Int)
        case restart, crash
        case replay(AsteriskTrace.Event)
    }

    package init(_ options: AsteriskOptions, seed: UInt64, at now: Instant) {
        self.options = options
        chances = SimulatedPeople(seed: seed)
        exchange = AsteriskExchange(options, seed: seed, at: now)
        bootedAt = now.advanced(by: .zero - options.uptime)
        planFall(from: now)
    }

    fileprivate mutating func schedule(_ alarm: Alarm, at moment: Instant) { alarms.append((moment, alarm)) }

    private mutating func planFall(from now: Instant) {
        if let pause = options.faults.restartsAfter { alarms.append((now.advanced(by: pause), .restart)) }
        if let pause = options.faults.crashesAfter { alarms.append((now.advanced(by: pause), .crash)) }
    }

    // MARK: Connections

    /// Somebody connects.
    package mutating func connect(at now: Instant) -> Reception {
        advance(to: now)
        if let awayUntil, now < awayUntil { return .refused }
        nextSession += 1
        let isSilent = chances.happens(options.faults.silentShare, "silent \(nextSession)")
        sessions[nextSession] = AsteriskSession(isSilent: isSilent)
        if !isSilent { send(Array("Asterisk Call Manager/11.0.0\r\n".utf8), to: nextSession) }
        alarms.append((now.advanced(by: .seconds(30)), .authTimeout(nextSession)))
        return .taken(nextSession)
    }

    /// A client has sent something.
    package mutating func receive(_ bytes: [UInt8], from session: Int, at now: Instant) {
        advance(to: now)
        guard sessions[session]?.isSilent == false else { return }
        let found = sessions[session]?.reader.read(bytes) ?? []
        sessions[session]?.pending += found
        workOff(session)
        // Who goes on talking to somebody who is held up is cut off.
        if (sessions[session]?.pending.count ?? 0) > Self.mostPending { close(session) }
    }

    /// A client has gone.
    package mutating func disconnect(_ session: Int) {
        sessions[session] = nil
        waiting.removeAll { $0.output.session == session }
    }

    /// One after the other; an Originate that is not asynchronous holds up those behind it.
    mutating func workOff(_ session: Int) {
        while let state = sessions[session], !state.isBlocked, !state.isLeaving, let next = state.pending.first {
            sessions[session]?.pending.removeFirst()
            switch next {
            case .action(let action): perform(action, of: session)
            case .refused(let message): send(["Response": "Error", "Message": message], to: session)
            }
            publish()
        }
    }

    // MARK: Time

    /// When it wants to be asked again: something happens by itself, or is to be sent.
    package var nextDue: Instant? {
        let due = [exchange.nextDue, alarms.map(\.at).min(), waiting.first?.at]
        return due.compactMap(\.self).min()
    }

    /// Does what is due by then.
    package mutating func advance(to now: Instant) {
        while let place = alarms.indices.min(by: { alarms[$0].at < alarms[$1].at }), alarms[place].at <= now {
            let (due, alarm) = alarms.remove(at: place)
            exchange.advance(to: due)
            publish()
            ring(alarm)
        }
        exchange.advance(to: now)
        publish()
    }

    /// What has become due, in its order.
    package mutating func takeOutput() -> [Output] {
        let count = waiting.prefix { $0.at <= exchange.now }.count
        defer { waiting.removeFirst(count) }
        return waiting.prefix(count).map(\.output)
    }

    /// What really happened in the calls that are over by now.
    package mutating func takeTruths() -> [CallTruth] { exchange.takeTruths() }

    // MARK: Falls

    private mutating func ring(_ alarm: Alarm) {
        switch alarm {
        case .failLogin(let session, let actionID):
            answer(actionID, ["Response": "Error", "Message": "Authentication failed"], to: session)
            close(session)
        case .authTimeout(let session): if sessions[session]?.user == nil { close(session) }
        case .restart: restart()
        case .crash: crash()
        case .replay(let event):
            for (id, session) in sessions where session.hears(event.category) { send(event.bytes, to: id) }
        }
    }

    /// Says so, ends all calls, closes, and is away for a while.
    /// - Returns: when the calls ended.
    @discardableResult
    package mutating func restart() -> Instant {
        let end = exchange.now
        exchange.endAll()
        exchange.tell("Shutdown", "system", ["Shutdown": "Cleanly", "Restart": "True"])
        publish()
        fall()
        return end
    }

    /// Is gone without a word: calls, connections and all.
    package mutating func crash() { fall() }

    private mutating func fall() {
        exchange.vanish()
        for session in sessions.keys.sorted() { close(session) }
        let back = exchange.now.advanced(by: options.faults.away)
        awayUntil = back
        bootedAt = back
        alarms.removeAll()
        planFall(from: back)
    }

    // MARK: Sending

    /// Whether somebody has been told all that he was sent; for the server, which counts what the socket does not take.
    mutating func close(_ session: Int) {
        guard sessions[session] != nil else { return }
        sessions[session]?.isLeaving = true
        wait(Output(session: session, bytes: [], isClose: true))
    }

    mutating func send(_ fields: AsteriskFields, to session: Int) { send(fields.bytes, to: session) }

    private mutating func send(_ bytes: [UInt8], to session: Int) {
        guard sessions[session]?.isLeaving == false else { return }
        wait(Output(session: session, bytes: bytes, isClose: false))
    }

    private mutating func wait(_ output: Output) {
        waiting.append((exchange.now.advanced(by: options.faults.delay), output))
    }

    /// An answer: its ActionID comes right behind `Response`.
    mutating func answer(_ actionID: String?, _ fields: AsteriskFields, to session: Int) {
        var whole = AsteriskFields()
        for (place, item) in fields.items.enumerated() {
            whole.add(item.name, item.value)
            if place == 0, let actionID { whole.add("ActionID", actionID) }
        }
        send(whole, to: session)
    }

    /// Tells everybody what has happened, as far as he may and wants to know.
    mutating func publish() {
        for event in exchange.takeEvents() {
            told += 1
            guard !chances.happens(options.faults.lostShare, "lost \(told)") else { continue }
            let bytes = event.fields.bytes
            for (id, session) in sessions where session.hears(event.category) { send(bytes, to: id) }
        }
        for (order, isAnswered) in exchange.takeDecided() { tellDecision(order, isAnswered) }
    }

    private mutating func tellDecision(_ order: AsteriskOrder, _ isAnswered: Bool) {
        if order.isAsync { return tellOriginated(order, isAnswered) }
        let message = isAnswered ? "Originate successfully queued" : "Originate failed"
        answer(order.actionID, ["Response": isAnswered ? "Success" : "Error", "Message": message], to: order.session)
        sessions[order.session]?.isBlocked = false
        workOff(order.session)
    }

    /// The event that tells how the first leg of an ordered call came out.
    mutating func tellOriginated(_ order: AsteriskOrder, _ isAnswered: Bool) {
        var fields = AsteriskFields(["Event": "OriginateResponse", "Privilege": "call,all"])
        if options.isStamped { fields.add("Timestamp", exchange.now.asteriskStamp) }
        if let actionID = order.actionID { fields.add("ActionID", actionID) }
        let name = order.leg.flatMap { exchange.legs[$0]?.name } ?? order.channel
        fields.add([
            "Response": isAnswered ? "Success" : "Failure", "Channel": name, "Context": order.context, "Exten": order.exten,
            "Reason": isAnswered ? "4" : "\(order.reason)", "Uniqueid": isAnswered ? order.leg ?? "<unknown>" : "<unknown>",
            "CallerIDNum": order.callerNumber.isEmpty ? "<unknown>" : order.callerNumber,
            "CallerIDName": order.callerName.isEmpty ? "<unknown>" : order.callerName,
        ])
        for (id, session) in sessions where session.hears("call") { send(fields.bytes, to: id) }
    }

    // MARK: Logging in

    mutating func logIn(_ action: AsteriskFields, _ actionID: String?, of session: Int) {
        let user = options.users.first { $0.name == action["username"] ?? "" }
        guard let user, isRight(action, user, sessions[session]?.challenge) else {
            alarms.append((exchange.now.advanced(by: .seconds(1)), .failLogin(session, actionID: actionID)))
            sessions[session]?.isBlocked = true
            return
        }
        sessions[session]?.user = user
        if let mask = action["events"] { sessions[session]?.mask = AsteriskSession.mask(mask) }
        answer(actionID, ["Response": "Success", "Message": "Authentication accepted"], to: session)
        guard sessions[session]?.hears("system") == true else { return }
        let uptime = exchange.now.milliseconds(since: bootedAt) / 1000
        send(
            [
                "Event": "FullyBooted", "Privilege": "system,all", "Uptime": "\(max(0, uptime))",
                "LastReload": "\(max(0, uptime))",
                "Status": "Fully Booted",
            ], to: session)
    }

    private func isRight(_ action: AsteriskFields, _ user: AsteriskOptions.User, _ challenge: String?) -> Bool {
        guard action["authtype"]?.lowercased() == "md5" else { return action["secret"] == user.secret }
        guard let challenge, let key = action["key"] else { return false }
        return key.lowercased() == Digest.hash(challenge + user.secret, .md5).hex
    }

    mutating func challenge(_ action: AsteriskFields, _ actionID: String?, of session: Int) {
        guard action["authtype"]?.lowercased() == "md5" else {
            return answer(actionID, ["Response": "Error", "Message": "Must specify AuthType"], to: session)
        }
        let challenge = "\(chances.chance("challenge \(session) \(exchange.now.milliseconds)") % 1_000_000_000)"
        sessions[session]?.challenge = challenge
        answer(actionID, ["Response": "Success", "Challenge": challenge], to: session)
    }

    // MARK: Calls that nobody ordered

    /// Begins a call of that scenario; nothing where it does not play it, or the PBX is away.
    package mutating func begin(_ scenario: Scenario, seed: UInt64, at now: Instant) {
        advance(to: now)
        if let awayUntil, now < awayUntil { return }
        let people = SimulatedPeople(seed: seed)
        let employees = people.employees
        var course = AsteriskCourse()
        course.callerEnds = people.chance("who ends") % 2 == 0
        course.talk = .seconds(10 + Int(people.chance("talk") % 50))
        switch scenario {
        case .inboundAnswered: exchange.callIn(people, to: [employees[0]], course: course, isAnswered: true)
        case .inboundMissed: exchange.callIn(people, to: [employees[0]], course: course, isAnswered: false)
        case .group: exchange.callIn(people, to: employees, course: course, isAnswered: true)
        case .outboundAnswered: exchange.callOut(from: employees[0], to: "+" + people.client.ending("00"), course: course)
        case .outboundBusy: exchange.callOut(from: employees[0], to: "+" + people.client.ending("17"), course: course)
        case .blindTransfer, .attendedTransfer:
            course.passesTo = employees[1]
            course.asksFirst = scenario == .attendedTransfer
            exchange.callIn(people, to: [employees[0]], course: course, isAnswered: true)
        case .recording:
            course.isRecorded = true
            exchange.callIn(people, to: [employees[0]], course: course, isAnswered: true)
        case .transfer, .connectionCheck: return
        }
        publish()
    }
}

extension AsteriskDouble {
    /// Plays the events of a recorded stream to whoever is logged in, each at its time from now on. Its channels are none of the
    /// double's: actions do not find them.
    package mutating func replay(_ trace: AsteriskTrace, at now: Instant) {
        advance(to: now)
        for event in trace.events { schedule(.replay(event), at: now.advanced(by: event.at)) }
    }
}

extension String {
    /// The same with other last digits.
    fileprivate func ending(_ digits: String) -> String { String(dropLast(digits.count)) + digits }
}

/// What the double knows of one connection.
struct AsteriskSession: Sendable {
    /// Accepted, and never heard.
    let isSilent: Bool
    var reader = AsteriskActionReader()
    /// What was sent and is not worked off.
    var pending: [AsteriskActionReader.Found] = []
    var user: AsteriskOptions.User?
    var challenge: String?
    /// The classes it wants to hear; nil for all.
    var mask: Set<String>?
    /// An action holds up those behind it.
    var isBlocked = false
    /// Nothing more is sent.
    var isLeaving = false

    init(isSilent: Bool) { self.isSilent = isSilent }

    func hears(_ category: String) -> Bool {
        guard let user, !isLeaving else { return false }
        return user.read.contains { $0 == category || $0 == "all" } && (mask?.contains(category) ?? true)
    }

    /// What an EventMask means.
    static func mask(_ text: String) -> Set<String>? {
        switch text.lowercased() {
        case "on", "all", "yes", "true": nil
        case "off", "none", "no", "false", "": []
        default: Set(text.split(separator: ",").map { $0.filter { $0 != " " } })
        }
    }
}
