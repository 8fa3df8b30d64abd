import Connector
import PBXPlan
import Testing

@Suite struct DialledTextTests {
    static let dialled: [(text: String, meaning: DialledText)] = [
        ("101", .extension("101")), ("200", .group("sales")), ("300", .queue("support")), ("112", .emergency("112")),
        ("*8", .pickUp(of: nil)),
        ("*8102", .pickUp(of: "102")), ("*8199", .unknown), ("*97", .voicemail), ("*43", .echo), ("199", .unknown),
        ("", .unknown),
        ("anna", .unknown), ("1012", .unknown), ("sip:101", .unknown), ("101;x=y", .unknown),
        (String(repeating: "1", count: 100), .unknown), ("*", .unknown), ("+", .unknown),
    ]

    @Test(arguments: dialled) func `what is dialled means one thing`(_ row: (text: String, meaning: DialledText)) throws {
        let plan = try PlanBench.plan(PlanBench.office)
        #expect(DialledText(row.text, in: plan, home: "RU", numbering: PlanBench.numbering) == row.meaning)
    }

    @Test(arguments: ["+79000000199", "89000000199", "8 (900) 000-01-99", "79000000199"])
    func `a number outside is read as people dial it`(_ text: String) throws {
        let plan = try PlanBench.plan(PlanBench.office)
        guard case .outside(let number) = DialledText(text, in: plan, home: "RU", numbering: PlanBench.numbering) else {
            Issue.record("\(text) is no number outside")
            return
        }
        #expect(number.e164 == "+79000000199")
    }

    @Test func `a short number goes outside where a rule names it`() throws {
        var plan = try PlanBench.plan(PlanBench.office)
        guard case .outside(let number) = DialledText("0611", in: plan, home: "RU", numbering: PlanBench.numbering) else {
            Issue.record("0611 is unknown")
            return
        }
        #expect(number.raw == "0611")
        plan.outgoing = []
        #expect(DialledText("0611", in: plan, home: "RU", numbering: PlanBench.numbering) == .unknown)
    }

    @Test func `codes that are switched off mean nothing`() throws {
        var plan = try PlanBench.plan(PlanBench.office)
        plan.features = FeatureCodes()
        plan.features.pickUp = nil
        plan.features.voicemail = nil
        #expect(DialledText("*8", in: plan, home: "RU", numbering: PlanBench.numbering) == .unknown)
        #expect(DialledText("*97", in: plan, home: "RU", numbering: PlanBench.numbering) == .unknown)
    }
}
