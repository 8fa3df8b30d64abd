import Connector
import HTTPClient
import HTTPServer
import Network
import TestSupport
import Testing

/// Who waits for whom, over real sockets.
@Suite struct HostLanesTests {
    @Test func `what had no turn until its deadline has not left, and is not in doubt`() async throws {
        try await withHoldingServer { client, address, arrivals in
            let first = Task { try await client.send(OutgoingRequest("GET", "http://\(address)/wait")) }
            let held = await arrivals.next()
            let late = OutgoingRequest("GET", "http://\(address)/wait", deadline: .milliseconds(20))
            let error = await #expect(throws: OutgoingError.self) { try await client.send(late) }
            #expect(error?.code == .crowded)
            #expect(error?.isTransient == true)
            let crowded = try #require(error)
            #expect(ProviderFailure(crowded).kind == .unavailable)
            held?.answer("one")
            let one = try await first.value
            #expect(one.body == Array("one".utf8))
        }
    }

    @Test func `where too many wait already, one more is refused at once, and the others are served`() async throws {
        try await withHoldingServer(waiting: 1) { client, address, arrivals in
            let request = OutgoingRequest("GET", "http://\(address)/wait")
            let first = Task { try await client.send(request) }
            let held = await arrivals.next()
            await withTaskGroup(of: OutgoingError.Code?.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        do {
                            _ = try await client.send(request)
                            return nil
                        } catch {
                            return (error as? OutgoingError)?.code
                        }
                    }
                }
                #expect(await group.next() == .crowded)
                held?.answer("one")
                await arrivals.next()?.answer("two")
                #expect(await group.next() == .some(nil))
            }
            let one = try await first.value
            #expect(one.status == 200)
        }
    }

    @Test func `one that is cancelled while it waits lets the next have its turn`() async throws {
        try await withHoldingServer { client, address, arrivals in
            let request = OutgoingRequest("GET", "http://\(address)/wait")
            let first = Task { try await client.send(request) }
            let held = await arrivals.next()
            let cancelled = (0..<50).map { _ in Task { try await client.send(request) } }
            let last = Task { try await client.send(request) }
            for one in cancelled { one.cancel() }
            for task in cancelled {
                let error = await #expect(throws: OutgoingError.self) { try await task.value }
                #expect(error?.code == .cancelled)
            }
            held?.answer("one")
            await arrivals.next()?.answer("two")
            let one = try await first.value
            #expect(one.body == Array("one".utf8))
            let two = try await last.value
            #expect(two.body == Array("two".utf8))
        }
    }

    @Test func `a host that hangs keeps nobody from another host`() async throws {
        try await withHoldingServer { client, address, arrivals in
            let hanging = (0..<40).map { _ in
                Task { try await client.send(OutgoingRequest("GET", "http://\(address)/wait")) }
            }
            let held = await arrivals.next()
            try await withServer(sample()) { server, other in
                for _ in 0..<100 {
                    let answer = try await client.send(OutgoingRequest("GET", "http://\(other)/hello"))
                    #expect(answer.status == 200)
                }
                #expect(server.statistics.connectionsAccepted == 1)
            }
            for one in hanging { one.cancel() }
            for one in hanging { _ = await one.result }
            held?.answer("too late")
        }
    }

    @Test func `a connection that the server ends while it rests is made anew`() async throws {
        let server = try ScriptedServer { _ in
            .lastBytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8))
        }
        defer { server.stop() }
        let client = try OutgoingHTTP()
        for _ in 0..<20 {
            let answer = try await client.send(OutgoingRequest("GET", "http://127.0.0.1:\(server.port)/"))
            #expect(answer.body == Array("ok".utf8))
        }
        await client.shutdown()
        #expect(server.requests.count == 20)
    }

    private func sample() -> Router {
        var router = Router()
        router.get("/hello") { _ in .text("hello") }
        return router
    }

    /// A client with one connection a host, and a server that answers when the test does.
    private func withHoldingServer(
        waiting: Int = 10_000,
        _ body: (OutgoingHTTP, SocketAddress, inout AsyncStream<DeferringHandler.Held>.AsyncIterator) async throws -> Void
    ) async throws {
        let handler = DeferringHandler()
        var router = Router()
        router.direct([.get], "/wait", handler: handler)
        var configuration = OutgoingHTTPConfiguration()
        configuration.connectionsPerHost = 1
        configuration.waitingPerHost = waiting
        try await withServer(router) { _, address in
            let client = try OutgoingHTTP(configuration)
            var arrivals = handler.arrivals.makeAsyncIterator()
            do {
                try await body(client, address, &arrivals)
            } catch {
                await client.shutdown()
                throw error
            }
            await client.shutdown()
        }
    }
}
