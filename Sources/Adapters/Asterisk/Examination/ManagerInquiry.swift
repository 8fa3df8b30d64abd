import Connector
import Digests

/// Asks a manager interface one question after another, for somebody who only wants to look: no calls are followed, nothing is kept.
struct ManagerInquiry {
    /// What stood in the way.
    enum Obstacle: Error, Hashable, Sendable {
        case stream(StreamFailure)
        /// It accepts connections and says nothing.
        case silent
        case closed
        case fault(ManagerFault)
        /// It does not take us in, for that reason.
        case refused(String)
        /// No answer to that action.
        case unanswered(String)
    }

    /// So many rows of one list, and so many bytes of all answers, are read.
    private static let rowLimit = 20_000
    private static let byteLimit = 64 << 20

    private let stream: any ByteStream
    private let patience: Duration
    private var framing = ManagerFraming()
    private var questions = 0
    private var byteCount = 0
    /// It told that it is up, which only readers of `system` hear.
    private(set) var isBooted = false
    /// Whether the first event that came by itself said when it happened; `nil` where none came.
    private(set) var isStamped: Bool?

    /// - Parameter patience: for the greeting, and for each answer.
    init(_ stream: any ByteStream, patience: Duration) {
        self.stream = stream
        self.patience = patience
    }

    /// The version that it greets with.
    mutating func greeting() async throws(Obstacle) -> String {
        let deadline = ContinuousClock.now + patience
        while framing.greeting == nil {
            // What follows the greeting stays for the next who reads.
            if try next() != nil { break }
            if framing.greeting == nil { try await read(until: deadline, orElse: .silent) }
        }
        return framing.greeting ?? ""
    }

    mutating func logIn(_ manager: AsteriskSettings.Manager) async throws(Obstacle) {
        let challenge = try await ask(ManagerAction("Challenge", [("AuthType", "MD5")]))
        let answer = try await ask(ManagerAction.login(manager, challenge: challenge.response["Challenge"]))
        guard answer.isSuccess else { throw .refused(answer.message) }
    }

    /// The answer, with the rows of a list.
    mutating func ask(_ action: ManagerAction) async throws(Obstacle) -> ManagerAnswer {
        questions += 1
        let id = "d\(questions)"
        guard let bytes = action.bytes(id: id) else { throw .unanswered(action.name) }
        let deadline = ContinuousClock.now + patience
        do throws(StreamFailure) {
            try await stream.write(bytes, within: patience)
        } catch {
            throw .stream(error)
        }
        var answer: ManagerAnswer?
        while true {
            guard let message = try next() else {
                try await read(until: deadline, orElse: .unanswered(action.name))
                continue
            }
            guard message["ActionID"] == id else {
                note(message)
                continue
            }
            if message.head.key == "Response" {
                guard message["EventList"] == "start" else { return ManagerAnswer(response: message) }
                answer = ManagerAnswer(response: message)
            } else if let whole = answer, message["EventList"] == "Complete" {
                return whole
            } else if let count = answer?.rows.count, count < Self.rowLimit {
                answer?.rows.append(message)
            }
        }
    }

    /// Goes, without waiting for an answer.
    func leave() async {
        if let bytes = ManagerAction("Logoff").bytes(id: "bye") {
            // It is over either way: whether the last word arrives changes nothing.
            try? await stream.write(bytes, within: .milliseconds(500))
        }
        stream.close()
    }

    private mutating func note(_ message: ManagerMessage) {
        guard message.head.key == "Event" else { return }
        if message.head.value == "FullyBooted" { isBooted = true } else { isStamped = isStamped ?? message.holds("Timestamp") }
    }

    private mutating func next() throws(Obstacle) -> ManagerMessage? {
        do throws(ManagerFault) {
            return try framing.next().map { ManagerMessage($0) }
        } catch {
            throw .fault(error)
        }
    }

    private mutating func read(until deadline: ContinuousClock.Instant, orElse obstacle: Obstacle) async throws(Obstacle) {
        let rest = deadline - .now
        guard rest > .zero, byteCount < Self.byteLimit else { throw obstacle }
        do throws(StreamFailure) {
            let bytes = try await stream.read(within: rest)
            guard !bytes.isEmpty else { throw StreamFailure(.ended, at: "", "closed") }
            byteCount += bytes.count
            framing.take(bytes)
        } catch {
            switch error.code {
            case .late: throw obstacle
            case .ended: throw .closed
            default: throw .stream(error)
            }
        }
    }
}

extension ManagerAction {
    /// The secret does not go over the wire where the server gave a challenge; old ones, and those that speak AMI without being an
    /// Asterisk, want the secret itself.
    static func login(_ manager: AsteriskSettings.Manager, challenge: String?) -> ManagerAction {
        guard let challenge else {
            return ManagerAction("Login", [("Username", manager.username), ("Secret", manager.secret)])
        }
        var digest = Digest(.md5)
        digest.update(challenge)
        digest.update(manager.secret)
        return ManagerAction("Login", [("AuthType", "MD5"), ("Username", manager.username), ("Key", digest.finish().hex)])
    }
}
