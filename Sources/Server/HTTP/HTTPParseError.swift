/// Why a request was refused before anybody looked at what it wants. The raw value is the reason in `/metrics`.
package enum HTTPParseError: String, Error, Sendable, CaseIterable {
    case bareLineFeed = "bare_line_feed"
    case requestLine = "request_line"
    case target
    case version
    case headerName = "header_name"
    case headerValue = "header_value"
    case headTooLarge = "head_too_large"
    case tooManyHeaders = "too_many_headers"
    case host
    case contentLength = "content_length"
    case transferEncoding = "transfer_encoding"
    case lengthConflict = "length_conflict"
    case chunk
    case bodyTooLarge = "body_too_large"
    case expectation

    package var status: HTTPStatus {
        switch self {
        case .version: .versionNotSupported
        case .headTooLarge, .tooManyHeaders: .headTooLarge
        case .bodyTooLarge: .contentTooLarge
        case .transferEncoding: .notImplemented
        case .expectation: .expectationFailed
        default: .badRequest
        }
    }

    /// One sentence for the sender; it repeats nothing that was sent.
    package var detail: String {
        switch self {
        case .bareLineFeed: "Lines end with CR LF."
        case .requestLine: "The request line is method, target and version, one space apart."
        case .target: "The request target is not a path, or holds a byte that must be escaped."
        case .version: "HTTP/1.1 and HTTP/1.0 are spoken here."
        case .headerName: "A header name holds a byte that is not allowed, or a space before the colon."
        case .headerValue: "A header value holds a control byte."
        case .headTooLarge: "The request line and headers together are too long."
        case .tooManyHeaders: "There are too many headers."
        case .host: "HTTP/1.1 asks for exactly one Host header."
        case .contentLength: "Content-Length is not one plain number."
        case .transferEncoding: "The only transfer encoding understood is chunked, once."
        case .lengthConflict: "Content-Length and Transfer-Encoding exclude each other."
        case .chunk: "The chunked body is malformed."
        case .bodyTooLarge: "The body is larger than is welcome here."
        case .expectation: "The only expectation understood is 100-continue."
        }
    }
}
