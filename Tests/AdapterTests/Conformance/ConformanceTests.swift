import AdapterCatalog
import AdapterConformance
import AdapterKit
import Connector
import Numbering
import TestSupport
import Testing

@Suite struct ConformanceTests {
    @Test(arguments: AdapterCatalog.names)
    func `every adapter passes the suite on all its fixtures and samples`(name: String) throws {
        let adapter = try #require(AdapterCatalog.adapter(named: name))
        let cases = try FixtureCases.loadAll(of: name)
        #expect(cases.count >= 8 || adapter.descriptor.hearing == .nothing)
        let report = ConformanceSuite(
            adapter, context: Programs.context(), numbering: WorldNumberingPlan(), faults: FaultPlan(runsPerCase: 2),
            loadSample: ShippedSamples().load
        ).run(cases)
        #expect(report.passed, "\(report.summary)")
        #expect(report.faults.map(\.fault) == (cases.isEmpty ? [] : Fault.allCases))
        #expect(report.failures.isEmpty, "\(report.summary)")
        #expect(report.checks.contains { $0.rule == "its sample loads" })
        #expect(report.checks.contains { $0.rule == "its examples come out" } == (name == "mapped"))
    }

    @Test func `an adapter that believes everybody fails`() throws {
        let report = try run(Gullible.self)
        #expect(
            report.failures.map(\.rule) == ["refuses what was changed", "tells events apart", "keeps fields it does not know"])
    }

    @Test func `an adapter that chatters fails`() throws {
        let failures = try run(Chatterbox.self).failures
        #expect(failures.contains { $0.rule == "keeps secrets and numbers out of its reasons" && $0.failures.count == 2 })
        #expect(failures.contains { $0.rule == "asks for the settings it needs" })
    }

    @Test func `a broken sample is reported`() throws {
        let broken = SettingsError(setting: "token", problem: "is unknown", hint: "remove it")
        let report = ConformanceSuite(Gullible.self, loadSample: { _ in throw broken }).run([])
        #expect(report.failures.map(\.rule) == ["its sample loads"])
        #expect(report.summary.contains("`token` is unknown"))
    }

    @Test(arguments: [
        ("adapter: mango\nenabled: true\nsettings: {api_key: env:K, api_salt: env:S}\n", "shipped enabled"),
        ("adapter: mango\nenabled: false\nsettings: {api_kye: env:K, api_salt: env:S}\n", "did you mean `api_key`?"),
        ("adapter: mango\nenabled: false\nsettings: {api_key: env:K}\n", "the setting `api_salt` is missing"),
        ("adapter: zadarma\nenabled: false\nsettings: {key: env:K, secret: file:a/b/c, time_zone: Mars/Base}\n", "time_zone"),
        ("adapter: mango\nenabled: false\nsettings:\n  api_key: env:K\n  api_salt: env:S\n  # url_tokn: env:T\n", "`url_token`?"),
        ("adapter: other\n", "adapters.d has no sample of"),
    ])
    func `a sample that misleads is reported`(text: String, expected: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(text, to: "sample.yaml")
        let name = text.contains("zadarma") ? "zadarma" : "mango"
        let adapter = try #require(AdapterCatalog.adapter(named: name))
        let report = ConformanceSuite(adapter, loadSample: ShippedSamples(folder: folder.path).load).run([])
        #expect(report.failures.map(\.rule) == ["its sample loads"])
        #expect(report.summary.contains(expected), "\(report.summary)")
    }

    private func run(_ adapter: any TelephonyAdapter.Type) throws -> ConformanceReport {
        let requests = ["token=abc&n=1", "token=abc&n=2"].map { body in
            RecordedRequest(
                method: "POST", path: "", query: "", headers: [], body: Array(body.utf8),
                receivedAt: Instant(unixSeconds: 1_790_000_000))
        }
        return ConformanceSuite(adapter).run([ConformanceCase(name: "two", settings: ["token": "abc"], requests: requests)])
    }
}

/// Accepts everything, and gives every event the same name.
private struct Gullible: TelephonyAdapter, WebhookAuthenticatorMaking, SignatureCoverage {
    static let descriptor = AdapterDescriptor(
        name: "gullible", title: "Gullible", version: "1", settings: CommonSettings.all, headers: [])
    static let signatureHeaders: [String] = []
    static func signedFields(of fields: any NamedFields) -> [String] { ["token"] }

    init(settings: AdapterSettings) {}

    func makeDecoder() -> any EventDecoder {
        Decoder { raw in
            .call(
                CallEvent(
                    id: EventID(connection: raw.connection, repeatKey: ["same"]), rawID: raw.id, keys: [ExternalKey(.call, "1")],
                    type: .updated, occurredAt: raw.receivedAt, receivedAt: raw.receivedAt))
        }
    }
}

/// Tells its secret and the caller's number.
private struct Chatterbox: TelephonyAdapter, WebhookAuthenticatorMaking {
    static let descriptor = AdapterDescriptor(
        name: "chatterbox", title: "Chatterbox", version: "1",
        settings: CommonSettings.all + [SettingSpecification("token", .secret, isRequired: true, help: "")], headers: [])

    init(settings: AdapterSettings) {}

    func makeDecoder() -> any EventDecoder {
        Decoder { .undecoded(reason: $0.body.count % 2 == 0 ? "token abc is odd" : "79000000101 is odd") }
    }
}

private protocol WebhookAuthenticatorMaking {}

extension WebhookAuthenticatorMaking {
    func makeAuthenticator() -> any WebhookAuthenticator { Nod() }
}

private final class Nod: WebhookAuthenticator {
    func authenticate(_ request: WebhookRequest) -> Authentication { .accept(.ok) }
}

private final class Decoder: EventDecoder {
    private let read: (RawRecord) -> Decoded
    init(_ read: @escaping (RawRecord) -> Decoded) { self.read = read }
    func decode(_ raw: RawRecord) -> [Decoded] { [read(raw)] }
}
