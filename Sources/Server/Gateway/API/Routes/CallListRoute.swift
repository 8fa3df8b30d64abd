import Connector
import HTTPServer

/// `GET /calls`: the call log, newest first, as pages of JSON or whole as CSV or NDJSON.
struct CallListRoute: Sendable {
    static let standardLimit = 200
    /// Calls read at once for a stream.
    private static let streamPage = 500

    let services: APIServices

    var route: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/calls", scope: .read,
            summary: "The call log, newest first; as CSV or NDJSON the whole selection in one answer",
            parameters: [
                APIParameter(name: "started_from", schema: .moment, description: "Calls that began then or later"),
                APIParameter(name: "started_to", schema: .moment, description: "Calls that began before"),
                APIParameter(name: "updated_since", schema: .moment, description: "Calls that changed then or later"),
                APIParameter(name: "direction", schema: .oneOf(Direction.self), description: "Which way"),
                APIParameter(name: "disposition", schema: .oneOf(Call.Disposition.self), description: "How it came out"),
                APIParameter(name: "state", schema: .oneOf(Call.State.self), description: "What it is doing"),
                APIParameter(name: "connection", schema: .text, description: "Calls of this connection"),
                APIParameter(name: "line", schema: .text, description: "Our number, E.164"),
                APIParameter(name: "employee", schema: .text, description: "Calls in which this `user_id` took part"),
                APIParameter(name: "number", schema: .text, description: "The outside party's number, E.164"),
                APIParameter(name: "cursor", schema: .text, description: "`next_cursor` of the page before"),
                APIParameter(
                    name: "limit", schema: .integer(1...1000, standard: Self.standardLimit), description: "Calls in a page"),
            ],
            answer: APIAnswer(
                description: "A page of calls", schema: "CallPage", otherMediaTypes: ["text/csv", "application/x-ndjson"],
                example: Examples.callPage),
            handle: handle)
    }

    private func handle(_ call: APICall) async throws -> HTTPResponse {
        let query = try Self.selection(call)
        switch Self.form(call.header("Accept")) {
        case .json: return .json(try await services.readers.read { try Self.page(query, from: $0) })
        case .csv: return stream(query, as: .csv, type: "text/csv; charset=utf-8; header=present")
        case .ndjson: return stream(query, as: .ndjson, type: "application/x-ndjson")
        }
    }

    private static func selection(_ call: APICall) throws -> CallQuery {
        var query = call.query
        var selection = CallQuery(tenant: call.tenant, limit: query.integer("limit", in: 1...1000) ?? standardLimit)
        selection.startedFrom = query.instant("started_from")
        selection.startedTo = query.instant("started_to")
        selection.updatedSince = query.instant("updated_since")
        selection.direction = query.choice("direction", Direction.self)
        selection.disposition = query.choice("disposition", Call.Disposition.self)
        selection.state = query.choice("state", Call.State.self)
        selection.connection = query.text("connection").map { ConnectionID($0) }
        selection.line = query.number("line")
        selection.employee = query.text("employee")
        selection.number = query.number("number")
        switch query.cursor("cursor", for: call.tenant) {
        case .call(let startedAt, let id): selection.after = (startedAt, id)
        case .some: query.note("cursor", "This is a cursor of another list.")
        case nil: break
        }
        try query.finish()
        return selection
    }

    // MARK: Pages

    private static func page(_ query: CallQuery, from reader: any JournalReader) throws -> [UInt8] {
        var query = query
        let limit = query.limit
        query.limit = limit + 1
        var calls = try reader.calls(query)
        let hasMore = calls.count > limit
        if hasMore { calls.removeLast() }
        var json = JSONWriter()
        json.beginObject()
        json.beginArray("calls")
        for call in calls { json.value(json: call.body) }
        json.endArray()
        let next = hasMore ? calls.last.map { Cursor.call(startedAt: $0.startedAt, id: $0.id).text(for: query.tenant) } : nil
        json.field("next_cursor", next)
        json.field("has_more", hasMore)
        json.endObject()
        return json.finish()
    }

    // MARK: Streams

    enum Form: Sendable { case json, csv, ndjson }

    /// The form that `Accept` names first; JSON where it names none of ours.
    static func form(_ accept: String?) -> Form {
        for range in (accept ?? "").split(separator: ",") {
            switch range.split(separator: ";").first.map({ $0.filter { $0 != " " }.lowercased() }) {
            case "text/csv": return .csv
            case "application/x-ndjson": return .ndjson
            case "application/json", "*/*", "application/*": return .json
            default: continue
            }
        }
        return .json
    }

    private func stream(_ query: CallQuery, as form: Form, type: String) -> HTTPResponse {
        let readers = services.readers
        return HTTPResponse(
            .ok, headers: ["Content-Type": type, "Cache-Control": "no-store"],
            body: .stream { writer in
                var query = query
                query.limit = Self.streamPage
                if form == .csv { try await writer.write(CallTable.head) }
                while true {
                    let selection = query
                    let (bytes, last) = try await readers.read { try Self.piece(selection, as: form, from: $0) }
                    try await writer.write(bytes)
                    guard let last else { return }
                    query.after = last
                }
            })
    }

    /// A page of the stream, and where the next one begins; `nil` at the end.
    private static func piece(
        _ query: CallQuery, as form: Form, from reader: any JournalReader
    ) throws -> ([UInt8], (startedAt: Instant, id: CallID)?) {
        let calls = try reader.calls(query)
        var bytes: [UInt8] = []
        for call in calls {
            if form == .csv {
                try CallTable.appendRow(of: call.body, to: &bytes)
            } else {
                bytes += call.body
                bytes.append(UInt8(ascii: "\n"))
            }
        }
        let last = calls.count == query.limit ? calls.last.map { ($0.startedAt, $0.id) } : nil
        return (bytes, last)
    }
}
