import Connector
import Testing

/// Holds call records against what the endpoints of a captured stream saw.
struct TraceComparison {
    let trace: Trace
    let records: [JSONValue]
    /// Seconds by which a time may differ.
    var tolerance = 0.3

    /// What was done to the stream.
    let circumstance: String

    init(_ trace: Trace, _ records: [JSONValue], _ circumstance: String = "") {
        self.trace = trace
        self.records = records
        self.circumstance = circumstance
    }

    func check() {
        // One order in it rang a telephone for a second; the story leaves it out.
        let untold = trace.name == "login-and-errors" ? 1 : 0
        #expect(records.count == trace.story.expected_calls.count + untold, "\(trace.name) \(circumstance)")
        for truth in trace.story.expected_calls {
            let name = JSONValue.string(truth.ami_linkedid)
            let record = records.first {
                $0["external_ids"]?.elements.contains { $0["value"] == name && $0["kind"] == "linkedid" } ?? false
            }
            guard let record else {
                Issue.record("\(trace.name): no call of \(truth.ami_linkedid)")
                continue
            }
            check(record, truth)
        }
    }

    private func check(_ record: JSONValue, _ truth: Trace.TrueCall) {
        let place = "\(trace.name) \(truth.ami_linkedid) \(circumstance)"
        #expect(record["direction"]?.string == truth.direction, "\(place)")
        #expect(record["state"]?.string == "ended", "\(place)")
        #expect(dispositions(truth).contains(record["disposition"]?.string ?? ""), "\(place) \(record["disposition"] ?? .null)")
        #expect(record["ended_by"]?.string == endedBy(truth), "\(place)")
        checkTimes(record, truth, place)
        checkPeople(record, truth, place)
        checkRest(record, truth, place)
    }

    // MARK: Words

    private func dispositions(_ truth: Trace.TrueCall) -> Set<String> {
        switch truth.outcome {
        case "answered": ["answered"]
        case "interrupted": truth.answered ? ["answered"] : ["failed"]
        case "missed": ["missed", "abandoned"]
        // Of a call from outside the record knows missed alone.
        case "busy": truth.direction == "inbound" ? ["missed"] : ["busy"]
        case "rejected": ["rejected"]
        case "cancelled": ["canceled"]
        case "employee_unavailable": truth.hangup_cause == 17 ? ["busy"] : ["no_answer"]
        // The cause says more.
        case "failed": truth.hangup_cause == 1 ? ["invalid_number"] : ["failed"]
        default: []
        }
    }

    private func endedBy(_ truth: Trace.TrueCall) -> String {
        switch truth.ended_by {
        case "employee", "crm": "user"
        case "pbx", "pbx-restart", "pbx-crash": "system"
        case "caller": truth.direction == "inbound" ? "external_party" : "user"
        // That a number does not exist the network says: nobody hung up.
        case "callee" where truth.hangup_cause == 1: "system"
        case "callee": truth.direction == "outbound" ? "external_party" : "user"
        default: "unknown"
        }
    }

    // MARK: Times

    private func checkTimes(_ record: JSONValue, _ truth: Trace.TrueCall, _ place: String) {
        check(record["started_at"], truth.start_at, "\(place) started_at")
        check(record["answered_at"], truth.answer_at, "\(place) answered_at")
        check(record["ended_at"], truth.end_at, "\(place) ended_at")
        if truth.direction == "inbound", truth.queue != nil || truth.pbx_answered_at != nil {
            check(record["system_answered_at"], truth.pbx_answered_at, "\(place) system_answered_at")
        }
        if truth.answered, truth.holds == nil, truth.transfers.isEmpty, truth.queue == nil, let answer = truth.answer_at {
            checkMilliseconds(record["talk_ms"], truth.end_at - answer, "\(place) talk_ms")
        }
        if let hold = truth.holds?.first, let from = hold.start_at, let to = hold.end_at {
            checkMilliseconds(record["hold_ms"], to - from, "\(place) hold_ms")
        }
    }

    private func check(_ value: JSONValue?, _ seconds: Double?, _ place: String) {
        guard let seconds else {
            #expect(value == .null, "\(place)")
            return
        }
        guard let moment = value?.string.flatMap({ Instant(rfc3339: $0) }) else {
            Issue.record("\(place) is missing")
            return
        }
        let difference = Double(moment.milliseconds(since: trace.moment(seconds))) / 1000
        #expect(abs(difference) <= tolerance, "\(place) is off by \(difference) s")
    }

    private func checkMilliseconds(_ value: JSONValue?, _ seconds: Double, _ place: String) {
        guard let milliseconds = value?.digits.flatMap({ Double($0) }) else {
            Issue.record("\(place) is missing")
            return
        }
        #expect(abs(milliseconds / 1000 - seconds) <= tolerance, "\(place) is \(milliseconds), not \(seconds * 1000)")
    }

    // MARK: People

    private func checkPeople(_ record: JSONValue, _ truth: Trace.TrueCall, _ place: String) {
        let people = record["participants"]?.elements ?? []
        func person(_ number: String) -> JSONValue? {
            people.first { $0["extension"]?.string == number || $0["number"]?["raw"]?.string == number }
        }
        let outside = truth.direction == "outbound" ? truth.callee : truth.direction == "inbound" ? truth.caller : nil
        #expect(record["external_party"]?["number"]?["raw"]?.string == outside, "\(place)")
        if truth.direction == "inbound" { #expect(record["line"]?["number"]?["raw"]?.string == truth.callee, "\(place)") }
        if let name = truth.caller_name { #expect(record["external_party"]?["name"]?.string == name, "\(place)") }
        let handovers = truth.transfers.filter(\.target_answered)
        let owner =
            handovers.last?.to
            ?? (truth.direction == "inbound" ? truth.answered_by : truth.answered ? truth.employee ?? truth.answered_by : nil)
        #expect(record["owner_user_id"]?.string == owner.map { "pbx/\($0)" }, "\(place) owner")
        if let answerer = truth.answered_by {
            let outcome = person(answerer)?["outcome"]?.string
            #expect(outcome == (handovers.isEmpty ? "talked" : "transferred_away"), "\(place) \(answerer) \(outcome ?? "-")")
        }
        for loser in truth.rang ?? [] where truth.answered && loser != truth.answered_by && loser != owner {
            let isOvertaken = trace.name == "inbound-overflow-second-employee"
            #expect(person(loser)?["outcome"]?.string == (isOvertaken ? "no_answer" : "answered_elsewhere"), "\(place) \(loser)")
        }
        for ringer in truth.rang ?? [] { #expect(person(ringer) != nil, "\(place) \(ringer)") }
        let names = people.compactMap { $0["extension"]?.string }
        #expect(Set(names).count == names.count, "\(place) \(names)")
        for part in truth.legs ?? [] {
            checkMilliseconds(person(part.party)?["talk_ms"], part.talk_seconds, "\(place) talk of \(part.party)")
        }
        let legs = (record["legs"]?.elements ?? []).compactMap { $0["endpoint"]?.string }
        #expect(!legs.contains { $0.hasPrefix("Local/") }, "\(place) \(legs)")
    }

    // MARK: The rest

    private func checkRest(_ record: JSONValue, _ truth: Trace.TrueCall, _ place: String) {
        let transfers = record["transfers"]?.elements ?? []
        #expect(transfers.map { $0["kind"]?.string } == truth.transfers.map(\.kind), "\(place) transfers")
        #expect(
            transfers.map { $0["status"]?.string == "completed" } == truth.transfers.map(\.target_answered), "\(place) transfers")
        #expect((record["recordings"]?.elements ?? []).count == (truth.recorded ? 1 : 0), "\(place) recordings")
        if let recording = truth.recording {
            check(record["recordings"]?.elements.first?["started_at"], recording.start_at, "\(place) recording")
        }
        if let cause = truth.hangup_cause, truth.ended_by != "pbx-crash" {
            #expect(record["cause"]?["q850"]?.digits == "\(cause)" || cause == 0, "\(place) cause \(record["cause"] ?? .null)")
        }
        if let queue = truth.queue {
            #expect(
                record["route"]?.elements.contains { $0["kind"] == "queue" && $0["ref"]?.string == queue } ?? false,
                "\(place) \(record["route"] ?? .null)")
        }
        #expect(record["sources"]?.elements.compactMap(\.string) == ["ami"], "\(place)")
    }
}

extension JSONValue {
    /// A number's text.
    fileprivate var digits: String? { if case .number(let text) = self { text } else { nil } }
}
