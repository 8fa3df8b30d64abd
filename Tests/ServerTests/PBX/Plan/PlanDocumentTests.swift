import Connector
import PBXPlan
import TestSupport
import Testing

@testable import Gateway

/// What people are shown is a plan, and does what is said beside it.
@Suite struct PlanDocumentTests {
    private static let page = FixtureFolders.samples + "/../Sources/Connector/Connector.docc/PBX.md"

    /// The section `pbx` of a whole file.
    private static func plan(of text: String) throws -> DialPlan {
        var reading = ConfigurationReading(file: "pbx.yaml")
        let field = reading.document(text)?.first { $0.name == "pbx" }
        let tree = reading.tree(try #require(field))
        return try PlanReader().read(try #require(tree))
    }

    private static func read(_ path: String) throws -> String {
        String(decoding: try SmallFile.read(path, limit: 1 << 20), as: UTF8.self)
    }

    /// The examples of the page that are YAML, in their order.
    private static func examples() throws -> [String] {
        try read(page).components(behind: "```yaml\n").map {
            String($0.prefix(upTo: $0.firstRange(of: "```")?.lowerBound ?? $0.endIndex))
        }
    }

    private func trunks(_ plan: DialPlan, _ number: String) -> [String] {
        let question = OutgoingQuestion(PlanBench.number(number), caller: "101", home: "RU", at: .earliest)
        return OutgoingRoute(plan).decide(question).choices.map(\.trunk)
    }

    @Test func `every example of the page is a plan, and the smallest has ten lines`() throws {
        let examples = try Self.examples()
        #expect(examples.count == 3)
        for example in examples { #expect(throws: Never.self) { try Self.plan(of: example) } }
        #expect(examples.first?.split(separator: "\n").count == 10)
    }

    @Test func `the smallest plan rings both telephones, and dials home only`() throws {
        let plan = try Self.plan(of: try #require(try Self.examples().first))
        #expect(trunks(plan, "+79000000001") == ["my-trunk"])
        #expect(trunks(plan, "+375291234567") == [])
        #expect(trunks(plan, "112") == ["my-trunk"])
        let preview = PlanPreview(plan, of: ConnectionID("office"), home: "RU", numbering: PlanBench.numbering)
            .answer(RoutePreviewQuestion(.inbound, "+79000000010", at: .earliest))
        #expect(preview.steps.first?.rings.map(\.number) == ["101", "102"])
    }

    @Test func `the three trunks are taken as the page says`() throws {
        let plan = try Self.plan(of: try Self.examples()[2])
        #expect(trunks(plan, "+74950000002") == ["city", "spare", "multifon"])
        #expect(trunks(plan, "+79000000001") == ["multifon", "city", "spare"])
        #expect(trunks(plan, "+375291234567") == ["spare"])
        #expect(trunks(plan, "+12025550123") == [])
    }

    @Test func `the sample is a plan`() throws {
        let plan = try Self.plan(of: try Self.read(FixtureFolders.samples + "/sample-pbx.yaml"))
        #expect(plan.extensions.count == 3)
        #expect(plan.incoming.lines.count == 2)
        // What is commented out is what holds without it.
        #expect(plan.failOver == FailOverRule())
        #expect(plan.features == FeatureCodes())
        var never = FailOverRule()
        never.statuses = [401, 402, 403, 407, 408, 421, 488]
        #expect(never == FailOverRule())
    }
}

extension String {
    /// What stands behind each `mark`.
    fileprivate func components(behind mark: String) -> [Substring] {
        ranges(of: mark).map { self[$0.upperBound...] }
    }
}
