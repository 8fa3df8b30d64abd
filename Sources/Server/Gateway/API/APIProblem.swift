import Connector
import HTTPServer

/// A refusal of the API: `application/problem+json` (RFC 9457).
package struct APIProblem: Error, Sendable {
    /// One thing that is wrong with the request.
    package struct Item: Sendable, Equatable {
        /// A query parameter, a header, or a field of the body.
        package var field: String
        package var detail: String

        package init(_ field: String, _ detail: String) {
            self.field = field
            self.detail = detail
        }
    }

    package var status: HTTPStatus
    /// A word that programs may rely on: `unknown-parameter`, `cursor-expired`, …
    package var code: String
    package var title: String
    package var detail: String
    package var hint: String?
    package var errors: [Item] = []
    package var headers: HTTPHeaders = [:]

    package init(
        _ status: HTTPStatus, _ code: String, _ title: String, detail: String, hint: String? = nil, errors: [Item] = [],
        headers: HTTPHeaders = [:]
    ) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.hint = hint
        self.errors = errors
        self.headers = headers
    }

    /// The answer, under the name by which the log knows it.
    package func response(id: String) -> HTTPResponse {
        var json = JSONWriter()
        json.beginObject()
        json.field("type", "urn:kommutator:problem:\(code)")
        json.field("title", title)
        json.field("status", status.code)
        json.field("detail", detail)
        json.field("code", code)
        if let hint { json.field("hint", hint) }
        json.beginArray("errors")
        for item in errors {
            json.beginObject()
            json.field("field", item.field)
            json.field("detail", item.detail)
            json.endObject()
        }
        json.endArray()
        json.field("id", id)
        json.endObject()
        var headers = headers
        headers["Content-Type"] = "application/problem+json"
        headers["Cache-Control"] = "no-store"
        return HTTPResponse(status, headers: headers, body: .bytes(json.finish()))
    }
}

// MARK: - The refusals there are

extension APIProblem {
    static func badParameters(_ errors: [Item]) -> APIProblem {
        let names = errors.map { "`\($0.field)`" }.joined(separator: ", ")
        return APIProblem(
            .badRequest, "bad-parameter", "The request has parameters that cannot be used",
            detail: "Wrong: \(names). See `errors`.", errors: errors)
    }

    static func badBody(_ errors: [Item]) -> APIProblem {
        APIProblem(.badRequest, "bad-body", "The body cannot be used", detail: "See `errors`.", errors: errors)
    }

    static func badKey(_ detail: String) -> APIProblem {
        APIProblem(
            .unauthorized, "unauthorized", "An API key is needed", detail: detail,
            hint: "Send `Authorization: Bearer km_…`; `kommutator key create` makes a key.",
            headers: ["WWW-Authenticate": "Bearer realm=\"kommutator\""])
    }

    static func tooManyBadKeys(retryAfter seconds: Int) -> APIProblem {
        APIProblem(
            .tooManyRequests, "too-many-bad-keys", "Too many wrong keys",
            detail: "This address has sent too many wrong API keys.",
            headers: ["Retry-After": String(seconds)])
    }

    static func lacksScope(_ scope: APIKey.Scope) -> APIProblem {
        APIProblem(
            .forbidden, "missing-scope", "The key may not do this", detail: "The key lacks the scope `\(scope.rawValue)`.",
            hint: "Make a key with `kommutator key create --scope \(scope.rawValue)`.",
            headers: ["WWW-Authenticate": "Bearer error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""])
    }

    static func notFound(_ what: String) -> APIProblem {
        APIProblem(.notFound, "not-found", "There is no such \(what)", detail: "No \(what) of that name is visible to this key.")
    }

    static let callDeleted = APIProblem(
        HTTPStatus(410), "call-deleted", "The call was deleted",
        detail: "A replay found that nothing tells of this call any more.")

    static let cursorExpired = APIProblem(
        HTTPStatus(410), "cursor-expired", "The cursor has expired",
        detail: "Revisions behind this cursor have been collapsed to each call's latest.",
        hint: "Begin again without a cursor: every call comes with its latest revision.")

    static let cursorAhead = APIProblem(
        HTTPStatus(410), "cursor-expired", "The cursor is of another journal",
        detail: "The journal has not come as far as this cursor: it was restored or begun anew.",
        hint: "Begin again without a cursor.")

    static let overloaded = APIProblem(
        .serviceUnavailable, "overloaded", "Too many requests at once", detail: "The gateway's readers are busy.",
        headers: ["Retry-After": "1"])

    static let ending = APIProblem(
        .serviceUnavailable, "ending", "The gateway is ending", detail: "It shuts down or starts anew; ask again.",
        headers: ["Retry-After": "1"])

    /// What the ledger did not do; its answer is in the words of the ledger.
    static func ledger(_ error: LedgerError) -> APIProblem {
        guard error.code != .ending else { return ending }
        return APIProblem(
            .serviceUnavailable, "ledger-busy", "The ledger cannot do this now", detail: "It says: \(error.message).",
            hint: error.hint, headers: ["Retry-After": "5"])
    }

    static func unreadable(_ error: UnreadableEvent) -> APIProblem {
        APIProblem(
            .internalServerError, "event-unreadable", "An event of the call cannot be read",
            detail: "In the journal, \(error).", hint: "Replay the raw request that it came from: see `/api/v1/inbox`.")
    }

    static let requestRemoved = APIProblem(
        HTTPStatus(410), "request-removed", "Raw requests are not kept for so long",
        detail: "Requests of that age have been removed; what was derived from them stays.",
        hint: "`retention.raw` in kommutator.yaml says for how long they are kept.")

    static let internalFailure = APIProblem(
        .internalServerError, "internal", "Something failed inside",
        detail: "The gateway could not answer. Its log tells more under this `id`.")
}
