import Network
import Testing

@testable import HTTPServer

/// The server over real sockets: what a client sees when both sides behave.
struct HTTPServerTests {
    @Test func `a connection serves one request after another`() async throws {
        try await withServer { server, address in
            let client = try RawClient(address)
            for _ in 0..<3 {
                let answer = try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(answer.status == 200)
                #expect(answer.text == "hello")
                #expect(answer.header("Date")?.hasSuffix("GMT") == true)
            }
            #expect(server.statistics.responsesByClass[2] == 3)
            #expect(server.statistics.connectionsOpen == 1)
        }
    }

    @Test(arguments: ["/echo", "/direct/a/b"])
    func `bytes that come one at a time make the same request`(path: String) async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            for byte in Array("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde".utf8) {
                try client.send([byte])
            }
            #expect(try client.readAnswer().text == "abcde")
        }
    }

    @Test func `empty lines before a request are overlooked, however they arrive`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            for byte in Array("\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n".utf8) { try client.send([byte]) }
            #expect(try client.readAnswer().text == "hello")
            #expect(try client.exchange("\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n").text == "hello")
        }
    }

    @Test(arguments: ["/echo", "/direct/a/b"])
    func `pipelined requests are answered in order`(path: String) async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            let requests = (0..<200).map { "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\(100 + $0)" }
            try client.send(requests.joined())
            for number in 0..<200 { #expect(try client.readAnswer().text == "\(100 + number)") }
        }
    }

    @Test(arguments: ["/echo", "/direct/"])
    func `a chunked body is decoded and the next request found behind it`(path: String) async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            let body = "4\r\nWiki\r\n5;note=1\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\nX-Trailer: 1\r\n\r\n"
            let request = "POST \(path) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)"
            try client.send(request + request)
            #expect(try client.readAnswer().text == "Wikipedia in\r\n\r\nchunks.")
            #expect(try client.readAnswer().text == "Wikipedia in\r\n\r\nchunks.")
        }
    }

    @Test func `a body as large as allowed comes back whole`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            let body = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
            try client.send(body)
            #expect(try client.readAnswer().body == body)
            #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        }
    }

    @Test func `a client that expects 100 gets it, then the answer`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.readAnswer().status == 100)
            #expect(try client.exchange("ok").text == "ok")
        }
    }

    @Test func `a body that is too large is refused before it is sent`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n")
            let answer = try client.readAnswer()
            #expect(answer.status == 413)
            #expect(answer.header("Connection") == "close")
            client.endSending()
            #expect(try client.readToEnd() == "")
        }
    }

    @Test func `a worker refuses a request by its head`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            try client.send("POST /direct/x HTTP/1.1\r\nHost: a\r\nX-Unwelcome: 1\r\nContent-Length: 500000\r\n\r\n")
            #expect(try client.readAnswer().text == "unwelcome")
        }
    }

    @Test func `HEAD has the head of GET and no body`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            let answer = try client.exchange("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n", toHead: true)
            #expect(answer.status == 200)
            #expect(answer.header("Content-Length") == "5")
            #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").text == "hello")
        }
    }

    @Test func `a prepared answer has the date of today, and the shape its request asks for`() async throws {
        let prepared = PreparedResponse(.text("ready"))
        var router = Router()
        router.get("/ready") { _ in .prepared(prepared) }
        try await withServer(router) { _, address in
            let client = try RawClient(address)
            let first = try client.exchange("GET /ready HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(first.text == "ready")
            #expect(first.header("Connection") == nil)
            #expect(first.header("Date")?.hasPrefix("Thu, 01 Jan 1970") == false)
            let head = try client.exchange("HEAD /ready HTTP/1.1\r\nHost: a\r\n\r\n", toHead: true)
            #expect(head.header("Content-Length") == "5")
            try client.send("GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let last = try client.readToEnd()
            #expect(last.contains("Connection: close\r\n"))
            #expect(last.hasSuffix("\r\n\r\nready"))
        }
    }

    @Test func `HTTP 1.0 is answered and closed`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            try client.send("GET /hello HTTP/1.0\r\n\r\n")
            let text = try client.readToEnd()
            #expect(text.contains("Connection: close\r\n"))
            #expect(text.hasSuffix("\r\n\r\nhello"))
        }
    }

    @Test func `a client that ends its side still gets its answer`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            try client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            client.endSending()
            #expect(try client.readToEnd().hasSuffix("hello"))
        }
    }

    @Test func `unknown paths, other methods and thrown problems are rendered by the router`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            let unknown = try client.exchange("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(unknown.status == 404)
            #expect(unknown.text.hasPrefix("not_found"))
            let method = try client.exchange("DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(method.status == 405)
            #expect(method.header("Allow") == "GET, HEAD")
            #expect(try client.exchange("GET /fails HTTP/1.1\r\nHost: a\r\n\r\n").text == "conflict: As asked.")
        }
    }

    @Test func `parameters and queries arrive decoded`() async throws {
        try await withServer { _, address in
            let client = try RawClient(address)
            #expect(try client.exchange("GET /calls/a%2Fb%20c/events HTTP/1.1\r\nHost: a\r\n\r\n").text == "a/b c")
            let query = try client.exchange("GET /query?a=1&b=%2B7+9&c&a=2 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(query.text == "a=1;b=+7 9;c=;a=2")
        }
    }

    @Test func `a handler's header cannot split the answer`() async throws {
        var router = Router()
        router.get("/split") { _ in HTTPResponse(200, headers: ["X-A": "1\r\nX-B: 2"]) }
        try await withServer(router) { _, address in
            let answer = try RawClient.ask(address, "GET /split HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(answer.header("X-B") == nil)
        }
    }

    @Test func `IPv6 is served like IPv4`() async throws {
        try await withServer(listen: "[::1]:0") { _, address in
            #expect(address.description.hasPrefix("[::1]:"))
            let answer = try RawClient.ask(address, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(answer.text == "hello")
        }
    }

    @Test func `two loops share a port`() async throws {
        try await withServer(loops: 2) { server, address in
            for _ in 0..<20 {
                let answer = try RawClient.ask(address, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(answer.text == "hello")
            }
            #expect(server.statistics.connectionsAccepted == 20)
        }
    }

    @Test func `a port that somebody has is not shared by mistake`() async throws {
        try await withServer { _, address in
            let second = try HTTPServer(HTTPServerConfiguration(listen: [address]), router: .sample())
            #expect(throws: NetworkError.self) { try second.start() }
        }
    }
}
