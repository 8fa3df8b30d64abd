import Connector
import MegafonVATSAdapter
import Testing
import VendorSimulators

/// The client against MegaFon's double, over real sockets.
@Suite struct MegafonDoubleTests {
    private static let secrets = ["crm_token": MegafonWorkbench.token, "api_key": MegafonClientTests.key]

    private static func double(faults: DoubleFaults = .none) throws -> MegafonDouble {
        try MegafonDouble(
            settings: AdapterSettings(connection: ConnectionID("vats"), values: secrets), faults: faults, seed: 5)
    }

    private static func adapter(_ vendor: VendorOnWire<MegafonDouble>, api: String = "v1", key: String? = nil) throws
        -> MegafonVATSAdapter
    {
        let more = ["base_url": vendor.origin, "api": api, "api_key": key ?? MegafonClientTests.key]
        return try MegafonWorkbench(secrets.merging(more) { $1 }).adapter
    }

    @Test(arguments: ["v1", "legacy"])
    func `a call that is ordered is told of under the name that was answered`(api: String) async throws {
        try await withVendor(Self.double()) { vendor in
            let adapter = try Self.adapter(vendor, api: api)
            let client = try #require(adapter.makeClient(vendor.outgoing))
            let answer = try await client.perform(.originate(from: "101", line: "74950000002"))
            let events = adapter.events(of: vendor.steps)
            #expect(events.map(\.type) == [.ringing, .answered, .updated, .ended, .recordingReady])
            #expect(Set(events.map { $0.keys[0] }) == [try #require(answer.call)])
            #expect(events.last?.recording?.key.hasPrefix("/records/Q") == true)
        }
    }

    @Test func `all shapes of legacy's answer are taken`() async throws {
        try await withVendor(Self.double()) { vendor in
            let client = try #require(try Self.adapter(vendor, api: "legacy").makeClient(vendor.outgoing))
            var named: [Bool] = []
            for user in ["user101", "102", "+79000000103", "user104@demo.megapbx.ru"] {
                named.append(try await client.perform(.originate(from: user)).call != nil)
            }
            #expect(named == [true, true, false, false])
            #expect(vendor.steps.count == 16)
        }
    }

    @Test(arguments: ["v1", "legacy"])
    func `the PBX's refusals reach the one who asked`(api: String) async throws {
        try await withVendor(Self.double()) { vendor in
            let client = try #require(try Self.adapter(vendor, api: api).makeClient(vendor.outgoing))
            let nobody = await #expect(throws: ProviderFailure.self) { try await client.perform(.originate(from: "nobody")) }
            #expect(nobody?.kind == .rejected)
            let stranger = try #require(try Self.adapter(vendor, api: api, key: "another").makeClient(vendor.outgoing))
            let refused = await #expect(throws: ProviderFailure.self) { try await stranger.perform(.originate()) }
            #expect(refused?.kind == .unauthorized)
            #expect(refused?.text == "the provider answered 401: Invalid token")
            #expect(vendor.steps.isEmpty)
        }
    }

    @Test func `a server that is down is unavailable`() async throws {
        try await withVendor(Self.double(faults: DoubleFaults(code: 503))) { vendor in
            let client = try #require(try Self.adapter(vendor).makeClient(vendor.outgoing))
            let failure = await #expect(throws: ProviderFailure.self) { try await client.perform(.originate()) }
            #expect(failure?.kind == .unavailable)
        }
    }

    @Test(arguments: ["v1", "legacy"])
    func `the log's rows are the calls that webhooks told of, and their recordings can be fetched`(api: String) async throws {
        try await withVendor(Self.double()) { vendor in
            let adapter = try Self.adapter(vendor, api: api)
            let client = try #require(adapter.makeClient(vendor.outgoing))
            let begin = vendor.clock.withLock { $0 }
            _ = try await client.perform(.originate())
            vendor.advance(by: .seconds(600))
            let window = HistoryWindow(from: begin, to: begin.advanced(by: .seconds(600)))
            let events = adapter.events(of: try await client.history(window, page: 0))
            let told = adapter.events(of: vendor.steps)
            #expect(events.map(\.type) == [.ended, .recordingReady])
            #expect(events[0].keys[0] == told[0].keys[0])
            let ending = try #require(told.first { $0.ending != nil }?.ending)
            #expect(events[0].ending?.endedAt == ending.endedAt)
            #expect(events[0].ending?.answeredAt == ending.answeredAt)
            let recording = try #require(events[1].recording)
            let file = try await vendor.outgoing.send(try await client.recording(recording.key))
            #expect(file.status == 200)
            #expect(file.body.starts(with: Array("ID3".utf8)))
        }
    }
}
