import Connector
import MegafonVATSAdapter
import Testing

@Suite struct MegafonEventTests {
    let bench: MegafonWorkbench

    init() throws { bench = try MegafonWorkbench() }

    private static let client = Party.external(number: "79000001234")
    private static let employee = Party.user(extension: "101", endpoint: "79000000101")

    @Test(arguments: [
        ("INCOMING", LegReport.Phase.ringing, EventType.ringing, EndReason?.none), ("ACCEPTED", .answered, .answered, nil),
        ("COMPLETED", .ended, .updated, .normal), ("CANCELLED", .ended, .updated, .unknown),
        ("canceled", .ended, .updated, .unknown), ("TRANSFERRED", .ended, .transferStarted, .transferred),
    ])
    func `a state becomes the phase of a leg`(word: String, phase: LegReport.Phase, type: EventType, reason: EndReason?) throws {
        let event = try #require(bench.state(word))
        #expect(event.keys == [ExternalKey(.call, "C")])
        #expect(event.type == type)
        #expect(event.occurredAt == MegafonWorkbench.now)
        #expect(
            event.leg
                == LegReport(
                    key: "C/ivanov", phase: phase, from: Self.client, to: Self.employee, handover: .unmarked,
                    calleeTransferredAway: word == "TRANSFERRED", reason: reason))
        #expect(
            event.facts
                == CallFacts(
                    direction: .inbound, externalNumber: "79000001234", line: "74950000002",
                    login: EmployeeLogin("ivanov", extension: "101")))
        #expect(event.ending == nil)
        #expect(event.custom.isEmpty)
    }

    @Test func `an employee calls out`() throws {
        let event = try #require(bench.state("OUTGOING", [("direction", "out"), ("diversion", "")]))
        #expect(event.leg == LegReport(key: "C/ivanov", phase: .ringing, from: Self.employee, to: Self.client))
        #expect(event.facts.direction == .outbound && event.facts.externalNumber == "79000001234" && event.facts.line == nil)
    }

    @Test(arguments: [
        ("INCOMING", "", Direction?.some(.inbound), true), ("OUTGOING", "", .outbound, false), ("ACCEPTED", "", nil, false),
        ("ACCEPTED", "74950000002", nil, true), ("INCOMING", "sideways", .inbound, true),
    ])
    func `without a direction the state says it, or the line that was called`(
        word: String, line: String, direction: Direction?, comesIn: Bool
    ) throws {
        let isWord = line == "sideways"
        let event = try #require(bench.state(word, isWord ? [("direction", line)] : [("diversion", line)]))
        #expect(event.facts.direction == direction)
        #expect(event.leg?.from == (comesIn ? Self.client : Self.employee))
        #expect(event.custom == (isWord ? [CustomField("direction", "sideways")] : []))
    }

    @Test(arguments: ["in", "internal"])
    func `a short number is a colleague and no client`(direction: String) throws {
        let event = try #require(bench.state("ACCEPTED", [("direction", direction), ("phone", "104"), ("diversion", "")]))
        #expect(event.leg?.from == .user(extension: "104", endpoint: nil))
        #expect(event.leg?.to == Self.employee)
        #expect(event.facts.direction == .internal && event.facts.externalNumber == nil)
    }

    @Test(arguments: [
        (" 79000001234", "+79000001234"), ("79000001234 ", "79000001234"), ("+79000001234", "+79000001234"), ("8800", nil),
        ("  ", ""), ("", ""),
    ])
    func `a plus that came as a space is put back`(phone: String, number: String?) throws {
        let event = try #require(bench.state("INCOMING", [("direction", "in"), ("phone", phone)]))
        #expect(event.facts.externalNumber == number)
        if number == "" { #expect(event.leg?.from == .external(number: nil)) }
    }

    @Test(arguments: [
        ("pbx", Party?.none), ("g_e2079b5f-25f7-4743-9323-761429e73a00@demo.megapbx.ru", .queue(ref: "Отдел продаж")),
        ("g_ivanov", .user(extension: "g_ivanov", endpoint: nil)), ("ivanov@x", .user(extension: "ivanov", endpoint: nil)),
    ])
    func `only a login is a person`(user: String, party: Party?) throws {
        let event = try #require(
            bench.state(
                "INCOMING",
                [("direction", "in"), ("user", user), ("ext", ""), ("telnum", "")]
                    + (party == nil ? [] : [("groupRealName", "Отдел продаж")])))
        #expect(event.leg?.to == party)
    }

    @Test func `a department's name marks the members, and is kept`() throws {
        let event = try #require(bench.state("INCOMING", [("direction", "in"), ("groupRealName", "Отдел продаж")]))
        #expect(event.leg?.group == "Отдел продаж")
        #expect(event.custom == [CustomField("groupRealName", "Отдел продаж")])
    }

    @Test func `a transfer names both calls`() {
        let second: MegafonWorkbench.Fields = [("direction", "in"), ("second_callid", "D")]
        #expect(bench.state("TRANSFERRED", second)?.keys == [ExternalKey(.call, "C"), ExternalKey(.call, "D")])
        #expect(bench.state("ACCEPTED", second)?.keys == [ExternalKey(.call, "C")])
    }

    @Test func `a question who calls is the beginning of a call`() throws {
        let fields: MegafonWorkbench.Fields = [("cmd", "contact"), ("phone", "79000001234")]
        let event = try #require(bench.events(fields + [("diversion", "74950000002")]).first)
        #expect(event.type == .created)
        #expect(event.leg == nil)
        #expect(event.facts == CallFacts(direction: .inbound, externalNumber: "79000001234", line: "74950000002"))
        #expect(bench.events(fields).first?.facts.direction == .inbound)
    }

    @Test func `a mark is kept`() {
        let event = bench.events([("cmd", "rating"), ("rating", "4"), ("user", "ivanov"), ("phone", "79000001234")]).first
        #expect(event?.type == .updated)
        #expect(event?.custom == [CustomField("rating", "4")])
    }

    @Test func `values tell pushes apart, their order and unknown fields do not`() throws {
        let token = "crm_token=\(MegafonWorkbench.token)"
        let one = bench.decode("cmd=event&type=INCOMING&callid=C&user=a&\(token)")
        let same = bench.decode(#"{"user":"a","new":[1],"callid":"C","cmd":"event","type":"INCOMING"}"#)
        let other = bench.decode("cmd=event&type=INCOMING&callid=C&user=b&\(token)")
        let ids = [one, same, other].map { MegafonWorkbench.events($0).map(\.id) }
        #expect(ids[0] == ids[1])
        #expect(ids[0] != ids[2])
        #expect(MegafonWorkbench.events(same).first?.custom == [CustomField("new", "[1]")])
    }

    @Test(arguments: [[("cmd", "event"), ("type", "PARKED")], [("cmd", "event")], [("cmd", "tomorrow")]])
    func `unknown kinds are ignored`(fields: [(String, String)]) {
        guard case .ignored? = bench.decode(fields.map { (name: $0.0, value: $0.1) }).first else {
            Issue.record("not ignored")
            return
        }
    }

    @Test(arguments: [
        "cmd=event&type=INCOMING", "cmd=history", "cmd=contact&callid=%FF",
        "cmd=rating&callid=\(String(repeating: "x", count: 257))",
        "callid=C", "%", "{", "",
    ])
    func `what names no call or cannot be read stays undecoded`(body: String) {
        guard case .undecoded? = bench.decode(body).first else {
            Issue.record("decoded")
            return
        }
    }
}
