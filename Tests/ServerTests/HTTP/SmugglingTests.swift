import Testing

@testable import HTTPServer

/// Requests that two readers could understand differently, and heads beyond the limits: refused, and the connection ends.
struct SmugglingTests {
    struct Case: CustomTestStringConvertible {
        var name: String
        var request: String
        var status: Int
        var reason: HTTPParseError
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "length and encoding", request: post("Content-Length: 3\r\nTransfer-Encoding: chunked"), status: 400,
            reason: .lengthConflict),
        Case(
            name: "encoding and length", request: post("Transfer-Encoding: chunked\r\nContent-Length: 3"), status: 400,
            reason: .lengthConflict),
        Case(name: "two lengths", request: post("Content-Length: 3\r\nContent-Length: 4"), status: 400, reason: .contentLength),
        Case(name: "list of lengths", request: post("Content-Length: 3, 3"), status: 400, reason: .contentLength),
        Case(name: "signed length", request: post("Content-Length: +3"), status: 400, reason: .contentLength),
        Case(name: "empty length", request: post("Content-Length:"), status: 400, reason: .contentLength),
        Case(name: "endless length", request: post("Content-Length: 99999999999999999999"), status: 400, reason: .contentLength),
        Case(name: "other encoding", request: post("Transfer-Encoding: gzip, chunked"), status: 501, reason: .transferEncoding),
        Case(
            name: "chunked twice", request: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), status: 501,
            reason: .transferEncoding),
        Case(name: "identity", request: post("Transfer-Encoding: identity"), status: 501, reason: .transferEncoding),
        Case(
            name: "vertical tab in encoding", request: post("Transfer-Encoding: \u{0B}chunked"), status: 400, reason: .headerValue
        ),
        Case(
            name: "chunked in HTTP/1.0", request: "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", status: 501,
            reason: .transferEncoding),
        Case(name: "bare line feed", request: "GET /hello HTTP/1.1\nHost: a\r\n\r\n", status: 400, reason: .bareLineFeed),
        Case(
            name: "bare line feed at the end", request: "GET /hello HTTP/1.1\r\nHost: a\r\n\n", status: 400, reason: .bareLineFeed
        ),
        Case(name: "bare return", request: "GET /hello HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", status: 400, reason: .headerValue),
        Case(name: "space before the colon", request: post("Content-Length : 3"), status: 400, reason: .headerName),
        Case(name: "folded line", request: post("X-A: 1\r\n two"), status: 400, reason: .headerName),
        Case(name: "no name", request: post(": 1"), status: 400, reason: .headerName),
        Case(name: "no colon", request: post("Host"), status: 400, reason: .headerName),
        Case(name: "NUL in a value", request: post("X-A: 1\u{0}2"), status: 400, reason: .headerValue),
        Case(name: "delete in a value", request: post("X-A: 1\u{7F}2"), status: 400, reason: .headerValue),
        Case(name: "control in a name", request: post("X\u{1}A: 1"), status: 400, reason: .headerName),
        Case(name: "no host", request: "GET /hello HTTP/1.1\r\n\r\n", status: 400, reason: .host),
        Case(name: "two hosts", request: post("Host: b"), status: 400, reason: .host),
        Case(name: "two spaces", request: "GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n", status: 400, reason: .requestLine),
        Case(name: "no version", request: "GET /hello\r\nHost: a\r\n\r\n", status: 400, reason: .requestLine),
        Case(name: "control in the target", request: "GET /hel\tlo HTTP/1.1\r\nHost: a\r\n\r\n", status: 400, reason: .target),
        Case(name: "target without slash", request: "GET hello HTTP/1.1\r\nHost: a\r\n\r\n", status: 400, reason: .target),
        Case(name: "version 2", request: "GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", status: 505, reason: .version),
        Case(name: "version 0.9", request: "GET /hello HTTP/0.9\r\nHost: a\r\n\r\n", status: 505, reason: .version),
        Case(name: "other expectation", request: post("Expect: everything"), status: 417, reason: .expectation),
        Case(
            name: "65 headers", request: post((0..<64).map { "X-\($0): 1" }.joined(separator: "\r\n")), status: 431,
            reason: .tooManyHeaders),
        Case(
            name: "10,000 headers", request: post((0..<10_000).map { "X-\($0): 1" }.joined(separator: "\r\n")), status: 431,
            reason: .headTooLarge),
        Case(
            name: "a long head", request: post("X-A: " + String(repeating: "a", count: 17_000)), status: 431,
            reason: .headTooLarge),
        Case(
            name: "a head without end", request: "GET /" + String(repeating: "a", count: 20_000), status: 431,
            reason: .headTooLarge),
        Case(
            name: "chunk size with sign", request: post("Transfer-Encoding: chunked") + "+3\r\nabc\r\n0\r\n\r\n", status: 400,
            reason: .chunk),
        Case(
            name: "chunk size with space", request: post("Transfer-Encoding: chunked") + "3 \r\nabc\r\n0\r\n\r\n", status: 400,
            reason: .chunk),
        Case(
            name: "chunk size overflow", request: post("Transfer-Encoding: chunked") + "FFFFFFFFFFFFFFFFF\r\n", status: 400,
            reason: .chunk),
        Case(
            name: "chunk with bare line feed", request: post("Transfer-Encoding: chunked") + "3\nabc\r\n0\r\n\r\n", status: 400,
            reason: .chunk),
        Case(
            name: "chunk longer than said", request: post("Transfer-Encoding: chunked") + "3\r\nabcd\r\n0\r\n\r\n", status: 400,
            reason: .chunk),
        Case(
            name: "chunk beyond the limit", request: post("Transfer-Encoding: chunked") + "FFFFFFF\r\n", status: 413,
            reason: .bodyTooLarge),
        Case(
            name: "lavish framing", request: post("Transfer-Encoding: chunked") + "1;" + String(repeating: "a", count: 70_000),
            status: 413, reason: .bodyTooLarge),
    ]

    private static func post(_ headers: String) -> String { "POST /echo HTTP/1.1\r\nHost: a\r\n\(headers)\r\n\r\n" }

    @Test(arguments: cases)
    func `a request with two readings is refused and nothing behind it is served`(_ attempt: Case) async throws {
        try await withServer { server, address in
            let client = try RawClient(address)
            try client.send(attempt.request + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            client.endSending()
            let text = try client.readToEnd()
            #expect(text.hasPrefix("HTTP/1.1 \(attempt.status) "))
            #expect(text.contains("Connection: close\r\n"))
            #expect(text.contains("\r\n\r\n\(attempt.reason.rawValue): "))
            #expect(!text.contains("hello"))
            #expect(server.statistics.parseErrors[attempt.reason] == 1)
        }
    }
}
