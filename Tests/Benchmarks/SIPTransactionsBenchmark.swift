import CSystem
import NetworkTypes
import SIP

/// What user agents cost without sockets: an OPTIONS from its bytes to those of its answer, a call between two of them from INVITE to
/// BYE, and how much memory a call takes while it rings and while two talk.
enum SIPTransactionsBenchmark {
    private static let rounds = 50_000
    private static let calls = 10_000
    private static let live = 5_000

    static func run() {
        measureOptions()
        measureCalls()
        measureMemory()
    }

    // MARK: OPTIONS

    /// Two milliseconds apart, so that 16,000 answered ones are kept for repetitions while the next ones come.
    private static func measureOptions() {
        let bench = SIPAgentPair()
        let requests = (0..<rounds).map { options($0) }
        var (answered, costs) = (0, [Double]())
        for _ in 0..<5 {
            costs.append(
                CPUTime.microseconds {
                    for request in requests {
                        bench.now = bench.now.advanced(by: .milliseconds(2))
                        answered += bench.answerOptions(request)
                    }
                })
            bench.pass(.seconds(40))
        }
        report("answer an OPTIONS of \(requests[0].count) bytes", costs, over: rounds, "\(answered) of \(5 * rounds) answered")
    }

    private static func options(_ number: Int) -> [UInt8] {
        Array(
            ("OPTIONS sip:pbx.example.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.0:5060;branch=z9hG4bK-524287-\(number);rport\r\n"
                + "Max-Forwards: 70\r\nFrom: <sip:101@pbx.example.test>;tag=1928301774\r\nTo: <sip:101@pbx.example.test>\r\n"
                + "Call-ID: a84b4c76e66710-\(number)@192.0.2.0\r\nCSeq: 1 OPTIONS\r\nContact: <sip:101@192.0.2.0:5060>\r\n"
                + "User-Agent: Example Phone 7.1.2\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n").utf8)
    }

    // MARK: Calls

    /// INVITE, 180, 200, ACK, BYE, 200, parsed and written at both ends; 20 ms apart, so that 1,600 that ended are remembered.
    private static func measureCalls() {
        let bench = SIPAgentPair()
        var (ended, costs) = (0, [Double]())
        for _ in 0..<5 {
            costs.append(
                CPUTime.microseconds {
                    for _ in 0..<calls {
                        bench.now = bench.now.advanced(by: .milliseconds(20))
                        bench.call { bench.hangUp($0) }
                    }
                })
            bench.pass(.seconds(40))
            ended = bench.ended
        }
        report(
            "a call between two user agents, both together", costs, over: calls,
            "\(ended) of \(5 * calls) ended, \(bench.rest) left")
    }

    // MARK: Memory

    private static func measureMemory() {
        for isAnswered in [false, true] {
            let bench = SIPAgentPair(isAnswering: isAnswered)
            let before = csys_heap_bytes()
            for _ in 0..<live {
                bench.now = bench.now.advanced(by: .milliseconds(2))
                bench.call { _ in }
            }
            if isAnswered { bench.pass(.seconds(40)) }
            let bytes = Int(csys_heap_bytes()) - Int(before)
            print(
                "sip, a call that \(isAnswered ? "is talked in" : "rings"): \(bytes / live) bytes at both ends together, "
                    + "\(bench.alice.legCount + bench.bob.legCount) legs")
        }
    }

    private static func report(_ name: String, _ costs: [Double], over count: Int, _ rest: String) {
        print(
            "sip, \(name): \(CPUTime.rounded(costs.sorted()[2], over: count)) µs, best \(CPUTime.rounded(costs.min() ?? 0, over: count)), \(rest)"
        )
    }
}

/// Two user agents, and a wire that brings everything at once.
private final class SIPAgentPair {
    let alice: SIPUserAgent
    let bob: SIPUserAgent
    var now = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    private(set) var ended = 0
    private let isAnswering: Bool
    private let target: SIPURI
    private var parser = SIPParser()
    private static let flows = [UInt16(5060), 5070].map {
        SIPFlow(transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0200), port: $0))
    }

    init(isAnswering: Bool = true) {
        self.isAnswering = isAnswering
        guard let uri = try? SIPURI("sip:bob@192.0.2.0:5070") else { preconditionFailure("a URI of ours") }
        target = uri
        alice = Self.agent(0, now)
        bob = Self.agent(1, now)
    }

    private static func agent(_ place: Int, _ now: MonotonicInstant) -> SIPUserAgent {
        var seed = UInt64(place) + 7
        let chance = {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return seed ^ seed >> 31
        }
        let address = flows[place].remote
        let contact = Array("<sip:\(address)>".utf8)
        let host = address.ip.description
        let transactions = SIPTransactions(now: now, chance: chance, sentBy: { _ in (host, address.port) })
        return SIPUserAgent(
            settings: SIPUserAgentSettings(contact: { _ in contact }, chance: chance), transactions: transactions, now: now)
    }

    /// Whatever has not been forgotten.
    var rest: Int { alice.legCount + bob.legCount + alice.transactions.count + bob.transactions.count }

    func pass(_ duration: Duration) {
        let end = now.advanced(by: duration)
        while now < end {
            now = now.advanced(by: .milliseconds(100))
            for agent in [alice, bob] { agent.advance(to: now) }
            deliver()
        }
    }

    func answerOptions(_ bytes: [UInt8]) -> Int {
        guard let message = try? parser.parse(datagram: bytes.span).message else { return 0 }
        bob.advance(to: now)
        bob.receive(message, over: Self.flows[0], now: now)
        for case .request(let request, let transaction, _) in bob.takeEvents() {
            bob.transactions.trust(transaction)
            bob.respond(200, to: request, transaction, now: now)
        }
        return bob.takeSends().count
    }

    func call(_ then: (SIPLegID) -> Void) {
        let request = SIPCallRequest(target: target, from: target, to: target, flow: Self.flows[1], offer: Self.session)
        for agent in [alice, bob] { agent.advance(to: now) }
        guard let leg = alice.call(request, now: now) else { return }
        deliver()
        then(leg)
    }

    func hangUp(_ leg: SIPLegID) {
        alice.hangUp(leg, now: now)
        deliver()
    }

    /// Delivers until nothing is said any more.
    private func deliver() {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            for (from, to, place) in [(alice, bob, 0), (bob, alice, 1)] {
                for send in from.takeSends() {
                    isQuiet = false
                    guard let message = try? parser.parse(datagram: send.bytes.span).message else { continue }
                    to.receive(message, over: Self.flows[place], now: now)
                }
                for event in to.takeEvents() { hear(event) }
            }
            for event in alice.takeEvents() { hear(event) }
        }
    }

    private func hear(_ event: SIPUserAgentEvent) {
        switch event {
        case .request(let message, let transaction, let flow):
            bob.transactions.trust(transaction)
            guard let leg = bob.admit(message, transaction, flow, now: now) else { return }
            bob.progress(leg, 180, now: now)
            if isAnswering { bob.accept(leg, session: Self.session, now: now) }
        case .ended: ended += 1
        default: break
        }
    }

    private static let session = Array(
        ("v=0\r\no=- 3989001234 1 IN IP4 192.0.2.0\r\ns=-\r\nc=IN IP4 192.0.2.0\r\nt=0 0\r\nm=audio 40376 RTP/AVP 8 0 101\r\n"
            + "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n").utf8)
}
