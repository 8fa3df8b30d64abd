import AdapterKit
import Connector

/// The vendor's log, and the recordings it names.
extension MegafonClient {
    /// A page is a day of the window: the API counts no pages of its own, and gives so many rows at most.
    ///
    /// An answer that is full may lack some: its halves are asked for as well, down to a minute. It is kept all the same, since a server
    /// was seen that gives each row once only; what comes twice is a repeat.
    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        var answer = HistoryPage(bodies: [], path: api == .v1 ? "/history/json" : "/history/csv")
        guard let day = Self.day(page, of: window) else { return answer }
        answer.hasMore = day.to < window.to
        var parts = [day]
        var requestCount = 0
        while let part = parts.popLast() {
            requestCount += 1
            guard requestCount <= Self.requestLimit else {
                throw ProviderFailure(.unavailable, code: "too_many_rows", text: "the log of a day does not end")
            }
            let (body, rowCount) = try await log(part)
            if rowCount > 0 { answer.bodies.append(body) }
            // The earlier half is on top: it comes first.
            if rowCount >= Self.rowLimit { parts += Self.halves(of: part).reversed() }
        }
        return answer
    }

    private static let rowLimit = 1000
    private static let requestLimit = 256

    /// The body, and how many rows it has.
    private func log(_ part: HistoryWindow) async throws(ProviderFailure) -> (body: [UInt8], rowCount: Int) {
        let response = try await outgoing.reply(to: logRequest(part), acts: false)
        guard response.isSuccess else { throw refusal(response, acts: false) }
        let count = api == .v1 ? MegafonLogPage.countJSON(response) : MegafonLogPage.countCSV(response.body)
        if let count { return (response.body, count) }
        try MegafonCallAnswer.refuse(response, hiding: [key])
        throw .unreadable(response, acts: false)
    }

    private func logRequest(_ part: HistoryWindow) -> OutgoingRequest {
        let fields = [
            (name: "start", value: Self.compact(part.from)), (name: "end", value: Self.compact(part.to, roundingUp: true)),
            (name: "type", value: "all"), (name: "limit", value: String(Self.rowLimit)),
        ]
        var request =
            api == .v1 ? v1("GET", "/history/json?" + FormEncoding.encode(query: fields)) : legacy("history", fields)
        request.maximumBody = 8 << 20
        return request
    }

    /// `20260921T141320Z`.
    static func compact(_ moment: Instant, roundingUp: Bool = false) -> String {
        let moment = roundingUp ? moment.advanced(by: .milliseconds(999)) : moment
        return moment.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    // MARK: Parts of a window

    private static func day(_ number: Int, of window: HistoryWindow) -> HistoryWindow? {
        guard (0..<100_000).contains(number) else { return nil }
        let from = window.from.advanced(by: .seconds(86_400 * number))
        guard from < window.to else { return nil }
        return HistoryWindow(from: from, to: min(window.to, from.advanced(by: .seconds(86_400))))
    }

    /// Two parts that meet at a whole second; none of what is no longer than a minute.
    private static func halves(of part: HistoryWindow) -> [HistoryWindow] {
        let length = part.to.milliseconds(since: part.from)
        guard length > 60_000 else { return [] }
        let middle = part.from.advanced(by: .milliseconds(length / 2000 * 1000))
        return [HistoryWindow(from: part.from, to: middle), HistoryWindow(from: middle, to: part.to)]
    }

    // MARK: Recordings

    /// The key goes to the tenant's own server and nowhere else, not even by a redirect. Links to others, as few brands send them, are
    /// opened without it, and only by a public name and HTTPS: whoever knows the `crm_token` chooses them.
    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        var request: OutgoingRequest
        if reference.hasPrefix("/"), Self.isPlain(reference) {
            request = OutgoingRequest("GET", "\(server)\(reference)", headers: [keyHeader])
        } else if Self.isPublic(reference) {
            request = OutgoingRequest("GET", reference)
        } else {
            throw .invalid("recording", "this is no place of a recording")
        }
        request.maximumBody = 256 << 20
        request.deadline = .seconds(300)
        return request
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.count <= 2048 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// `https://` and a name with a dot whose last part is no number; no credentials, no port.
    private static func isPublic(_ address: String) -> Bool {
        guard isPlain(address), address.lowercased().hasPrefix("https://") else { return false }
        let host = address.dropFirst(8).prefix { !"/?#".contains($0) }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count > 1 && labels.last?.lowercased() != "localhost"
            && labels.allSatisfy { label in
                !label.isEmpty
                    && label.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x2D }
            }
            && labels.last?.utf8.allSatisfy { (0x61...0x7A).contains($0 | 0x20) } == true
    }
}

/// How many rows a page of the log has; nil for what is no page.
enum MegafonLogPage {
    static func countJSON(_ response: OutgoingResponse) -> Int? {
        if response.body.allSatisfy({ $0 <= 0x20 }) { return 0 }
        guard let root = response.json else { return nil }
        if root.isNull { return 0 }
        let rows = root.isObject ? root["items"] : root
        return rows.isArray ? rows.elements.count : nil
    }

    /// Rows have nine columns; what has fewer than six in its first line is something else.
    static func countCSV(_ body: [UInt8]) -> Int? {
        let lines = body.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        guard let first = lines.first else { return 0 }
        return CommaSeparated.fields(of: first).count >= 6 ? lines.count : nil
    }
}
