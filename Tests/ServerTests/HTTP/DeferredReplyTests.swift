import Network
import Testing

@testable import HTTPServer

/// Answers that a worker gives later.
struct DeferredReplyTests {
    private func withDeferring(
        limits: HTTPLimits = HTTPLimits(),
        _ body: (HTTPServer, SocketAddress, inout AsyncStream<DeferringHandler.Held>.Iterator) async throws -> Void
    ) async throws {
        let handler = DeferringHandler()
        var router = Router.sample()
        router.direct([.post], "/later", handler: handler)
        var arrivals = handler.arrivals.makeAsyncIterator()
        try await withServer(router, limits: limits) { server, address in try await body(server, address, &arrivals) }
    }

    private func request(_ body: String) -> String {
        "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func `a deferred answer reaches its client, and the next request waits for it`() async throws {
        try await withDeferring { _, address, arrivals in
            let client = try RawClient(address)
            try client.send(request("one") + request("two") + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            for body in ["one", "two"] {
                let held = try #require(await arrivals.next())
                #expect(held.body == body)
                held.answer("re: \(body)")
                #expect(try client.readAnswer().text == "re: \(body)")
            }
            #expect(try client.readAnswer().text == "hello")
        }
    }

    @Test func `answers may come in another order than requests on different connections`() async throws {
        try await withDeferring { _, address, arrivals in
            let clients = try (0..<20).map { _ in try RawClient(address) }
            var held: [DeferringHandler.Held] = []
            for (number, client) in clients.enumerated() {
                try client.send(request("\(number)"))
                held.append(try #require(await arrivals.next()))
            }
            for one in held.reversed() { one.answer("re: \(one.body)") }
            for (number, client) in clients.enumerated() { #expect(try client.readAnswer().text == "re: \(number)") }
        }
    }

    @Test func `the bytes of a deferred request stay while its client has gone`() async throws {
        try await withDeferring { server, address, arrivals in
            let client = try RawClient(address)
            try client.send(request("keep me"))
            let held = try #require(await arrivals.next())
            try client.reset()
            let other = try RawClient(address)
            for _ in 0..<50 { #expect(try other.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200) }
            #expect(await held.bodyNow() == "keep me")
            held.answer("too late")
            held.answer("twice")
            await held.settled()
            #expect(try other.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            #expect(server.statistics.repliesDropped == 2)
            #expect(server.statistics.connectionsOpen == 1)
        }
    }

    @Test func `a worker that does not answer costs its client 503, not for ever`() async throws {
        var limits = HTTPLimits()
        limits.replyDeadline = .milliseconds(40)
        try await withDeferring(limits: limits) { _, address, arrivals in
            let client = try RawClient(address)
            try client.send(request("x"))
            let held = try #require(await arrivals.next())
            #expect(try client.readToEnd().hasPrefix("HTTP/1.1 503"))
            held.answer("late")
        }
    }
}
