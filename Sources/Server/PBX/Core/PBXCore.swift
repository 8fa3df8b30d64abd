import Connector
import Media
import NetworkTypes
import PBXPlan
import SIP

/// The PBX as a value of its inputs: messages, keys, the CRM's answers, the time. Confined to the signalling loop.
///
/// Signalling is the user agent's, sound the media plane's; what remains is here: which call an event is of, and what becomes of it.
final class PBXCore {
    let settings: PBXSettings
    let agent: SIPUserAgent
    let media: any CallMedia
    let numbering: any NumberingPlan
    /// Takes each moment of each call, in its order.
    let outlet: (PBXRecord) -> Void
    let wallClock: () -> Instant
    /// Asks the CRM whom to ring; the answer comes on the signalling loop. nil where no CRM is asked.
    var lookup: ((RoutingQuestion, @escaping (RoutingDecision?) -> Void) -> Void)?
    /// Our address at this end of a flow.
    var localAddress: (SIPFlow) -> IPAddress = { _ in .loopbackV4 }
    /// The address by which the other end of a flow reaches us.
    var advertised: (SIPFlow) -> IPAddress = { _ in .loopbackV4 }
    /// Hears whose presence may have changed.
    var onPresence: (String) -> Void = { _ in }
    /// Sends bytes that are no message: what keeps the way through a NAT open.
    var keepAlive: (SIPFlow) -> Void = { _ in }
    private(set) var plan: DialPlan
    private(set) var now: MonotonicInstant
    let phones: PhoneDesk
    let trunks: TrunkDesk
    let prompts: PromptShelf
    private(set) lazy var queues = QueueDesk(self)
    /// What lies in the voicemail boxes.
    let messages: MessageShelf
    private(set) lazy var lamps = MessageLamps(self)

    private(set) var calls: [String: PBXCall] = [:]
    private var legs: [SIPLegID: PBXLeg] = [:]
    private var streams: [MediaStreamID: PBXLeg] = [:]
    /// Legs of each telephone that have not ended.
    private var phoneLegs: [String: [PBXLeg]] = [:]
    var recordings: [SoundRecordingID: PBXRecordingEntry] = [:]
    /// Legs that are over and whose streams have not said their last word.
    private var closing: [MediaStreamID: EndedLeg] = [:]
    private var wheel: TimerWheel<() -> Void>
    private var nameCount: UInt32 = 0
    let chance: () -> UInt64
    /// The plan's dice.
    var random: ChanceGenerator { ChanceGenerator(chance: chance) }
    /// What goes outside and what it costs, against thieves.
    private(set) lazy var toll = TollDesk(self, plan)

    init(
        settings: PBXSettings, plan: DialPlan, agent: SIPUserAgent, media: any CallMedia, numbering: any NumberingPlan,
        phones: PhoneDesk, trunks: TrunkDesk, messages: [MessageShelf.Message] = [], chance: @escaping () -> UInt64,
        now: MonotonicInstant,
        wallClock: @escaping () -> Instant, outlet: @escaping (PBXRecord) -> Void
    ) {
        self.settings = settings
        self.plan = plan
        self.agent = agent
        self.media = media
        self.numbering = numbering
        self.phones = phones
        self.trunks = trunks
        prompts = PromptShelf(folder: settings.prompts)
        self.messages = MessageShelf(folder: settings.recordings, messages)
        self.chance = chance
        self.now = now
        self.wallClock = wallClock
        self.outlet = outlet
        wheel = TimerWheel(startingAt: now.nanoseconds / 1_000_000)
        phones.follow(plan)
        phones.onChange = { [unowned self] in phoneChanged($0) }
        trunks.attach(self)
    }

    /// Another plan from the next decision on; calls that go on keep what was decided for them.
    func follow(_ plan: DialPlan) {
        self.plan = plan
        toll.adopt(plan)
        phones.follow(plan)
        prompts.check(plan.promptNames)
    }

    // MARK: Time

    /// Runs `work` once, to the millisecond.
    func after(_ delay: Duration, _ work: @escaping () -> Void) -> TimerID {
        wheel.insert(work, due: now.advanced(by: delay + .microseconds(999)).nanoseconds / 1_000_000)
    }

    func cancel(_ timer: TimerID) { wheel.cancel(timer) }

    /// Timers that run; for leak checks.
    var timerCount: Int { wheel.count }

    func advance(to now: MonotonicInstant) {
        self.now = max(self.now, now)
        agent.advance(to: now)
        phones.advance(to: now)
        while let work = wheel.takeDue(at: now.nanoseconds / 1_000_000) { work() }
        settle()
    }

    var nextDeadline: MonotonicInstant? {
        let own = wheel.nextTick.map { MonotonicInstant(nanoseconds: $0 * 1_000_000) }
        return Self.earlier(own, Self.earlier(agent.nextDeadline, phones.registrar.nextDeadline))
    }

    func presence(of short: String) -> EmployeePresence {
        guard phones.isRegistered(short, at: now) else { return .offline }
        guard let liveliest = legs(of: short).map(\.state).max() else { return .online }
        return liveliest == .answered ? .busy : .ringing
    }

    private static func earlier(_ one: MonotonicInstant?, _ other: MonotonicInstant?) -> MonotonicInstant? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    /// A telephone came, or the last one of an extension went.
    private func phoneChanged(_ short: String) {
        onPresence(short)
        lamps.tell(short)
        queues.phoneChanged()
    }

    // MARK: In

    func receive(_ message: SIPMessage, over flow: SIPFlow, now: MonotonicInstant) {
        self.now = max(self.now, now)
        agent.receive(message, over: flow, now: now)
        settle()
    }

    func transportFailed(_ flow: SIPFlow, now: MonotonicInstant) {
        self.now = max(self.now, now)
        phones.lost(flow)
        agent.transportFailed(flow, now: now)
        settle()
    }

    /// Takes what the user agent has to say until it is silent.
    func settle() {
        while true {
            let events = agent.takeEvents()
            if events.isEmpty { return }
            for event in events { take(event) }
        }
    }

    private func take(_ event: SIPUserAgentEvent) {
        switch event {
        case .request(let message, let transaction, let flow): receive(request: message, transaction, flow)
        case .progress(let id, let message): if let leg = legs[id] { progressed(leg, message) }
        case .accepted(let id, let message): if let leg = legs[id] { accepted(leg, message) }
        case .confirmed(let id): if let leg = legs[id] { confirmed(leg) }
        case .refused(let id, let refusal): if let leg = legs[id] { refused(leg, refusal) }
        case .cancelled(let id, _):
            if let leg = legs[id] { over(leg, LegEnding(.callerHungUp, cause: Cause(sip: 487, q850: 16))) }
        case .ended(let id, let ending): if let leg = legs[id] { over(leg, LegEnding(ending)) }
        case .offer(let id, let sdp): if let leg = legs[id] { offered(leg, sdp) }
        case .answer(let id, let sdp): if let leg = legs[id] { answered(leg, sdp) }
        case .offerRefused: break
        case .referred(let id, let referral): if let leg = legs[id] { referred(leg, referral) }
        case .referralProgress: break
        case .info(let id, let message): if let leg = legs[id], let key = DTMFInfo.key(in: message) { told(key, by: leg) }
        case .response(let message, _, let owner): trunks.answered(message, owner: owner, now: now)
        case .failed(_, let owner, _): trunks.failed(owner: owner, now: now)
        case .forgotten: break
        }
    }

    // MARK: Sound

    func take(_ event: MediaEvent, now: MonotonicInstant) {
        self.now = max(self.now, now)
        switch event {
        case .digit(let stream, let key): if let leg = streams[stream] { heard(key, from: leg) }
        case .played(let stream): if let leg = streams[stream] { leg.call.activity?.played(to: leg) }
        case .playFailed(let stream, let error):
            prompts.failed(error, at: now)
            if let leg = streams[stream] { leg.call.activity?.played(to: leg) }
        case .recorded(let id, _, let milliseconds, _): recorded(id, milliseconds: milliseconds, problem: nil)
        case .closed(let stream, let statistics):
            if let ended = closing.removeValue(forKey: stream) { closed(ended, statistics) }
        case .recordingFailed(let id, let error): recorded(id, milliseconds: nil, problem: error.description)
        default: break
        }
        settle()
    }

    private func recorded(_ id: SoundRecordingID, milliseconds: Int?, problem: String?) {
        guard let entry = recordings.removeValue(forKey: id) else { return }
        entry.call.tell(
            .recording(
                PBXRecord.RecordingMoment(
                    problem == nil ? .completed : .failed, name: id.name, kind: entry.kind, leg: entry.leg,
                    isAnnounced: entry.isAnnounced, channels: entry.kind == .voicemail ? 1 : 2,
                    milliseconds: milliseconds.map { Int64($0) }, problem: problem)))
        guard problem == nil, let name = PBXRecordingName(id.name), let box = name.box else { return }
        messages.add(name)
        lamps.changed(box)
    }

    private func pressed(_ key: Character, on leg: PBXLeg) { leg.call.activity?.pressed(key, on: leg) }

    /// A key that came in the sound: a partner who takes keys beside it gets it there, any other one hears it.
    private func heard(_ key: Character, from leg: PBXLeg) {
        if let talking = leg.call.activity as? Talking, talking.partner(of: leg).session.keys == .info {
            send(keys: String(key), to: talking.partner(of: leg))
        }
        pressed(key, on: leg)
    }

    /// A key that came beside the sound, by INFO: whoever the leg talks with hears it as one that came in it.
    private func told(_ key: Character, by leg: PBXLeg) {
        if let talking = leg.call.activity as? Talking { send(keys: String(key), to: talking.partner(of: leg)) }
        pressed(key, on: leg)
    }

    /// The file of a prompt; the plan was checked for names that lead elsewhere.
    func promptPath(_ name: String) -> String { prompts.path(name) }

    var holdMusic: AudioProgram { music("music") }

    /// A prompt over and over; where it cannot be played, a tone, so that whoever waits knows that he is not forgotten.
    func music(_ name: String) -> AudioProgram {
        prompts.has(name, at: now) ? .music(promptPath(name)) : .tone(.ringback)
    }

    // MARK: Calls and legs

    /// A name that no call had before, nor will have after a restart: the time, a count, and chance.
    func makeCallName() -> String {
        nameCount &+= 1
        let time = String(wallClock().milliseconds, radix: 36)
        return "\(time)-\(String(nameCount, radix: 36))-\(String(chance() & 0xFFFF_FFFF, radix: 36))"
    }

    func keep(_ call: PBXCall) { calls[call.name] = call }

    func forget(_ call: PBXCall) {
        calls[call.name] = nil
        queues.phoneChanged()
    }

    /// Ends every call: the PBX ends.
    func endAll() {
        for call in Array(calls.values) { call.end(.failed, by: .system, cause: Cause(sip: 503, q850: 41, text: "the PBX ends")) }
        settle()
    }

    func keep(_ leg: PBXLeg) {
        if let sip = leg.sip { legs[sip] = leg }
        streams[leg.stream] = leg
        leg.call.add(leg)
        guard let short = leg.extension else { return }
        phoneLegs[short, default: []].append(leg)
        onPresence(short)
    }

    func leg(_ id: SIPLegID) -> PBXLeg? { legs[id] }

    private func dropFromPhone(_ leg: PBXLeg) {
        guard let short = leg.extension else { return }
        phoneLegs[short]?.removeAll { $0 === leg }
        if phoneLegs[short]?.isEmpty ?? false {
            phoneLegs[short] = nil
            queues.phoneChanged()
        }
        onPresence(short)
    }

    /// The legs of a telephone that have not ended.
    func legs(of short: String) -> [PBXLeg] { phoneLegs[short] ?? [] }

    /// The same signalling and sound, as a leg of another call.
    func replace(_ leg: PBXLeg, by other: PBXLeg) {
        leg.state = .ended
        toll.moved(from: leg, to: other)
        dropFromPhone(leg)
        keep(other)
    }

    /// Marks a leg as over, tells of it, and gives back what it held. Its signalling must be over, or be ended by `hangUp`.
    func ended(_ leg: PBXLeg, _ ending: LegEnding, isTransferredAway: Bool = false) {
        guard leg.state != .ended else { return }
        leg.state = .ended
        leg.call.tell(.ended, leg, reason: ending.reason, cause: ending.cause, isTransferredAway: isTransferredAway)
        if let sip = leg.sip { legs[sip] = nil }
        streams[leg.stream] = nil
        closing[leg.stream] = EndedLeg(
            leg: leg, call: leg.call, ending: ending, isTransferredAway: isTransferredAway, at: wallClock())
        media.close(leg.stream)
        trunks.released(leg)
        toll.ended(leg)
        dropFromPhone(leg)
    }

    /// Ends a leg's signalling: CANCEL, BYE, or a refusal.
    func hangUp(_ leg: PBXLeg, _ ending: LegEnding) {
        guard let sip = leg.sip else { return }
        agent.hangUp(sip, lines: SIPReason.lines(ending.cause), now: now)
    }

    /// Ends a leg by our word.
    func release(_ leg: PBXLeg, status: UInt16, cause: Cause = Cause()) {
        guard leg.state != .ended, let sip = leg.sip else { return }
        if leg.isCaller, leg.state < .answered {
            agent.reject(sip, status, lines: SIPReason.lines(cause), now: now)
        } else {
            agent.hangUp(sip, lines: SIPReason.lines(cause), now: now)
        }
        ended(leg, LegEnding(leg.state == .answered ? .normal : EndReason(status: status), cause: cause))
    }

    /// A leg is over for us, and its telephone is about to hang up of itself (RFC 5589 §6.1); where it does not, we do.
    func letGo(_ leg: PBXLeg, _ ending: LegEnding) {
        guard leg.state != .ended, let sip = leg.sip else { return }
        ended(leg, ending, isTransferredAway: true)
        _ = after(.seconds(1)) { [unowned self] in agent.hangUp(sip, lines: SIPReason.lines(ending.cause), now: now) }
    }

    func release(_ leg: PBXLeg, ending: LegEnding) {
        hangUp(leg, ending)
        ended(leg, ending, isTransferredAway: ending.reason == .transferred)
    }
}

extension LegEnding {
    init(_ ending: SIPEnding) {
        let q850 = ending.message.flatMap { SIPReason.q850(in: $0) }
        switch ending.kind {
        case .peer: self.init(.normal, cause: Cause(q850: q850 ?? 16))
        case .unacknowledged: self.init(.failed, cause: Cause(sip: 408, q850: 102, text: "the answer was never acknowledged"))
        case .expired: self.init(.failed, cause: Cause(sip: 408, q850: 102, text: "the session was not refreshed"))
        case .lost:
            self.init(
                .failed, cause: Cause(sip: ending.message.map { Int($0.status) } ?? 408, q850: 41, text: "the telephone is gone"))
        }
    }
}

/// Numbers of chance for those who want a generator.
struct ChanceGenerator: RandomNumberGenerator {
    let chance: () -> UInt64
    mutating func next() -> UInt64 { chance() }
}
