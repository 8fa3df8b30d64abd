import Connector
import Synchronization
import TestSupport

@testable import ProgramAdapter

/// Programs that are closures: what each says to each line, without a process and without time.
final class ScriptedChildren: ChildProcesses {
    /// What a program does with a line.
    enum Act: Sendable {
        /// Answers so; `#` stands for the question's number.
        case answer(String)
        case fail(ChildFailure.Code)
    }

    private let script: @Sendable (_ program: Int, _ verb: String, _ line: JSONValue) -> Act
    private let state = Guarded<(started: Int, questions: [String])>((0, []))
    private let refusesToStart: Bool

    init(
        refusesToStart: Bool = false, _ script: @escaping @Sendable (_ program: Int, _ verb: String, _ line: JSONValue) -> Act
    ) {
        self.refusesToStart = refusesToStart
        self.script = script
    }

    /// How many were started.
    var started: Int { state.withLock { $0.started } }
    /// What was asked of all of them.
    var questions: [String] { state.withLock { $0.questions } }

    func start(_ program: ChildProgram) throws(ChildFailure) -> any ChildProcess {
        let number = state.withLock { state in
            state.started += 1
            return state.started
        }
        if refusesToStart { throw ChildFailure(.start, "`x` cannot be started") }
        return Child { [self] line in
            let question = (try? JSONValue(parsing: line)) ?? .null
            let verb = question["do"]?.string ?? "?"
            state.withLock { $0.questions.append(verb) }
            let act = script(number, verb, question)
            guard case .answer(let text) = act else { return act }
            let id = "\(question["id"]?.int ?? 0)"
            return .answer(verb == "hello" ? #"{"id": \#(id), "protocol": 1}"# : text.replacing("#", with: id))
        }
    }

    /// What a test says of the program's files.
    let version = Guarded<UInt64>(1)

    func stamp(of program: ChildProgram) -> UInt64 { version.withLock { $0 } }

    func aside(_ work: @escaping @Sendable () -> Void) -> Bool {
        Threads.start(work)
        return true
    }

    private final class Child: ChildProcess {
        private let react: @Sendable ([UInt8]) -> Act
        private let state = Guarded<(next: Act?, ending: String?)>((nil, nil))

        init(_ react: @escaping @Sendable ([UInt8]) -> Act) { self.react = react }

        var ending: String? { state.withLock { $0.ending } }

        func send(_ line: [UInt8], within patience: Duration) throws(ChildFailure) {
            let act = react(line)
            state.withLock { $0.next = act }
        }

        func receive(within patience: Duration) throws(ChildFailure) -> [UInt8] {
            switch state.withLock({ $0.next }) {
            case .answer(let text)?: return Array(text.utf8)
            case .fail(let code)?: throw ChildFailure(code, code.rawValue)
            case nil: throw ChildFailure(.late, "late")
            }
        }

        func kill() { state.withLock { $0.ending = "signal 9" } }
    }
}

/// A clock that a test winds.
final class HandClock: Sendable {
    private let time = Guarded(ContinuousClock.now)

    var now: ContinuousClock.Instant { time.withLock { $0 } }

    func pass(_ duration: Duration) { time.withLock { $0 = $0.advanced(by: duration) } }
}
