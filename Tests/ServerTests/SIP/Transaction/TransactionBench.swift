import NetworkTypes
import Testing

@testable import SIP

/// Something that is done to the transactions of one end, or that the wire brings it.
enum TransactionStep {
    /// A request of ours is sent.
    case begin(String)
    /// An answer to it comes; of CANCEL, an answer to that.
    case answer(UInt16, to: String? = nil)
    case cancel
    case hurry
    /// A request of the peer comes; the second time, its repetition. ACK and CANCEL go with the INVITE.
    case ask(String)
    /// The ACK of a 2xx, with a branch of its own.
    case acknowledge
    case respond(UInt16)
    case repeatFinal
    case forget
    /// Milliseconds.
    case wait(Int)
    case breakDown
}

/// The transactions of one end, a clock that somebody turns, and a log of what came out and when.
final class TransactionBench {
    static let peer = SocketAddress(IPAddress(v4: 0xC000_0207), port: 5071)

    let transactions: SIPTransactions
    let flow: SIPFlow
    private(set) var now = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    /// `1500 send INVITE`: milliseconds from the start, and what came out.
    private(set) var log: [String] = []
    private(set) var sent: [(message: SIPMessage, flow: SIPFlow)] = []
    private let start: MonotonicInstant
    private var parser = SIPParser()
    private var client: SIPTransactionID?
    private(set) var server: SIPTransactionID?
    private(set) var asked: SIPMessage?

    init(over transport: SIPFlow.Transport = .udp, shard: UInt8 = 0, _ change: (inout SIPTransactionSettings) -> Void = { _ in })
    {
        var settings = SIPTransactionSettings()
        change(&settings)
        let chance = SimulatedChance(seed: 1)
        start = now
        flow = SIPFlow(transport: transport, remote: Self.peer, local: transport == .udp ? 0 : 1)
        transactions = SIPTransactions(
            settings: settings, shard: shard, now: now, chance: { chance.next() }, sentBy: { _ in ("192.0.2.1", 5060) })
    }

    func run(_ steps: [TransactionStep]) throws {
        for step in steps { try run(step) }
    }

    private func run(_ step: TransactionStep) throws {
        switch step {
        case .begin(let method): client = try begin(method)
        case .answer(let status, let method): try answer(status, to: method)
        case .cancel: if let client { transactions.cancel(client, now: now) }
        case .hurry: if let client { transactions.hurry(client, now: now) }
        case .ask(let method): receive(Self.request(method))
        case .acknowledge: receive(Self.request("ACK", branch: "z9hG4bK-of-its-own", toTag: "ours"))
        case .respond(let status): if let server { try respond(status, server) }
        case .repeatFinal: if let server { transactions.repeatFinal(server, now: now) }
        case .forget: if let server { transactions.forget(server) }
        case .wait(let milliseconds): wait(.milliseconds(milliseconds))
        case .breakDown: transactions.transportFailed(flow, now: now)
        }
        collect()
    }

    // MARK: Doing

    static func draft(_ method: String, number: Int = 1) throws -> SIPRequestDraft {
        let fields =
            "From: <sip:alice@192.0.2.1>;tag=ours\r\nTo: <sip:bob@192.0.2.7>\r\nCall-ID: a1\r\nCSeq: \(number) \(method)\r\n"
            + "Max-Forwards: 70\r\nRoute: <sip:192.0.2.8;lr>\r\n"
        return SIPRequestDraft(method: method, uri: try SIPURI("sip:bob@192.0.2.7"), fields: Array(fields.utf8))
    }

    func begin(_ method: String) throws -> SIPTransactionID {
        let id = try transactions.begin(try Self.draft(method), over: flow, owner: 7, now: now)
        collect()
        return id
    }

    /// - Parameter method: of which of our requests; nil for the last one but CANCEL and ACK.
    private func answer(_ status: UInt16, to method: String?) throws {
        let request = sent.last { sent in
            let name = String(decoding: sent.message.methodName, as: UTF8.self)
            return sent.message.isRequest && (method.map { $0 == name } ?? !["ACK", "CANCEL"].contains(name))
        }
        guard let request else { preconditionFailure("nothing to answer") }
        receive(try Self.answer(status, to: request.message))
    }

    static func answer(_ status: UInt16, to request: SIPMessage) throws -> [UInt8] {
        try SIPMessageWriter.response(status, "Made Up", to: request, toTag: "theirs").finish()
    }

    func respond(_ status: UInt16, _ id: SIPTransactionID) throws {
        guard let asked else { preconditionFailure("nobody asked") }
        transactions.respond(id, status: status, try Self.answer(status, to: asked), now: now)
        collect()
    }

    func receive(_ bytes: [UInt8], from remote: SocketAddress? = nil) {
        var flow = flow
        if let remote { flow.remote = remote }
        transactions.receive(read(bytes), over: flow, now: now)
        collect()
    }

    /// A request of the peer.
    static func request(
        _ method: String, branch: String = "z9hG4bK-theirs", number: Int = 1, toTag: String? = nil,
        sentBy: String = "192.0.2.7:5071",
        via: String = ";rport", callID: String = "b1"
    ) -> [UInt8] {
        let to = toTag.map { ";tag=\($0)" } ?? ""
        return Array(
            ("\(method) sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP \(sentBy);branch=\(branch)\(via)\r\n"
                + "From: <sip:bob@192.0.2.7>;tag=theirs\r\nTo: <sip:alice@192.0.2.1>\(to)\r\nCall-ID: \(callID)\r\n"
                + "CSeq: \(number) \(method)\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").utf8)
    }

    func read(_ bytes: [UInt8]) -> SIPMessage {
        guard let message = try? parser.parse(datagram: bytes.span).message else {
            preconditionFailure("unreadable: \(String(decoding: bytes, as: UTF8.self))")
        }
        return message
    }

    /// Lets so much time pass, in the steps in which something is due.
    func wait(_ duration: Duration) {
        let end = now.advanced(by: duration)
        for _ in 0..<100_000 {
            now = max(now, min(transactions.nextDeadline ?? end, end))
            transactions.advance(to: now)
            collect()
            if now >= end { return }
        }
        preconditionFailure("time does not pass")
    }

    // MARK: Log

    func collect() {
        let milliseconds = now.duration(since: start).components
        let moment = milliseconds.seconds * 1000 + milliseconds.attoseconds / 1_000_000_000_000_000
        for output in transactions.takeOutput() { log.append("\(moment) \(word(output))") }
    }

    private func word(_ output: SIPTransactionOutput) -> String {
        switch output {
        case .send(let bytes, let flow):
            let message = read(bytes)
            sent.append((message, flow))
            return "send \(Self.word(message))"
        case .request(let message, let id, _):
            server = id
            asked = message
            transactions.own(id, by: 9)
            return "request \(Self.word(message))"
        case .cancelled(_, let owner): return "cancelled \(owner)"
        case .acknowledged(_, let owner): return "acknowledged \(owner)"
        case .ack: return "ack"
        case .response(let message, _, let owner): return "response \(message.status) \(owner)"
        case .strayResponse(let message, _): return "stray \(message.status)"
        case .failed(_, let owner, let failure): return "failed \(owner) \(failure)"
        case .ended(_, let owner): return "ended \(owner)"
        }
    }

    private static func word(_ message: SIPMessage) -> String {
        let method = String(decoding: message.methodName, as: UTF8.self)
        return message.isRequest ? method : "\(message.status) \(method)"
    }
}

/// Steps, and all that comes out of them. Whatever is told has to have an end: afterwards the tables are empty.
struct TransactionStory: CustomTestStringConvertible {
    let name: String
    var transport: SIPFlow.Transport = .udp
    let steps: [TransactionStep]
    let log: [String]
    /// Whether it goes on for as long as nobody answers.
    var isOpen = false

    init(
        _ name: String, over transport: SIPFlow.Transport = .udp, _ steps: [TransactionStep], isOpen: Bool = false,
        _ log: [String]
    ) {
        self.name = name
        self.transport = transport
        self.steps = steps
        self.isOpen = isOpen
        self.log = log
    }

    var testDescription: String { "\(name), \(transport)" }

    func check() throws {
        let bench = TransactionBench(over: transport)
        try bench.run(steps)
        #expect(bench.log == log)
        #expect(bench.transactions.isEmpty != isOpen)
    }
}
