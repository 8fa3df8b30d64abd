import Connector

/// A CRM that pulls: one key, one connection, JSON taken apart.
package final class CRMClient {
    private let wire: WireClient
    private let key: String?

    package init(_ gateway: GatewayProcess, key: String?) throws {
        wire = try WireClient(port: gateway.port)
        self.key = key
    }

    /// Asks for `target` below `/api/v1`.
    package func get(_ target: String, _ headers: [String] = []) throws -> WireAnswer {
        try wire.exchange(WireRequest("GET", "/api/v1\(target)", headers: authorization + headers))
    }

    package func post(_ target: String, _ headers: [String] = [], body: String = "{}") throws -> WireAnswer {
        try wire.exchange(WireRequest("POST", "/api/v1\(target)", headers: authorization + headers, body: body))
    }

    /// The JSON behind `target`, which must be there.
    package func json(_ target: String) throws -> JSONValue {
        let answer = try get(target)
        guard answer.status == 200 else { throw SystemFailure("\(target): \(answer.head)\(answer.text)") }
        return try JSONValue(parsing: answer.body, limits: Self.roomy)
    }

    private var authorization: [String] { key.map { ["Authorization: Bearer \($0)"] } ?? [] }

    /// A page may hold a thousand calls.
    package static let roomy = JSONText.Limits()

    // MARK: Lists

    /// One change of the feed.
    package struct Change: Equatable, Sendable {
        package let cursor: String
        package let type: String
        package let call: JSONValue

        package var id: String { call["id"]?.string ?? "" }
        package var revision: Int { call["revision"]?.int ?? 0 }
    }

    /// Every change beyond `cursor`, in pages of at most `limit`; and where to go on.
    package func changes(after cursor: String? = nil, limit: Int = 1000) throws -> (changes: [Change], next: String?) {
        var changes: [Change] = []
        var next = cursor
        while true {
            let page = try page(after: next, limit: limit)
            changes += page.changes
            next = page.next
            if !page.hasMore { return (changes, next) }
        }
    }

    /// One page of the feed; waits for news where there is none.
    package func page(
        after cursor: String?, limit: Int = 1000, wait: Int = 0
    ) throws -> (changes: [Change], next: String?, hasMore: Bool) {
        let page = try json("/changes?limit=\(limit)&wait=\(wait)" + (cursor.map { "&cursor=\($0)" } ?? ""))
        let changes = page["changes"]?.elements.map { change in
            Change(
                cursor: change["cursor"]?.string ?? "", type: change["type"]?.string ?? "", call: change["call"] ?? .null)
        }
        return (changes ?? [], page["next_cursor"]?.string, page["has_more"]?.bool ?? false)
    }

    /// Every element of a list that is paged by `next_cursor`.
    package func all(_ list: String, at target: String, limit: Int = 200) throws -> [JSONValue] {
        var elements: [JSONValue] = []
        var next: String?
        repeat {
            let joint = target.contains("?") ? "&" : "?"
            let page = try json("\(target)\(joint)limit=\(limit)" + (next.map { "&cursor=\($0)" } ?? ""))
            elements += page[list]?.elements ?? []
            next = page["next_cursor"]?.string
        } while next != nil
        return elements
    }

    // MARK: Waiting

    /// Waits until the ledger has derived everything that was received; bounded.
    package func waitForLedger() throws {
        var next: String?
        for _ in 0..<120 {
            guard try lag() > 0 else { return }
            next = try changes(after: next).next
            guard try lag() > 0 else { return }
            next = try page(after: next, wait: 1).next
        }
        throw SystemFailure("the ledger stays behind by \(try lag()) records")
    }

    private func lag() throws -> Int { try metric("kommutator_ledger_lag_records") }

    /// A figure of `/metrics`.
    package func metric(_ name: String) throws -> Int {
        let text = try wire.exchange(WireRequest("GET", "/metrics")).text
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        guard let value = line?.split(separator: " ").last.flatMap({ Int($0) }) else { throw SystemFailure("no metric \(name)") }
        return value
    }
}
