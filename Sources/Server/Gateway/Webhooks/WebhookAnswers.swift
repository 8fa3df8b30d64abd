import HTTPServer

/// What the entrance says when it does not accept: short texts, serialised once. Providers log them, so they tell nothing.
enum WebhookAnswers {
    static let notFound = make(.notFound, "no such webhook address\n")
    static let failed = make(.internalServerError, "not stored, send again\n")
    static let overloaded = make(.serviceUnavailable, "busy, send again\n", ["Retry-After": "1"])

    private static let refusals = [400, 401, 403, 405, 413, 415, 422].map { ($0, make(HTTPStatus($0), "refused\n")) }

    /// The answer to what an adapter refused; a status that is no refusal becomes 403.
    static func refusal(_ status: Int) -> PreparedResponse {
        refusals.first { $0.0 == status }?.1 ?? forbidden
    }

    private static let forbidden = make(.forbidden, "refused\n")

    private static func make(_ status: HTTPStatus, _ text: String, _ headers: HTTPHeaders = [:]) -> PreparedResponse {
        var headers = headers
        headers["Content-Type"] = "text/plain; charset=utf-8"
        return PreparedResponse(HTTPResponse(status, headers: headers, body: .bytes(Array(text.utf8))))
    }
}
