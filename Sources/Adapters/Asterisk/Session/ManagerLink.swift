import Connector
import Synchronization

/// The manager interface of one server, as its session and its commands share it: what is known of the server, and the questions that
/// wait for an answer.
///
/// One task reads (`ManagerSession`), any may ask. Nobody who asks waits for the journal, and nobody who reads waits for an answer.
final class ManagerLink: Sendable {
    /// Questions that may wait at once; whoever asks beyond that is told so.
    private static let questionLimit = 512

    fileprivate struct State {
        var watch: ManagerWatch
        var stream: (any ByteStream)?
        var isLoggedIn = false
        var nextID = 0
        var lastArrival = Instant.earliest
        var questions: [String: Question] = [:]
        /// What waits to be written while another task writes.
        var outgoing: [[UInt8]] = []
        var isWriting = false
        var rights = ManagerRights()
        var presence = DevicePresence()
    }

    fileprivate struct Question {
        let deadline: ContinuousClock.Instant
        var rows: [ManagerMessage] = []
        var first: ManagerMessage?
        let answer: @Sendable (Result<ManagerAnswer, ProviderFailure>) -> Void
    }

    private let state: Mutex<State>

    init(plan: PhonePlan) { state = Mutex(State(watch: ManagerWatch(plan: plan))) }

    // MARK: The connection

    func connected(_ stream: any ByteStream) {
        state.withLock { state in
            state.stream = stream
            state.watch.connected()
            state.rights = ManagerRights()
        }
    }

    /// The connection is over: questions that have left may have been carried out.
    func disconnected(at moment: Instant) {
        let (stream, questions) = state.withLock { state in
            defer {
                state.stream = nil
                state.questions = [:]
                state.outgoing = []
                state.isWriting = false
                state.isLoggedIn = false
                state.presence = DevicePresence()
            }
            state.watch.disconnected(at: moment)
            return (state.stream, state.questions.values)
        }
        stream?.close()
        for question in questions {
            question.answer(.failure(ProviderFailure(.unknown, code: "disconnected", text: "the connection to Asterisk broke")))
        }
    }

    func loggedIn() { state.withLock { $0.isLoggedIn = true } }

    var isLoggedIn: Bool { state.withLock { $0.isLoggedIn } }

    // MARK: What comes in

    /// Takes in what was read.
    /// - Returns: events that the session acts on, and the bodies of raw records.
    /// - Throws: `ManagerFault`.
    func take(_ bytes: [UInt8], at arrival: Instant) throws(ManagerFault) -> (news: [ManagerMessage], records: [[UInt8]]) {
        var answers: [(Question, ManagerAnswer)] = []
        let result = state.withLock { state -> Result<(news: [ManagerMessage], records: [[UInt8]]), ManagerFault> in
            do throws(ManagerFault) {
                state.lastArrival = arrival
                let others = try state.watch.take(bytes, at: arrival)
                let news = others.filter { message in
                    state.presence.take(message)
                    guard let done = state.take(message) else { return message.head.key == "Event" }
                    answers.append(done)
                    return false
                }
                return .success((news, state.watch.records()))
            } catch {
                return .failure(error)
            }
        }
        for (question, answer) in answers { question.answer(.success(answer)) }
        return try result.get()
    }

    /// Gives up on questions whose time is over.
    func expire(at now: ContinuousClock.Instant) {
        let overdue = state.withLock { state in
            let ids = state.questions.filter { $0.value.deadline <= now }.map(\.key)
            return ids.compactMap { state.questions.removeValue(forKey: $0) }
        }
        for question in overdue {
            question.answer(.failure(ProviderFailure(.unknown, code: "timeout", text: "Asterisk did not answer in time")))
        }
    }

    // MARK: Questions

    /// Sends an action and waits for its answer, rows of a list included.
    /// - Parameter leg: the leg it acts on, whose conversation then knows of it.
    /// - Throws: `.unavailable` where it has not left, `.unknown` where no answer came.
    func ask(
        _ action: ManagerAction, named name: String? = nil, within patience: Duration, about leg: String? = nil
    ) async throws(ProviderFailure) -> ManagerAnswer {
        let result = await withCheckedContinuation { continuation in
            put(action, named: name, within: patience, about: leg) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The same for who does not wait: `answer` is called once, on the reader's task or at once.
    func put(
        _ action: ManagerAction, named name: String? = nil, within patience: Duration, about leg: String? = nil,
        _ answer: @escaping @Sendable (Result<ManagerAnswer, ProviderFailure>) -> Void
    ) {
        switch enter(action, named: name, deadline: .now.advanced(by: patience), about: leg, answer) {
        case .failure(let failure): answer(.failure(failure))
        case .success(let idle): if let idle { Task { await self.write(to: idle) } }
        }
    }

    /// Notes a question and puts its bytes into the queue.
    /// - Returns: the stream, where nobody writes to it yet.
    private func enter(
        _ action: ManagerAction, named name: String?, deadline: ContinuousClock.Instant, about leg: String?,
        _ answer: @escaping @Sendable (Result<ManagerAnswer, ProviderFailure>) -> Void
    ) -> Result<(any ByteStream)?, ProviderFailure> {
        state.withLock { state in
            guard let stream = state.stream else {
                return .failure(ProviderFailure(.unavailable, code: "not-connected", text: "there is no connection to Asterisk"))
            }
            guard state.questions.count < Self.questionLimit else {
                return .failure(ProviderFailure(.limited, code: "busy", text: "too many questions wait for Asterisk's answer"))
            }
            state.nextID += 1
            let id = name ?? "k\(state.nextID)"
            guard let bytes = action.bytes(id: id) else {
                return .failure(ProviderFailure(.invalid, code: "value", text: "a value holds a line's end, or is too long"))
            }
            guard state.questions[id] == nil else {
                return .failure(ProviderFailure(.invalid, code: "repeated", text: "this was asked already"))
            }
            state.questions[id] = Question(deadline: deadline, answer: answer)
            state.outgoing.append(bytes)
            if let leg { state.watch.take(ManagerMessage(bytes.dropLast(2)), about: leg, at: state.lastArrival) }
            defer { state.isWriting = true }
            return .success(state.isWriting ? nil : stream)
        }
    }

    /// Writes what waits, in order; one task at a time. A server that takes nothing for so long has gone.
    private func write(to stream: any ByteStream) async {
        while true {
            let next = state.withLock { state -> [UInt8]? in
                // Another connection has writers of its own.
                guard state.stream === stream else { return nil }
                guard !state.outgoing.isEmpty else {
                    state.isWriting = false
                    return nil
                }
                let bytes = state.outgoing.reduce(into: []) { $0 += $1 }
                state.outgoing = []
                return bytes
            }
            guard let bytes = next else { return }
            do {
                try await stream.write(bytes, within: .seconds(10))
            } catch {
                // The reader sees that the stream is closed, and answers whoever waits.
                return stream.close()
            }
        }
    }

    // MARK: What is known

    /// A look at the conversations that are on.
    func withSwitchboard<Value>(_ look: (Switchboard) -> Value) -> Value { state.withLock { look($0.watch.switchboard) } }

    func note(_ message: ManagerMessage, about leg: String, at now: Instant) -> [[UInt8]] {
        state.withLock { state in
            state.watch.take(message, about: leg, at: now)
            return state.watch.records()
        }
    }

    /// The channel of a leg: its handle for actions.
    func channel(of leg: String) -> String? {
        withSwitchboard { board in board[leg]?.legs.first { $0.id == leg }?.channel }
    }

    /// The channels that are up are about to be asked for.
    func beginList() { state.withLock { $0.watch.beginList() } }

    /// They cannot be asked for.
    func giveUpList() { state.withLock { $0.watch.giveUpList() } }

    var hasGreeting: Bool { state.withLock { $0.watch.greeting } != nil }

    /// Calls that were on when the gateway ended; of those that were answered it is known when.
    func recall(_ calls: [CommandTarget]) {
        state.withLock { state in
            for call in calls {
                let isDated = call.legs.contains(where: \.isAnswered)
                for key in call.keys where key.kind == .linkedid { state.watch.recall(key.value, isDated: isDated) }
            }
        }
    }

    /// An action about a leg was refused: its conversation forgets it.
    func takeBack(_ action: String, about leg: String) {
        state.withLock { state in
            let refusal = ManagerMessage([("Action", action), ("Result", "refused")])
            state.watch.take(refusal, about: leg, at: state.lastArrival)
        }
    }

    /// Talks that a list showed and of which nobody knows since when, each with the channel that does.
    func takeUndated() -> [(leg: String, channel: String)] { state.withLock { $0.watch.takeUndated() } }

    /// Takes in for how long a talk has been on.
    func date(_ leg: String, seconds: Int64, at now: Instant) -> [[UInt8]] {
        state.withLock { state in
            state.watch.date(leg, seconds: seconds, at: now)
            return state.watch.records()
        }
    }

    var version: String? { state.withLock { $0.watch.greeting } }

    var rights: ManagerRights { state.withLock { $0.rights } }

    func updateRights(_ change: (inout ManagerRights) -> Void) { state.withLock { change(&$0.rights) } }

    /// The channels were listed: one that came up while we have listened for so long, without a word, says that calls are not told.
    func judgeHearing(after listening: Duration) {
        state.withLock { state in
            guard !state.watch.hearsCalls else { return state.rights.missesCalls = false }
            guard let age = state.watch.youngestListed else { return }
            state.rights.missesCalls = age + .seconds(1) < listening
        }
    }

    var presence: DevicePresence { state.withLock { $0.presence } }
}

extension ManagerLink.State {
    /// An answer, or a row of one. A list is answered once it is complete.
    fileprivate mutating func take(_ message: ManagerMessage) -> (ManagerLink.Question, ManagerAnswer)? {
        guard let id = message["ActionID"], var question = questions[id] else { return nil }
        if message.head.key == "Response" {
            guard message["EventList"] == "start" else {
                questions[id] = nil
                return (question, ManagerAnswer(response: message))
            }
            question.first = message
            questions[id] = question
            return nil
        }
        guard let first = question.first else { return nil }
        if message["EventList"] == "Complete" {
            questions[id] = nil
            return (question, ManagerAnswer(response: first, rows: question.rows))
        }
        // A list is as long as the server is large; this many rows are more than anybody has.
        if question.rows.count < 20_000 { question.rows.append(message) }
        questions[id] = question
        return nil
    }
}

/// What Asterisk answered to an action.
struct ManagerAnswer: Sendable {
    let response: ManagerMessage
    var rows: [ManagerMessage] = []

    /// `Response: Success`; `Goodbye` and `Follows` are other words for it.
    var isSuccess: Bool { response["Response"] != "Error" }

    var message: String { response["Message"] ?? "" }
}
