import Connector
import TestSupport
import Testing
import VendorSimulators

@testable import TelphinAdapter

/// The client against Telphin's double, over real sockets.
@Suite struct TelphinDoubleTests {
    private static let credentials = ["client_id": "app-0001", "client_secret": TelphinClientTests.secret]

    private static func double(faults: DoubleFaults = .none) throws -> TelphinDouble {
        try TelphinDouble(
            settings: AdapterSettings(connection: ConnectionID("telphin"), values: credentials), faults: faults, seed: 5)
    }

    private static func adapter(_ vendor: VendorOnWire<TelphinDouble>, secret: String? = nil) throws -> TelphinAdapter {
        let more = ["base_url": vendor.origin, "client_secret": secret ?? TelphinClientTests.secret]
        return try TelphinWorkbench(credentials.merging(more) { $1 }).adapter
    }

    /// The live call that an answer names, as the desk would know it.
    private static func target(_ answer: ProviderAnswer) throws -> CommandTarget {
        let key = try #require(answer.call)
        return CommandTarget(
            keys: [key], legs: [.init(key: "100101-\(key.value)", user: "101", isAnswered: true)], externalNumber: "79000005678")
    }

    @Test func `a call that is ordered is told of under the name that was answered`() async throws {
        try await withVendor(Self.double()) { vendor in
            let adapter = try Self.adapter(vendor)
            let client = try #require(adapter.makeClient(vendor.outgoing))
            let answer = try await client.perform(.originate())
            let events = adapter.events(of: vendor.steps)
            #expect(events.map(\.type) == [.created, .ringing, .answered, .ended])
            #expect(Set(events.map { $0.keys[0] }) == [try #require(answer.call)])
            #expect(events.last?.ending?.answered == true)
        }
    }

    @Test func `many at once share one token`() async throws {
        try await withVendor(Self.double()) { vendor in
            let client = try #require(try Self.adapter(vendor).makeClient(vendor.outgoing))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for short in 101...105 {
                    group.addTask { _ = try await client.perform(.originate(from: String(short))) }
                }
                try await group.waitForAll()
            }
            #expect(vendor.log.count { $0 == "POST /oauth/token" } == 1)
            #expect(vendor.log.count { $0.hasSuffix("/callback/") } == 5)
        }
    }

    @Test func `a token that was taken back is fetched anew, and nothing is carried out twice`() async throws {
        try await withVendor(Self.double()) { vendor in
            let client = try #require(try Self.adapter(vendor).makeClient(vendor.outgoing))
            _ = try await client.perform(.originate())
            vendor.change { $0.revokeTokens() }
            _ = try await client.perform(.originate())
            #expect(vendor.log.count { $0 == "POST /oauth/token" } == 2)
            #expect(vendor.steps.count == 8)
        }
    }

    @Test func `a wrong secret is told as such`() async throws {
        try await withVendor(Self.double()) { vendor in
            let client = try #require(try Self.adapter(vendor, secret: "another").makeClient(vendor.outgoing))
            let failure = await #expect(throws: ProviderFailure.self) { try await client.perform(.originate()) }
            #expect(failure?.kind == .unauthorized)
            #expect(vendor.log == ["POST /oauth/token"])
        }
    }

    @Test func `a live call is held, resumed and hung up; then it is gone`() async throws {
        try await withVendor(Self.double()) { vendor in
            let adapter = try Self.adapter(vendor)
            let client = try #require(adapter.makeClient(vendor.outgoing))
            let target = try Self.target(try await client.perform(.originate()))
            vendor.advance(by: .seconds(30))
            for action in [Command.Action.hold, .resume, .hangup] {
                #expect(try await client.perform(.make(action, on: target)).code == "200")
            }
            let last = try #require(adapter.events(of: vendor.steps).last)
            #expect(last.type == .ended)
            #expect(last.occurredAt == Instant(unixSeconds: 1_795_000_030))
            let gone = await #expect(throws: ProviderFailure.self) { try await client.perform(.make(.hangup, on: target)) }
            #expect(gone?.code == "not_live")
        }
    }

    @Test(arguments: Command.TransferKind.allCases)
    func `a live call is passed on`(kind: Command.TransferKind) async throws {
        try await withVendor(Self.double()) { vendor in
            let adapter = try Self.adapter(vendor)
            let client = try #require(adapter.makeClient(vendor.outgoing))
            let target = try Self.target(try await client.perform(.originate()))
            vendor.advance(by: .seconds(30))
            _ = try await client.perform(.make(.transfer(to: "102", kind: kind), on: target))
            #expect(vendor.log.last?.hasPrefix("PUT /api/ver1.0/extension/100101/current_calls/358%3A") == true)
            #expect(adapter.events(of: vendor.steps).compactMap(\.leg).contains { $0.reason == .transferred })
        }
    }

    @Test func `the log's rows are the calls that events told of, and their recordings can be fetched`() async throws {
        try await withVendor(Self.double()) { vendor in
            let adapter = try Self.adapter(vendor)
            let client = try #require(adapter.makeClient(vendor.outgoing))
            let begin = vendor.clock.withLock { $0 }
            let answer = try await client.perform(.originate())
            vendor.advance(by: .seconds(600))
            let window = HistoryWindow(from: begin, to: begin.advanced(by: .seconds(600)))
            let page = try await client.history(window, page: 0)
            let events = adapter.events(of: page)
            #expect(!page.hasMore)
            #expect(events.map(\.type) == [.ended, .recordingReady])
            #expect(events[0].keys[0] == answer.call)
            #expect(events[0].ending?.endedAt == adapter.events(of: vendor.steps).last?.occurredAt)
            let file = try await vendor.outgoing.send(try await client.recording(try #require(events[1].recording).key))
            #expect(file.status == 200)
            #expect(file.body.starts(with: Array("ID3".utf8)))
        }
    }

    @Test func `a page beyond the last one is empty, however far`() throws {
        var double = try Self.double()
        let now = Instant(unixSeconds: 1_795_000_000)
        let form = "grant_type=client_credentials&client_id=app-0001&client_secret=\(TelphinClientTests.secret)"
        let granted = double.answer(DoubleRequest("POST", "/oauth/token", body: Array(form.utf8), receivedAt: now))
        let token = try #require(try JSONValue(parsing: granted.body)["access_token"]?.string)
        let query = "start_datetime=2026-01-01&end_datetime=2027-01-01&per_page=1000&page=\(Int.max)"
        let answer = double.answer(
            DoubleRequest(
                "GET", "/api/ver1.0/client/@me/call_history", query: query,
                headers: [HeaderField(name: "authorization", value: "Bearer \(token)")], receivedAt: now))
        #expect(answer.status == 200)
        #expect(try JSONValue(parsing: answer.body)["call_history"]?.elements.isEmpty == true)
    }

    @Test func `a vendor that is asked too much says so`() async throws {
        try await withVendor(Self.double(faults: DoubleFaults(code: 429))) { vendor in
            let client = try #require(try Self.adapter(vendor).makeClient(vendor.outgoing))
            let window = HistoryWindow(from: Instant(unixSeconds: 1), to: Instant(unixSeconds: 2))
            let failure = await #expect(throws: ProviderFailure.self) { try await client.history(window, page: 0) }
            #expect(failure?.kind == .limited)
        }
    }

    // MARK: Setting up

    @Test func `every extension is told what to send, once`() async throws {
        try await withVendor(Self.double()) { vendor in
            let client = try #require(try Self.adapter(vendor).makeClient(vendor.outgoing))
            let bench = KeeperBench()
            try await bench.running(try #require(client.keeper)) {
                #expect(await bench.pause.waitForSleepers())
                #expect(bench.upkeep == Upkeep(.good, "6 of 6 extensions tell of their calls", wanted: 6, kept: 6))
                bench.pause.advance(by: TelphinKeeper.interval)
                #expect(await bench.reported(2))
                #expect(bench.upkeep?.condition == .good)
            }
        }
    }
}
