import Connector
import Network
import TestSupport
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct ChangesTests {
    private func page(_ address: SocketAddress, _ query: String = "", key: String = GatewayWorkbench.secret) throws -> JSONValue {
        let answer = try RawClient.get(address, "/api/v1/changes\(query)", key: key)
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "application/json")
        return try answer.json()
    }

    private func revisions(_ page: JSONValue) -> [Int?] { (page["changes"]?.elements ?? []).map { $0["call"]?["revision"]?.int } }

    @Test func `paging from the beginning gives every revision once and in order`() async throws {
        let bench = try GatewayWorkbench()
        for revision in 1...7 { bench.addCall(1, revision: revision) }
        try await bench.serve { address in
            var query = "?limit=3"
            var seen: [Int?] = []
            var hasMore = true
            while hasMore {
                let page = try page(address, query)
                seen += revisions(page)
                hasMore = page["has_more"]?.bool ?? false
                query = "?limit=3&cursor=\(page["next_cursor"]?.string ?? "")"
            }
            #expect(seen == [1, 2, 3, 4, 5, 6, 7])
            #expect(revisions(try page(address, query)) == [])
            bench.addCall(1, revision: 8)
            #expect(revisions(try page(address, query)) == [8])
        }
    }

    @Test func `a cursor within a page goes on behind that change`() async throws {
        let bench = try GatewayWorkbench()
        for revision in 1...3 { bench.addCall(1, revision: revision) }
        try await bench.serve { address in
            let second = try page(address)["changes"]?[1]?["cursor"]?.string ?? ""
            #expect(revisions(try page(address, "?cursor=\(second)")) == [3])
        }
    }

    @Test func `a stored call is served byte for byte`() async throws {
        let bench = try GatewayWorkbench()
        let id = bench.addCall(1)
        try await bench.serve { address in
            let text = try RawClient.get(address, "/api/v1/changes").text
            let stored = try bench.journal.makeReader().call(id)?.body ?? []
            #expect(text.contains("\"type\":\"call.ended\",\"call\":\(String(decoding: stored, as: UTF8.self))}"))
        }
    }

    @Test func `a long poll is answered by the change that it waits for`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let client = try RawClient(address)
            try client.send(
                "GET /api/v1/changes?wait=30 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(GatewayWorkbench.secret)\r\n\r\n")
            while bench.signal.waiterCount == 0 { await Task.yield() }
            bench.addCall(9, tenant: "other")
            while bench.signal.waiterCount == 0 { await Task.yield() }
            bench.addCall(1)
            #expect(revisions(try client.readAnswer().json()) == [1])
        }
    }

    @Test func `a client that leaves ends its wait`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let client = try RawClient(address)
            try client.send(
                "GET /api/v1/changes?wait=60 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(GatewayWorkbench.secret)\r\n\r\n")
            while bench.signal.waiterCount == 0 { await Task.yield() }
            try client.reset()
            while bench.signal.waiterCount > 0 { await Task.yield() }
        }
    }

    @Test func `a cursor of the collapsed part has expired, a malformed one is refused`() async throws {
        let bench = try GatewayWorkbench()
        for revision in 1...5 { bench.addCall(1, revision: revision) }
        try await bench.serve { address in
            let old = try page(address, "?limit=2")["next_cursor"]?.string ?? ""
            bench.journal.setHorizon(4)
            let expired = try RawClient.get(address, "/api/v1/changes?cursor=\(old)")
            #expect(expired.status == 410)
            #expect(try expired.code == "cursor-expired")
            // A reader who begins after the collapse may catch up.
            let fresh = try page(address, "?limit=2")["next_cursor"]?.string ?? ""
            #expect(revisions(try page(address, "?cursor=\(fresh)")) == [3, 4, 5])
            for text in ["x", "00", String(old.dropLast()) + "z", String(old.dropLast(2)) + "00ff", "%00"] {
                #expect(try RawClient.get(address, "/api/v1/changes?cursor=\(text)").status == 400)
            }
            #expect(try RawClient.get(address, "/api/v1/changes?cursor=\(old)", key: GatewayWorkbench.otherSecret).status == 400)
        }
    }

    @Test func `a cursor that is ahead of the journal has expired too`() async throws {
        let bench = try GatewayWorkbench()
        bench.addCall(1)
        try await bench.serve { address in
            let ahead = Cursor.change(position: 2, horizon: 0).text(for: .standard)
            let answer = try RawClient.get(address, "/api/v1/changes?cursor=\(ahead)")
            #expect(answer.status == 410)
        }
    }

    @Test func `a tenant sees only its own`() async throws {
        let bench = try GatewayWorkbench()
        bench.addCall(1, revision: 1)
        bench.addCall(2, revision: 2, tenant: "other")
        try await bench.serve { address throws in
            #expect(revisions(try page(address)) == [1])
            #expect(revisions(try page(address, key: GatewayWorkbench.otherSecret)) == [2])
        }
    }
}

@Suite struct CursorTests {
    @Test(arguments: [
        Cursor.change(position: 0, horizon: 0), .change(position: 123_456_789_012, horizon: 7), .inbox(position: 5),
        .call(startedAt: Instant(milliseconds: -5), id: CallID(bits: .max)),
    ]) func `a cursor survives its text, and no other tenant can read it`(cursor: Cursor) {
        let tenant = TenantID("shop")
        let text = cursor.text(for: tenant)
        #expect(Cursor(text, for: tenant) == cursor)
        #expect(Cursor(text, for: TenantID("other")) == nil)
        #expect(Cursor(text + "00", for: tenant) == nil)
        #expect(Cursor(String(text.dropLast(2)), for: tenant) == nil)
    }

    @Test func `random text is no cursor and traps nothing`() {
        var generator = SeededRandom(seed: 7)
        for _ in 0..<2000 {
            let count = Int.random(in: 0...60, using: &generator)
            let text = String((0..<count).map { _ in "0123456789abcdefz".randomElement(using: &generator) ?? "0" })
            _ = Cursor(text, for: .standard)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ChangeSignalTests {
    @Test func `a position that is there already ends the wait at once`() async {
        let signal = ChangeSignal(position: 5)
        await signal.wait(beyond: 4)
        #expect(signal.waiterCount == 0)
    }

    @Test func `the position never goes back`() {
        let signal = ChangeSignal()
        signal.publish(5)
        signal.publish(3)
        #expect(signal.position == 5)
    }

    @Test func `a deadline ends the wait`() async {
        let signal = ChangeSignal()
        await signal.wait(beyond: 1, atMost: .milliseconds(1))
        #expect(signal.waiterCount == 0)
    }

    @Test func `a cancelled wait leaves nothing behind`() async {
        let signal = ChangeSignal()
        let waiting = Task { await signal.wait(beyond: 1) }
        while signal.waiterCount == 0 { await Task.yield() }
        waiting.cancel()
        await waiting.value
        #expect(signal.waiterCount == 0)
    }
}
