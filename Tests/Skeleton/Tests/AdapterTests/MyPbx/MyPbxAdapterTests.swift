import AdapterConformance
import Connector
import Numbering
import Testing

@testable import MyPbxAdapter

@Suite struct MyPbxAdapterTests {
    @Test func `it passes the suite on its cases, with faults`() throws {
        let tests = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let cases = try CaseFolder.loadAll(below: "\(tests)/Fixtures/my-pbx")
        let report = ConformanceSuite(MyPbxAdapter.self, numbering: WorldNumberingPlan(), faults: FaultPlan()).run(cases)
        #expect(report.passed, "\(report.summary)")
        #expect(!cases.isEmpty)
    }

    @Test(arguments: [("event=dance&call=c-1", "ignored"), ("event=ringing", "undecoded"), ("event=%", "undecoded")])
    func `what it does not know is kept for later`(body: String, expected: String) {
        let raw = RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("office"), receivedAt: Instant(unixSeconds: 1), body: Array(body.utf8))
        let decoded = MyPbxDecoder().decode(raw)
        #expect(decoded.count == 1)
        switch decoded.first {
        case .ignored?: #expect(expected == "ignored")
        case .undecoded?: #expect(expected == "undecoded")
        default: Issue.record("\(decoded)")
        }
    }
}
