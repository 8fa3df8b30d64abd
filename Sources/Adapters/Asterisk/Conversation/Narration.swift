import Connector

/// Takes a conversation through the messages that tell of it, and says what each means for the call.
///
/// The same code serves twice: the session follows its conversations with it and needs no events; the decoder tells the events of a
/// record, beginning with the conversation that the record holds.
struct Narration {
    var talk: Conversation
    let plan: PhonePlan
    /// Whose events are told; `nil` where none are needed.
    let stamp: RawStamp?
    private(set) var events: [CallEvent] = []
    /// When the message happened.
    private(set) var now: Instant
    private let arrival: Instant
    /// When the connection was lost before the server began anew.
    var lostAt: Instant?

    /// - Parameter arrival: when the messages were read.
    init(_ talk: Conversation, plan: PhonePlan, stamp: RawStamp?, arrival: Instant) {
        self.talk = talk
        self.plan = plan
        self.stamp = stamp
        now = arrival
        self.arrival = arrival
    }

    mutating func append(_ event: CallEvent) { events.append(event) }

    /// Takes in one message of the conversation.
    mutating func take(_ event: ManagerEvent, _ message: ManagerMessage) {
        now = message.timestamp ?? arrival
        switch event {
        case .newchannel: begin(message)
        case .newstate: change(message)
        case .newCallerid: name(message)
        case .hangupRequest: requestHangup(message)
        case .softHangupRequest: requestHangup(message, bySwitch: true)
        case .hangup: hangUp(message)
        case .dialBegin: dial(message)
        case .dialState: if message["DialStatus"] == "RINGING" { ring(leg(message, .dest)) }
        case .dialEnd: endDial(message)
        case .bridgeEnter: enterBridge(message)
        case .bridgeLeave: leg(message).map { talk.legs[$0].bridge = nil }
        case .hold: hold(message)
        case .unhold: resume(message)
        case .blindTransfer, .attendedTransfer: passOn(message)
        case .queueCallerJoin: join(message)
        case .dtmfEnd: press(message)
        case .mixMonitorStart: startRecording(message)
        case .mixMonitorStop: leg(message).map { stopRecording($0) }
        case .coreShowChannel: list(message)
        case .coreShowChannelsComplete: endList()
        case .originateResponse: break
        case .fullyBooted:
            now = lostAt ?? now
            endAll(by: .system)
        }
    }

    /// Takes in an action of ours that has left for the conversation, or that was refused there.
    mutating func takeAction(_ message: ManagerMessage) {
        guard message.head.value == "Hangup" else { return }
        if message["Result"] == "refused" {
            if talk.ender == .command { talk.ender = nil }
        } else if talk.ender == nil {
            talk.ender = .command
        }
    }

    /// Takes in the name of the file that a leg is recorded to.
    mutating func takeFile(_ message: ManagerMessage) {
        guard let place = talk.index(of: message["Recording"]), let file = message["File"] else { return }
        guard talk.legs[place].recordingSince != nil, talk.legs[place].recordingFile == nil else { return }
        talk.legs[place].recordingFile = file
        tellRecording(place, .started)
    }

    // MARK: Legs

    /// The leg that a message is about; one that nobody told of yet is begun, since every message says what its leg is like.
    /// - Parameter prefix: of the keys: `Dest` for the leg that is called.
    mutating func leg(_ message: ManagerMessage, _ prefix: LegPrefix = .none) -> Int? {
        guard let id = message[prefix.uniqueid] else { return nil }
        if let known = talk.index(of: id) {
            talk.legs[known].isListed = true
            return known
        }
        guard let channel = message[prefix.channel], talk.legs.count < Conversation.legLimit else { return nil }
        let number = message[prefix.number]
        var leg = ChannelLeg(id: id, channel: channel, side: plan.side(of: channel, number: number))
        leg.number = number
        leg.name = message[prefix.name]
        leg.exten = message[prefix.exten]
        leg.isListed = true
        leg.state = message[prefix.state].flatMap { Int($0) } ?? 0
        if leg.side == .local { talk.livingHalves += 1 } else { talk.living += 1 }
        if talk.beganAt == nil { talk.beganAt = now }
        talk.legs.append(leg)
        return talk.legs.count - 1
    }

    private mutating func begin(_ message: ManagerMessage) {
        guard let place = leg(message), talk.legs[place].id == talk.name else { return }
        guard talk.legs[place].state == ChannelLeg.State.ring else { return }
        tellBeginning(place)
    }

    private mutating func change(_ message: ManagerMessage) {
        guard let place = leg(message), let state = message["ChannelState"].flatMap({ Int($0) }) else { return }
        talk.legs[place].state = state
        if talk.legs[place].dialler != .nobody, let number = message["CallerIDNum"] { talk.legs[place].number = number }
        switch state {
        case ChannelLeg.State.ringing: ring(place)
        case ChannelLeg.State.up: if talk.legs[place].dialler == .nobody { answerBySwitch(place) }
        default: break
        }
    }

    /// The caller's name or number became known, or was corrected.
    private mutating func name(_ message: ManagerMessage) {
        guard let place = leg(message), talk.legs[place].dialler == .nobody, talk.legs[place].side == .outside else { return }
        let (number, name) = (message["CallerIDNum"], message["CallerIDName"])
        guard number != talk.legs[place].number || name != talk.legs[place].name else { return }
        talk.legs[place].number = number ?? talk.legs[place].number
        talk.legs[place].name = name
        guard talk.legs[place].id == talk.name, let name else { return }
        tell(.updated, "name", name) { $0.facts.externalName = name }
    }

    // MARK: Dialling

    private mutating func dial(_ message: ManagerMessage) {
        guard let called = leg(message, .dest) else { return }
        let caller = leg(message)
        talk.legs[called].number = message["DestCallerIDNum"] ?? talk.legs[called].number
        talk.legs[called].dialler = caller.map { .leg(talk.legs[$0].id) } ?? .order
        if talk.legs[called].side != .local {
            talk.legs[called].exten = caller.flatMap { dialledNumber($0, message) } ?? talk.legs[called].exten
        }
        if caller == nil { tellOrder(called, number: message["DestCallerIDNum"]) }
        if let transferer = talk.transferer, talk.index(of: transferer) != called { talk.legs[called].wasPassedFrom = transferer }
    }

    /// What the caller dialled, for a called leg that leads outside: the dialplan's extension is that number, as a rule.
    private func dialledNumber(_ caller: Int, _ message: ManagerMessage) -> String? {
        message["Exten"].flatMap { $0.contains(where: \.isNumber) ? $0 : nil } ?? message["DestCallerIDNum"]
    }

    mutating func ring(_ place: Int?) {
        guard let place, talk.legs[place].side != .local, !talk.legs[place].hasRung, talk.legs[place].dialler != .nobody else {
            return
        }
        talk.legs[place].hasRung = true
        talk.hasRung = true
        tellLeg(.ringing, "ringing", place) { _ in }
    }

    private mutating func endDial(_ message: ManagerMessage) {
        guard let called = leg(message, .dest), let status = message["DialStatus"] else { return }
        if talk.legs[called].dialler == .nobody {
            talk.legs[called].dialler = leg(message).map { .leg(talk.legs[$0].id) } ?? .order
        }
        // A queue says it twice: the first word counts.
        if talk.legs[called].dialStatus == nil { talk.legs[called].dialStatus = status }
        guard status == "ANSWER", talk.legs[called].dialler == .order, talk.legs[called].side != .local else { return }
        // Whoever the switch itself called has taken his phone; with whom he talks is to come.
        guard !talk.legs[called].hasTalked else { return }
        tellLeg(.updated, "taken", called, phase: .answered) { _ in }
    }
}

/// How the keys of a message that name several legs begin.
enum LegPrefix {
    case none, dest, transferer, firstTransferer, secondTransferer

    var uniqueid: StaticString {
        switch self {
        case .none: "Uniqueid"
        case .dest: "DestUniqueid"
        case .transferer: "TransfererUniqueid"
        case .firstTransferer: "OrigTransfererUniqueid"
        case .secondTransferer: "SecondTransfererUniqueid"
        }
    }
    var channel: StaticString { self == .dest ? "DestChannel" : "Channel" }
    var number: StaticString { self == .dest ? "DestCallerIDNum" : "CallerIDNum" }
    var name: StaticString { self == .dest ? "DestCallerIDName" : "CallerIDName" }
    var exten: StaticString { self == .dest ? "DestExten" : "Exten" }
    var state: StaticString { self == .dest ? "DestChannelState" : "ChannelState" }
}
