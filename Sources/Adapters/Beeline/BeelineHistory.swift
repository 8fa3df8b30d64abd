import AdapterKit
import Connector

/// Rows of `GET v2/statistics` and of the older `GET statistics`.
///
/// A row is one employee's part in a call and names no call: the one that it fits is to be found by employee, direction, number and
/// time. Times are milliseconds since 1970, durations milliseconds.
/// - Source: bzdvdn/beeline_portal; a receiver tried with a real token says what `phone` is.
package struct BeelineStatistics: HistoryReader {
    package init() {}

    package func read(_ body: [UInt8]) throws(HistoryError) -> HistoryRows {
        try BeelineHistory.page(body, row: Self.row)
    }

    private static func row(_ json: JSONNode) -> HistoryRow? {
        let person = json["abonent"]
        guard let start = BeelineTime.moment(json["startDate"].anyText), let employee = BeelineHistory.employee(person) else {
            return nil
        }
        var facts = CallFacts(direction: BeelineHistory.direction(json["direction"]), startedAt: start)
        readNumbers(json, of: person, into: &facts)
        var row = HistoryRow(keys: [], facts: facts)
        row.ending = ending(json, of: employee, since: start)
        row.custom.keepMembers(of: json, except: known)
        row.custom.keepMembers(of: person, except: BeelineHistory.knownOfPerson, prefix: "abonent.")
        return row
    }

    private static let known: NameSet = [
        "startDate", "abonent", "direction", "status", "phone", "phone_from", "phone_to",
    ]

    /// `v2` has `phone_from` and `phone_to`. The older `phone` is the employee's own number, as one account showed; where it is
    /// another it is taken for the one outside.
    private static func readNumbers(_ json: JSONNode, of person: JSONNode, into facts: inout CallFacts) {
        let own = person["phone"].anyText
        func notOwn(_ number: String?) -> String? {
            number.flatMap { $0.isEmpty || BeelineNames.areSame($0, own) ? nil : BeelineNames.number($0) }
        }
        let (from, to) = (json["phone_from"].anyText, json["phone_to"].anyText)
        let comesIn = facts.direction != .outbound
        facts.externalNumber = notOwn(comesIn ? from : to) ?? notOwn(json["phone"].anyText)
        facts.line = notOwn(comesIn ? to : from)
    }

    /// What `duration` counts, call or talk, is not documented: it is kept beside the record, and the end is unknown. Why an employee
    /// called in vain, nobody says. Who received a call talked, some time after `start`.
    private static func ending(_ json: JSONNode, of employee: Party, since start: Instant) -> EndReport {
        let status = BeelineStatus(json["status"])
        let isInVain = status == .placed && (json["duration"].anyInt ?? 1) <= 0
        return EndReport(
            reason: status.reason, cause: Cause(providerCode: json["status"].anyText),
            answered: isInVain ? false : status.answered, user: employee,
            talks: status == .received ? [TalkReport(of: employee, since: start)].compactMap(\.self) : [])
    }
}

/// How a call came out, in Beeline's words, one of them misspelt.
enum BeelineStatus: Equatable {
    case received, missed
    /// An employee called somebody: whether he answered is not said.
    case placed
    case unknown

    init(_ word: JSONNode) {
        switch word.string {
        case "RECIEVED", "RECEIVED": self = .received
        case "MISSED": self = .missed
        case "PLACED": self = .placed
        default: self = .unknown
        }
    }

    var answered: Bool? {
        switch self {
        case .received: true
        case .missed: false
        case .placed, .unknown: nil
        }
    }

    var reason: EndReason {
        switch self {
        case .received: .normal
        case .missed: .noAnswer
        case .placed, .unknown: .unknown
        }
    }
}

/// Rows of `GET records`: recordings that can be fetched.
///
/// `externalId` is taken for the events' `extTrackingId` (inferred), so that a row finds its call, and the recording the name that the
/// events gave it. A row shows neither the number outside nor how the call came out: it only joins a call that events tell of.
package struct BeelineRecordings: HistoryReader {
    /// Under which its pages are kept.
    static let path = "/records"

    package init() {}

    package func read(_ body: [UInt8]) throws(HistoryError) -> HistoryRows {
        try BeelineHistory.page(body, row: Self.row)
    }

    private static func row(_ json: JSONNode) -> HistoryRow? {
        guard let id = json["id"].anyText, !id.isEmpty else { return nil }
        let tracking = json["externalId"].anyText.flatMap { $0.isEmpty ? nil : $0 }
        let user = json["abonent"]["userId"].anyText.flatMap { $0.isEmpty ? nil : $0 }
        let key = tracking.flatMap { tracking in user.map { "\(tracking)/\($0)" } } ?? id
        var row = HistoryRow(
            keys: [tracking.map { ExternalKey(.session, $0) } ?? ExternalKey(.recording, id)],
            facts: CallFacts(
                direction: BeelineHistory.direction(json["direction"]), startedAt: BeelineTime.moment(json["date"].anyText)),
            recordings: [RecordingReport(key: key, phase: .ready)], onlyJoins: true)
        row.custom.keep("record.id", id)
        row.custom.keepMembers(of: json, except: known, prefix: "record.")
        return row
    }

    /// `phone` is the employee's own.
    private static let known: NameSet = ["id", "externalId", "abonent", "phone", "direction", "date"]
}

/// What both lists have in common.
enum BeelineHistory {
    /// Beeline gives a hundred rows a page.
    private static let rowLimit = 10_000

    static func page(_ body: [UInt8], row: (JSONNode) -> HistoryRow?) throws(HistoryError) -> HistoryRows {
        let text: JSONText
        do {
            text = try JSONText(body)
        } catch {
            throw HistoryError(.unreadable, error.description)
        }
        guard text.root.isArray else {
            guard text.root["errorCode"].exists else { throw HistoryError(.unreadable, "the answer is no list") }
            throw HistoryError(.refused, HistoryError.shortCode(text.root["errorCode"].anyText))
        }
        let elements = text.root.elements
        guard elements.count <= rowLimit else { throw HistoryError(.tooMany, "more than \(rowLimit) rows") }
        let rows = elements.compactMap(row)
        return HistoryRows(rows: rows, skipped: elements.count - rows.count)
    }

    static func direction(_ word: JSONNode) -> Direction? {
        if word.equals("INBOUND") { return .inbound }
        return word.equals("OUTBOUND") ? .outbound : nil
    }

    /// Under the name that his events give him.
    static func employee(_ person: JSONNode) -> Party? {
        let ids = [person["userId"].anyText, person["phone"].anyText, person["extension"].anyText]
        let name = ids.lazy.compactMap { BeelineNames.person($0) }.compactMap(BeelineNames.employee).first
        return name.map { .user(extension: $0, endpoint: nil) }
    }

    /// His name belongs into `employees`, not into each call.
    static let knownOfPerson: NameSet = ["userId", "phone", "firstName", "lastName", "email"]
}
