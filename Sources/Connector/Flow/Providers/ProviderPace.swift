import Synchronization

/// The pace at which all together ask one connection's provider.
final class ProviderPace: Sendable {
    /// What the requests of a task are for: it decides who goes first.
    enum Errand: Sendable {
        /// Has waited for its turn already.
        case command(Fare)
        case history
        case question
    }

    /// What a command's turn pays for: one request. Further ones leave at once too, and put off what comes after them.
    final class Fare: Sendable {
        private let isUsed = Atomic(false)

        /// Whether it was used before.
        func use() -> Bool { isUsed.exchange(true, ordering: .relaxed) }
    }

    /// Of the present task and those it starts.
    @TaskLocal static var errand = Errand.question

    static var isCommand: Bool {
        if case .command = errand { true } else { false }
    }

    /// A question that has not had its turn by then is refused: somebody who can plan asks again later. Shorter than a command's
    /// deadline: one may wait for a token that a question fetches.
    static let patience = Duration.seconds(25)

    /// The code of a refusal that is ours, not the provider's.
    static let refusal = "pace"

    private let lane: Mutex<ProviderLane>
    private let clock: any Timekeeper
    private let pause: Pause

    init(_ descriptor: AdapterDescriptor, clock: any Timekeeper, pause: @escaping Pause) {
        lane = Mutex(ProviderLane(descriptor.rateLimit, history: descriptor.historyLimit, at: clock.now()))
        self.clock = clock
        self.pause = pause
    }

    /// Whether an adapter described like this goes at this pace.
    func keeps(_ descriptor: AdapterDescriptor) -> Bool {
        lane.withLock { $0.limit == descriptor.rateLimit && $0.historyLimit == descriptor.historyLimit }
    }

    // MARK: Commands

    /// Takes a place for a command.
    func take(deadline: Instant) -> ProviderLane.Turn {
        let now = clock.now()
        return lane.withLock { $0.take(at: now, deadline: deadline) }
    }

    /// Gives back a place whose command does not leave.
    func giveBack() { lane.withLock { $0.giveBack() } }

    /// Until when nothing is sent; `nil` where commands may go.
    var closedUntil: Instant? {
        let now = clock.now()
        return lane.withLock { $0.closed(at: now) }
    }

    /// Takes in what a command's outcome says of the provider's health.
    func judge(_ failure: ProviderFailure?) {
        let now = clock.now()
        lane.withLock { lane in
            switch failure?.kind {
            case .unavailable, .unknown: lane.failed(at: now)
            case .limited: lane.rest(until: now.advanced(by: failure?.retryAfter ?? .seconds(1)))
            case .rejected, .invalid, .unauthorized, .unsupported, nil: lane.succeeded()
            }
        }
    }

    // MARK: Questions

    /// Waits until a request of the present errand may leave.
    /// - Throws: `ProviderFailure` of kind `limited` where that takes longer than `patience`; `CancellationError`.
    func waitForTurn() async throws {
        switch Self.errand {
        case .command(let fare): if fare.use() { note() }
        case .history: try await waitForTurn(isHistory: true)
        case .question: try await waitForTurn(isHistory: false)
        }
    }

    private func note() {
        let now = clock.now()
        lane.withLock { $0.note(at: now) }
    }

    private func waitForTurn(isHistory: Bool) async throws {
        let end = clock.now().advanced(by: Self.patience)
        while true {
            let now = clock.now()
            let leaves = lane.withLock { $0.ask(isHistory: isHistory, at: now) }
            guard leaves > now else { return }
            guard leaves <= end else {
                throw ProviderFailure(
                    .limited, code: Self.refusal, text: "the provider may not be asked so often",
                    retryAfter: now.duration(to: leaves))
            }
            try await pause(now.duration(to: leaves))
        }
    }

    /// Takes in that the provider wants to be left in peace.
    /// - Parameter time: `nil` where it does not say for how long.
    func restQuestions(for time: Duration?) {
        let end = clock.now().advanced(by: min(max(time ?? Self.rest, .zero), .seconds(86_400)))
        lane.withLock { $0.restQuestions(until: end) }
    }

    private static let rest = Duration.seconds(10)
}

/// Sends each request when its errand has its turn.
struct PacedOutgoing: Outgoing {
    private let outgoing: any Outgoing
    private let pace: ProviderPace

    init(_ outgoing: any Outgoing, _ pace: ProviderPace) {
        self.outgoing = outgoing
        self.pace = pace
    }

    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        try await pace.waitForTurn()
        return note(try await outgoing.send(request))
    }

    func download(_ request: OutgoingRequest, to receiver: any OutgoingReceiver) async throws -> OutgoingResponse {
        try await pace.waitForTurn()
        return note(try await outgoing.download(request, to: receiver))
    }

    private func note(_ response: OutgoingResponse) -> OutgoingResponse {
        // A command's refusal is judged by whoever ordered it.
        guard response.status == 429, !ProviderPace.isCommand else { return response }
        pace.restQuestions(for: response.retryAfter)
        return response
    }
}

/// A client whose requests know their errand.
struct PacedClient: ProviderClient {
    private let client: any ProviderClient
    private let pace: ProviderPace

    init(_ client: any ProviderClient, _ pace: ProviderPace) {
        self.client = client
        self.pace = pace
    }

    var presence: [String: EmployeePresence]? { client.presence }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        try await run(.command(ProviderPace.Fare())) { () throws(ProviderFailure) in try await client.perform(order) }
    }

    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        try await ask(.history) { () throws(ProviderFailure) in try await client.history(window, page: page) }
    }

    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        try await ask(.question) { () throws(ProviderFailure) in try await client.recording(reference) }
    }

    func recordingPlace(_ reference: String) async throws(ProviderFailure) -> RecordingPlace {
        try await ask(.question) { () throws(ProviderFailure) in try await client.recordingPlace(reference) }
    }

    /// A call that waits has no time for a turn: it leaves at once, and puts off what follows. What comes of it tells of the provider's
    /// health as a command does.
    func route(_ order: RouteOrder) async throws(ProviderFailure) -> RouteOutcome {
        guard pace.closedUntil == nil else {
            throw ProviderFailure(.limited, code: ProviderPace.refusal, text: "the provider is left alone for a while")
        }
        let fare = ProviderPace.Fare()
        _ = fare.use()
        do throws(ProviderFailure) {
            let outcome = try await run(.command(fare)) { () throws(ProviderFailure) in try await client.route(order) }
            pace.judge(nil)
            return outcome
        } catch {
            pace.judge(error)
            throw error
        }
    }

    /// Some providers say in words of their own that they were asked too much; some are not asked over `Outgoing`, whose requests wait
    /// for their turn.
    private func ask<Answer>(
        _ errand: ProviderPace.Errand, _ body: () async throws(ProviderFailure) -> Answer
    ) async throws(ProviderFailure) -> Answer {
        do {
            return try await run(errand) { () throws(ProviderFailure) in
                if !client.asksOverOutgoing { try await waitForTurn() }
                return try await body()
            }
        } catch {
            let isHis = error.code != ProviderPace.refusal
            if isHis, error.kind == .limited || error.retryAfter != nil { pace.restQuestions(for: error.retryAfter) }
            throw error
        }
    }

    private func waitForTurn() async throws(ProviderFailure) {
        do { try await pace.waitForTurn() } catch { throw ProviderFailure(error) }
    }

    private func run<Answer>(
        _ errand: ProviderPace.Errand, _ body: () async throws(ProviderFailure) -> Answer
    ) async throws(ProviderFailure) -> Answer {
        let result: Result<Answer, ProviderFailure> = await ProviderPace.$errand.withValue(errand) {
            do throws(ProviderFailure) { return .success(try await body()) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
