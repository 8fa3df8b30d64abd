import Connector
import NetworkTypes
import PBXPlan
import TestSupport

@testable import FallbackPBX
@testable import Media
@testable import SIP

/// A PBX without sockets: telephones and a trunk as user agents on a wire in memory, sound that is only remembered, and a clock that the
/// test turns.
final class PBXBench {
    /// Somebody at the other end of the wire.
    final class Peer {
        let name: String
        let address: SocketAddress
        let agent: SIPUserAgent
        let credentials: SIPDigestClient
        var events: [SIPUserAgentEvent] = []
        /// What it does with a call; by default it lets it ring.
        var answers: Answer = .rings
        private(set) var legs: [SIPLegID] = []

        enum Answer {
            case rings, accepts, busy
            case refuses(UInt16)
            case silent
        }

        init(_ name: String, _ address: SocketAddress, _ agent: SIPUserAgent, _ credentials: SIPDigestClient) {
            self.name = name
            self.address = address
            self.agent = agent
            self.credentials = credentials
        }

        func note(_ leg: SIPLegID) { legs.append(leg) }

        /// The newest of its legs.
        var leg: SIPLegID? { legs.last }
    }

    let core: PBXCore
    let media = SoundBook()
    private(set) var peers: [String: Peer] = [:]
    private(set) var now = MonotonicInstant(nanoseconds: 5_000_000_000_000)
    private var parser = SIPParser()
    private let address = SocketAddress(IPAddress(v4: 0xC000_0201), port: 5060)
    private let pbxAgent: SIPUserAgent

    init(_ plan: DialPlan) {
        let clock = Box(now)
        let dice = Box<UInt64>(4711)
        let chance: () -> UInt64 = {
            dice.value = dice.value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return dice.value ^ dice.value >> 29
        }
        let own = address
        let written = Box<[PBXRecord]>([])
        pbxAgent = SIPUserAgent(
            settings: SIPUserAgentSettings(contact: { _ in Array("<sip:\(own)>".utf8) }, chance: chance),
            transactions: SIPTransactions(now: now, chance: chance, sentBy: { _ in (own.ip.description, own.port) }), now: now)
        let phones = PhoneDesk(
            realm: "kommutator", agent: pbxAgent, guardian: SourceGuard(), key: [1, 2, 3], now: now,
            host: { _ in own.ip.description })
        core = PBXCore(
            settings: PBXSettings(), plan: plan, agent: pbxAgent, media: media, numbering: PlainNumbering(), phones: phones,
            trunks: TrunkDesk(), chance: chance, now: now,
            wallClock: { Instant(milliseconds: 1_700_000_000_000 + clock.value.nanoseconds / 1_000_000) },
            outlet: { written.value.append($0) })
        core.localAddress = { _ in own.ip }
        core.advertised = { _ in own.ip }
        self.clock = clock
        self.written = written
        media.onEvent = { [unowned self] in core.take($0, now: now) }
    }

    private let clock: Box<MonotonicInstant>
    private let written: Box<[PBXRecord]>

    final class Box<Value> {
        var value: Value
        init(_ value: Value) { self.value = value }
    }

    // MARK: Peers

    /// A telephone, registered.
    @discardableResult
    func phone(_ short: String) throws -> Peer {
        let peer = makePeer(short)
        let uri = try SIPURI("sip:\(address.ip)")
        let account = try SIPURI("sip:\(short)@\(address.ip)")
        var registration = SIPRegistration(
            SIPRegistrationSettings(
                domain: uri, account: account, contact: try SIPURI("sip:\(short)@\(peer.address)"), expires: .seconds(3600),
                refreshPercent: 50), authorizer: peer.credentials, chance: { [peers] in UInt64(peers.count) })
        if let sending = registration.begin() { try peer.agent.send(sending.draft, over: flow, owner: 1, now: now) }
        settle()
        while let event = peer.events.popLast() {
            guard case .response(let response, _, _) = event, let next = registration.answered(response, at: now) else {
                continue
            }
            try peer.agent.send(next.draft, over: flow, owner: 1, now: now)
            settle()
        }
        return peer
    }

    /// A trunk, known by its address; `change` says what its account is like. It does not register unless that says so.
    @discardableResult
    func trunk(_ name: String, account: String? = nil, _ change: (inout TrunkAccount) -> Void = { _ in }) throws -> Peer {
        let peer = makePeer(account.map { "\(name)-\($0)" } ?? name)
        var trunk = TrunkAccount(
            id: TrunkID(ConnectionID(name), account: account), login: "74950000001", password: "x", domain: "trunk.example.test",
            registrars: [TrunkAccount.Registrar(host: peer.address.ip.description)])
        trunk.registers = false
        trunk.numbers = ["+74950000001"]
        change(&trunk)
        let contact = "contact-\(peer.name)"
        _ = core.trunks.add(TrunkLink(trunk, contactUser: contact, chance: { 3 }, report: { _ in }))
        core.trunks.found(
            trunk.id, targets: [SIPFlow(transport: .udp, remote: peer.address)], sources: [],
            contact: try SIPURI("sip:\(contact)@\(address)"), now: now)
        settle()
        return peer
    }

    private func makePeer(_ name: String) -> Peer {
        let address = SocketAddress(IPAddress(v4: 0xC633_6400 + UInt32(peers.count + 10)), port: 5060)
        var seed = UInt64(peers.count) &* 77_777 &+ 5
        let chance: () -> UInt64 = {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return seed ^ seed >> 31
        }
        let agent = SIPUserAgent(
            settings: SIPUserAgentSettings(contact: { _ in Array("<sip:\(name)@\(address)>".utf8) }, chance: chance),
            transactions: SIPTransactions(now: now, chance: chance, sentBy: { _ in (address.ip.description, address.port) }),
            now: now)
        let peer = Peer(name, address, agent, SIPDigestClient(user: name, password: "secret-\(name)", chance: chance))
        peers[name] = peer
        return peer
    }

    /// The way from a peer to the PBX.
    var flow: SIPFlow { SIPFlow(transport: .udp, remote: address) }

    struct Missing: Error {}

    static func some<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Missing() }
        return value
    }

    // MARK: Calls

    static let sdp = Array(
        "v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
            .utf8)
    static let held = Array(
        "v=0\r\no=- 1 2 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\na=sendonly\r\na=rtpmap:101 telephone-event/8000\r\n"
            .utf8)

    /// A peer calls.
    @discardableResult
    func call(from peer: Peer, to number: String, as caller: String? = nil) throws -> SIPLegID {
        let target = try SIPURI("sip:\(number)@\(address.ip)")
        var request = SIPCallRequest(
            target: target, from: try SIPURI("sip:\(caller ?? peer.name)@\(address.ip)"), to: target, flow: flow, offer: Self.sdp)
        request.authorizer = peer.credentials
        let leg = try Self.some(peer.agent.call(request, now: now))
        peer.note(leg)
        settle()
        return leg
    }

    // MARK: The wire

    /// Delivers everything until it is quiet.
    func settle() {
        for _ in 0..<2000 {
            var isQuiet = true
            for send in pbxAgent.takeSends() {
                isQuiet = false
                guard let peer = peers.values.first(where: { $0.address == send.flow.remote }), let message = parse(send.bytes)
                else { continue }
                peer.agent.receive(message, over: flow, now: now)
            }
            for peer in peers.values.sorted(by: { $0.name < $1.name }) {
                take(peer)
                for send in peer.agent.takeSends() {
                    isQuiet = false
                    guard let message = parse(send.bytes) else { continue }
                    core.receive(message, over: SIPFlow(transport: .udp, remote: peer.address), now: now)
                }
            }
            core.settle()
            if media.tellAll() { isQuiet = false }
            if isQuiet { return }
        }
        preconditionFailure("it never grows quiet")
    }

    private func parse(_ bytes: [UInt8]) -> SIPMessage? { try? parser.parse(datagram: bytes.span).message }

    /// A peer does with its calls what it was told to.
    private func take(_ peer: Peer) {
        for event in peer.agent.takeEvents() {
            peer.events.append(event)
            switch event {
            case .request(let message, let transaction, let flow) where message.method == .invite:
                if case .silent = peer.answers {
                    peer.agent.ignore(transaction, now: now)
                    continue
                }
                guard let leg = peer.agent.admit(message, transaction, flow, now: now) else { continue }
                peer.note(leg)
                answer(leg, peer)
            case .request(let message, let transaction, _): peer.agent.respond(200, to: message, transaction, now: now)
            case .offer(let leg, _): peer.agent.answer(offerOf: leg, session: Self.sdp, now: now)
            default: break
            }
        }
    }

    private func answer(_ leg: SIPLegID, _ peer: Peer) {
        switch peer.answers {
        case .rings: peer.agent.progress(leg, 180, now: now)
        case .accepts: peer.agent.accept(leg, session: Self.sdp, now: now)
        case .busy: peer.agent.reject(leg, 486, now: now)
        case .refuses(let status): peer.agent.reject(leg, status, now: now)
        case .silent: break
        }
    }

    /// The newest leg of a peer takes its call.
    func accept(_ peer: Peer) {
        guard let leg = peer.leg else { return }
        peer.agent.accept(leg, session: Self.sdp, now: now)
        settle()
    }

    func hangUp(_ peer: Peer, _ leg: SIPLegID? = nil) {
        guard let leg = leg ?? peer.leg else { return }
        peer.agent.hangUp(leg, now: now)
        settle()
    }

    /// Holds, or no longer.
    func offer(_ peer: Peer, _ leg: SIPLegID, _ sdp: [UInt8]) {
        peer.agent.offer(leg, session: sdp, now: now)
        settle()
    }

    func wait(_ duration: Duration) {
        let end = now.advanced(by: duration)
        settle()
        for _ in 0..<100_000 {
            let due = ([core.nextDeadline] + peers.values.map(\.agent.nextDeadline)).compactMap { $0 }.min() ?? end
            now = max(now, min(due, end))
            clock.value = now
            core.advance(to: now)
            for peer in peers.values { peer.agent.advance(to: now) }
            settle()
            if now >= end { return }
        }
        preconditionFailure("time does not pass")
    }

    // MARK: What came of it

    /// The records in a line each: `created inbound`, `started 101`, `ended busy`.
    var told: [String] { facts.map(\.words) }

    var facts: [PBXRecord.Fact] { written.value.map(\.fact) }

    func forgetRecords() { written.value = [] }

    /// What is left of calls: nothing, when they are over and a minute has gone.
    var leftovers: String {
        wait(.seconds(60))
        var left: [String] = []
        if !core.calls.isEmpty { left.append("\(core.calls.count) calls") }
        if pbxAgent.legCount > 0 { left.append("\(pbxAgent.legCount) legs") }
        if !media.open.isEmpty { left.append("\(media.open.count) streams") }
        return left.joined(separator: ", ")
    }
}

extension PBXRecord.Fact {
    /// As a test reads it.
    var words: String {
        switch self {
        case .created(let beginning): "created \(beginning.direction.rawValue)"
        case .leg(let moment): "\(moment.phase.rawValue) \(moment.to.words)\(moment.reason.map { " \($0.rawValue)" } ?? "")"
        case .station(let moment):
            "\(moment.station.rawValue) \(moment.name) \(moment.phase.rawValue)\(moment.reason.map { " \($0.rawValue)" } ?? "")"
        case .digits(let digits): "keys \(digits.digits)"
        case .step(let step): "step \(step.kind.rawValue) \(step.ref ?? "-") \(step.result ?? "-")"
        case .transfer(let moment): "transfer \(moment.kind.rawValue) \(moment.phase.rawValue)"
        case .recording(let moment): "recording \(moment.phase.rawValue)"
        case .ended(let ending): "over \(ending.reason.rawValue) by \(ending.by?.rawValue ?? "-")"
        case .interrupted: "interrupted"
        case .unknown(let name): "unknown \(name)"
        }
    }
}

extension Party? {
    fileprivate var words: String {
        switch self {
        case .user(let short, _)?: short
        case .external(let number)?: number ?? "hidden"
        case .queue(let ref)?, .ivr(let ref)?, .voicemail(let ref)?: ref ?? "-"
        case nil: "-"
        }
    }
}

/// Stands in for the media plane: remembers who hears whom and what is played.
final class SoundBook: CallMedia {
    private(set) var open: Set<MediaStreamID> = []
    private(set) var bridges: [MediaStreamID: MediaStreamID] = [:]
    private(set) var playing: [MediaStreamID: AudioProgram] = [:]
    private(set) var recordings: [String: (left: MediaStreamID?, right: MediaStreamID?)] = [:]
    private(set) var terms: [MediaStreamID: MediaTerms] = [:]
    private(set) var keys = ""
    private var count: UInt32 = 0
    private var waiting: [MediaEvent] = []
    var onEvent: (MediaEvent) -> Void = { _ in }

    func open(address: IPAddress, near: MediaStreamID?) throws(MediaError) -> MediaPort {
        count += 1
        let id = MediaStreamID(slot: count, generation: 0)
        open.insert(id)
        return MediaPort(id: id, local: SocketAddress(address, port: UInt16(20_000 + count * 2)))
    }

    func configure(_ id: MediaStreamID, _ terms: MediaTerms) { self.terms[id] = terms }

    func bridge(_ first: MediaStreamID, _ second: MediaStreamID) {
        unbridge(first)
        unbridge(second)
        bridges[first] = second
        bridges[second] = first
    }

    func unbridge(_ id: MediaStreamID) { if let other = bridges.removeValue(forKey: id) { bridges[other] = nil } }
    func play(_ id: MediaStreamID, _ program: AudioProgram) { playing[id] = program }
    func stop(_ id: MediaStreamID) { playing[id] = nil }
    func send(digits: String, to id: MediaStreamID) { keys += digits }

    func record(_ name: SoundRecordingID, path: String, left: MediaStreamID?, right: MediaStreamID?) {
        recordings[name.name] = (left, right)
    }

    func changeRecording(_ name: SoundRecordingID, left: MediaStreamID?, right: MediaStreamID?) {
        recordings[name.name] = (left, right)
    }

    func finishRecording(_ name: SoundRecordingID) {
        recordings[name.name] = nil
        waiting.append(.recorded(name, byteCount: 44, milliseconds: 1000, lost: 0))
    }

    func close(_ id: MediaStreamID) {
        open.remove(id)
        unbridge(id)
        playing[id] = nil
        terms[id] = nil
    }

    /// Whether two streams hear each other.
    func hear(_ first: MediaStreamID, _ second: MediaStreamID) -> Bool { bridges[first] == second }

    /// Everything that is played once has come to its end.
    func finishPlaying() {
        for (id, program) in playing where program.rounds != nil {
            playing[id] = nil
            waiting.append(.played(id))
        }
    }

    func press(_ key: Character, on id: MediaStreamID) { waiting.append(.digit(id, key)) }

    func tellAll() -> Bool {
        let events = waiting
        waiting = []
        for event in events { onEvent(event) }
        return !events.isEmpty
    }
}
