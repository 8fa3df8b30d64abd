import Connector
import Digests
import Media
import Network
import PBXPlan
import SIP
import Synchronization
import Threading

/// Asks the CRM whom to ring; the answer comes on any thread.
package typealias PBXLookup = @Sendable (RoutingQuestion, @escaping @Sendable (RoutingDecision?) -> Void) -> Void

/// A PBX that runs: its loop, its sockets, its sound, and the core that they serve.
///
/// `@unchecked Sendable`: everything but the loops is touched on the signalling loop only, or before it starts; whoever comes from
/// another thread goes through `perform`.
final class PBXInstance: @unchecked Sendable {
    private let loop: EventLoop
    private let mediaLoops: [EventLoop]
    private let core: PBXCore
    private let transport: SIPTransport
    private let plane: MediaPlane
    private let agent: SIPUserAgent
    private let guardian = SourceGuard()
    private let face: PBXFace
    let bulletin: PBXBulletin
    private var timer: TimerID?
    private var timerDue: MonotonicInstant?

    /// Binds and starts.
    /// - Parameters:
    ///   - outlet: takes the records, on the signalling loop.
    /// - Throws: `NetworkError`, `MediaError`, `ThreadError`, each with what to do.
    init(
        settings: PBXSettings, plan: DialPlan, numbering: any NumberingPlan, clock: any Timekeeper,
        messages: [MessageShelf.Message], bulletin: PBXBulletin, outlet: @escaping (PBXRecord) -> Void, lookup: PBXLookup?
    ) throws {
        self.bulletin = bulletin
        loop = try EventLoop(name: "pbx")
        mediaLoops = try (0..<settings.mediaLoops).map { try EventLoop(name: "sound-\($0)") }
        transport = try SIPTransport(SIPTransportSettings(listeners: settings.listeners), loop: loop)
        var sound = MediaSettings()
        sound.ports = settings.ports
        plane = try MediaPlane(loops: mediaLoops.isEmpty ? [loop] : mediaLoops, signalling: loop, settings: sound)
        let now = MonotonicInstant.now
        let chance: () -> UInt64 = { UInt64.random(in: .min ... .max) }
        face = PBXFace(settings: settings, transport: transport)
        var manner = SIPUserAgentSettings(contact: face.contact, chance: chance)
        manner.product = Array((settings.userAgent ?? "").utf8)
        agent = SIPUserAgent(
            settings: manner,
            transactions: SIPTransactions(now: now, chance: chance, sentBy: face.sentBy), now: now)
        let phones = PhoneDesk(
            realm: settings.realm, agent: agent, guardian: guardian, key: randomBytes(32), now: now, host: face.host)
        core = PBXCore(
            settings: settings, plan: plan, agent: agent, media: plane, numbering: numbering, phones: phones, trunks: TrunkDesk(),
            messages: messages, chance: chance, now: now, wallClock: { clock.now() }, outlet: outlet)
        core.localAddress = face.localAddress
        core.advertised = face.advertised
        core.onPresence = { [unowned self] short in
            let word = core.presence(of: short)
            present.withLock { $0[short] = word }
        }
        guardian.exempt = settings.localNetworks
        core.toll.onAlarm = { [bulletin] alarms in bulletin.raise(alarms.map(\.words), at: clock.now()) }
        core.prompts.onChange = { [bulletin] prompt, problem in
            if let problem { bulletin.missing(prompt: prompt, problem) } else { bulletin.found(prompt: prompt) }
        }
        core.prompts.check(plan.promptNames)
        wire(lookup)
        for loop in mediaLoops { try loop.start() }
        transport.start()
        try loop.start()
        loop.execute { [weak self] in self?.noteFigures() }
    }

    /// Where it listens, in words.
    var words: String {
        addresses.map { "\($0.transport == .udp ? "udp" : "tcp"):\($0.address)" }.joined(separator: ", ")
    }

    private let figures = Mutex(PBXStatistics())

    /// As they were a second ago at most.
    var statistics: PBXStatistics { figures.withLock { $0 } }

    /// Once a second, on the loop: who asks comes on any thread and must not wait.
    private func noteFigures() {
        var statistics = core.statistics
        statistics.transport = transport.counts
        statistics.tollAlarms = bulletin.alarmCount
        figures.withLock { [statistics] in $0 = statistics }
        bulletin.forgetOld(at: core.wallClock())
        _ = loop.schedule(after: .seconds(1)) { [weak self] in self?.noteFigures() }
    }

    private let present = Mutex<[String: EmployeePresence]>([:])

    /// Who can be reached now.
    var presence: [String: EmployeePresence] { present.withLock { $0 } }

    /// Where it listens, ports resolved.
    var addresses: [SIPTransportSettings.Listener] { transport.addresses }

    private func wire(_ lookup: PBXLookup?) {
        core.keepAlive = { [transport] in transport.send([0x0D, 0x0A, 0x0D, 0x0A], over: $0) }
        transport.admits = { [guardian, loop] in guardian.admits($0, at: loop.now) }
        core.phones.onProof = { [transport] in transport.trust($0) }
        transport.onMessage = { [unowned self] message, flow in
            if flow.transport != .udp, core.trunks.isKnown(flow.remote.ip) { transport.trust(flow) }
            core.receive(message, over: flow, now: loop.now)
            pump()
        }
        transport.onRefusal = { [unowned self] in refuse($0, $1) }
        transport.onLost = { [unowned self] flow in
            core.transportFailed(flow, now: loop.now)
            pump()
        }
        plane.onEvent = { [unowned self] event in
            core.take(event, now: loop.now)
            pump()
        }
        guard let lookup else { return }
        core.lookup = { [unowned self] question, answer in
            let way = WayBack(answer)
            lookup(question) { decision in self.perform { _ in way.give(decision) } }
        }
    }

    /// What cannot be read is answered where we know the sender; of strangers it is held against them.
    private func refuse(_ refusal: SIPRefusal, _ flow: SIPFlow) {
        guard core.trunks.isKnown(flow.remote.ip) || core.phones.isKnown(flow, at: loop.now) else {
            return guardian.note(.malformed, from: flow.remote.ip, at: loop.now)
        }
        agent.refuse(refusal, over: flow, now: loop.now)
        pump()
    }

    // MARK: Work

    /// Runs `work` on the signalling loop, and sends what comes of it.
    func perform(_ work: @escaping @Sendable (PBXCore) -> Void) {
        loop.execute { [self] in
            core.advance(to: loop.now)
            work(core)
            core.settle()
            pump()
        }
    }

    /// The same, and waits for what it gives.
    func ask<Result: Sendable>(_ work: @escaping @Sendable (PBXCore) -> Result) async -> Result {
        await withCheckedContinuation { continuation in perform { continuation.resume(returning: work($0)) } }
    }

    /// Sends what is to be sent, and sets the timer to what is due next.
    private func pump() {
        for send in agent.takeSends() { transport.send(send.bytes, over: send.flow) }
        guard let due = core.nextDeadline else { return }
        if let timerDue, timer != nil, timerDue <= due { return }
        if let timer { loop.cancel(timer) }
        timerDue = due
        timer = loop.schedule(after: due.duration(since: loop.now)) { [unowned self] in
            timer = nil
            core.advance(to: loop.now)
            pump()
        }
    }

    /// Takes note of the address by which a provider reaches us; nil where that is the PBX's. On the loop.
    func reach(_ places: TrunkPlaces) {
        for target in places.targets { face.reachedAs[target.remote.ip] = places.publicAddress }
    }

    /// Our contact at a trunk's registrar: `sip:NAME@address:port`.
    func contact(named name: String, over flow: SIPFlow) -> SIPURI? {
        let plain = face.contact(flow).dropFirst().dropLast()
        guard let uri = try? SIPURI(plain) else { return nil }
        return try? SIPURI.make(
            user: name.utf8, host: String(decoding: uri.host, as: UTF8.self), port: uri.port,
            parameters: flow.transport == .udp ? [] : [("transport", "tcp")])
    }

    /// Ends every call, has the recordings closed, and closes everything.
    func close() async {
        await ask { $0.endAll() }
        await withCheckedContinuation { done in
            loop.execute { [self] in
                pump()
                plane.shutdown { done.resume() }
            }
        }
        await withCheckedContinuation { done in
            loop.execute { [self] in
                transport.close()
                done.resume()
            }
        }
        loop.stop()
        for loop in mediaLoops { loop.stop() }
    }
}

/// An answer's way back to the signalling loop.
///
/// `@unchecked Sendable`: `give` is made and called on that loop only.
private struct WayBack: @unchecked Sendable {
    let give: (RoutingDecision?) -> Void

    init(_ give: @escaping (RoutingDecision?) -> Void) { self.give = give }
}
