import AdapterCatalog
import AdapterConformance
import AdapterKit
import Connector
import FoundationEssentials
import TestSupport
import Testing

/// Pages of providers' logs, taken apart.
@Suite struct LogRowsTests {
    /// A provider, the settings of its adapter, and a page of its log.
    private static let pages: [(provider: String, file: String)] = [
        ("beeline", "history/beeline-statistics/body.json"), ("mango", "history/mango-statistics/body.csv"),
        ("megafon-vats", "megafon-vats/log-csv/log.csv"), ("megafon-vats", "megafon-vats/log-v1/log.json"),
        ("telphin", "telphin/log/log.json"), ("telphin", "telphin/log-after-events/log.json"),
        ("zadarma", "zadarma/log/log.json"),
    ]

    private static func adapter(_ provider: String) throws -> any TelephonyAdapter {
        let kind = try #require(AdapterCatalog.adapters.first { $0.descriptor.name == provider })
        let values = [
            "token": "t", "api_key": "k", "api_salt": "s", "crm_token": "c", "key": "k", "secret": "s", "client_id": "i",
            "client_secret": "s", "url_token": "0123456789abcdef",
        ].filter { value in kind.descriptor.settings.contains { $0.name == value.key } }
        return try kind.init(
            settings: AdapterSettings(connection: ConnectionID("c"), values: values, hasURLToken: true), context: AdapterContext()
        )
    }

    private static func page(_ file: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: FixtureFolders.cases(of: "history") + "/../\(file)")))
    }

    private static func events(_ body: [UInt8], _ adapter: any TelephonyAdapter) -> [CallEvent] {
        let raw = RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("c"), receivedAt: .base, source: .history, body: body)
        return adapter.makeDecoder().decode(raw).compactMap { if case .call(let event) = $0 { event } else { nil } }
    }

    @Test(arguments: pages.map(\.file))
    func `the rows tell what the page tells, each call by itself`(file: String) throws {
        let adapter = try Self.adapter(try #require(Self.pages.first { $0.file == file }).provider)
        let page = try Self.page(file)
        let rows = adapter.logRows(of: page)
        let whole = Self.events(page, adapter)
        #expect(!whole.isEmpty && rows.flatMap { Self.events($0, adapter) } == whole)
        for row in rows { #expect(Set(Self.events(row, adapter).map { $0.keys[0] }).count <= 1) }
    }

    @Test(arguments: pages.map(\.file))
    func `a row is the same bytes in whatever page it stands`(file: String) throws {
        let adapter = try Self.adapter(try #require(Self.pages.first { $0.file == file }).provider)
        let rows = adapter.logRows(of: try Self.page(file))
        for row in rows { #expect(adapter.logRows(of: row) == [row]) }
        #expect(Set(rows).count == rows.count)
    }

    @Test(arguments: pages.map(\.file))
    func `a ruined page is taken apart without a trap, and nothing of it is lost`(file: String) throws {
        let adapter = try Self.adapter(try #require(Self.pages.first { $0.file == file }).provider)
        let page = try Self.page(file)
        var chance = SeededRandom(seed: 5)
        for _ in 0..<400 {
            let ruined = chance.mutated(page, alphabet: Array("[]{},\"\n;0".utf8))
            let whole = Set(Self.events(ruined, adapter).map { $0.keys[0] })
            #expect(Set(adapter.logRows(of: ruined).flatMap { Self.events($0, adapter) }.map { $0.keys[0] }) == whole)
        }
    }

    @Test func `an adapter that says nothing of it keeps pages whole`() {
        let adapter = EventAdapter(settings: AdapterSettings(connection: ConnectionID("c"), values: [:]))
        #expect(adapter.logRows(of: [1, 10, 2]) == [[1, 10, 2]])
    }
}
