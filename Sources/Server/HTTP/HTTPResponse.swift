/// An answer. `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are the server's to write.
package struct HTTPResponse: Sendable {
    /// What follows the head.
    package enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Status, headers and body were serialised beforehand; those of the response itself are ignored.
        case preserialized(PreparedResponse)
        /// Sent as it is written: chunked on HTTP/1.1, until the close on HTTP/1.0. Throwing cuts the connection, so that the
        /// client sees that the body is not whole. Asynchronous handlers only; a direct handler's stream is answered 500.
        case stream(@Sendable (HTTPBodyWriter) async throws -> Void)
        /// The same where the length is known before: so many bytes must be written, and a HEAD is told of them.
        case measured(Int, @Sendable (HTTPBodyWriter) async throws -> Void)
    }

    package var status: HTTPStatus
    package var headers: HTTPHeaders
    package var body: Body

    package init(_ status: HTTPStatus, headers: HTTPHeaders = [:], body: Body = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Text, as `text/plain; charset=utf-8` unless another type is named.
    package static func text(_ text: String, status: HTTPStatus = .ok, type: String = "text/plain; charset=utf-8") -> HTTPResponse
    {
        HTTPResponse(status, headers: ["Content-Type": type], body: .bytes(Array(text.utf8)))
    }

    package static func prepared(_ response: PreparedResponse) -> HTTPResponse {
        HTTPResponse(response.status, body: .preserialized(response))
    }
}

/// What a handler throws to answer with a refusal; rendered by the router's `errorResponse`.
package struct HTTPProblem: Error, Sendable {
    package var status: HTTPStatus
    package var code: String
    package var detail: String

    package init(_ status: HTTPStatus, code: String, detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }
}
