import Connector
import Synchronization
import TestSupport
import VendorSimulators

/// A double that a client talks to without a socket, at times that a test sets; keeps what the double would send.
final class DoubleBench: Outgoing {
    private struct Webhook {
        var at: Instant
        var call: String
        var step: SimulatedStep
    }

    private struct State {
        var double: any VendorDouble
        /// What is to be sent, and was not due yet.
        var planned: [Webhook] = []
        var sent: [Webhook] = []
    }

    static let origin = "https://double.example"

    let clock = ManualClock(Instant(unixSeconds: 1_790_000_000))
    private let state: Mutex<State>
    private let reply: @Sendable (SimulatedStep) -> OutgoingResponse?

    /// - Parameter reply: what the gateway says to a question.
    init(_ double: any VendorDouble, reply: @escaping @Sendable (SimulatedStep) -> OutgoingResponse? = { _ in nil }) {
        state = Mutex(State(double: double))
        self.reply = reply
    }

    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        let now = clock.now()
        settle()
        let target = request.url.dropFirst(Self.origin.count).split(separator: "?", maxSplits: 1).map(String.init)
        let answer = state.withLock { state in
            let answer = state.double.answer(
                DoubleRequest(
                    request.method, target.first ?? "/", query: target.count > 1 ? target[1] : "", headers: request.headers,
                    body: request.body, receivedAt: now, origin: Self.origin))
            Self.apply(answer.effects, to: &state.planned, at: now)
            return answer
        }
        return OutgoingResponse(status: answer.status, headers: answer.headers, body: answer.body)
    }

    /// Begins a call that nobody ordered.
    /// - Returns: whether the vendor plays such a thing.
    @discardableResult
    func begin(_ scenario: Scenario, seed: UInt64) -> Bool {
        let now = clock.now()
        return state.withLock { state in
            guard let effects = state.double.begin(scenario, seed: seed, at: now, origin: Self.origin) else { return false }
            Self.apply(effects, to: &state.planned, at: now)
            return true
        }
    }

    /// Does something to the double, and what follows.
    func change<Double: VendorDouble>(_ kind: Double.Type, _ body: (inout Double, Instant) -> [DoubleEffect]) {
        let now = clock.now()
        state.withLock { state in
            guard var double = state.double as? Double else { return }
            let effects = body(&double, now)
            state.double = double
            Self.apply(effects, to: &state.planned, at: now)
        }
    }

    private static func apply(_ effects: [DoubleEffect], to planned: inout [Webhook], at now: Instant) {
        for effect in effects {
            switch effect {
            case .stop(let call): planned.removeAll { $0.call == call && $0.at > now }
            case .play(let call, let steps):
                var at = now
                for step in steps {
                    at = at.advanced(by: step.delay)
                    planned.append(Webhook(at: at, call: call, step: step))
                }
            }
        }
    }

    /// Sends what is due by now.
    func settle() {
        let now = clock.now()
        state.withLock { Self.deliver(until: now, &$0, reply) }
    }

    private static func deliver(
        until end: Instant, _ state: inout State, _ reply: (SimulatedStep) -> OutgoingResponse?
    ) {
        while let place = state.planned.indices.min(by: { (state.planned[$0].at, $0) < (state.planned[$1].at, $1) }),
            state.planned[place].at <= end
        {
            let webhook = state.planned.remove(at: place)
            let deliveries = state.double.deliveries(of: webhook.step, at: webhook.at)
            state.sent += deliveries.map { Webhook(at: webhook.at, call: webhook.call, step: $0) }
            guard webhook.step.isQuestion else { continue }
            let answer = deliveries.first.flatMap(reply)
            apply(state.double.heard(answer, of: webhook.call, at: webhook.at), to: &state.planned, at: webhook.at)
        }
    }

    /// What will have been sent by then, if nothing happens besides.
    private func outcome(_ end: Instant = .latest) -> State {
        var state = state.withLock { $0 }
        Self.deliver(until: end, &state, reply)
        return state
    }

    /// All that is sent in the end, in the order of time.
    var steps: [SimulatedStep] { outcome().sent.map(\.step) }

    /// The calls that were played or ordered, in the order in which something was first sent of them.
    var calls: [String] {
        let calls = outcome().sent.map(\.call)
        return calls.enumerated().filter { !calls[..<$0.offset].contains($0.element) }.map(\.element)
    }

    /// What really happened in a call in the end.
    func truth(of call: String) -> CallTruth? { outcome().double.truth(of: call) }

    /// All that is sent up to a moment, mostly in the end, as raw records in the order of time.
    func records(_ connection: ConnectionID, until end: Instant = .latest) -> [RawRecord] {
        outcome(end).sent.enumerated().map { number, webhook in
            RawRecord(
                id: RawID(bits: UInt128(number)), connection: connection, receivedAt: webhook.at, method: webhook.step.method,
                path: webhook.step.target.hasPrefix("/") ? webhook.step.target : "", headers: webhook.step.headers,
                body: webhook.step.body)
        }
    }
}

extension TelephonyAdapter {
    /// What the records say. nil where the gatekeeper refuses one.
    func read(_ records: [RawRecord]) -> [Decoded]? {
        let authenticator = makeAuthenticator()
        let decoder = makeDecoder()
        var decoded: [Decoded] = []
        for record in records {
            guard case .accept = record.withRequest(authenticator.authenticate) else { return nil }
            decoded += decoder.decode(record)
        }
        return decoded
    }
}
