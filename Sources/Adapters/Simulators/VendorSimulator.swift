import Connector

/// Sends what a vendor would send: sequences of requests, correctly signed, for `simulate`, `--demo` and the tests.
///
/// Pure values: it opens no socket and reads no clock. Identifiers come of the seed, times of the given start; numbers are from ranges
/// nobody has (+7 900 000-xx-xx, +7 495 000-00-xx).
package protocol VendorSimulator: Sendable {
    /// The adapter's name.
    static var adapter: String { get }
    /// The scenarios it can play.
    static var scenarios: [Scenario] { get }

    /// - Parameter settings: the connection's, secrets resolved: what it signs with.
    /// - Throws: `SettingsError`.
    init(settings: AdapterSettings) throws

    /// One call of that scenario; nil where the vendor has no such thing.
    /// - Parameters:
    ///   - start: when the call begins by the vendor's clock.
    ///   - seed: tells calls apart: two calls with the same seed have the same identifiers.
    func call(_ scenario: Scenario, startingAt start: Instant, seed: UInt64) -> SimulatedCall?
}

/// What may happen in a simulated call. Raw values are the names on the command line.
package enum Scenario: String, Sendable, CaseIterable {
    case group, transfer, recording
    case inboundAnswered = "inbound-answered"
    case inboundMissed = "inbound-missed"
    case blindTransfer = "blind-transfer"
    case attendedTransfer = "attended-transfer"
    case outboundAnswered = "outbound-answered"
    case outboundBusy = "outbound-busy"
    /// The vendor's test of our address.
    case connectionCheck = "connection-check"
}

/// The requests of one call, in the order and at the pace of the vendor.
package struct SimulatedCall: Sendable, Equatable {
    package var steps: [SimulatedStep]

    package init(steps: [SimulatedStep]) { self.steps = steps }

    /// How long the call takes.
    package var duration: Duration { steps.reduce(.zero) { $0 + $1.delay } }

    /// The same requests `factor` times as fast. Their contents stay as they are: let the call begin earlier by what is saved.
    package func compressed(by factor: Double) -> SimulatedCall {
        guard factor > 0, factor.isFinite else { return self }
        return SimulatedCall(
            steps: steps.map { step in
                var step = step
                step.delay = step.delay / factor
                return step
            })
    }
}

/// One request and the answer that is due.
package struct SimulatedStep: Sendable, Equatable {
    /// How long the vendor waits after the step before.
    package var delay: Duration
    package var method: String
    /// What to put behind the connection's address: path and query. A whole address is one that the gateway has named itself.
    package var target: String
    package var headers: [HeaderField]
    package var body: [UInt8]
    /// The answer's body, where it matters.
    package var expectedBody: [UInt8]?
    /// The vendor waits for what the answer says: it steers the call.
    package var isQuestion = false
    /// Whom it is about, for a vendor that tells only those who subscribed to him.
    package var subject: String?

    package init(
        delay: Duration, method: String = "POST", target: String, headers: [HeaderField], body: [UInt8],
        expectedBody: [UInt8]? = nil
    ) {
        self.delay = delay
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.expectedBody = expectedBody
    }

    /// Whether the vendor is content with this answer: 200, and the expected body where one is due.
    package func accepts(status: Int, body: [UInt8]) -> Bool {
        status == 200 && (expectedBody ?? body) == body
    }
}

/// Every simulator there is.
package enum VendorSimulators {
    package static let simulators: [any VendorSimulator.Type] = [
        BeelineSimulator.self, MangoSimulator.self, MegafonSimulator.self, TelphinSimulator.self, ZadarmaSimulator.self,
    ]

    /// The simulator of that adapter; nil where there is none.
    package static func simulator(for adapter: String) -> (any VendorSimulator.Type)? {
        simulators.first { $0.adapter == adapter }
    }
}
