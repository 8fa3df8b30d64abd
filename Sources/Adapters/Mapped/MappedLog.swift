import AdapterKit
import Connector

/// The vendor's own log of calls: where its rows stand in an answer, and what each says.
struct MappedLog: Sendable, Equatable {
    /// More rows of one answer are not read.
    static let rowLimit = 5000
    /// The event's name in what tells repeats apart.
    static let eventName = "log"

    /// Where the list stands; empty where the answer is the list itself.
    var rows: [String]
    /// A value that is there, and neither `false` nor `0`, while there are more pages.
    var more: [String]?
    var event: MappedEvent

    /// The rows of an answer; nil where there is no list.
    func rows(of root: JSONNode) -> [JSONNode]? {
        let list = rows.reduce(root) { $0[dynamic: $1] }
        return list.isArray ? list.elements : nil
    }

    func hasMore(_ root: JSONNode) -> Bool {
        guard let more else { return false }
        let node = more.reduce(root) { $0[dynamic: $1] }
        guard node.exists, !node.isNull, node.bool != false else { return false }
        return !["", "0", "false"].contains(node.anyText ?? "true")
    }
}

extension MappedClient {
    /// One page of the vendor's log, as the vendor sent it.
    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        guard let command = mapping.commands[.history], let log = mapping.log else {
            throw ProviderFailure(.unsupported, code: "history", text: "the mapping describes no log")
        }
        let values = credentials.merging(Self.values(of: window, page: page)) { ours, _ in ours }
        let response = try await send(try request(command, values, deadline: .seconds(60)))
        _ = try MappedAnswerReader(command.answer).read(response)
        let answer: JSONText
        do {
            answer = try JSONText(response.body, limits: MappedRequest.limits)
        } catch {
            throw ProviderFailure(.rejected, code: "json", text: "the log is \(error.description)")
        }
        return HistoryPage(bodies: [response.body], path: "/history", hasMore: log.hasMore(answer.root))
    }

    private static func values(of window: HistoryWindow, page: Int) -> [Placeholder: String] {
        [
            .since: window.from.description, .sinceMilliseconds: "\(window.from.milliseconds)",
            .sinceSeconds: "\(window.from.milliseconds / 1000)", .until: window.to.description,
            .untilMilliseconds: "\(window.to.milliseconds)", .untilSeconds: "\(window.to.milliseconds / 1000)", .page: "\(page)",
            .pageFromOne: "\(page + 1)",
        ]
    }
}

extension MappedDecoder {
    /// An answer of the log, row by row.
    func decodeLog(_ raw: RawRecord) -> [Decoded] {
        guard let log = mapping.log else { return [.undecoded(reason: "the mapping describes no log")] }
        let answer: JSONText
        do {
            answer = try JSONText(raw.body, limits: MappedRequest.limits)
        } catch {
            return [.undecoded(reason: "the log is \(error.description)")]
        }
        guard let rows = log.rows(of: answer.root) else { return [.undecoded(reason: "the log has no list where `rows` says")] }
        guard !rows.isEmpty else { return [.ignored(reason: "a page of the log without calls")] }
        guard rows.count <= MappedLog.rowLimit else { return [.undecoded(reason: "the log has too many rows")] }
        return rows.map { row in
            fields.read(row: row)
            return decode(log.event, named: MappedLog.eventName, raw.stamp)
        }
    }
}
