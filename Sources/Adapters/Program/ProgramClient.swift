import Connector
import Synchronization

/// Has a program carry out commands: one of its own beside the one that reads, so that neither waits for the other.
struct ProgramClient: ProviderClient {
    /// Orders that wait for the program or are with it; more are refused.
    private static let orderLimit = 16

    private let host: ProgramHost
    private let able: [Capability]
    private let line = Line()

    private final class Line: Sendable {
        let count = Atomic<Int>(0)
    }

    init(_ host: ProgramHost, able: [Capability]) {
        self.host = host
        self.able = able
    }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        guard able.contains(order.action.capability) else {
            throw ProviderFailure(.unsupported, code: "commands", text: "`commands` of this connection does not name it")
        }
        guard line.count.add(1, ordering: .relaxed).newValue <= Self.orderLimit else {
            line.count.subtract(1, ordering: .relaxed)
            throw ProviderFailure(
                .limited, code: "busy", text: "the program has too many commands to carry out", retryAfter: .seconds(5))
        }
        let answer = await withCheckedContinuation {
            (answer: CheckedContinuation<Result<ProviderAnswer, ProviderFailure>, Never>) in
            let isTaken = host.aside { answer.resume(returning: ask(order)) }
            if !isTaken {
                answer.resume(
                    returning: .failure(ProviderFailure(.unavailable, code: "thread", text: "the program cannot be asked now")))
            }
        }
        line.count.subtract(1, ordering: .relaxed)
        return try answer.get()
    }

    private func ask(_ order: ProviderOrder) -> Result<ProviderAnswer, ProviderFailure> {
        do {
            return try host.ask(within: order.deadline) { json in
                ProgramOrder(order).write(to: &json)
            } read: { answer throws(ProgramShapeError) in
                try ProgramOrder.outcome(answer)
            }.mapError { failure in
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
        let object = try ProgramObject(answer, at: "", known: ["id", "done", "failed"])
        let done = try object.object("done", known: ["code", "call", "preliminary"]) { done throws(ProgramShapeError) in
            ProviderAnswer(
                call: try done.object("call", known: ["kind", "value"]) { call throws(ProgramShapeError) in
                    ExternalKey(try call.someWord("kind"), try call.someText("value"))
                }, code: try done.text("code") ?? "ok", isPreliminary: try done.flag("preliminary") ?? false)
        }
        let failed = try object.object(
            "failed", known: ["kind", "code", "text", "retry_after_ms"]
        ) { failed throws(ProgramShapeError) in
            let kind = try failed.someWord("kind", ProviderFailure.Kind.self)
            return ProviderFailure(
                kind, code: try failed.text("code") ?? kind.rawValue,
                text: try failed.text("text") ?? "the program says no",
                retryAfter: try failed.int("retry_after_ms", in: 0...86_400_000).map { .milliseconds($0) })
        }
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
