import Connector
import HTTPServer

/// `GET /calls/{id}`, `/events`, `/explain`.
struct CallRoutes: Sendable {
    let services: APIServices

    private static let id = APIParameter(
        name: "id", place: .path, isRequired: true, schema: .text, description: "The call, as in `call_…`")
    private static let gone = [
        301: "The call was merged; `Location` is the survivor", 404: "No such call of this tenant", 410: "`call-deleted`",
    ]

    private static let unreadable = [500: "`event-unreadable`: the journal holds an event that cannot be read back"]

    var routes: [APIRoute] { [one, events, explanation] }

    private var one: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/calls/{id}", scope: .read, summary: "One call",
            parameters: [
                Self.id,
                APIParameter(
                    name: "If-None-Match", place: .header, schema: .text, description: "The ETag that the client has"),
            ],
            answer: APIAnswer(description: "The call; `ETag` is its revision", schema: "Call", example: Examples.call),
            otherStatuses: Self.gone.merging([304: "The client has this revision"]) { one, _ in one }
        ) { call in
            try call.query.finish()
            let stored = try await found(call)
            let tag = "\"\(stored.revision)\""
            let headers: HTTPHeaders = ["ETag": tag, "Cache-Control": "private, no-cache"]
            if Self.matches(call.header("If-None-Match"), tag) { return HTTPResponse(.notModified, headers: headers) }
            return .json(stored.body, headers: headers)
        }
    }

    private var events: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/calls/{id}/events", scope: .read, summary: "The normalized events of a call",
            parameters: [Self.id], answer: APIAnswer(description: "Events, oldest first", schema: "EventList"),
            otherStatuses: Self.gone.merging(Self.unreadable) { one, _ in one }
        ) { call in
            try call.query.finish()
            let stored = try await found(call)
            let rows = try await services.readers.read { try $0.events(of: stored.id) }
            let descriptor = services.connections.current[stored.connection.name]?.descriptor
            let events = try CallEvent.publicList(
                rows, of: stored.id, record: stored.body, adapter: descriptor.map { ($0.name, $0.version) })
            return .json { json in
                json.beginObject()
                json.field("call_id", stored.id.description)
                json.field("events", json: events)
                json.endObject()
            }
        }
    }

    private var explanation: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/calls/{id}/explain", scope: .read,
            summary: "Which event and which raw request set each field", parameters: [Self.id],
            answer: APIAnswer(description: "An explanation", schema: "Explanation"),
            otherStatuses: Self.gone.merging(Self.unreadable) { one, _ in one }
        ) { call in
            try call.query.finish()
            let id = try await found(call).id
            let explainer = services.explainer
            guard let json = try await services.readers.run({ try explainer.explain(id) }) else {
                throw APIProblem.notFound("call")
            }
            return .json(json)
        }
    }

    /// The call that the path names.
    /// - Throws: `APIProblem`: 404 where there is none of this tenant, 410 where it was deleted, 301 where it was merged.
    /// The call that the path names.
    /// - Throws: `APIProblem` 404, 301 or 410.
    func found(_ call: APICall) async throws -> StoredCall {
        let id = try call.identifier(CallID.self, "call")
        let stored = try await services.readers.read { try $0.call(id) }
        guard let stored, stored.tenant == call.tenant else { throw APIProblem.notFound("call") }
        if let survivor = stored.mergedInto { throw Self.merged(into: survivor, call) }
        if stored.isDeleted { throw APIProblem.callDeleted }
        return stored
    }

    private static func merged(into survivor: CallID, _ call: APICall) -> APIProblem {
        let location = call.route.pattern.replacing("{id}", with: survivor.description)
        return APIProblem(
            HTTPStatus(301), "call-merged", "The call was merged", detail: "It proved to be one with \(survivor).",
            headers: ["Location": location])
    }

    /// Whether `If-None-Match` names the tag (RFC 9110 §13.1.2; weak comparison).
    private static func matches(_ header: String?, _ tag: String) -> Bool {
        guard let header else { return false }
        return header.split(separator: ",").contains { part in
            let candidate = part.filter { $0 != " " }
            return candidate == "*" || candidate == tag || candidate == "W/" + tag
        }
    }
}
