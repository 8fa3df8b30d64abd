import NetworkTypes

@testable import SIP

/// Two user agents, a wire between them, and a clock that somebody turns.
final class SessionBench {
    /// One end, and what it told.
    final class End {
        let agent: SIPUserAgent
        let address: SocketAddress
        var told: [SIPUserAgentEvent] = []
        /// Every message that it sent, for a look at it.
        var sent: [SIPMessage] = []
        /// Takes a message off the wire instead of delivering it.
        var loses: (SIPMessage) -> Bool = { _ in false }

        init(_ agent: SIPUserAgent, _ address: SocketAddress) {
            self.agent = agent
            self.address = address
        }
    }

    private(set) var now = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    let alice: End
    let bob: End
    let transport: SIPFlow.Transport
    private var parser = SIPParser()

    init(over transport: SIPFlow.Transport = .udp, _ change: (inout SIPUserAgentSettings) -> Void = { _ in }) {
        self.transport = transport
        var ends: [End] = []
        for (place, port) in [UInt16(5060), 5070].enumerated() {
            let address = SocketAddress(IPAddress(v4: 0xC000_0200 + UInt32(place)), port: port)
            var seed = UInt64(place) * 1_000_003 + 7
            var settings = SIPUserAgentSettings(
                contact: { _ in Array("<sip:\(address)>".utf8) },
                chance: {
                    seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return seed >> 7 ^ seed
                })
            change(&settings)
            let transactions = SIPTransactions(
                now: now, chance: settings.chance, sentBy: { _ in (address.ip.description, address.port) })
            ends.append(End(SIPUserAgent(settings: settings, transactions: transactions, now: now), address))
        }
        alice = ends[0]
        bob = ends[1]
    }

    var isEmpty: Bool { alice.agent.isEmpty && bob.agent.isEmpty }

    /// Delivers whatever is on the wire until it is empty.
    func settle() {
        for _ in 0..<1000 {
            let isQuiet = [(alice, bob), (bob, alice)].allSatisfy { !deliver(from: $0, to: $1) }
            if isQuiet { return }
        }
        preconditionFailure("the two talk without end")
    }

    private func deliver(from: End, to: End) -> Bool {
        collect(from)
        let sends = from.agent.takeSends()
        for send in sends {
            guard let message = try? parser.parse(datagram: send.bytes.span).message else {
                preconditionFailure("unreadable: \(String(decoding: send.bytes, as: UTF8.self))")
            }
            from.sent.append(message)
            if from.loses(message) { continue }
            to.agent.receive(message, over: flow(to: from), now: now)
            collect(to)
        }
        return !sends.isEmpty
    }

    // MARK: What no user agent of ours says

    func read(_ bytes: [UInt8]) -> SIPMessage {
        guard let message = try? parser.parse(datagram: bytes.span).message else {
            preconditionFailure("unreadable: \(String(decoding: bytes, as: UTF8.self))")
        }
        return message
    }

    /// Brings a message to one end as if it came from the other, and delivers what follows.
    func bring(_ bytes: [UInt8], to end: End) {
        end.agent.receive(read(bytes), over: flow(to: end === alice ? bob : alice), now: now)
        settle()
    }

    /// A request in a dialog, past the rules of the user agent whose it is.
    func say(_ method: SIPMethod, number: UInt32, from end: End, _ leg: SIPLegID, body: String = "") throws {
        guard var dialog = end.agent.leg(leg)?.dialog else { preconditionFailure("no such leg") }
        var draft = dialog.draft(method, number: number, contact: Array("<sip:\(end.address)>".utf8), SIPFieldLines())
        draft.body = Array(body.utf8)
        draft.contentType = body.isEmpty ? nil : "application/sdp"
        let to = end === alice ? bob : alice
        bring(try end.agent.transactions.bytes(ofStateless: draft, over: flow(to: to)), to: to)
    }

    /// An answer of another's to a request that was taken off the wire.
    func answer(
        _ status: UInt16, to request: SIPMessage, tag: String? = nil, _ lines: [(SIPHeaderName, String)] = [], at end: End
    ) throws {
        var writer = try SIPMessageWriter.response(status, "Made Up", to: request, toTag: tag)
        for (name, value) in lines { try writer.field(name, value) }
        bring(try writer.finish(), to: end)
    }

    private func collect(_ end: End) { end.told += end.agent.takeEvents() }

    func flow(to end: End) -> SIPFlow { SIPFlow(transport: transport, remote: end.address, local: transport == .udp ? 0 : 1) }

    /// Lets so much time pass, in the steps in which something is due.
    func wait(_ duration: Duration) {
        let end = now.advanced(by: duration)
        settle()
        for _ in 0..<100_000 {
            let next = [alice, bob].compactMap(\.agent.nextDeadline).min().map { min($0, end) } ?? end
            now = max(now, next)
            for side in [alice, bob] { side.agent.advance(to: now) }
            settle()
            if now >= end { return }
        }
        preconditionFailure("time does not pass")
    }

    /// Alice calls Bob.
    @discardableResult
    func call(_ offer: String = "offer", _ change: (inout SIPCallRequest) -> Void = { _ in }) throws -> SIPLegID {
        let target = try SIPURI("sip:bob@192.0.2.1:5070")
        var request = SIPCallRequest(
            target: target, from: try SIPURI("sip:alice@192.0.2.0"), to: target, flow: flow(to: bob), offer: Array(offer.utf8))
        change(&request)
        guard let leg = alice.agent.call(request, now: now) else { preconditionFailure("no leg") }
        settle()
        return leg
    }

    /// Bob's leg of Alice's call.
    func admit() -> SIPLegID? {
        for event in bob.told.reversed() {
            guard case .request(let message, let transaction, let flow) = event, message.method == .invite else { continue }
            let leg = bob.agent.admit(message, transaction, flow, now: now)
            settle()
            return leg
        }
        return nil
    }

    /// A call that both talk in: Alice's leg and Bob's.
    func talk() throws -> (SIPLegID, SIPLegID) {
        let first = try call()
        guard let second = admit() else { preconditionFailure("no call came") }
        bob.agent.accept(second, session: Array("answer".utf8), now: now)
        settle()
        return (first, second)
    }
}

extension SessionBench.End {
    /// What was told, in a word each, of legs.
    var words: [String] { told.compactMap(\.word) }
}

extension SIPUserAgentEvent {
    /// The event as a test reads it.
    var word: String? {
        switch self {
        case .request(let message, _, _): "request \(String(decoding: message.methodName, as: UTF8.self))"
        case .progress(_, let message): "progress \(message.status)"
        case .accepted: "accepted"
        case .confirmed: "confirmed"
        case .refused(_, let refusal): "refused \(refusal.status)"
        case .cancelled: "cancelled"
        case .ended(_, let ending): "ended \(ending.kind)"
        case .offer(_, let sdp): "offer \(String(decoding: sdp, as: UTF8.self))"
        case .answer(_, let sdp): "answer \(String(decoding: sdp, as: UTF8.self))"
        case .offerRefused(_, let status): "offer refused \(status)"
        case .referred: "referred"
        case .referralProgress(_, let status, let isOver): "referral \(status)\(isOver ? " over" : "")"
        case .info(_, let message): "info \(String(decoding: message.body, as: UTF8.self))"
        case .response(let message, _, let owner): "response \(message.status) \(owner)"
        case .failed(_, let owner, let failure): "failed \(owner) \(failure)"
        case .forgotten: nil
        }
    }
}
