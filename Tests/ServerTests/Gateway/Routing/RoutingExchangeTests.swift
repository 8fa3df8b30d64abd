import Connector
import HTTPServer
import Network
import TestSupport
import Testing

@testable import Gateway

/// A provider that waits for a routing decision, over real sockets: its answer waits for the commit and for the CRM.
@Suite(.timeLimit(.minutes(1))) struct RoutingExchangeTests {
    private static let anna = ContactAnswer(name: "Romashka", responsible: .userID("17"))

    private static func files(patience: Int = 20_000) -> [String: String] {
        [
            "bell": """
            adapter: bell
            settings: {key: env:BELL_KEY, patience: "\(patience)"}
            employees: {"101": {name: Anna, crm_id: "17"}}
            """
        ]
    }

    private func bench(_ lookup: HeldLookup, patience: Int = 20_000) throws -> GatewayWorkbench {
        let bench = try GatewayWorkbench(Self.files(patience: patience))
        bench.ask(lookup)
        return bench
    }

    private static func question(_ number: String = "79000001234") -> String {
        "POST /hooks/bell?ask=\(number) HTTP/1.1\r\nHost: h\r\nX-Bell: hush\r\nContent-Length: 0\r\n\r\n"
    }

    private func ask(_ address: SocketAddress, _ number: String = "79000001234") throws -> RawClient.Answer {
        try RawClient(address).exchange(Self.question(number))
    }

    /// The records once there are so many.
    private func records(_ count: Int, of bench: GatewayWorkbench) async -> [RawRecord] {
        for _ in 0..<1_000_000 where bench.journal.rawRecords.count < count { await Task.yield() }
        return bench.journal.rawRecords
    }

    @Test func `the CRM's employee is in the answer, and the decision is a record of its own behind the request`() async throws {
        let bench = try bench(HeldLookup(.success(Self.anna)))
        try await bench.serve { address async throws in
            let answer = try ask(address)
            #expect(answer.status == 200)
            #expect(answer.text == "ring 101")
            let records = await records(2, of: bench)
            #expect(records.map(\.source) == [.webhook, .system])
            guard case .call(let event)? = SystemRecord.decode(records[1]).first else {
                Issue.record("no event")
                return
            }
            #expect(event.keys == [ExternalKey(.call, "bell-79000001234")])
            #expect(event.route?.ref == "101")
            #expect(event.route?.result == .asked)
            #expect(try ask(address).text == "ring 101")
            #expect(bench.metrics.routing.snapshot.count == 2)
            let counters = try #require(bench.registry.current["bell"]).counters
            #expect(counters.accepted.load(ordering: .relaxed) == 2)
        }
    }

    @Test func `requests that ask nothing are answered without the CRM`() async throws {
        let lookup = HeldLookup()
        let bench = try bench(lookup)
        try await bench.serve { address async throws in
            #expect(try RawClient.post(address, "/hooks/bell", body: "a", key: nil, headers: "X-Bell: hush\r\n").text == "ok")
            #expect(lookup.queries.isEmpty)
            #expect(bench.journal.rawRecords.count == 1)
        }
    }

    @Test func `a CRM that does not answer costs the provider's time and no more, and then the answer is the neutral one`()
        async throws
    {
        let lookup = HeldLookup()
        let bench = try bench(lookup, patience: 50)
        try await bench.serve { address async throws in
            #expect(try ask(address).text == "ok")
            let records = await records(2, of: bench)
            guard case .call(let event)? = SystemRecord.decode(records[1]).first else {
                Issue.record("no event")
                return
            }
            #expect(event.route?.kind == .provider)
            #expect(event.route?.result == .late)
            #expect(event.route?.tookMilliseconds ?? 0 >= 50)
            // What comes after all serves the caller's next call, and changes nothing of this one.
            lookup.answer(.success(Self.anna))
            var next = try ask(address).text
            for _ in 0..<100 where next != "ring 101" { next = try ask(address).text }
            #expect(next == "ring 101")
        }
    }

    @Test(arguments: ContactFailure.Code.allCases)
    func `a CRM that fails leaves the call to the provider`(code: ContactFailure.Code) async throws {
        let bench = try bench(HeldLookup(.failure(ContactFailure(code, "made up"))))
        try await bench.serve { address async throws in
            #expect(try ask(address).text == "ok")
            #expect(await records(2, of: bench).count == 2)
        }
    }

    @Test func `the decision alone is no answer: the commit must have been`() async throws {
        let lookup = HeldLookup()
        let bench = try bench(lookup)
        bench.journal.holdsAppends = true
        try await bench.serve { address async throws in
            let client = try RawClient(address)
            try client.send(Self.question())
            _ = await lookup.next()
            lookup.answer(.success(Self.anna))
            // The decision's record shows that the loop has taken it; nothing is committed yet.
            for _ in 0..<1_000_000 where bench.journal.heldCount < 2 { await Task.yield() }
            #expect(bench.journal.heldCount == 2)
            #expect(bench.journal.rawRecords.isEmpty)
            bench.journal.releaseAppends()
            #expect(try client.readAnswer().text == "ring 101")
        }
    }

    @Test func `while one call waits for the CRM, others are answered on the same loop`() async throws {
        let lookup = HeldLookup()
        let bench = try bench(lookup)
        try await bench.serve { address async throws in
            let waiting = try RawClient(address)
            try waiting.send(Self.question())
            _ = await lookup.next()
            for _ in 0..<5 {
                #expect(try RawClient.post(address, "/hooks/bell", body: "a", key: nil, headers: "X-Bell: hush\r\n").text == "ok")
            }
            lookup.answer(.success(Self.anna))
            #expect(try waiting.readAnswer().text == "ring 101")
        }
    }

    @Test func `a failed commit is answered at once, whatever the CRM does`() async throws {
        let bench = try bench(HeldLookup())
        bench.journal.failure = "disk full"
        try await bench.serve { address async throws in
            #expect(try ask(address).status == 500)
            #expect(bench.journal.rawRecords.isEmpty)
        }
    }

    @Test func `a full queue is answered at once, and the late decision is not written down`() async throws {
        let lookup = HeldLookup()
        let bench = try bench(lookup)
        bench.journal.refusesAppends = true
        try await bench.serve { address async throws in
            #expect(try ask(address).status == 503)
            bench.journal.refusesAppends = false
            _ = await lookup.next()
            lookup.answer(.success(Self.anna))
            #expect(try RawClient.post(address, "/hooks/bell", body: "a", key: nil, headers: "X-Bell: hush\r\n").text == "ok")
            #expect(bench.journal.rawRecords.map(\.source) == [.webhook])
        }
    }

    @Test(arguments: [nil, "disk full"])
    func `a decision that the journal does not take is answered all the same, and counted`(failure: String?) async throws {
        let lookup = HeldLookup()
        let bench = try bench(lookup)
        try await bench.serve { address async throws in
            let client = try RawClient(address)
            try client.send(Self.question())
            _ = await lookup.next()
            for _ in 0..<1_000_000 where bench.journal.rawRecords.isEmpty { await Task.yield() }
            bench.journal.failure = failure
            bench.journal.refusesAppends = failure == nil
            lookup.answer(.success(Self.anna))
            #expect(try client.readAnswer().text == "ring 101")
            var text = ""
            for _ in 0..<1000 where !text.contains("kommutator_routing_unrecorded_total 1\n") {
                text = try RawClient.get(address, "/metrics", key: nil).text
            }
            #expect(text.contains("kommutator_routing_unrecorded_total 1\n"))
            #expect(bench.journal.rawRecords.map(\.source) == [.webhook])
        }
    }

    @Test func `a client that went away harms nobody`() async throws {
        let lookup = HeldLookup()
        let bench = try bench(lookup)
        try await bench.serve { address async throws in
            do {
                let client = try RawClient(address)
                try client.send(Self.question())
                _ = await lookup.next()
            }
            lookup.answer(.success(Self.anna))
            #expect(try ask(address).text == "ring 101")
        }
    }

    @Test func `without a CRM to ask, a question is a request like any other`() async throws {
        let bench = try GatewayWorkbench(Self.files())
        try await bench.serve { address async throws in
            #expect(try ask(address).text == "ok")
            #expect(bench.journal.rawRecords.count == 1)
        }
    }

    @Test func `the metrics tell what was asked and decided`() async throws {
        let bench = try bench(HeldLookup(.success(Self.anna)))
        try await bench.serve { address async throws in
            for _ in 0..<3 { _ = try ask(address) }
            let text = try RawClient.get(address, "/metrics", key: nil).text
            #expect(text.contains("kommutator_lookups_total{outcome=\"answered\"} 1\n"))
            #expect(text.contains("kommutator_lookups_total{outcome=\"timeout\"} 0\n"))
            #expect(text.contains("kommutator_routing_decisions_total{result=\"asked\"} 1\n"))
            #expect(text.contains("kommutator_routing_decisions_total{result=\"cached\"} 2\n"))
            #expect(text.contains("kommutator_routing_seconds_count 3\n"))
            #expect(text.contains("kommutator_lookup_closed 0\n"))
        }
    }
}
