import Connector
import HTTPServer

/// `GET /changes`: the pull. Bodies are served as they were stored; a page is put together on a reader's thread.
struct ChangesRoute: Sendable {
    static let standardLimit = 200

    let services: APIServices

    var route: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/changes", scope: .read,
            summary: "Every change of a call since the cursor, oldest first",
            parameters: [
                APIParameter(
                    name: "cursor", schema: .text, description: "`next_cursor` of the page before; none: from the beginning"),
                APIParameter(
                    name: "limit", schema: .integer(1...1000, standard: Self.standardLimit), description: "Changes in a page"),
                APIParameter(
                    name: "wait", schema: .integer(0...60, standard: 0), description: "Seconds to wait where nothing is new"),
            ],
            answer: APIAnswer(description: "A page of changes", schema: "ChangePage", example: Examples.changePage),
            otherStatuses: [410: "`cursor-expired`: begin again without a cursor"], handle: handle)
    }

    /// What a page needs to know.
    private struct Request: Sendable {
        var tenant: TenantID
        var position: Int64
        var horizon: Int64
        var limit: Int
    }

    private struct Page: Sendable {
        var body: [UInt8]
        var isEmpty: Bool
    }

    private func handle(_ call: APICall) async throws -> HTTPResponse {
        var query = call.query
        let cursor = query.cursor("cursor", for: call.tenant)
        let limit = query.integer("limit", in: 1...1000) ?? Self.standardLimit
        let wait = query.integer("wait", in: 0...60) ?? 0
        var request = Request(tenant: call.tenant, position: 0, horizon: 0, limit: limit)
        switch cursor {
        case .change(let position, let horizon): (request.position, request.horizon) = (position, horizon)
        case .some: query.note("cursor", "This is a cursor of another list.")
        case nil: break
        }
        try query.finish()
        return .json(try await page(request, waiting: .seconds(wait)).body)
    }

    /// A page; where it would be empty, one that has something, or an empty one after `patience`.
    private func page(_ request: Request, waiting patience: Duration) async throws -> Page {
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while true {
            // Read before the page: what is committed meanwhile ends the wait at once.
            let seen = services.signal.position
            let page = try await services.readers.read { reader in try Self.read(request, from: reader) }
            let left = clock.now.duration(to: deadline)
            guard page.isEmpty, left > .zero else { return page }
            await services.signal.wait(beyond: seen, atMost: left)
            try Task.checkCancellation()
        }
    }

    private static func read(_ request: Request, from reader: any JournalReader) throws -> Page {
        let horizon = try reader.changeHorizon(tenant: request.tenant)
        let mayHaveMissed = request.position > 0 && request.position + 1 < horizon && request.horizon != horizon
        if mayHaveMissed { throw APIProblem.cursorExpired }
        var changes = try reader.changes(tenant: request.tenant, after: request.position, limit: request.limit + 1)
        if changes.isEmpty, request.position > 0, try reader.lastChangePosition() < request.position {
            throw APIProblem.cursorAhead
        }
        let hasMore = changes.count > request.limit
        if hasMore { changes.removeLast() }
        return Page(body: encode(changes, request, horizon, hasMore: hasMore), isEmpty: changes.isEmpty)
    }

    private static func encode(
        _ changes: [StoredChange], _ request: Request, _ horizon: Int64, hasMore: Bool
    ) -> [UInt8] {
        let codec = CursorCodec(tenant: request.tenant)
        var page: [UInt8] = []
        page.reserveCapacity(changes.reduce(128) { $0 + $1.body.count + 128 })
        page += #"{"changes":["#.utf8
        var isFirst = true
        for change in changes {
            page += (isFirst ? #"{"cursor":""# : #",{"cursor":""#).utf8
            isFirst = false
            codec.append(.change(position: change.position, horizon: horizon), to: &page)
            page += #"","type":""#.utf8
            page += change.type.utf8
            page += #"","call":"#.utf8
            page += change.body
            page.append(UInt8(ascii: "}"))
        }
        page += #"],"next_cursor":""#.utf8
        codec.append(.change(position: changes.last?.position ?? request.position, horizon: horizon), to: &page)
        page += (hasMore ? #"","has_more":true}"# : #"","has_more":false}"#).utf8
        return page
    }
}
