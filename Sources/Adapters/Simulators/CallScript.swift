import AdapterKit
import Connector

/// What a vendor tells of one call, message by message. Seconds count from the call's start.
struct CallScript<Content: Sendable>: Sendable {
    struct Message: Sendable {
        var second: Int
        var content: Content
    }

    private(set) var messages: [Message] = []
    private var told = 0
    private var since = 0

    mutating func add(_ content: Content, at second: Int) { messages.append(Message(second: second, content: content)) }

    /// Forgets what was to be told behind `second`: from there on the call takes another course.
    mutating func cut(behind second: Int) {
        messages.removeAll { $0.second > second }
        leave(messages.count, toldBy: second)
    }

    /// The first `count` messages have been told by that second.
    mutating func leave(_ count: Int, toldBy second: Int) {
        told = min(count, messages.count)
        since = second
    }

    /// What has not been told, as requests that follow each other at the vendor's pace.
    func steps(_ step: (Content) -> SimulatedStep) -> [SimulatedStep] {
        var before = since
        return messages.dropFirst(told).map { message in
            defer { before = message.second }
            var step = step(message.content)
            step.delay = .seconds(max(0, message.second - before))
            return step
        }
    }
}

/// The fields of a form, in their order.
typealias FormFields = [(name: String, value: String)]

extension SimulatedStep {
    /// A form that is posted to the connection's entrance; when, is for its script to say.
    static func form(_ fields: FormFields, headers: [HeaderField] = [], expecting body: String? = nil) -> SimulatedStep {
        SimulatedStep(
            delay: .zero, target: "",
            headers: [HeaderField(name: "content-type", value: "application/x-www-form-urlencoded")] + headers,
            body: Array(FormEncoding.encode(fields).utf8), expectedBody: body.map { Array($0.utf8) })
    }
}
