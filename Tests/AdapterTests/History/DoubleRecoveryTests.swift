import BeelineAdapter
import Connector
import MegafonVATSAdapter
import Numbering
import TelphinAdapter
import TestSupport
import Testing
import VendorSimulators
import ZadarmaAdapter

@testable import MangoAdapter

/// Calls that a vendor's double makes, of whose webhooks most are lost: the reconciler asks the double, and the log equals the truth.
@Suite struct DoubleRecoveryTests {
    private static let settings: [String: [String: String]] = [
        "beeline": ["token": "t", "url_token": "0123456789abcdef"], "mango": ["api_key": "k", "api_salt": "s"],
        "zadarma": ["key": "k", "secret": "s"],
        "megafon-vats": ["crm_token": "c", "api_key": "k", "api": "v1"],
        "telphin": ["client_id": "i", "client_secret": "s", "url_token": "0123456789abcdef"],
    ]

    /// A double with an adapter and its client.
    private struct Vendor {
        let bench: DoubleBench
        let adapter: any TelephonyAdapter
        let client: any ProviderClient

        init(_ name: String, seed: UInt64) throws {
            var values = try #require(DoubleRecoveryTests.settings[name])
            values["base_url"] = "https://double.example"
            let settings = AdapterSettings(connection: ConnectionID("c"), values: values, hasURLToken: values["url_token"] != nil)
            switch name {
            case "beeline":
                bench = DoubleBench(try BeelineDouble(settings: settings, faults: .none, seed: seed))
                adapter = try BeelineAdapter(settings: settings)
            case "mango":
                bench = DoubleBench(try MangoDouble(settings: settings, faults: .none, seed: seed))
                let mango = try MangoAdapter(settings: settings)
                var paced = mango.client(bench)
                let clock = bench.clock
                paced.pause = { clock.advance(by: $0) }
                (adapter, client) = (mango, paced)
                return
            case "zadarma":
                bench = DoubleBench(try ZadarmaDouble(settings: settings, faults: .none, seed: seed))
                adapter = try ZadarmaAdapter(settings: settings)
            case "telphin":
                bench = DoubleBench(try TelphinDouble(settings: settings, faults: .none, seed: seed))
                adapter = try TelphinAdapter(settings: settings)
            default:
                bench = DoubleBench(try MegafonDouble(settings: settings, faults: .none, seed: seed))
                adapter = try MegafonVATSAdapter(settings: settings)
            }
            client = try #require(adapter.makeClient(bench))
        }
    }

    private struct OneConnection: ConnectionRoster {
        let connection: LiveConnection
        let generation = 1
        func connections() -> [LiveConnection] { [connection] }
    }

    @Test(arguments: ["beeline", "mango", "megafon-vats", "telphin", "zadarma"], 0..<8)
    func `the log equals the truth though webhooks were lost`(name: String, seed: UInt64) async throws {
        var chance = SeededRandom(seed: seed)
        let vendor = try Vendor(name, seed: seed)
        if let beeline = vendor.client as? BeelineClient {
            _ = try await beeline.subscribe(address: "https://gateway.example/hooks/c/0123456789abcdef")
        }
        let numbers = (1...6).map { "7900000020\($0)" }
        for number in numbers {
            _ = try await vendor.client.perform(.originate(to: number))
            vendor.bench.clock.advance(by: .seconds(7))
        }
        let webhooks = survivors(of: vendor.bench.records(ConnectionID("c")), vendor, &chance)
        vendor.bench.clock.advance(by: .seconds(1800))
        let journal = MemoryJournal()
        #expect(journal.append(webhooks) { _ in })
        try await pull(vendor, into: journal, times: 3)
        let history = journal.rawRecords.filter { $0.source == .history && $0.path != "/records" }
        #expect(history.count == numbers.count, "a row a call, and none twice")
        let calls = try log(of: journal.rawRecords.shuffled(using: &chance), vendor.adapter)
        #expect(calls.count == numbers.count)
        let told = calls.compactMap { $0["external_party"]?["number"]?["raw"]?.string?.suffix(10) }.sorted()
        #expect(told == numbers.map { $0.suffix(10) }, "\(calls.map { String(decoding: $0.encoded, as: UTF8.self) })")
        for call in calls {
            #expect(call["state"]?.string == "ended")
            // Beeline's log does not say whether an outgoing call was answered.
            let isKnown = name != "beeline" || call["disposition"]?.string != "unknown"
            if isKnown { #expect(call["disposition"]?.string == "answered") }
            #expect(call["direction"]?.string == "outbound")
            #expect(call["sources"]?.elements.contains("history") == true)
        }
    }

    /// A third of the webhooks. Of Beeline's calls all or none: the first one alone, of a click to dial, names neither employee nor number,
    /// and no row would be like it.
    private func survivors(of webhooks: [RawRecord], _ vendor: Vendor, _ chance: inout SeededRandom) -> [RawRecord] {
        guard vendor.client is BeelineClient else {
            return webhooks.filter { _ in chance.oneIn(3) }
        }
        let decoder = vendor.adapter.makeDecoder()
        var fates: [ExternalKey: Bool] = [:]
        return webhooks.filter { raw in
            guard case .call(let event)? = decoder.decode(raw).first else { return false }
            let isKept = fates[event.keys[0]] ?? chance.oneIn(2)
            fates[event.keys[0]] = isKept
            return isKept
        }
    }

    private func pull(_ vendor: Vendor, into journal: MemoryJournal, times: Int) async throws {
        let clock = vendor.bench.clock
        let connection = LiveConnection(profile: profile(vendor.adapter), adapter: vendor.adapter)
        let client = vendor.client
        let reconciler = Reconciler(
            journal: journal, store: journal, reading: DirectReading(journal: journal),
            roster: OneConnection(connection: connection), client: { _ in client }, timekeeper: clock,
            pause: { clock.advance(by: $0) })
        for _ in 0..<times {
            await reconciler.pull(connection)
            #expect(reconciler.reconciliation(of: ConnectionID("c"))?.state.failure == nil)
            clock.advance(by: .seconds(600))
        }
    }

    private func profile(_ adapter: any TelephonyAdapter) -> ConnectionProfile {
        var profile = ConnectionProfile(id: ConnectionID("c"), provider: adapter.descriptor.provider)
        profile.historyIsGuessed = !adapter.descriptor.logNamesCalls
        return profile
    }

    private func log(of records: [RawRecord], _ adapter: any TelephonyAdapter) throws -> [JSONValue] {
        let journal = MemoryJournal()
        _ = journal.save(PullState(connection: ConnectionID("c"), reach: .latest)) { _ in }
        let ledger = CallLedger(reader: try journal.makeReader(), numbering: WorldNumberingPlan())
        let decoder = adapter.makeDecoder()
        for (number, raw) in records.enumerated() {
            var raw = raw
            raw.position = Int64(number) + 1
            let events = decoder.decode(raw).compactMap { if case .call(let event) = $0 { event } else { nil } }
            var batch = DerivedBatch(through: raw.position)
            try ledger.apply(events, of: raw, profile: profile(adapter), into: &batch)
            journal.submit(batch)
        }
        return try journal.makeReader().calls(CallQuery(tenant: .standard)).map { try JSONValue(parsing: $0.body) }
    }
}
