import Connector
import HTTPServer
import Network
import TestSupport
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct WebhookRoutesTests {
    private static let genuine = "X-Bell: hush\r\n"

    private func hook(
        _ address: SocketAddress, _ path: String = "/hooks/bell", body: String = "a=1", headers: String = genuine
    ) throws -> RawClient.Answer {
        try RawClient.post(address, path, body: body, key: nil, headers: headers)
    }

    @Test func `a genuine request is journalled whole and answered as the adapter says`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let answer = try hook(
                address, "/hooks/bell/events/call?x=%31", body: "a=1\u{0}b",
                headers: "X-Bell: hush\r\nX-Other: no\r\nContent-Type: text/x\r\n")
            #expect(answer.status == 200)
            #expect(answer.text == "ok")
            let record = try #require(bench.journal.rawRecords.first)
            #expect(record.connection == ConnectionID("bell"))
            #expect(record.method == "POST")
            #expect(record.path == "/events/call")
            #expect(record.query == "x=%31")
            #expect(record.body == Array("a=1\u{0}b".utf8))
            #expect(record.peer == "127.0.0.1")
            #expect(
                record.headers == [
                    HeaderField(name: "x-bell", value: "hush"), HeaderField(name: "content-type", value: "text/x"),
                ])
            #expect(record.id.time == record.receivedAt)
        }
    }

    @Test func `nothing is answered before the commit`() async throws {
        let bench = try GatewayWorkbench()
        bench.journal.holdsAppends = true
        try await bench.serve { address in
            let clients = try (0..<3).map { _ in try RawClient(address) }
            for client in clients {
                try client.send("POST /hooks/bell HTTP/1.1\r\nHost: h\r\nX-Bell: hush\r\nContent-Length: 0\r\n\r\n")
            }
            // A refused request on the same loop is answered meanwhile, so the loop has seen the others' bytes or will not wait.
            #expect(try hook(address, headers: "X-Bell: wrong\r\n").status == 401)
            while bench.journal.rawRecords.count < 3 {
                bench.journal.releaseAppends()
                await Task.yield()
            }
            for client in clients { #expect(try client.readAnswer().status == 200) }
        }
    }

    @Test func `a refused request is counted by peer and reason and never journalled`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address throws in
            #expect(try hook(address, headers: "X-Bell: guess\r\n").status == 401)
            #expect(try hook(address, headers: "").status == 401)
            #expect(bench.journal.rawRecords.isEmpty)
            let rows = bench.metrics.refusals.rows(of: ConnectionID("bell"))
            #expect(rows.map(\.count) == [2])
            #expect(rows.first?.key.reason == "wrong key")
            #expect(!bench.log.text.contains("guess"))
        }
    }

    @Test func `a handshake is answered and not journalled`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let answer = try RawClient.get(address, "/hooks/bell?ping", key: nil, headers: Self.genuine)
            #expect(answer.text == "pong")
            #expect(bench.journal.rawRecords.isEmpty)
        }
    }

    @Test func `an unknown, disabled or broken connection is not found`() async throws {
        let bench = try GatewayWorkbench([
            "off": "adapter: bell\nenabled: false\nsettings: {key: env:BELL_KEY}", "bad": "adapter: bell\nsettings: {key: hush}",
        ])
        try await bench.serve { address throws in
            for name in ["none", "off", "bad", "bell"] { #expect(try hook(address, "/hooks/\(name)").status == 404) }
        }
    }

    @Test func `where there is a url token, only its path is known`() async throws {
        let bench = try GatewayWorkbench(["bell": "adapter: bell\nsettings: {key: env:BELL_KEY, url_token: env:HOOK}"])
        try await bench.serve { address throws in
            for path in ["", "/", "/0123456789abcdeX", "/0123456789abcde", "/x/0123456789abcdef"] {
                #expect(try hook(address, "/hooks/bell\(path)").status == 404)
            }
            #expect(try hook(address, "/hooks/bell/0123456789abcdef").status == 200)
            #expect(try hook(address, "/hooks/bell/0123456789abcdef/events").status == 200)
            #expect(bench.journal.rawRecords.map(\.path) == ["", "/events"])
        }
    }

    @Test func `an address that is not allowed is refused`() async throws {
        let bench = try GatewayWorkbench([
            "far": "adapter: bell\nsettings: {key: env:BELL_KEY, allow_from: 203.0.113.0/24}",
            "near": "adapter: bell\nsettings: {key: env:BELL_KEY, allow_from: 127.0.0.0/8}",
        ])
        try await bench.serve { address throws in
            #expect(try hook(address, "/hooks/far").status == 403)
            #expect(try hook(address, "/hooks/near").status == 200)
        }
    }

    @Test func `behind a proxy of ours the provider's address is what it says, and only its`() async throws {
        let files = ["far": "adapter: bell\nsettings: {key: env:BELL_KEY, allow_from: 203.0.113.0/24}"]
        let from = { (list: String) in "X-Bell: hush\r\nX-Forwarded-For: \(list)\r\n" }
        let behind = try GatewayWorkbench(files, proxies: IPNetwork.loopback)
        try await behind.serve { address throws in
            #expect(try hook(address, "/hooks/far", headers: from("203.0.113.7")).status == 200)
            #expect(behind.journal.rawRecords.map(\.peer) == ["203.0.113.7"])
            #expect(try hook(address, "/hooks/far", headers: from("203.0.113.7, 198.51.100.1")).status == 403)
            #expect(try hook(address, "/hooks/far").status == 403)
            let rows = behind.metrics.refusals.rows(of: ConnectionID("far"))
            #expect(Set(rows.map { $0.key.peer?.description }) == ["198.51.100.1", "127.0.0.1"])
            #expect(behind.log.text.contains("peer=198.51.100.1"))
        }
        let bare = try GatewayWorkbench(files)
        try await bare.serve { address throws in
            #expect(try hook(address, "/hooks/far", headers: from("203.0.113.7")).status == 403)
        }
    }

    @Test func `a full queue answers 503 before the body is read`() async throws {
        let bench = try GatewayWorkbench()
        bench.journal.isFull = true
        try await bench.serve { address in
            let client = try RawClient(address)
            try client.send("POST /hooks/bell HTTP/1.1\r\nHost: h\r\nX-Bell: hush\r\nContent-Length: 100000\r\n\r\n")
            let answer = try client.readAnswer()
            #expect(answer.status == 503)
            #expect(answer.header("Retry-After") == "1")
        }
    }

    @Test func `a queue that fills up meanwhile answers 503, a failed commit 500, and both recover`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            bench.journal.refusesAppends = true
            #expect(try hook(address).status == 503)
            bench.journal.refusesAppends = false
            bench.journal.failure = "disk full"
            #expect(try hook(address).status == 500)
            #expect(bench.journal.rawRecords.isEmpty)
            bench.journal.failure = nil
            #expect(try hook(address).status == 200)
            let counters = try #require(bench.registry.current["bell"]).counters
            #expect(counters.accepted.load(ordering: .relaxed) == 1)
            #expect(counters.failed.load(ordering: .relaxed) == 1)
            #expect(counters.overloaded.load(ordering: .relaxed) == 1)
        }
    }

    @Test func `a body above the limit is refused`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let client = try RawClient(address)
            try client.send("POST /hooks/bell HTTP/1.1\r\nHost: h\r\nX-Bell: hush\r\nContent-Length: 9000000\r\n\r\n")
            #expect(try client.readAnswer().status == 413)
        }
    }

    @Test func `a reload is taken by the loops without a restart`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let client = try RawClient(address)
            let request = "POST /hooks/late HTTP/1.1\r\nHost: h\r\nX-Bell: hush\r\nContent-Length: 0\r\n\r\n"
            #expect(try client.exchange(request).status == 404)
            try bench.write("adapter: bell\nsettings: {key: env:BELL_KEY}", to: "late")
            #expect(bench.registry.reloadIfChanged())
            #expect(try client.exchange(request).status == 200)
            #expect(!bench.registry.reloadIfChanged())
        }
    }

    @Test func `one bad file leaves the others running and shows its problem`() throws {
        let bench = try GatewayWorkbench([
            "bad": "adapter: bel", "good": "adapter: bell\nsettings: {key: env:BELL_KEY}", "Bad Name": "",
        ])
        defer { bench.close() }
        let set = bench.registry.current
        #expect(set.live.map(\.id.name) == ["good"])
        #expect(set["bad"]?.problems.count == 1)
        #expect(set.problems.map(\.problem) == ["the name `Bad Name` is no slug"])
    }

    @Test func `an unchanged connection stays the same object over a reload and keeps its counters`() throws {
        let bench = try GatewayWorkbench()
        defer { bench.close() }
        let before = try #require(bench.registry.current["bell"])
        try bench.write("adapter: bell\nsettings: {key: env:BELL_KEY}", to: "second")
        #expect(bench.registry.reload())
        #expect(bench.registry.current["bell"] === before)
        try bench.write("adapter: bell\nsettings: {key: env:BELL_KEY, tone: low}", to: "bell")
        #expect(bench.registry.reload())
        let after = try #require(bench.registry.current["bell"])
        #expect(after !== before)
        #expect(after.counters === before.counters)
    }
}
