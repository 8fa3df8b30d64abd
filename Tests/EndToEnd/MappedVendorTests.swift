import AdapterConformance
import Connector
import FoundationEssentials
import Testing
import TestSupport

extension EndToEnd {
    /// A vendor described in a file, through the whole gateway.
    struct MappedVendorTests {
        @Test(.timeLimit(.minutes(1)))
        func `the shipped sample's vendor is let in by its own header, and its calls carry its name`() throws {
            let premises = try GatewayPremises()
            try premises.folder.write("sec-0001\n", to: "adapters.d/secrets/simple")
            let sample = try String(contentsOfFile: FixtureFolders.samples + "/sample-mapped.yaml", encoding: .utf8)
            try premises.write(
                "simple",
                sample.replacing("\nenabled: false\n", with: "\nenabled: true\n")
                    .replacing("env:SIMPLE_PBX_SECRET", with: "file:secrets/simple")
                    .replacing("env:SIMPLE_PBX_KEY", with: "file:secrets/simple"))
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: premises.makeKey())
            try Self.playFixtures(gateway)
            try crm.waitForLedger()
            let changes = try crm.changes().changes
            Feed.expectWhole(changes)
            #expect(Feed.vendorNames(changes) == ["c-1", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7"])
            #expect(changes.allSatisfy { $0.call["provider"]?.string == "simple-pbx" })
            let connection = try crm.json("/connections/simple")
            #expect(connection["adapter"]?["title"]?.string == "Simple PBX")
            #expect(
                connection["capabilities"]?.elements.compactMap(\.string).sorted() == [
                    "hangup", "history", "originate", "recordings", "transfer.blind",
                ])
        }

        private static func playFixtures(_ gateway: GatewayProcess) throws {
            let provider = Provider(gateway)
            for fixture in try CaseFolder.loadAll(below: FixtureFolders.cases(of: "mapped")) {
                for (index, recorded) in fixture.requests.enumerated() {
                    let request = WireRequest(
                        recorded.method, "/hooks/simple", headers: recorded.headers.map { "\($0.name): \($0.value)" },
                        body: String(decoding: recorded.body, as: UTF8.self))
                    #expect(provider.send(request) == fixture.refusals?[index] ?? 200, "\(fixture.name), request \(index)")
                }
            }
        }
    }
}
