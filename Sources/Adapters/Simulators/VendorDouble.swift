import Connector

/// A vendor's API made up: takes the requests that its client sends, and answers as the vendor would.
///
/// A value that opens no socket and reads no clock: the time comes with each request, identifiers come of the seed. It checks
/// credentials and signatures, keeps the vendor's limits, remembers the calls it has made, and says which webhooks follow.
/// `DoubleStage` sends these; `kommutator simulate --serve` and the tests put a stage behind a real socket.
package protocol VendorDouble: Sendable {
    /// The adapter's name.
    static var adapter: String { get }

    /// - Parameters:
    ///   - settings: the connection's, secrets resolved: what it checks and signs with.
    ///   - seed: two doubles with different seeds name nothing alike.
    /// - Throws: `SettingsError`.
    init(settings: AdapterSettings, faults: DoubleFaults, seed: UInt64) throws

    /// Answers one request. Total: whatever comes, there is an answer.
    mutating func answer(_ request: DoubleRequest) -> DoubleAnswer

    /// Begins a call that nobody ordered: the log and the recordings know it as they know the others.
    /// - Returns: nil where the vendor has no such thing, or does not play it.
    mutating func begin(_ scenario: Scenario, seed: UInt64, at now: Instant, origin: String) -> [DoubleEffect]?

    /// What a step that is due becomes, and where it goes: none where nobody is to be told.
    mutating func deliveries(of step: SimulatedStep, at now: Instant) -> [SimulatedStep]

    /// Obeys what the gateway said to a question; nil where it said nothing that can be used.
    mutating func heard(_ answer: OutgoingResponse?, of call: String, at now: Instant) -> [DoubleEffect]

    /// What really happened in a call that is over; nil where it is none of the double's, or is not known any more.
    /// - Parameter call: as effects name it.
    func truth(of call: String) -> CallTruth?
}

extension VendorDouble {
    package mutating func deliveries(of step: SimulatedStep, at now: Instant) -> [SimulatedStep] { [step] }

    package mutating func heard(_ answer: OutgoingResponse?, of call: String, at now: Instant) -> [DoubleEffect] { [] }
}

/// A request to a double, as it came over the wire.
package struct DoubleRequest: Sendable, Equatable {
    package var method: String
    /// Still percent-encoded, with its leading slash.
    package var path: String
    /// Without its `?`; still percent-encoded.
    package var query: String
    package var headers: [HeaderField]
    package var body: [UInt8]
    package var receivedAt: Instant
    /// Where the double was reached, for links that lead back to it: `http://127.0.0.1:8090`.
    package var origin: String

    package init(
        _ method: String, _ path: String, query: String = "", headers: [HeaderField] = [], body: [UInt8] = [],
        receivedAt: Instant, origin: String = "http://127.0.0.1"
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.receivedAt = receivedAt
        self.origin = origin
    }

    /// The first header of that name (lower case), however it was written.
    package func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
}

/// What a double says, and what it does besides.
package struct DoubleAnswer: Sendable, Equatable {
    package var status: Int
    package var headers: [HeaderField]
    package var body: [UInt8]
    package var effects: [DoubleEffect]
    package var manner = Manner.whole

    /// How an answer comes over the wire.
    package enum Manner: Sendable, Equatable {
        case whole
        /// The head and half of the body, and then nothing: the connection stays open.
        case half
        /// Nothing at all.
        case never
    }

    package init(_ status: Int, headers: [HeaderField] = [], body: [UInt8] = [], effects: [DoubleEffect] = []) {
        self.status = status
        self.headers = headers
        self.body = body
        self.effects = effects
    }

    package static func json(_ value: JSONValue, status: Int = 200, effects: [DoubleEffect] = []) -> DoubleAnswer {
        DoubleAnswer(
            status, headers: [HeaderField(name: "content-type", value: "application/json")], body: value.encoded, effects: effects
        )
    }

    package static func text(_ text: String, status: Int) -> DoubleAnswer {
        DoubleAnswer(
            status, headers: [HeaderField(name: "content-type", value: "text/plain; charset=utf-8")], body: Array(text.utf8))
    }
}

/// What follows an answer: the webhooks of a call. Effects of one answer happen in their order.
package enum DoubleEffect: Sendable, Equatable {
    /// Send these, one after the other with their delays; the first delay counts from the answer. What is already playing under the
    /// same name goes on beside it.
    case play(call: String, steps: [SimulatedStep])
    /// What still waits under that name is not sent: the call takes another course.
    case stop(call: String)
}

/// A vendor's limit: so many requests in any window of that length.
package struct DoubleLimit: Sendable {
    private let count: Int
    private let window: Duration
    private var admitted: [Instant] = []

    package init(_ count: Int, in window: Duration) {
        self.count = max(1, count)
        self.window = window
    }

    /// Takes a request into account if it may pass.
    package mutating func admits(at now: Instant) -> Bool {
        let begin = now.advanced(by: .zero - window)
        admitted.removeAll { $0 <= begin }
        guard admitted.count < count else { return false }
        admitted.append(now)
        return true
    }
}
