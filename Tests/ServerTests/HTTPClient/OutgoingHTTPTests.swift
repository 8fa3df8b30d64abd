import Connector
import HTTPClient
import HTTPServer
import Network
import Synchronization
import Testing

/// The client against our own server, on loopback.
struct OutgoingHTTPTests {
    @Test func `a body goes there, and the answer comes back with status and headers`() async throws {
        try await withClient { client, base in
            let body = [UInt8](String(repeating: "call ", count: 40_000).utf8)
            let answer = try await client.send(OutgoingRequest("POST", base + "/echo", body: body))
            #expect(answer.status == 200)
            #expect(answer.body == body)
            #expect(answer.header("x-length") == "200000")
        }
    }

    @Test(arguments: ["GET", "POST", "HEAD", "PUT", "DELETE"])
    func `every method arrives as it is, with its own headers and none of libcurl's`(method: String) async throws {
        try await withClient { client, base in
            let headers = [HeaderField(name: "X-Test", value: "one"), HeaderField(name: "X-Empty", value: "")]
            let answer = try await client.send(OutgoingRequest(method, base + "/seen", headers: headers))
            #expect(answer.status == 200)
            #expect(answer.header("x-method") == method)
            let names = answer.header("x-names")?.split(separator: ",").map(String.init) ?? []
            #expect(Set(names).isSubset(of: ["host", "user-agent", "accept", "content-length", "x-test", "x-empty"]))
            #expect(Set(names).isSuperset(of: ["x-test", "x-empty"]))
        }
    }

    @Test func `a refusal by the server is an answer`() async throws {
        try await withClient { client, base in
            let answer = try await client.send(OutgoingRequest("GET", base + "/nowhere"))
            #expect(answer.status == 404)
        }
    }

    @Test func `nobody listening is a transient failure to connect`() async throws {
        let listener = try TCPListener(on: SocketAddress("127.0.0.1:0"))
        listener.close()
        let error = try await failure("GET", "http://\(listener.address)/hooks/token?key=secret")
        #expect(error?.code == .connect)
        #expect(error?.isTransient == true)
        #expect(error?.description.hasPrefix("http://\(listener.address): ") == true)
        #expect(error?.description.contains("token") == false)
    }

    @Test func `a server that never answers ends with the deadline`() async throws {
        let listener = try TCPListener(on: SocketAddress("127.0.0.1:0"))
        defer { listener.close() }
        let error = try await failure("GET", "http://user:secret@\(listener.address)/", deadline: .milliseconds(30))
        #expect(error?.code == .timeout)
        #expect(error?.isTransient == true)
        #expect(error?.description == "http://\(listener.address): no answer in 0.03 seconds")
    }

    @Test(arguments: ["/echo", "/stream"])
    func `an answer over the bound is cut, announced or not`(path: String) async throws {
        try await withClient { client, base in
            let body = [UInt8](repeating: 65, count: 5000)
            let narrow = OutgoingRequest("POST", base + path, body: body, maximumBody: 4999)
            let error = await #expect(throws: OutgoingError.self) { try await client.send(narrow) }
            #expect(error?.code == .tooLarge)
            let wide = OutgoingRequest("POST", base + path, body: body, maximumBody: 5000)
            let whole = try await client.send(wide)
            #expect(whole.body == body)
        }
    }

    @Test func `many requests at once share few connections`() async throws {
        var configuration = OutgoingHTTPConfiguration()
        configuration.connectionsPerHost = 4
        try await withServer(.outgoing) { server, address in
            try await using(configuration) { client in
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<300 {
                        group.addTask { try await client.send(OutgoingRequest("GET", "http://\(address)/hello")).status }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses == [Int](repeating: 200, count: 300))
                #expect(server.statistics.connectionsAccepted <= 4)
                let opened = server.statistics.connectionsAccepted
                #expect(try await client.send(OutgoingRequest("GET", "http://\(address)/hello")).status == 200)
                #expect(server.statistics.connectionsAccepted == opened)
            }
        }
    }

    @Test func `a cancelled task ends its request and closes the connection`() async throws {
        let handler = DeferringHandler()
        var router = Router()
        router.direct([.get], "/wait", handler: handler)
        try await withServer(router) { _, address in
            try await using { client in
                let task = Task { try await client.send(OutgoingRequest("GET", "http://\(address)/wait")) }
                var arrivals = handler.arrivals.makeAsyncIterator()
                let held = await arrivals.next()
                task.cancel()
                let error = await #expect(throws: OutgoingError.self) { try await task.value }
                #expect(error?.code == .cancelled)
                held?.answer("too late")
            }
        }
    }

    @Test func `a task cancelled before it sends sends nothing`() async throws {
        try await withServer(.outgoing) { server, address in
            try await using { client in
                let task = Task {
                    withUnsafeCurrentTask { $0?.cancel() }
                    return try await client.send(OutgoingRequest("GET", "http://\(address)/hello"))
                }
                let error = await #expect(throws: OutgoingError.self) { try await task.value }
                #expect(error?.code == .cancelled)
                #expect(server.statistics.connectionsAccepted == 0)
            }
        }
    }

    @Test func `the end of the client ends what is under way and refuses what comes after`() async throws {
        let handler = DeferringHandler()
        var router = Router()
        router.direct([.get], "/wait", handler: handler)
        try await withServer(router) { _, address in
            let client = try OutgoingHTTP()
            let request = OutgoingRequest("GET", "http://\(address)/wait")
            let task = Task { try await client.send(request) }
            var arrivals = handler.arrivals.makeAsyncIterator()
            let held = await arrivals.next()
            await client.shutdown()
            let underWay = await #expect(throws: OutgoingError.self) { try await task.value }
            #expect(underWay?.code == .cancelled)
            let later = await #expect(throws: OutgoingError.self) { try await client.send(request) }
            #expect(later?.code == .cancelled)
            held?.answer("too late")
        }
    }

    @Test func `redirects are followed only when asked, and only where nothing is sent twice`() async throws {
        try await withClient { client, base in
            #expect(try await client.send(OutgoingRequest("GET", base + "/moved")).status == 302)
            let followed = try await client.send(OutgoingRequest("GET", base + "/moved", redirects: 1))
            #expect(followed.status == 200)
            #expect(followed.header("location") == nil)
            #expect(try await client.send(OutgoingRequest("POST", base + "/moved", redirects: 1)).status == 302)
        }
    }

    @Test(arguments: [
        OutgoingRequest("GET", "file:///etc/hostname"), OutgoingRequest("GET", "http://127.0.0.1/a b"),
        OutgoingRequest("get it", "http://127.0.0.1/"), OutgoingRequest("GET", ""),
        OutgoingRequest("GET", "http://127.0.0.1/", headers: [HeaderField(name: "X-One", value: "a\r\nX-Two: b")]),
        OutgoingRequest("GET", "http://127.0.0.1/", headers: [HeaderField(name: "X One", value: "a")]),
    ])
    func `what would be sent amiss is refused`(request: OutgoingRequest) async throws {
        try await using { client in
            let error = await #expect(throws: OutgoingError.self) { try await client.send(request) }
            #expect(error?.code == .invalidRequest)
            #expect(error?.isTransient == false)
        }
    }

    @Test(arguments: [OutgoingRequest.TLSMaximum.tls12, .tls13])
    func `a certificate that is trusted passes, another does not`(maximum: OutgoingRequest.TLSMaximum) async throws {
        let identity = try TestIdentity("localhost")
        try await withServer(.outgoing, tls: identity.identity) { _, address in
            let request = OutgoingRequest("GET", "https://localhost:\(address.port)/hello", tlsMaximum: maximum)
            try await using { client in
                let error = await #expect(throws: OutgoingError.self) { try await client.send(request) }
                #expect(error?.code == .tls)
                #expect(error?.isTransient == false)
            }
            var trusting = OutgoingHTTPConfiguration()
            trusting.certificateAuthorities = identity.identity.certificatePath
            try await using(trusting) { client in
                let answer = try await client.send(request)
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `a refusal names scheme and host at most`() async throws {
        try await using { client in
            let error = await #expect(throws: OutgoingError.self) {
                try await client.send(OutgoingRequest("GET", "gopher://a/?b"))
            }
            #expect(error?.code == .invalidRequest)
            #expect(error?.place == "gopher://a")
        }
    }

    // MARK: Support

    private func withClient(_ body: (OutgoingHTTP, String) async throws -> Void) async throws {
        try await withServer(.outgoing) { _, address in
            try await using { client in try await body(client, "http://\(address)") }
        }
    }

    /// Runs a client for the length of `body`.
    private func using(
        _ configuration: OutgoingHTTPConfiguration = OutgoingHTTPConfiguration(), _ body: (OutgoingHTTP) async throws -> Void
    ) async throws {
        let client = try OutgoingHTTP(configuration)
        do {
            try await body(client)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    private func failure(_ method: String, _ url: String, deadline: Duration = .seconds(10)) async throws -> OutgoingError? {
        var failure: OutgoingError?
        try await using { client in
            failure = await #expect(throws: OutgoingError.self) {
                try await client.send(OutgoingRequest(method, url, deadline: deadline))
            }
        }
        return failure
    }
}

extension Router {
    /// The shared routes, and what only the client's tests ask for.
    fileprivate static var outgoing: Router {
        var router = sample()
        for method in [HTTPMethod.get, .post, .put, .delete] {
            router.on(method, "/seen") { request in
                let names = request.headers.map { $0.name.lowercased() }.joined(separator: ",")
                return HTTPResponse(200, headers: ["X-Method": request.method.name, "X-Names": names])
            }
            router.on(method, "/moved") { _ in HTTPResponse(302, headers: ["Location": "/seen"]) }
        }
        router.post("/stream") { request in
            HTTPResponse(200, body: .stream { writer in try await writer.write(request.body) })
        }
        return router
    }
}
