import Connector
import PBXPlan
import Testing

@Suite struct PlanPreviewTests {
    private let plan: DialPlan
    private static let day = "2026-12-01T10:00:00+03:00"

    init() throws { plan = try PlanBench.plan(PlanBench.office) }

    private func preview(
        _ direction: RoutePreviewQuestion.Direction, _ number: String, from: String? = nil, trunk: String? = nil,
        at: String = day,
        standings: [String: TrunkStanding] = [:]
    ) -> RoutePreview {
        PlanPreview(plan, of: ConnectionID("pbx"), home: "RU", numbering: PlanBench.numbering, standings: standings).answer(
            RoutePreviewQuestion(direction, number, from: from, trunk: trunk, at: PlanBench.moment(at)))
    }

    @Test func `an outgoing call is told with trunks, lines, prices and reasons`() {
        let preview = preview(
            .outbound, "8 900 000-00-01", from: "101", standings: ["zadarma": TrunkStanding(trouble: "not registered")])
        #expect(preview.outcome == .outside)
        #expect(preview.e164 == "+79000000001")
        let lines = plan.outgoing.map(\.fileLine)
        let roubles = RoutePreview.Price(amount: "0.00", currency: "RUB", billedBy: "minute")
        #expect(
            preview.trunks == [
                RoutePreview.Trunk(
                    "megafon", line: "+79000000010", price: roubles, priority: 5, fileLine: lines[2], destination: "+7900")
            ])
        #expect(preview.passedOver.contains { $0.name == "zadarma" && $0.reason == .init("trouble", "not registered") })
        #expect(
            preview.passedOver.contains {
                $0.reason == .init("narrower_rule", "the rule in line \(lines[2]) says more of the number")
            })
    }

    static let refusals: [(number: String, from: String?, code: String, status: UInt16)] = [
        ("+12025550123", "101", "not_permitted", 403), ("+12025550123", "199", "unknown_caller", 403),
        ("+79005550001", nil, "forbidden", 403), ("199", "101", "not_a_number", 404), ("anna", "101", "not_a_number", 404),
    ]

    @Test(arguments: refusals) func `a refusal has its reason and its answer`(
        _ row: (number: String, from: String?, code: String, status: UInt16)
    ) {
        let preview = preview(.outbound, row.number, from: row.from)
        #expect(preview.outcome == .refused)
        #expect(preview.reason?.code == row.code)
        #expect(preview.status == row.status)
        #expect(preview.trunks == [])
    }

    @Test func `an emergency call is told apart`() {
        let preview = preview(.outbound, "112", from: "101")
        #expect(preview.outcome == .emergency)
        #expect(preview.trunks.map(\.name) == ["zadarma", "megafon"])
        #expect(preview.trunks.allSatisfy { $0.price == nil && $0.priority == nil })
    }

    @Test func `a colleague rings, and then his voicemail answers`() {
        let anna = RoutePreview.Ring("101", kind: "extension", name: "Анна")
        #expect(
            preview(.outbound, "101", from: "102").steps == [
                .init("ring", rings: [anna], seconds: 25), .init("voicemail", ref: "sales", seconds: 120),
            ])
        #expect(preview(.outbound, "102", from: "101").steps.map(\.kind) == ["ring", "hang_up"])
        #expect(preview(.outbound, "200", from: "101").steps.first?.rings.map(\.number) == ["101", "102", "+79000000101"])
        #expect(preview(.outbound, "*97", from: "101").steps == [.init("voicemail", ref: "sales")])
        #expect(preview(.outbound, "*8102", from: "101").steps == [.init("pick_up", ref: "102")])
        #expect(preview(.outbound, "300", from: "101").steps.first?.kind == "queue")
    }

    @Test func `an incoming call is followed until it ends`() {
        let preview = preview(.inbound, "+79000000010")
        #expect(preview.by == "line")
        #expect(preview.steps.map(\.kind) == ["schedule", "announce", "record", "responsible", "ring", "voicemail"])
        #expect(preview.steps.first?.result == "open")
        let ring = preview.steps[4]
        #expect(ring.ref == "sales")
        #expect(ring.result == "in_turn")
        #expect(ring.seconds == 25)
        #expect(
            ring.rings == [
                .init("101", kind: "extension", name: "Анна"), .init("102", kind: "extension", name: "Борис"),
                .init("+79000000101", kind: "mobile", name: "Анна"),
            ])
        let night = self.preview(.inbound, "79000000010", at: "2026-12-01T22:00:00+03:00")
        #expect(night.steps.map { $0.result ?? $0.ref } == ["closed", "closed", "sales"])
    }

    @Test func `a menu shows what its keys lead to, but a menu within names itself only`() {
        let steps = preview(.inbound, "+79000000011").steps
        #expect(steps.map(\.kind) == ["menu", "ring", "hang_up"])
        #expect(steps.first?.keys.map(\.key) == ["*", "1", "2"])
        #expect(steps.first?.keys[0].steps.first == .init("menu", ref: "main"))
        #expect(steps.first?.keys[2].steps.map(\.kind) == ["queue", "voicemail"])
    }

    @Test func `a call by a trunk or to an unknown line goes by what is left`() {
        #expect(preview(.inbound, "+79000000077", trunk: "zadarma").by == "trunk")
        let other = preview(.inbound, "+79000000077")
        #expect(other.by == "other")
        #expect(other.steps == [.init("hang_up", result: "not_found")])
        var bare = plan
        bare.incoming.other = nil
        let question = RoutePreviewQuestion(.inbound, "+79000000077", at: .earliest)
        let refused = PlanPreview(bare, of: ConnectionID("pbx"), home: "RU", numbering: PlanBench.numbering).answer(question)
        #expect(refused.outcome == .refused)
        #expect(refused.reason?.code == "no_route")
        #expect(refused.status == 404)
    }

    @Test func `a random group is shown in the order of the file`() throws {
        let plan = try PlanBench.plan(
            """
            extensions: {101: {secret: env:A}, 102: {secret: env:B}, 103: {secret: env:C}}
            incoming: {other: {ring: [103, 101, 102], how: random}}
            """)
        let preview = PlanPreview(plan, of: ConnectionID("pbx"), home: "RU", numbering: PlanBench.numbering)
            .answer(RoutePreviewQuestion(.inbound, "+79000000010", at: .earliest))
        #expect(preview.steps.first?.rings.map(\.number) == ["103", "101", "102"])
        #expect(preview.steps.first?.result == "random")
    }

    @Test func `the same as JSON has every member`() throws {
        let json = preview(.outbound, "+74950000001", from: "101").json
        #expect(json["outcome"]?.string == "outside")
        #expect(json["trunks"]?[0]?["price"]?["amount"]?.string == "0.85")
        #expect(json["trunks"]?[0]?["price"]?["billed_by"]?.string == "second")
        #expect(json["trunks"]?[0]?["rule"]?["to"]?.string == "RU")
        #expect(json["reason"] == .null)
        #expect(json["steps"] == [])
        let inbound = preview(.inbound, "+79000000010").json
        #expect(inbound["steps"]?[4]?["rings"]?[0]?["name"]?.string == "Анна")
    }

    @Test func `a desk reads plans, and says when there is none`() throws {
        let section = try PlanBench.section(
            "extensions: {101: {secret: env:A}}\nincoming: {other: [{announce: hello}, {ring: 101}]}")
        let plan = CallPlan(connection: ConnectionID("pbx"), settings: [:], section: section)
        #expect(try PlanDesk().read(plan).extensions.count == 1)
        #expect(throws: SettingTreeError.self) { try PlanDesk(hasPrompt: { _, _ in false }).check(plan) }
        #expect(throws: SettingsError.self) {
            try PlanDesk().check(CallPlan(connection: ConnectionID("pbx"), settings: [:], section: nil))
        }
    }
}
