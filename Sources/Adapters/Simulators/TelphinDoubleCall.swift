import AdapterKit
import Connector

/// A call that Telphin's double was told to make: the employee answers after ten seconds, the client eight later, they talk for half
/// a minute.
struct TelphinDoubleCall {
    typealias Fields = [(name: String, value: String)]

    /// 32 hexadecimal digits; the events' `CallID` and `CallBackID`.
    let id: String
    let short: String
    let number: String
    let orderedAt: Instant
    /// When a command ended it.
    var cutAt: Instant?

    private static let employeeAnswers = 10
    private static let clientAnswers = 18
    private static let ends = 48

    var handle: String { "358:\(id)" }
    var owner: String { "100\(short)" }
    var recording: String { "\(owner)-\(id)" }
    private var endsAt: Instant { cutAt ?? time(Self.ends) }

    func isUp(at now: Instant) -> Bool { now < endsAt }

    private func time(_ second: Int) -> Instant { orderedAt.advanced(by: .seconds(second)) }

    // MARK: What the API shows

    /// A row of `current_calls`.
    var live: JSONValue {
        [
            "call_api_id": .string(handle), "callback_id": .string(id), "call_flow": "OUT", "called_number": .string(number),
            "caller_id_number": .string("0000*\(short)"), "caller_extension": .string("0000*\(short)"),
            "extension_id": .number(owner),
        ]
    }

    /// A row of `call_history`, and when it began as the row writes it.
    var row: (begin: String, json: JSONValue) {
        let isBridged = time(Self.clientAnswers) < endsAt
        let begin = Self.text(orderedAt)
        var json: [JSONValue.Member] = [
            .init("call_uuid", .string(id.uppercased())), .init("flow", "out"),
            .init("result", .string(isBridged ? "bridged" : "not answered")), .init("init_time_gmt", .string(begin)),
            .init("hangup_time_gmt", .string(Self.text(endsAt))), .init("from_username", .string("0000*\(short)")),
            .init("to_username", .string(number)), .init("extension_id", .number(owner)),
            .init("extension_name", .string("0000*\(short)")), .init("extension_type", "phone"),
        ]
        if isBridged {
            json.append(.init("bridged_time_gmt", .string(Self.text(time(Self.clientAnswers)))))
            json.append(.init("cdr", [["record_uuid": .string(recording)]]))
        }
        return (begin, .object(json))
    }

    private static func text(_ moment: Instant) -> String { LocalTimestamp.format(moment, in: .utc) }

    // MARK: What the events tell

    /// The employee's phone is called by nobody's number; then his call out is told of.
    var steps: [SimulatedStep] {
        let own: Fields = [
            ("CallerIDNum", "CRM"), ("CallerIDName", "CRM"), ("CalledNumber", "0000*\(short)"),
            ("CalledExtension", "0000*\(short)@sipproxy.telphin.ru"), ("CalledExtensionID", owner), ("RemoteNumber", number),
        ]
        return [
            event("dial-in", at: 1, after: 1, "CALLING", "in", own),
            event("dial-out", at: Self.employeeAnswers, after: Self.employeeAnswers - 1, "CALLING", "out", outgoing),
            event("answer", at: Self.clientAnswers, after: Self.clientAnswers - Self.employeeAnswers, "ANSWER", "out", outgoing),
            hangup(after: Self.ends - Self.clientAnswers, transferred: false),
        ]
    }

    /// The end of the employee's leg, as things stand.
    func hangup(after seconds: Int, transferred: Bool) -> SimulatedStep {
        let talk = max(0, endsAt.milliseconds(since: time(Self.clientAnswers)) * 1000)
        let whole = max(0, endsAt.milliseconds(since: orderedAt) * 1000)
        var fields: Fields = [
            ("Duration", "\(whole)"), ("BridgedDuration", "\(talk)"), ("Bridged", talk > 0 ? "yes" : "no"),
            ("Transfered", transferred ? "yes" : "no"),
        ]
        if talk > 0 { fields.append(("RecID", recording)) }
        let status = talk > 0 ? "ANSWER" : "CANCEL"
        return event("hangup", at: Self.ends, after: seconds, status, "out", outgoing + fields, of: endsAt)
    }

    private var outgoing: Fields {
        [
            ("CallerIDNum", "0000*\(short)"), ("CallerIDName", "0000*\(short)"),
            ("CallerExtension", "0000*\(short)@sipproxy.telphin.ru"), ("CallerExtensionID", owner), ("CalledNumber", number),
        ]
    }

    private func event(
        _ type: String, at second: Int, after delay: Int, _ status: String, _ flow: String, _ more: Fields,
        of moment: Instant? = nil
    ) -> SimulatedStep {
        let fields: Fields = [
            ("EventType", type), ("CallID", id), ("SubCallID", "\(owner)-\(id)"), ("CallAPIID", handle), ("CallBackID", id),
            ("CallStatus", status), ("CallFlow", flow), ("EventTime", "\((moment ?? time(second)).milliseconds * 1000)"),
        ]
        return SimulatedStep(
            delay: .seconds(delay), target: "",
            headers: [HeaderField(name: "content-type", value: "application/x-www-form-urlencoded")],
            body: Array(FormEncoding.encode(fields + more).utf8))
    }
}
