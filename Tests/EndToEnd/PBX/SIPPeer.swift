import Glibc
import Network
import NetworkTypes
import SIP
import TestSupport

/// Somebody outside of the gateway who speaks SIP and RTP over sockets of the loopback: a telephone, or a provider.
///
/// It lives on the test's thread, and is moved by `SIPStand.until`.
final class SIPPeer {
    /// What it does with a call that comes.
    enum Manner { case answers, rings, refuses(UInt16) }

    let socket: UDPSocket
    let agent: SIPUserAgent
    /// Every message that came.
    private(set) var heard: [SIPMessage] = []
    private(set) var told: [SIPUserAgentEvent] = []
    private(set) var calls: [PeerCall] = []
    var manner = Manner.answers
    /// The tone that its next calls sing.
    var tone = 440.0
    /// Answers a request outside of dialogs that is no INVITE.
    var onRequest: ((SIPMessage, SIPTransactionID, SIPFlow) -> Void)?
    /// Whether what comes is heard at all: a provider that is dead does not.
    var isDead = false
    private var registration: SIPRegistration?
    private(set) var credentials: SIPDigestClient?
    private(set) var user = "peer"
    private var parser = SIPParser()
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var callCount: UInt64 = 0

    /// - Parameter host: an address of the loopback; the port is a free one.
    init(_ host: String = "127.0.0.1") throws {
        let socket = try UDPSocket(on: SocketAddress("\(host):0"))
        self.socket = socket
        let address = socket.address
        let chance: () -> UInt64 = { .random(in: .min ... .max) }
        let transactions = SIPTransactions(now: .now, chance: chance, sentBy: { _ in (address.ip.description, address.port) })
        agent = SIPUserAgent(
            settings: SIPUserAgentSettings(contact: { _ in Array("<sip:\(address)>".utf8) }, chance: chance),
            transactions: transactions, now: .now)
    }

    deinit { socket.close() }

    var address: SocketAddress { socket.address }

    func flow(to gateway: SocketAddress) -> SIPFlow { SIPFlow(transport: .udp, remote: gateway) }

    // MARK: Doing

    /// Registers as a telephone.
    func register(_ user: String, password: String, at gateway: SocketAddress) throws {
        self.user = user
        let chance: () -> UInt64 = { .random(in: .min ... .max) }
        let client = SIPDigestClient(user: user, password: password, chance: chance)
        credentials = client
        registration = SIPRegistration(
            SIPRegistrationSettings(
                domain: try SIPURI("sip:\(gateway)"), account: try SIPURI("sip:\(user)@\(gateway)"),
                contact: try SIPURI("sip:\(user)@\(address)"), expires: .seconds(600), refreshPercent: 50),
            authorizer: client, chance: chance)
        send(registration?.begin(), to: gateway)
    }

    var isRegistered: Bool { if case .registered = registration?.state { true } else { false } }

    private func send(_ sending: SIPRegistration.Sending?, to gateway: SocketAddress) {
        guard let sending else { return }
        registrar = gateway
        try? agent.send(sending.draft, over: flow(to: gateway), owner: 1, now: .now)
    }

    private var registrar: SocketAddress?

    /// Calls a number at the gateway.
    @discardableResult
    func call(_ number: String, at gateway: SocketAddress, as caller: String? = nil, name: String = "") throws -> PeerCall {
        let target = try SIPURI("sip:\(number)@\(gateway)")
        callCount += 1
        let call = try PeerCall(on: address.ip, tone: tone, session: callCount)
        var request = SIPCallRequest(
            target: target, from: try SIPURI("sip:\(caller ?? user)@\(gateway.ip)"), displayName: Array(name.utf8), to: target,
            flow: flow(to: gateway), offer: call.offer())
        request.authorizer = credentials
        guard let leg = agent.call(request, now: .now) else { throw SystemFailure("no leg") }
        call.leg = leg
        calls.append(call)
        flush()
        return call
    }

    func answer(_ call: PeerCall) {
        guard let leg = call.leg else { return }
        agent.accept(leg, session: call.answer ?? [], now: .now)
        flush()
    }

    func hangUp(_ call: PeerCall) {
        guard let leg = call.leg else { return }
        agent.hangUp(leg, now: .now)
        call.state = .ended
        flush()
    }

    func refer(_ call: PeerCall, to number: String, at gateway: SocketAddress) throws {
        guard let leg = call.leg else { return }
        agent.refer(leg, to: try SIPURI("sip:\(number)@\(gateway)"), now: .now)
        flush()
    }

    /// Sends bytes as they are.
    func send(_ text: String, to gateway: SocketAddress) {
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { _ = socket.send($0, to: gateway) }
    }

    // MARK: Living

    func flush() {
        for send in agent.takeSends() {
            if !isDead { send.bytes.withUnsafeBytes { _ = socket.send($0, to: send.flow.remote) } }
        }
    }

    /// Takes what has come, and does what is due.
    func turn() {
        for _ in 0..<256 {
            let received = buffer.withUnsafeMutableBytes { socket.receive(into: $0) }
            guard case .datagram(let count, let source) = received else { break }
            if !isDead { take(Array(buffer[0..<count]), from: source) }
        }
        agent.advance(to: .now)
        settle()
        for call in calls { call.turn() }
    }

    private func take(_ bytes: [UInt8], from source: SocketAddress) {
        guard let message = try? parser.parse(datagram: bytes.span).message else { return }
        heard.append(message)
        agent.receive(message, over: flow(to: source), now: .now)
        settle()
    }

    private func settle() {
        for event in agent.takeEvents() {
            told.append(event)
            take(event)
        }
        flush()
    }

    private func call(of leg: SIPLegID) -> PeerCall? { calls.first { $0.leg == leg } }

    private func take(_ event: SIPUserAgentEvent) {
        switch event {
        case .request(let message, let transaction, let flow):
            if message.method == .invite { invited(message, transaction, flow) } else { asked(message, transaction, flow) }
        case .progress(let leg, _): if let call = call(of: leg), call.state == .calling { call.state = .ringing }
        case .accepted(let leg, _), .confirmed(let leg): call(of: leg)?.state = .talking
        case .refused(let leg, let refusal): call(of: leg)?.end(refusal.status)
        case .cancelled(let leg, _): call(of: leg)?.end(487)
        case .ended(let leg, _): call(of: leg)?.end(nil)
        case .offer(let leg, let sdp):
            guard let call = call(of: leg) else { return }
            call.take(offer: sdp)
            agent.answer(offerOf: leg, session: call.answer ?? [], now: .now)
        case .answer(let leg, let sdp): call(of: leg)?.take(answer: sdp)
        case .response(let message, _, _):
            if let registrar { send(registration?.answered(message, at: .now), to: registrar) }
        default: break
        }
    }

    private func invited(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow) {
        callCount += 1
        guard let call = try? PeerCall(on: address.ip, tone: tone, session: callCount),
            let leg = agent.admit(message, transaction, flow, now: .now)
        else { return }
        call.leg = leg
        call.invitation = message
        call.state = .ringing
        if !message.body.isEmpty { call.take(offer: message.body) }
        calls.append(call)
        switch manner {
        case .answers: answer(call)
        case .rings: agent.progress(leg, 180, now: .now)
        case .refuses(let status):
            agent.reject(leg, status, now: .now)
            call.end(status)
        }
    }

    private func asked(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow) {
        if let onRequest { return onRequest(message, transaction, flow) }
        agent.respond(200, to: message, transaction, now: .now)
    }
}

/// A call as one of its ends knows it, with its sound.
final class PeerCall {
    enum State { case calling, ringing, talking, ended }

    var leg: SIPLegID?
    var state = State.calling
    /// Of a call that came.
    var invitation: SIPMessage?
    private(set) var status: UInt16?
    private(set) var agreement: SDPAgreement?
    private(set) var answer: [UInt8]?
    /// What was heard, the first ten seconds of it.
    private(set) var samples: [Int16] = []
    private(set) var packetCount = 0
    /// Keys that were heard (RFC 4733).
    private(set) var digits = ""
    private let socket: UDPSocket
    private var local: SDPLocal
    private let tone: Double
    private var nextPacket = MonotonicInstant.now
    private(set) var sentCount = 0
    private var lastEvent: UInt32?
    private var buffer = [UInt8](repeating: 0, count: 2048)

    init(on address: IPAddress, tone: Double, session: UInt64) throws {
        socket = try UDPSocket(on: SocketAddress(address, port: 0))
        local = SDPLocal(address: address, port: socket.address.port, sessionID: session)
        local.codecs = [.pcma]
        self.tone = tone
    }

    deinit { socket.close() }

    func offer() -> [UInt8] { SDPNegotiation.offer(local) }

    func take(offer: ArraySlice<UInt8>) {
        guard let description = try? SDP(offer), let (text, agreement) = try? SDPNegotiation.answer(description, local) else {
            return
        }
        answer = text
        self.agreement = agreement
    }

    func take(answer: ArraySlice<UInt8>) {
        if let description = try? SDP(answer) { agreement = try? SDPNegotiation.accept(description, local) }
    }

    func end(_ status: UInt16?) {
        state = .ended
        self.status = status
    }

    /// Hears what has come, and sings on.
    func turn() {
        for _ in 0..<256 {
            guard case .datagram(let count, _) = buffer.withUnsafeMutableBytes({ socket.receive(into: $0) }) else { break }
            hear(count)
        }
        guard state == .talking, let agreement, let remote = agreement.remote, nextPacket <= .now else { return }
        nextPacket = nextPacket.advanced(by: .milliseconds(20))
        if nextPacket < .now { nextPacket = MonotonicInstant.now.advanced(by: .milliseconds(20)) }
        send(Tone.packet(of: tone, from: sentCount * 160), type: agreement.payloadTypeOut, to: remote)
    }

    private func hear(_ count: Int) {
        guard count > 12, let agreement else { return }
        let type = buffer[1] & 0x7F
        if type == agreement.payloadTypeIn {
            packetCount += 1
            if samples.count < 80_000 { samples += buffer[12..<count].map(ALaw.decode) }
        } else if type == agreement.eventTypeIn, count >= 16 {
            let stamp = (4..<8).reduce(UInt32(0)) { $0 << 8 | UInt32(buffer[$1]) }
            guard stamp != lastEvent, buffer[12] < 16 else { return }
            lastEvent = stamp
            digits.append(Array("0123456789*#ABCD")[Int(buffer[12])])
        }
    }

    private func send(_ payload: [UInt8], type: UInt8, to remote: SocketAddress, isMarked: Bool = false, stamp: UInt32? = nil) {
        let stamp = stamp ?? UInt32(truncatingIfNeeded: sentCount * 160)
        var packet: [UInt8] = [0x80, type | (isMarked ? 0x80 : 0), UInt8(sentCount >> 8 & 255), UInt8(sentCount & 255)]
        packet += (0..<4).map { UInt8(truncatingIfNeeded: stamp >> UInt32(24 - 8 * $0)) }
        packet += [0x4B, 0x4F, 0x4D, UInt8(truncatingIfNeeded: local.sessionID)] + payload
        packet.withUnsafeBytes { _ = socket.send($0, to: remote) }
        sentCount += 1
    }

    /// Presses a key: an event of 100 ms with its end said three times.
    func press(_ key: Character) {
        guard let agreement, let remote = agreement.remote, let type = agreement.eventTypeOut,
            let code = Array("0123456789*#ABCD").firstIndex(of: key)
        else { return }
        let stamp = UInt32(truncatingIfNeeded: sentCount * 160)
        for (place, isEnd) in [false, false, true, true, true].enumerated() {
            let length = min(place + 1, 3) * 320
            send(
                [UInt8(code), isEnd ? 0x8A : 0x0A, UInt8(length >> 8), UInt8(length & 255)], type: type, to: remote,
                isMarked: place == 0, stamp: stamp)
        }
    }
}
