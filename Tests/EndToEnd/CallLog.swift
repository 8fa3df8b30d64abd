import Connector
import TestSupport
import Testing
import VendorSimulators

/// The latest of each call in the feed.
struct CallLog {
    private var calls: [String: JSONValue] = [:]
    /// By the vendors' names of calls.
    private var named: [String: JSONValue] = [:]

    init(_ crm: CRMClient) throws { self.init(try crm.changes().changes) }

    /// What a CRM knows that read these, the oldest first.
    init(_ changes: [CRMClient.Change]) {
        for change in changes where change.revision > calls[change.id]?["revision"]?.int ?? 0 { calls[change.id] = change.call }
        calls = calls.filter { $0.value["merged_into"]?.string == nil && $0.value["deleted_at"]?.string == nil }
        for call in calls.values {
            for name in call["external_ids"]?.elements ?? [] { named[name["value"]?.string ?? ""] = call }
        }
    }

    /// The calls of one connection: two servers may name theirs alike.
    func only(_ connection: String) -> CallLog {
        var log = self
        log.calls = calls.filter { $0.value["connection_id"]?.string == connection }
        log.named = [:]
        for call in log.calls.values {
            for name in call["external_ids"]?.elements ?? [] { log.named[name["value"]?.string ?? ""] = call }
        }
        return log
    }

    /// All of them, in no order.
    var all: [JSONValue] { Array(calls.values) }

    /// The revision of each call.
    var revisions: [String: Int] { calls.compactMapValues { $0["revision"]?.int } }

    /// When every call has ended: some vendors tell the end of legs only, and a call waits a moment for another one. Bounded.
    static func whole(_ crm: CRMClient) throws -> CallLog {
        var cursor: String?
        for _ in 0..<30 {
            let log = try CallLog(crm)
            if log.calls.values.allSatisfy({ $0["state"]?.string == "ended" }) { return log }
            cursor = try crm.page(after: cursor, wait: 1).next ?? cursor
        }
        return try CallLog(crm)
    }

    func count(of connection: String) -> Int { calls.values.count { $0["connection_id"]?.string == connection } }

    /// The call by its name; one of which only a log that names no calls has told, by what it was.
    func call(of truth: CallTruth) -> JSONValue? {
        named[truth.call]
            ?? calls.values.first { call in
                call["connection_id"]?.string == truth.adapter && call["direction"]?.string == truth.direction.rawValue
                    && call["external_party"]?["number"]?["e164"]?.string == "+\(truth.number)"
                    && isNear(call["started_at"], truth.startedAt)
            }
    }

    // MARK: What nobody can tell

    /// Records of the connection that are none of these calls.
    func strays(of connection: String, beside truths: [CallTruth]) -> [JSONValue] {
        let known = Set(truths.compactMap { call(of: $0)?["id"]?.string })
        return calls.values.filter { $0["connection_id"]?.string == connection && !known.contains($0["id"]?.string ?? "") }
    }

    /// Whether a record is of a part of that call, and what ties the two is lost for good:
    /// - Beeline's statistics name no call: the row of an employee of whose part all events were lost is a call of its own;
    /// - so is a consultation at Beeline, which has another tracking id, where what came of it was lost;
    /// - MegaFon's second part has a name of its own, and `TRANSFERRED` alone has both.
    func isUntiedPart(_ call: JSONValue, of truth: CallTruth) -> Bool {
        guard let start = call["started_at"]?.string.flatMap({ Instant(rfc3339: $0) }), start <= truth.endedAt,
            start >= truth.startedAt.advanced(by: .seconds(-2))
        else { return false }
        let isOfNumber = call["external_party"]?["number"]?["e164"]?.string == "+\(truth.number)"
        let isPassedOn = truth.employees.count == 2
        switch truth.adapter {
        case "beeline":
            let isRow = call["sources"]?.elements.compactMap(\.string) == ["history"]
            return isRow && isOfNumber || isPassedOn && call["direction"]?.string == "internal"
        case "megafon-vats": return isPassedOn && isOfNumber && start > truth.startedAt
        default: return false
        }
    }

    /// Beeline's log says neither why nobody answered a call out, nor whether somebody did: where its end is lost, its record says that it
    /// does not know.
    private func isOpen(_ call: JSONValue, _ truth: CallTruth, _ missing: [String]) -> Bool {
        truth.adapter == "beeline" && truth.direction == .outbound && call["disposition"]?.string == "unknown"
            && missing.contains("hangup")
    }

    /// Beeline's list of recordings finds its call by the name that events tell: of a call of which none came nobody knows it.
    private func hasNoName(_ truth: CallTruth) -> Bool { truth.adapter == "beeline" && named[truth.call] == nil }

    // MARK: The comparison

    /// - Parameters:
    ///   - isOnTime: whether the vendor's clock is right: else some of a call's moments are its, others those of arrival.
    ///   - losing: whether webhooks were lost: a moment that nobody tells a second time may be unknown, if the record says that it is.
    ///   - isTorn: whether a part of the call stands in a record of its own (`isUntiedPart`).
    ///   - isOrdered: whether a command of ours made the vendor call.
    func expect(
        _ truth: CallTruth, isOnTime: Bool = true, losing: Bool = false, isTorn: Bool = false, isOrdered: Bool = false
    ) {
        guard let call = call(of: truth) else {
            Issue.record("\(truth.adapter): no call \(truth.call)")
            return
        }
        let what = "\(truth), told: \(String(decoding: call.encoded, as: UTF8.self))"
        let missing = losing ? call["completeness"]?["missing"]?.elements.compactMap(\.string) ?? [] : []
        let isOpen = isOpen(call, truth, missing)
        #expect(call["direction"]?.string == truth.direction.rawValue, "\(what)")
        #expect(call["external_party"]?["number"]?["e164"]?.string == "+\(truth.number)", "\(what)")
        #expect(call["disposition"]?.string == truth.disposition.rawValue || isOpen, "\(what)")
        let isAnswerOpen = isOpen || missing.contains("answer_time")
        #expect(call["answered_at"]?.string == nil ? truth.answeredAt == nil || isAnswerOpen : truth.answeredAt != nil, "\(what)")
        let moments = ["started_at", "answered_at", "ended_at"].compactMap { call[$0]?.string }
        #expect(moments == moments.sorted(), "\(what)")
        let recordings = call["recordings"]?.elements.compactMap { $0["provider_ref"]?.string }.sorted() ?? []
        #expect(recordings == truth.recordings.sorted() || recordings.isEmpty && losing && hasNoName(truth), "\(what)")
        guard !isTorn else { return }
        expectPeople(truth, call, isOpen: isOpen, what)
        guard isOnTime else { return }
        if ["megafon-vats", "zadarma"].contains(truth.adapter) {
            expectArrival(truth, call, isOrdered: isOrdered, what)
        } else {
            expectTimes(truth, call, missing, isOpen: isOpen, what)
        }
    }

    /// Theirs are the times of their events' arrival, and the calls were played in no time: only the beginning is where it was. Zadarma
    /// rings the other one six seconds after an order, when the employee has answered; of that, too, the news come at once.
    private func expectArrival(_ truth: CallTruth, _ call: JSONValue, isOrdered: Bool, _ what: String) {
        let told = call["started_at"]?.string.flatMap { Instant(rfc3339: $0) }
        let isAhead = told.map {
            isOrdered && truth.adapter == "zadarma" && (-8000 ... -4000).contains($0.milliseconds(since: truth.startedAt))
        }
        #expect(isNear(call["started_at"], truth.startedAt) || isAhead == true, "\(what)")
    }

    /// Who took part, and that the last who talked owns the call.
    private func expectPeople(_ truth: CallTruth, _ call: JSONValue, isOpen: Bool, _ what: String) {
        let people = call["participants"]?.elements.filter { $0["kind"]?.string == "user" } ?? []
        #expect(Set(truth.employees).isSubset(of: people.compactMap { $0["extension"]?.string }), "\(what)")
        guard truth.disposition == .answered, !isOpen else { return }
        #expect(call["owner_user_id"]?.string == truth.employees.last.map { "\(truth.adapter)/\($0)" }, "\(what)")
    }

    /// - Parameter missing: what the record says that it does not know.
    private func expectTimes(_ truth: CallTruth, _ call: JSONValue, _ missing: [String], isOpen: Bool, _ what: String) {
        func expect(_ name: String, _ moment: Instant?, isUnknown: Bool) {
            #expect(isNear(call[name], moment) || call[name]?.string == nil && isUnknown, "\(name): \(what)")
        }
        expect("started_at", truth.startedAt, isUnknown: false)
        expect("answered_at", truth.answeredAt, isUnknown: isOpen || missing.contains("answer_time"))
        expect("ended_at", truth.endedAt, isUnknown: missing.contains("hangup"))
    }

    /// Within what vendors' whole seconds leave open.
    private func isNear(_ text: JSONValue?, _ moment: Instant?) -> Bool {
        let told = text?.string.flatMap { Instant(rfc3339: $0) }
        guard let moment, let told else { return moment == nil && told == nil }
        return abs(told.milliseconds(since: moment)) <= 2000
    }
}
