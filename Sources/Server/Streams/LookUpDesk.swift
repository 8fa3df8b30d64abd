import Network
import Synchronization
import Threading

/// Has names looked up on threads that may block: the system's resolver does not know how to hurry. So many at a time, since one
/// that is no longer waited for still keeps its thread.
final class LookUpDesk: Sendable {
    enum Outcome: Sendable {
        case found([SocketAddress])
        case failed(String)
        case cancelled, late
        /// The loop has ended.
        case over
    }

    private let limit: Int
    private let lookUp: @Sendable (String, UInt16) throws(NetworkError) -> [SocketAddress]
    private let underWay = Mutex(0)

    init(atMost limit: Int, _ lookUp: @escaping @Sendable (String, UInt16) throws(NetworkError) -> [SocketAddress]) {
        self.limit = limit
        self.lookUp = lookUp
    }

    /// The addresses of a host, or what came first instead.
    func find(_ host: String, port: UInt16, until end: MonotonicInstant, _ engine: StreamEngine) async -> Outcome {
        let answer = FirstAnswer()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                answer.await(continuation)
                begin(host, port, answer)
                engine.alarm(at: end) { answer.give($0 == .late ? .late : .over) }
            }
        } onCancel: {
            answer.give(.cancelled)
        }
    }

    private func begin(_ host: String, _ port: UInt16, _ answer: FirstAnswer) {
        let isFree = underWay.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard isFree else { return answer.give(.failed("too many names are being looked up; is the resolver there?")) }
        do {
            _ = try SystemThread(named: "look-up") {
                let outcome = self.outcome(host, port)
                self.underWay.withLock { $0 -= 1 }
                answer.give(outcome)
            }
        } catch {
            underWay.withLock { $0 -= 1 }
            answer.give(.failed("\(error)"))
        }
    }

    private func outcome(_ host: String, _ port: UInt16) -> Outcome {
        do {
            return .found(try lookUp(host, port))
        } catch {
            return .failed("\(error)")
        }
    }
}

/// Gives a waiting task the first of several answers.
private final class FirstAnswer: Sendable {
    private struct State {
        var continuation: CheckedContinuation<LookUpDesk.Outcome, Never>?
        var answer: LookUpDesk.Outcome?
    }

    private let state = Mutex(State())

    func await(_ continuation: CheckedContinuation<LookUpDesk.Outcome, Never>) {
        let early = state.withLock { state in
            if state.answer == nil { state.continuation = continuation }
            return state.answer
        }
        if let early { continuation.resume(returning: early) }
    }

    func give(_ answer: LookUpDesk.Outcome) {
        let waiting = state.withLock { state in
            guard state.answer == nil else { return nil as CheckedContinuation<LookUpDesk.Outcome, Never>? }
            state.answer = answer
            return state.continuation.take()
        }
        waiting?.resume(returning: answer)
    }
}
