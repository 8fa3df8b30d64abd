import Connector

/// What goes wrong on demand. Which request or webhook is struck, the seed decides.
package struct DoubleFaults: Sendable, Equatable {
    /// The share of webhooks that never arrive, 0 to 1.
    package var lostShare: Double
    /// The share of webhooks that arrive twice, 0 to 1.
    package var repeatedShare: Double
    /// So much later comes every answer, and every webhook.
    package var delay: Duration
    /// Requests are answered so: an HTTP status below 600, or the vendor's own code.
    package var code: Int?
    /// The share of requests that `code` strikes.
    package var codeShare = 1.0
    /// What a refusal says of when to come again.
    package var retryAfter: Duration?
    /// The share of requests that are never answered; they are carried out all the same.
    package var silentShare = 0.0
    /// Only requests with that in their path may remain without an answer; nil for all.
    package var silentPath: String?
    /// The share of requests that are carried out and whose answer stops in its middle, with the connection open.
    package var brokenShare = 0.0
    /// So much later is the vendor's clock: in webhooks, in the log, in what it thinks of tokens and limits.
    package var clockOffset = Duration.zero
    /// So much later are times in the vendor's log, as if it were written in another time zone. Vendors who write it in milliseconds or
    /// seconds since 1970 (Mango, Beeline) have no such zone; MegaFon's rows say which zone theirs is.
    package var logOffset = Duration.zero
    /// The longest time for which Beeline grants a subscription.
    package var longestGrant: Duration?
    /// After so long Beeline ends a subscription by itself, and says so.
    package var endsSubscriptionAfter: Duration?

    package init(lostShare: Double = 0, repeatedShare: Double = 0, delay: Duration = .zero, code: Int? = nil) {
        self.lostShare = lostShare
        self.repeatedShare = repeatedShare
        self.delay = delay
        self.code = code
    }

    package static let none = DoubleFaults()
}

/// Throws the dice of a double's requests.
struct RefusalDice: Sendable {
    private let faults: DoubleFaults
    private let chances: SimulatedPeople
    private var requests = 0

    init(_ faults: DoubleFaults, seed: UInt64) {
        self.faults = faults
        chances = SimulatedPeople(seed: seed)
    }

    /// The code with which the next request is refused; nil where it is not.
    mutating func refusal() -> Int? {
        guard let code = faults.code else { return nil }
        requests += 1
        return chances.happens(faults.codeShare, "refusal \(requests)") ? code : nil
    }

    /// A refusal, with the time to come again.
    func marked(_ answer: DoubleAnswer) -> DoubleAnswer {
        guard let pause = faults.retryAfter else { return answer }
        var answer = answer
        answer.headers.append(HeaderField(name: "retry-after", value: "\(pause.components.seconds)"))
        return answer
    }
}

extension SimulatedPeople {
    /// Whether something happens that happens so often, 0 to 1.
    func happens(_ share: Double, _ what: String) -> Bool {
        share > 0 && Double(chance(what) % 10_000) < share * 10_000
    }
}
