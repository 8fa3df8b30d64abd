import NetworkTypes

@testable import SIP

/// Somebody who lives in a simulation: a user agent with a person at it, or later a whole PBX.
protocol SimulationNode: AnyObject {
    var address: SocketAddress { get }
    var nextDeadline: MonotonicInstant? { get }
    /// Whether nothing is left of what it did.
    var isEmpty: Bool { get }
    func receive(_ message: SIPMessage, over flow: SIPFlow, now: MonotonicInstant)
    func advance(to now: MonotonicInstant)
    func transportFailed(_ flow: SIPFlow, now: MonotonicInstant)
    func takeSends() -> [SIPUserAgent.SIPSend]
}

/// What must not happen.
struct SimulationFault: Error {
    let text: String
}

/// Nodes, a network between them, and a clock that jumps from one thing that happens to the next. All chance comes from one seed, so
/// that a run can be seen again, step by step.
final class Simulation {
    private static let stepLimit = 100_000

    let nodes: [any SimulationNode]
    private let network: SimulatedNetwork
    private let transport: SIPFlow.Transport
    private(set) var now: MonotonicInstant
    private let start: MonotonicInstant
    /// Every message and its moment; only where somebody wants to read it.
    private(set) var trace: [String] = []
    private let isTraced: Bool
    private var parser = SIPParser()
    /// When the connection between the nodes breaks.
    var cuts = Agenda<Void>()

    init(
        _ nodes: [any SimulationNode], _ network: SimulatedNetwork, transport: SIPFlow.Transport, at start: MonotonicInstant,
        isTraced: Bool
    ) {
        self.nodes = nodes
        self.network = network
        self.transport = transport
        self.start = start
        self.isTraced = isTraced
        now = start
    }

    /// Runs until nothing is to come any more, or nothing before `pause`.
    func run(until pause: Duration? = nil) throws(SimulationFault) {
        let limit = pause.map(start.advanced(by:)) ?? .distantFuture
        for _ in 0..<Self.stepLimit {
            let moments = nodes.compactMap(\.nextDeadline) + [network.nextArrival, cuts.next].compactMap(\.self)
            guard let next = moments.min(), next < limit else { return }
            now = max(now, next)
            try step()
        }
        throw SimulationFault(text: "it does not end")
    }

    private func step() throws(SimulationFault) {
        if cuts.takeDue(at: now) != nil { cut() }
        while let arrival = network.takeArrival(at: now) { try deliver(arrival) }
        for node in nodes {
            if let deadline = node.nextDeadline, deadline <= now { node.advance(to: now) }
            collect(node)
        }
    }

    private func deliver(_ arrival: SimulatedNetwork.Arrival) throws(SimulationFault) {
        guard let node = nodes.first(where: { $0.address == arrival.flow.remote }) else { return }
        guard let message = try? parser.parse(datagram: arrival.bytes.span).message else {
            throw SimulationFault(text: "unreadable: \(String(decoding: arrival.bytes, as: UTF8.self))")
        }
        note(node, "gets", message)
        node.receive(message, over: flow(to: arrival.from), now: now)
        collect(node)
    }

    private func collect(_ node: any SimulationNode) {
        for send in node.takeSends() {
            if isTraced, let message = try? parser.parse(datagram: send.bytes.span).message { note(node, "sends", message) }
            network.carry(send.bytes, over: send.flow, from: node.address, at: now)
        }
    }

    private func cut() {
        network.dropAll()
        note("the connection breaks")
        for node in nodes {
            for other in nodes where other !== node { node.transportFailed(flow(to: other.address), now: now) }
            collect(node)
        }
    }

    private func flow(to address: SocketAddress) -> SIPFlow {
        SIPFlow(transport: transport, remote: address, local: transport == .udp ? 0 : 1)
    }

    // MARK: Trace

    private func note(_ node: any SimulationNode, _ verb: String, _ message: SIPMessage) {
        guard isTraced else { return }
        let what = message.isRequest ? "" : "\(message.status) for "
        note(
            "\(node.address.port) \(verb) \(what)\(String(decoding: message.methodName, as: UTF8.self)) \(message.cseq) of "
                + "\(String(decoding: message.callID.suffix(6), as: UTF8.self)) \(String(decoding: message.body.prefix(24), as: UTF8.self))"
        )
    }

    func note(_ text: @autoclosure () -> String) {
        guard isTraced else { return }
        trace.append("\(now.duration(since: start)) \(text())")
    }
}
