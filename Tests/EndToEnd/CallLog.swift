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

    /// - Parameters:
    ///   - isOnTime: whether the vendor's clock is right: else some of a call's moments are its, others those of arrival.
    ///   - losing: whether webhooks were lost: what nobody tells a second time may be missing, if the record says that it is.
    /// - Returns: what the record lacks without saying so, where webhooks were lost.
    @discardableResult
    func expect(_ truth: CallTruth, isOnTime: Bool = true, losing: Bool = false) -> [String] {
        guard let call = call(of: truth) else {
            Issue.record("\(truth.adapter): no call \(truth.call)")
            return []
        }
        let what = "\(truth.adapter), \(truth.direction), \(truth.disposition), \(truth.employees)"
        #expect(call["direction"]?.string == truth.direction.rawValue, "\(what)")
        #expect(call["external_party"]?["number"]?["e164"]?.string == "+\(truth.number)", "\(what)")
        let missing = losing ? call["completeness"]?["missing"]?.elements.compactMap(\.string) ?? [] : []
        // Beeline's log says neither why nobody answered a call out, nor whether somebody did.
        let isOpen =
            truth.adapter == "beeline" && truth.direction == .outbound && call["disposition"]?.string == "unknown"
            && missing.contains("hangup")
        #expect(call["disposition"]?.string == truth.disposition.rawValue || isOpen, "\(what)")
        let isAnswerOpen = isOpen || missing.contains("answer_time")
        #expect(call["answered_at"]?.string == nil ? truth.answeredAt == nil || isAnswerOpen : truth.answeredAt != nil, "\(what)")
        let moments = ["started_at", "answered_at", "ended_at"].compactMap { call[$0]?.string }
        #expect(moments == moments.sorted(), "\(what)")
        if isOnTime { expectTimes(truth, call, what) }
        let gaps = gaps(truth, call) + (isOpen || missing.contains("agent") ? [] : ownerGap(truth, call))
        if !losing { #expect(gaps == [], "\(what)") }
        return gaps.map { "\(what): \($0)" }
    }

    /// Who took part and what was recorded, as far as the record does not know of it; what it invented is an issue.
    private func gaps(_ truth: CallTruth, _ call: JSONValue) -> [String] {
        let people = call["participants"]?.elements.filter { $0["kind"]?.string == "user" } ?? []
        let unseen = Set(truth.employees).subtracting(people.compactMap { $0["extension"]?.string }).sorted()
        let recordings = Set(call["recordings"]?.elements.compactMap { $0["provider_ref"]?.string } ?? [])
        #expect(recordings.isSubset(of: truth.recordings), "\(truth.adapter)")
        return (unseen.isEmpty ? [] : ["without \(unseen)"])
            + (recordings.count < truth.recordings.count ? ["without its recording"] : [])
    }

    /// Another one of those who talked in the place of the last; anybody else is an issue.
    private func ownerGap(_ truth: CallTruth, _ call: JSONValue) -> [String] {
        guard truth.disposition == .answered else { return [] }
        let owner = call["owner_user_id"]?.string
        let talkers = truth.employees.map { "\(truth.adapter)/\($0)" }
        #expect(talkers.contains(owner ?? ""), "\(truth.adapter): \(owner ?? "nobody") instead of \(talkers)")
        return owner == talkers.last ? [] : ["its owner is not the last who talked"]
    }

    private func expectTimes(_ truth: CallTruth, _ call: JSONValue, _ what: String) {
        #expect(isNear(call["started_at"], truth.startedAt), "\(what): begun \(call["started_at"] ?? .null), \(truth.startedAt)")
        // Theirs are the times of their events' arrival, and the calls were played in no time.
        guard !["megafon-vats", "zadarma"].contains(truth.adapter) else { return }
        #expect(isNear(call["answered_at"], truth.answeredAt), "\(what): answered \(call["answered_at"] ?? .null)")
        #expect(isNear(call["ended_at"], truth.endedAt), "\(what): ended \(call["ended_at"] ?? .null), \(truth.endedAt)")
    }

    /// Within what vendors' whole seconds leave open.
    private func isNear(_ text: JSONValue?, _ moment: Instant?) -> Bool {
        let told = text?.string.flatMap { Instant(rfc3339: $0) }
        guard let moment, let told else { return moment == nil && told == nil }
        return abs(told.milliseconds(since: moment)) <= 2000
    }
}
