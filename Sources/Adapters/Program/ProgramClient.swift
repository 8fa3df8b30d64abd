import AdapterKit
import Connector
import Synchronization

/// Has programs carry out commands and say where recordings and the log are: each by a process of its own beside the one that reads,
/// so that none waits for another.
struct ProgramClient: ProviderClient {
    private let commands: ProgramLine
    private let fetches: ProgramLine
    private let able: [Capability]
    private let server: ServerAddress?

    /// - Parameters:
    ///   - performer: carries out commands.
    ///   - fetcher: is asked for recordings and for pages of the log.
    ///   - server: where recordings may be fetched with headers.
    init(_ performer: ProgramHost, fetcher: ProgramHost, able: [Capability], server: ServerAddress? = nil) {
        self.server = server
        commands = ProgramLine(performer)
        fetches = ProgramLine(fetcher)
        self.able = able
    }

    /// The provider behind the program is asked by the program.
    var asksOverOutgoing: Bool { false }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        try needs(order.action.capability)
        return try await commands.ask("perform", within: order.deadline) { json in
            ProgramOrder(order).write(to: &json)
        } read: { answer throws(ProgramShapeError) in
            try ProgramOrder.outcome(answer)
        }
    }

    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        try needs(.recordings)
        return try await fetches.ask("recording", within: .seconds(30)) { json in
            json.field("reference", reference)
        } read: { [server] answer throws(ProgramShapeError) in
            try ProgramFetch.recording(answer, from: server)
        }
    }

    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        try needs(.history)
        return try await fetches.ask("history", within: .seconds(60)) { json in
            json.field("from", window.from)
            json.field("to", window.to)
            json.field("page", page)
        } read: { answer throws(ProgramShapeError) in
            try ProgramFetch.history(answer)
        }
    }

    private func needs(_ capability: Capability) throws(ProviderFailure) {
        guard able.contains(capability) else {
            throw ProviderFailure(.unsupported, code: "commands", text: "`commands` of this connection does not name it")
        }
    }
}

/// Those who wait for one program's answers, on threads that may wait.
private struct ProgramLine {
    /// Questions that wait for the program or are with it; more are refused.
    private static let limit = 16

    private let host: ProgramHost
    private let waiting = Waiting()

    private final class Waiting: Sendable {
        let count = Atomic<Int>(0)
    }

    init(_ host: ProgramHost) { self.host = host }

    /// Puts one question.
    /// - Throws: what the program's own failure says; `.unknown` where it may have heard the question and no answer counts, and, at
    ///   once, where the task is cancelled: whoever ends waits for nobody's program.
    func ask<Answer: Sendable>(
        _ verb: String, within patience: Duration, _ question: @escaping @Sendable (inout JSONWriter) -> Void,
        read: @escaping @Sendable (JSONNode) throws(ProgramShapeError) -> Result<Answer, ProviderFailure>
    ) async throws(ProviderFailure) -> Answer {
        guard waiting.count.add(1, ordering: .relaxed).newValue <= Self.limit else {
            waiting.count.subtract(1, ordering: .relaxed)
            throw ProviderFailure(
                .limited, code: "busy", text: "the program has too many questions to answer", retryAfter: .seconds(5))
        }
        let answer = FirstAnswer<Answer>()
        let isTaken = host.aside { [waiting] in
            answer.give(put(verb, within: patience, question, read: read))
            waiting.count.subtract(1, ordering: .relaxed)
        }
        if !isTaken {
            waiting.count.subtract(1, ordering: .relaxed)
            throw ProviderFailure(.unavailable, code: "thread", text: "the program cannot be asked now")
        }
        return try await withTaskCancellationHandler {
            await answer.value
        } onCancel: {
            answer.give(.failure(ProviderFailure(.unknown, code: "cancelled", text: "the answer is not waited for any more")))
        }.get()
    }

    private func put<Answer>(
        _ verb: String, within patience: Duration, _ question: (inout JSONWriter) -> Void,
        read: (JSONNode) throws(ProgramShapeError) -> Result<Answer, ProviderFailure>
    ) -> Result<Answer, ProviderFailure> {
        do {
            return try host.ask(verb, within: patience, question, read: read).mapError { failure in
                var failure = failure
                failure.text = host.clean(failure.text)
                return failure
            }
        } catch {
            let kind: ProviderFailure.Kind = error.mayHaveHeard ? .unknown : .unavailable
            return .failure(ProviderFailure(kind, code: "program", text: error.reason))
        }
    }
}

/// What comes first: the program's answer, or that nobody waits for it any more.
private final class FirstAnswer<Answer: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Result<Answer, ProviderFailure>, Never>)
        case given(Result<Answer, ProviderFailure>)
        case over
    }

    private let state = Mutex(State.open)

    /// From any thread; what comes second is dropped.
    func give(_ answer: Result<Answer, ProviderFailure>) {
        let waiter = state.withLock { state -> CheckedContinuation<Result<Answer, ProviderFailure>, Never>? in
            switch state {
            case .open: state = .given(answer)
            case .given, .over: break
            case .awaited(let waiter):
                state = .over
                return waiter
            }
            return nil
        }
        waiter?.resume(returning: answer)
    }

    /// For one who waits.
    var value: Result<Answer, ProviderFailure> {
        get async {
            await withCheckedContinuation { continuation in
                let given = state.withLock { state -> Result<Answer, ProviderFailure>? in
                    if case .given(let answer) = state {
                        state = .over
                        return answer
                    }
                    state = .awaited(continuation)
                    return nil
                }
                if let given { continuation.resume(returning: given) }
            }
        }
    }
}

/// A command as a program sees it, and what it says of it.
struct ProgramOrder {
    private let order: ProviderOrder

    init(_ order: ProviderOrder) { self.order = order }

    func write(to json: inout JSONWriter) {
        json.field("command", order.id)
        json.field("deadline_ms", order.deadline.wholeMilliseconds)
        json.beginObject("action")
        json.field("type", order.action.type)
        writeAction(to: &json)
        json.endObject()
        json.object("target", order.target) { target, json in Self.write(target, to: &json) }
    }

    private func writeAction(to json: inout JSONWriter) {
        switch order.action {
        case .originate(let call):
            json.field("from", call.from)
            json.field("to", call.to)
            json.field("line", call.line)
            json.field("caller_name", call.callerName)
            json.field("record", call.record)
        case .transfer(let target, let kind):
            json.field("to", target)
            json.field("kind", kind)
        case .dtmf(let digits): json.field("digits", digits)
        case .hangup, .hold, .resume, .record: break
        }
    }

    private static func write(_ target: CommandTarget, to json: inout JSONWriter) {
        json.array("external_ids", target.keys) { key, json in
            json.beginObject()
            json.field("kind", key.kind)
            json.field("value", key.value)
            json.endObject()
        }
        json.array("legs", target.legs) { leg, json in
            json.beginObject()
            json.field("key", leg.key)
            json.field("user", leg.user)
            json.field("endpoint", leg.endpoint)
            json.field("answered", leg.isAnswered)
            json.field("held", leg.isHeld)
            json.endObject()
        }
        json.field("external_number", target.externalNumber)
    }

    // MARK: The answer

    static func outcome(_ answer: JSONNode) throws(ProgramShapeError) -> Result<ProviderAnswer, ProviderFailure> {
        let object = try ProgramObject(answer, known: ["id", "done", "failed"])
        let done = try object.object("done", known: ["code", "call", "preliminary"]) { done throws(ProgramShapeError) in
            ProviderAnswer(
                call: try done.object("call", known: ["kind", "value"]) { call throws(ProgramShapeError) in
                    ExternalKey(try call.someWord("kind"), try call.someText("value"))
                }, code: try done.text("code") ?? "ok", isPreliminary: try done.flag("preliminary") ?? false)
        }
        let failed = try ProgramRefusal.read(object)
        switch (done, failed) {
        case (let done?, nil): return .success(done)
        case (nil, let failed?): return .failure(failed)
        default: throw ProgramShapeError("", "says neither `done` nor `failed`, or both")
        }
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(clamping: seconds.multipliedReportingOverflow(by: 1000).partialValue)
            + Int(attoseconds / 1_000_000_000_000_000)
    }
}

/// What a program says where it does not do what it was asked.
enum ProgramRefusal {
    /// The member `failed`; nil where there is none.
    static func read(_ answer: ProgramObject) throws(ProgramShapeError) -> ProviderFailure? {
        try answer.object(
            "failed", known: ["kind", "code", "text", "retry_after_ms"]
        ) { failed throws(ProgramShapeError) in
            let kind = try failed.someWord("kind", ProviderFailure.Kind.self)
            return ProviderFailure(
                kind, code: try failed.text("code") ?? kind.rawValue,
                text: try failed.text("text") ?? "the program says no",
                retryAfter: try failed.int("retry_after_ms", in: 0...86_400_000).map { .milliseconds($0) })
        }
    }
}
