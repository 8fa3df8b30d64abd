import Connector
import Media
import Network
import PBXPlan
import SIP
import Threading

/// A PBX that runs: its loop, its sockets, its sound, and the core that they serve.
///
/// `@unchecked Sendable`: everything but `loop` and `media loops` is touched on the signalling loop only; whoever comes from another
/// thread goes through `perform`.
final class PBXInstance: @unchecked Sendable {
    let loop: EventLoop
    private let mediaLoops: [EventLoop]
    private(set) var core: PBXCore
    private let transport: SIPTransport
    private let plane: MediaPlane
    private let agent: SIPUserAgent
    private var timer: TimerID?
    private var timerDue: MonotonicInstant?
    private var own = OwnAddresses()
    private let settings: PBXSettings
    let guardian: SourceGuard
    /// Where it listens, ports resolved.
    var addresses: [SIPTransportSettings.Listener] { transport.addresses }

    /// Binds and starts. - Throws: `NetworkError`, `MediaError`, `ThreadError`, each with what to do.
    init(
        settings: PBXSettings, plan: DialPlan, numbering: any NumberingPlan, clock: any Timekeeper,
        outlet: @escaping (PBXRecord) -> Void, lookup: PBXLookup?
    ) throws {
        self.settings = settings
        loop = try EventLoop(name: "pbx")
        mediaLoops = try (0..<settings.mediaLoops).map { try EventLoop(name: "sound-\($0)") }
        let media = mediaLoops.isEmpty ? [loop] : mediaLoops
        transport = try SIPTransport(SIPTransportSettings(listeners: settings.listeners), loop: loop)
        var sound = MediaSettings()
        sound.ports = settings.ports
        plane = try MediaPlane(loops: media, signalling: loop, settings: sound)
        guardian = SourceGuard()
        let now = MonotonicInstant.now
        let chance: () -> UInt64 = { UInt64.random(in: .min ... .max) }
        let face = PBXFace(settings: settings, transport: transport)
        let transactions = SIPTransactions(now: now, chance: chance, sentBy: face.sentBy)
        agent = SIPUserAgent(
            settings: SIPUserAgentSettings(contact: face.contact, chance: chance), transactions: transactions, now: now)
        let phones = PhoneDesk(realm: settings.realm, plan: plan, agent: agent, chance: chance)
        core = PBXCore(
            settings: settings, plan: plan, agent: agent, media: plane, numbering: numbering, phones: phones, trunks: TrunkDesk(),
            chance: chance, now: now, wallClock: clock.now, outlet: outlet)
        core.localAddress = face.localAddress
        wire(lookup)
        for loop in mediaLoops { try loop.start() }
        transport.start()
        try loop.start()
    }

    private func wire(_ lookup: PBXLookup?) {
        transport.admits = { [guardian, loop] in guardian.admits($0, at: loop.now) }
        transport.onMessage = { [unowned self] message, flow in
            core.receive(message, over: flow, now: loop.now)
            pump()
        }
        transport.onRefusal = { [unowned self] refusal, flow in
            guard core.trunks.isKnown(flow.remote.ip) || core.phones.isKnown(flow) else {
                return guardian.note(.malformed, from: flow.remote.ip, at: loop.now)
            }
            agent.transactions.refuse(refusal, over: flow)
            agent.settle()
            pump()
        }
        transport.onLost = { [unowned self] flow in
            core.transportFailed(flow, now: loop.now)
            pump()
        }
        plane.onEvent = { [unowned self] event in
            core.take(event, now: loop.now)
            pump()
        }
        guard let lookup else { return }
        core.lookup = { [loop, unowned self] question, answer in
            let answer = PBXAnswer(answer)
            lookup(question) { decision in
                loop.execute {
                    answer.give(decision)
                    self.pump()
                }
            }
        }
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

    /// Sends what is to be sent, and sets the timer to what is due next.
    private func pump() {
        for send in agent.takeSends() { transport.send(send.bytes, over: send.flow) }
        guard let due = core.nextDeadline else { return }
        if let timerDue, timerDue <= due, timer != nil { return }
        if let timer { loop.cancel(timer) }
        timerDue = due
        timer = loop.schedule(after: due.duration(since: loop.now)) { [unowned self] in
            timer = nil
            timerDue = nil
            core.advance(to: loop.now)
            pump()
        }
    }

    /// Ends every call, waits for the recordings, and closes everything. Not on the loop.
    func close() {
        let isDone = DispatchGate()
        loop.execute { [self] in
            core.endAll()
            pump()
            isDone.open()
        }
        isDone.wait(atMost: .seconds(5))
        loop.execute { [self] in
            plane.shutdown()
            transport.close()
        }
        loop.stop()
        for loop in mediaLoops { loop.stop() }
    }
}

/// Asks the CRM whom to ring; the answer comes on any thread.
package typealias PBXLookup = @Sendable (RoutingQuestion, @escaping @Sendable (RoutingDecision?) -> Void) -> Void

/// An answer's way back to the signalling loop, where alone it is called.
private struct PBXAnswer: @unchecked Sendable {
    let give: (RoutingDecision?) -> Void

    init(_ give: @escaping (RoutingDecision?) -> Void) { self.give = give }
}
