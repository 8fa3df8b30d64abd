/// The other direction of a connection: what the gateway asks of the provider. Made by `TelephonyAdapter.makeClient`.
///
/// One value serves a connection for all threads. It sends through the `Outgoing` it was made with, only to the host of its settings,
/// and keeps nothing but what saves the provider work (an access token).
package protocol ProviderClient: Sendable {
    /// Carries out one command, once: it never repeats a request that may have been carried out.
    /// - Throws: `ProviderFailure`.
    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer

    /// A page of the provider's own log of calls that began in `window`, oldest first, as raw records that this connection's decoder
    /// reads (their `source` is `.history`).
    /// - Parameter page: 0 first; asked on while the answer says that there is more.
    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage

    /// Where the bytes of a recording can be fetched now, and with what.
    /// - Parameter reference: `provider_ref` of the recording.
    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest

    /// Where a recording is to be had: as `recording` says, unless it lies on this machine already.
    func recordingPlace(_ reference: String) async throws(ProviderFailure) -> RecordingPlace

    /// Carries out a routing decision for a call that waits, or writes it down for the calls to come: where the adapter's description
    /// says that routing takes a command or a table. Once.
    /// - Throws: `ProviderFailure`.
    func route(_ order: RouteOrder) async throws(ProviderFailure) -> RouteOutcome

    /// Whether its questions go out over `Outgoing`, each request in its turn. Else each question is one request, and waits before it is
    /// put.
    var asksOverOutgoing: Bool { get }

    /// What the connection does for as long as it is live; `nil` where it only asks and is told.
    var keeper: (any ConnectionKeeper)? { get }

    /// Who of the employees can be reached now, by short numbers; `nil` where the provider does not tell.
    var presence: [String: EmployeePresence]? { get }
}

extension ProviderClient {
    package var asksOverOutgoing: Bool { true }
    package var keeper: (any ConnectionKeeper)? { nil }

    package var presence: [String: EmployeePresence]? { nil }

    package func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        throw ProviderFailure(.unsupported, code: "history", text: "this provider has no log that can be asked for")
    }

    package func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        throw ProviderFailure(.unsupported, code: "recording", text: "this provider's recordings cannot be fetched")
    }

    package func recordingPlace(_ reference: String) async throws(ProviderFailure) -> RecordingPlace {
        .remote(try await recording(reference))
    }

    package func route(_ order: RouteOrder) async throws(ProviderFailure) -> RouteOutcome {
        throw ProviderFailure(.unsupported, code: "routing", text: "this provider's calls cannot be sent elsewhere")
    }
}

/// Where the bytes of a recording are.
package enum RecordingPlace: Sendable {
    /// At the provider.
    case remote(OutgoingRequest)
    /// On this machine.
    case local(LocalRecording)
}

/// A command as the provider's client needs it.
package struct ProviderOrder: Sendable {
    /// Our name of it; given to the provider where it takes one, and then found again in its events.
    package var id: CommandID
    package var action: Command.Action
    /// The call to act on; `nil` for `originate`.
    package var target: CommandTarget?
    /// How long the answer may take.
    package var deadline: Duration

    package init(id: CommandID, action: Command.Action, target: CommandTarget? = nil, deadline: Duration) {
        self.id = id
        self.action = action
        self.target = target
        self.deadline = deadline
    }
}

/// A routing decision as the provider's client needs it.
package struct RouteOrder: Sendable {
    /// Our name of it; given to the provider where it takes one.
    package var id: CommandID
    package var question: RoutingQuestion
    package var decision: RoutingDecision
    /// How long the answer may take.
    package var deadline: Duration

    package init(id: CommandID, question: RoutingQuestion, decision: RoutingDecision, deadline: Duration) {
        self.id = id
        self.question = question
        self.decision = decision
        self.deadline = deadline
    }
}

/// What became of a routing decision at the provider.
package enum RouteOutcome: Sendable {
    /// The call is on its way.
    case sent
    /// The provider's table was changed.
    case written
    /// The provider's table says so already.
    case unchanged
}

/// What a live call looks like to somebody who wants to act on it.
package struct CommandTarget: Hashable, Sendable {
    package struct Leg: Hashable, Sendable {
        /// The provider's name of it.
        package var key: String
        /// The employee on it, by short number or login; `nil` where there is none.
        package var user: String?
        /// The number or address at which it was reached.
        package var endpoint: String?
        package var isAnswered: Bool
        package var isHeld: Bool

        package init(key: String, user: String? = nil, endpoint: String? = nil, isAnswered: Bool = false, isHeld: Bool = false) {
            self.key = key
            self.user = user
            self.endpoint = endpoint
            self.isAnswered = isAnswered
            self.isHeld = isHeld
        }
    }

    /// The call's names at the provider.
    package var keys: [ExternalKey]
    /// Legs that have not ended, oldest first.
    package var legs: [Leg]
    /// The other party's number as the provider gave it.
    package var externalNumber: String?
    package var startedAt: Instant?

    package init(keys: [ExternalKey], legs: [Leg] = [], externalNumber: String? = nil, startedAt: Instant? = nil) {
        self.keys = keys
        self.legs = legs
        self.externalNumber = externalNumber
        self.startedAt = startedAt
    }

    /// The newest leg on which an employee talks.
    package var talkingLeg: Leg? { legs.last { $0.isAnswered && $0.user != nil } }
}

/// The provider took a command.
package struct ProviderAnswer: Hashable, Sendable {
    /// The provider's name of the call it makes, where it tells one.
    package var call: ExternalKey?
    /// The provider's own code or status.
    package var code: String
    /// A late answer follows by webhook (`Decoded.command`): until then the command is `sent`.
    package var isPreliminary: Bool

    package init(call: ExternalKey? = nil, code: String, isPreliminary: Bool = false) {
        self.call = call
        self.code = code
        self.isPreliminary = isPreliminary
    }
}

/// The provider did not take a command. `text` is for people: no secret, no whole number.
package struct ProviderFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        /// The provider says no: repeating it as it is does not help.
        case rejected
        /// Not sent: what was asked cannot be right. Found here, before the provider counts it against us.
        case invalid
        /// Wrong or missing credentials.
        case unauthorized
        /// Too much was asked; `retryAfter` says when again.
        case limited
        /// The provider is not there or not well, and certainly has not carried it out.
        case unavailable
        /// Nobody answered after it had left: it may have been carried out.
        case unknown
        case unsupported
    }

    package var kind: Kind
    /// The provider's own code, or ours.
    package var code: String
    package var text: String
    package var retryAfter: Duration?

    package init(_ kind: Kind, code: String, text: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.code = code
        self.text = text
        self.retryAfter = retryAfter
    }

    package var description: String { "\(text) (\(code))" }
}

/// Calls that began in `[from, to)`.
package struct HistoryWindow: Hashable, Sendable {
    package var from: Instant
    package var to: Instant

    package init(from: Instant, to: Instant) {
        self.from = from
        self.to = to
    }
}

/// Part of a provider's log.
package struct HistoryPage: Sendable {
    /// Bodies as the provider sent them, each to be journalled as one raw record of source `.history` under `path`.
    package var bodies: [[UInt8]]
    /// The path that the decoder knows the log by.
    package var path: String
    package var hasMore: Bool
    /// The number of the page to ask for next, where that is another than the following one.
    package var next: Int?

    package init(bodies: [[UInt8]], path: String, hasMore: Bool = false, next: Int? = nil) {
        self.bodies = bodies
        self.path = path
        self.hasMore = hasMore
        self.next = next
    }
}

/// How often a provider may be asked.
package struct RateLimit: Hashable, Sendable {
    /// So many requests at once.
    package var burst: Int
    /// The time in which one more is earned.
    package var interval: Duration

    package init(burst: Int, interval: Duration) {
        self.burst = burst
        self.interval = interval
    }
}

extension ProviderFailure {
    /// What it means that no answer came. Only what never left the machine is certain not to have been carried out.
    package init(_ error: any Error) {
        switch error {
        case let failure as ProviderFailure: self = failure
        case let error as OutgoingError:
            let neverLeft = [.resolve, .connect, .tls, .invalidRequest, .crowded].contains(error.code)
            self.init(neverLeft ? .unavailable : .unknown, code: error.code.rawValue, text: error.description)
        default: self.init(.unknown, code: "other", text: "the request ended without an answer")
        }
    }
}
