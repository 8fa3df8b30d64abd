import Network
import TestSupport
import Testing

@testable import HTTPServer

/// What one client, or all together, may take. Deadlines are short, and waited for by reading until the server closes.
@Suite(.onItsOwnThread) struct LimitTests {
    private func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
        var limits = HTTPLimits()
        change(&limits)
        return limits
    }

    @Test func `a head that does not end in time is answered 408`() async throws {
        try await withServer(limits: limits { $0.headDeadline = .milliseconds(40) }) { server, address in
            let client = try RawClient(address)
            try client.send("GET /hello HTTP/1.1\r\nHost")
            #expect(try client.readToEnd().hasPrefix("HTTP/1.1 408"))
            #expect(server.statistics.timeouts == 1)
        }
    }

    @Test func `a body that comes too slowly is answered 408`() async throws {
        let slow = limits {
            $0.bodyGrace = .milliseconds(40)
            $0.minimumBodyRate = 1 << 30
        }
        try await withServer(limits: slow) { _, address in
            let client = try RawClient(address)
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome")
            #expect(try client.readToEnd().hasPrefix("HTTP/1.1 408"))
        }
    }

    @Test func `an idle connection is closed without a word`() async throws {
        try await withServer(limits: limits { $0.keepAliveIdle = .milliseconds(40) }) { _, address in
            let client = try RawClient(address)
            #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            #expect(try client.readToEnd() == "")
        }
    }

    @Test func `one address gets as many connections as it may, and again when one is closed`() async throws {
        let two = limits {
            $0.connectionsPerAddress = 2
            $0.addressCapExemptions = []
        }
        try await withServer(limits: two) { server, address in
            let first = try RawClient(address)
            let second = try RawClient(address)
            for client in [first, second] { #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200) }
            try Self.expectTurnedAway(RawClient(address))
            #expect(server.statistics.connectionsRefused == 1)
            try first.send("GET /hello HTTP/1.0\r\n\r\n")
            _ = try first.readToEnd()
            #expect(try RawClient.ask(address, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        }
    }

    @Test func `with all places taken, whoever comes is told to come again, before or after he has asked`() async throws {
        let handler = DeferringHandler()
        var router = Router.sample()
        router.direct([.get], "/later", handler: handler)
        try await withServer(router, limits: limits { $0.connections = 2 }) { server, address in
            let busy = try (0..<2).map { _ in try RawClient(address) }
            var arrivals = handler.arrivals.makeAsyncIterator()
            var held: [DeferringHandler.Held] = []
            for client in busy {
                try client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
                held.append(try #require(await arrivals.next()))
            }
            try Self.expectTurnedAway(RawClient(address))
            let asking = try RawClient(address)
            try asking.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            try Self.expectTurnedAway(asking)
            #expect(server.statistics.connectionsRefused == 2)
            #expect(server.statistics.connectionsOpen == 2)
            for one in held { one.answer("at last") }
            for client in busy { #expect(try client.readAnswer().text == "at last") }
        }
    }

    @Test func `with TLS, whoever comes too many is closed without a word`() async throws {
        let identity = try TestIdentity("gateway.test")
        let one = limits {
            $0.connectionsPerAddress = 1
            $0.addressCapExemptions = []
        }
        try await withServer(limits: one, tls: identity.identity) { server, address in
            let first = try RawClient(address)
            try first.startTLS(0)
            #expect(try RawClient.readAll(from: address) == "")
            #expect(server.statistics.connectionsRefused == 1)
        }
    }

    private static func expectTurnedAway(_ client: RawClient) throws {
        let answer = try client.readAnswer()
        #expect(answer.status == 503)
        #expect(answer.header("Retry-After") == "1")
        #expect(answer.header("Connection") == "close")
        #expect(answer.text == "too many connections, come again\r\n")
        #expect(try client.readToEnd() == "")
    }

    @Test func `the oldest idle connection makes room when nearly all are taken`() async throws {
        try await withServer(limits: limits { $0.connections = 4 }) { server, address in
            let clients = try (0..<5).map { _ in
                let client = try RawClient(address)
                _ = try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
                return client
            }
            #expect(try clients[0].readToEnd() == "")
            for client in clients[1...] { #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200) }
            #expect(server.statistics.connectionsEvicted == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `shutdown answers what was asked and says that it closes`() async throws {
        let handler = DeferringHandler()
        var router = Router.sample()
        router.direct([.post], "/later", handler: handler)
        let configuration = HTTPServerConfiguration(listen: [try SocketAddress("127.0.0.1:0")])
        let server = try HTTPServer(configuration, router: router)
        let address = try server.start()[0]
        let idle = try RawClient(address)
        _ = try idle.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        let asking = try RawClient(address)
        try asking.send("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        var arrivals = handler.arrivals.makeAsyncIterator()
        let held = try #require(await arrivals.next())
        async let ended: Void = server.shutdown(deadline: .seconds(3600))
        #expect(try idle.readToEnd() == "")
        held.answer("the last")
        let text = try asking.readToEnd()
        #expect(text.contains("Connection: close\r\n"))
        #expect(text.hasSuffix("the last"))
        await ended
        #expect(throws: RawClient.Failure.self) { try RawClient(address) }
        #expect(server.statistics.connectionsOpen == 0)
    }

    @Test func `shutdown cuts what does not end by its deadline`() async throws {
        let server = try HTTPServer(HTTPServerConfiguration(listen: [try SocketAddress("127.0.0.1:0")]), router: .sample())
        let client = try RawClient(try server.start()[0])
        try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.readAnswer().status == 100)
        await server.shutdown(deadline: .milliseconds(20))
        #expect(try client.readToEnd() == "")
        await server.shutdown(deadline: .milliseconds(20))
    }
}
