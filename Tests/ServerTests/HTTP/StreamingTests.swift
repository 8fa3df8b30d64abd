import Network
import Synchronization
import Testing

@testable import HTTPServer

/// Bodies that are written as they come, and what their writers feel.
struct StreamingTests {
    @Test func `a stream is chunked on HTTP 1.1 and ends with the connection on 1.0`() async throws {
        var router = Router.sample()
        router.get("/lines") { _ in
            HTTPResponse(
                200,
                body: .stream { writer in
                    for number in 0..<100 {
                        try await writer.write("line \(number)\n")
                        await Task.yield()
                    }
                })
        }
        let expected = (0..<100).map { "line \($0)\n" }.joined()
        try await withServer(router) { _, address in
            let client = try RawClient(address)
            #expect(try client.exchange("GET /lines HTTP/1.1\r\nHost: a\r\n\r\n").text == expected)
            #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").text == "hello")
            try client.send("GET /lines HTTP/1.0\r\n\r\n")
            #expect(try client.readToEnd().hasSuffix("\r\n\r\n" + expected))
        }
    }

    @Test func `a writer waits for a slow reader and nothing is lost`() async throws {
        let written = Mutex(0)
        let (waits, source) = AsyncStream<Int>.makeStream()
        var limits = HTTPLimits()
        limits.writeHighWater = 64 * 1024
        var router = Router.sample()
        let piece = [UInt8](repeating: 0x61, count: 32 * 1024)
        router.get("/flood") { _ in
            HTTPResponse(
                200,
                body: .stream { writer in
                    for number in 0..<1024 {
                        if number == 1 { source.yield(number) }
                        try await writer.write(piece)
                        written.withLock { $0 += piece.count }
                    }
                })
        }
        try await withServer(router, limits: limits) { _, address in
            let client = try RawClient(address, receiveBuffer: 16 * 1024)
            try client.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
            var started = waits.makeAsyncIterator()
            _ = await started.next()
            // Another client's request goes through the loop while the flood is held back.
            #expect(try RawClient.ask(address, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            #expect(written.withLock { $0 } < 32 << 20)
            let answer = try client.readAnswer()
            #expect(answer.body.count == 32 << 20)
        }
    }

    @Test func `a large answer reaches a slow reader whole`() async throws {
        var router = Router.sample()
        let body = (0..<8 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        router.get("/large") { _ in HTTPResponse(200, body: .bytes(body)) }
        try await withServer(router) { _, address in
            let client = try RawClient(address, receiveBuffer: 16 * 1024)
            try client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try RawClient.ask(address, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            #expect(try client.readAnswer().body == body)
            #expect(try client.readAnswer().text == "hello")
        }
    }

    @Test func `a client that takes nothing is cut off, and its writer told`() async throws {
        let (events, source) = AsyncStream<Void>.makeStream()
        var limits = HTTPLimits()
        limits.writeStall = .milliseconds(40)
        var router = Router()
        router.get("/endless") { _ in
            HTTPResponse(
                200,
                body: .stream { writer in
                    defer { source.yield() }
                    while true { try await writer.write([UInt8](repeating: 0, count: 64 * 1024)) }
                })
        }
        try await withServer(router, limits: limits) { server, address in
            let client = try RawClient(address, receiveBuffer: 16 * 1024)
            try client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
            var seen = events.makeAsyncIterator()
            #expect(await seen.next() != nil)
            #expect(server.statistics.timeouts == 1)
            #expect(server.statistics.connectionsOpen == 0)
        }
    }

    @Test func `a handler is cancelled when its client goes away`() async throws {
        let (events, source) = AsyncStream<String>.makeStream()
        var router = Router()
        router.get("/poll") { _ in
            source.yield("began")
            let (never, _) = AsyncStream<Void>.makeStream()
            for await _ in never {}
            source.yield(Task.isCancelled ? "cancelled" : "ended")
            return .text("late")
        }
        try await withServer(router) { _, address in
            var seen = events.makeAsyncIterator()
            let client = try RawClient(address)
            try client.send("GET /poll HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await seen.next() == "began")
            client.close()
            #expect(await seen.next() == "cancelled")
        }
    }

    @Test func `a stream that fails is cut, not ended`() async throws {
        var router = Router()
        router.get("/broken") { _ in
            HTTPResponse(
                200,
                body: .stream { writer in
                    try await writer.write("half")
                    throw HTTPClientGone()
                })
        }
        try await withServer(router) { _, address in
            let client = try RawClient(address)
            try client.send("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
            let text = try client.readToEnd()
            #expect(text.contains("half"))
            #expect(!text.hasSuffix("0\r\n\r\n"))
        }
    }

    // MARK: Measured bodies

    @Test func `a measured body has its length on either version, and HEAD is told of it`() async throws {
        try await withServer(.measuring(announced: 10, written: 10)) { _, address in
            let client = try RawClient(address)
            for _ in 0..<2 {
                let answer = try client.exchange("GET /sound HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(answer.header("Content-Length") == "10")
                #expect(answer.header("Transfer-Encoding") == nil)
                #expect(answer.text == "aaaaaaaaaa")
                let head = try client.exchange("HEAD /sound HTTP/1.1\r\nHost: a\r\n\r\n", toHead: true)
                #expect(head.header("Content-Length") == "10")
            }
            try client.send("GET /sound HTTP/1.0\r\n\r\n")
            #expect(try client.readToEnd().hasSuffix("\r\n\r\naaaaaaaaaa"))
        }
    }

    @Test(arguments: [(10, 9), (10, 11), (0, 1)])
    func `a body of another length than announced ends the connection`(announced: Int, written: Int) async throws {
        try await withServer(.measuring(announced: announced, written: written)) { _, address in
            let client = try RawClient(address)
            try client.send("GET /sound HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            let all = try client.readToEnd()
            #expect(all.contains("Content-Length: \(announced)\r\n"))
            #expect(!all.contains("hello"))
            #expect(all.count { $0 == "a" } < announced + 20)
        }
    }
}

extension Router {
    /// `/sound` writes so many bytes, one at a time.
    fileprivate static func measuring(announced: Int, written: Int) -> Router {
        var router = sample()
        router.get("/sound") { _ in
            HTTPResponse(
                200,
                body: .measured(announced) { writer in
                    for _ in 0..<written { try await writer.write("a") }
                })
        }
        return router
    }
}
