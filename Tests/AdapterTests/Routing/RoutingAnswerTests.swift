import AdapterCatalog
import AdapterConformance
import Connector
import TestSupport
import Testing

/// Which requests ask whom to ring, and what each vendor is answered: from the recorded cases.
@Suite struct RoutingAnswerTests {
    /// A connection of a recorded case.
    private struct Bench {
        let adapter: any TelephonyAdapter
        let requests: [RawRecord]

        init(_ name: String, _ folder: String, _ more: [String: String] = [:]) throws {
            let recorded = try CaseFolder.load("\(FixtureFolders.cases(of: name))/\(folder)")
            let kind = try #require(AdapterCatalog.adapters.first { $0.descriptor.name == name })
            let settings = AdapterSettings(
                connection: ConnectionID(name), values: recorded.settings.merging(more) { $1 }, hasURLToken: true)
            adapter = try kind.init(settings: settings)
            let headers = kind.descriptor.headers
            requests = recorded.requests.enumerated().map { number, request in
                request.raw(ConnectionID(name), number: number, headers: headers)
            }
        }

        /// What each request asks.
        var questions: [RoutingQuestion?] { requests.map(question) }

        func question(_ raw: RawRecord) -> RoutingQuestion? {
            let authenticator = adapter.makeAuthenticator()
            return raw.withRequest { request in
                guard case .accept = authenticator.authenticate(request) else { return nil }
                return authenticator.routingQuestion(request)
            }
        }

        func answer(_ decision: RoutingDecision, to question: RoutingQuestion?) throws -> String {
            let response = adapter.acknowledge(try #require(question), decision)
            #expect(response.status == 200)
            return String(decoding: response.body, as: UTF8.self)
        }

        /// The names that the decoder gives to the calls.
        var calls: [ExternalKey] {
            let decoder = adapter.makeDecoder()
            return requests.flatMap { decoder.decode($0) }.compactMap {
                if case .call(let event) = $0 { event.keys.first } else { nil }
            }
        }
    }

    private static let ivanov = RoutingDecision(.asked, target: .user("ivanov"), callerName: "Ромашка, ООО")

    /// A decision's record must find the call that the vendor's own requests make.
    @Test(
        arguments: [
            ("megafon-vats", "contact-lookup", [:]), ("zadarma", "inbound-answered", [:]), ("telphin", "call-interactive", [:]),
            ("mango", "inbound-answered", ["routing": "crm"]), ("beeline", "inbound-answered", ["routing": "crm"]),
        ] as [(String, String, [String: String])])
    func `the question names the call as the decoder does`(name: String, folder: String, settings: [String: String]) throws {
        let bench = try Bench(name, folder, settings)
        let question = try #require(bench.questions.compactMap(\.self).first)
        #expect(bench.calls.contains(question.call))
    }

    /// What nobody waits with must not cost a question.
    @Test(arguments: [
        ("megafon-vats", "outbound-answered"), ("megafon-vats", "rating"), ("megafon-vats", "internal-call"),
        ("zadarma", "outbound-answered"), ("zadarma", "internal-call"), ("zadarma", "sms"), ("telphin", "inbound-answered"),
        ("telphin", "outbound-answered"), ("mango", "outbound-answered"), ("mango", "callback-from-crm"),
        ("mango", "internal-call"), ("mango", "inbound-missed-caller-hangup"), ("mango", "inbound-anonymous"),
        ("mango", "sms"), ("beeline", "outbound-answered"), ("beeline", "internal-call"), ("beeline", "inbound-anonymous"),
        ("beeline", "not-xml"), ("beeline", "subscription-terminated"), ("mango", "not-json"),
    ])
    func `nothing else asks`(name: String, folder: String) throws {
        #expect(try Bench(name, folder, ["routing": "crm"]).questions.allSatisfy { $0 == nil })
    }

    // MARK: MegaFon

    @Test func `MegaFon's contact is answered with name and responsible`() throws {
        let bench = try Bench("megafon-vats", "contact-lookup")
        let questions = bench.questions
        let first = try #require(questions.first ?? nil)
        #expect(first.number == "79000001234")
        #expect(first.line == "74950000002")
        #expect(try bench.answer(Self.ivanov, to: first) == #"{"contact_name":"Ромашка, ООО","responsible":"ivanov"}"#)
        let named = RoutingDecision(.nobodyNamed, callerName: "Петров Пётр")
        #expect(try bench.answer(named, to: first) == #"{"contact_name":"Петров Пётр"}"#)
        #expect(try bench.answer(RoutingDecision(.unknownCaller), to: first) == "{}")
        #expect(
            try bench.answer(RoutingDecision(.asked, target: .number("+79000000101")), to: first)
                == #"{"responsible":"79000000101"}"#)
        #expect(questions.last == .some(nil), "a hidden number is not asked about")
    }

    @Test func `quotes in a name stay within it`() throws {
        let bench = try Bench("megafon-vats", "contact-lookup")
        let odd = RoutingDecision(.asked, callerName: #"a","responsible":"b\"#)
        let text = try bench.answer(odd, to: bench.questions.first ?? nil)
        let json = try JSONValue(parsing: text)
        #expect(json["contact_name"]?.string == #"a","responsible":"b\"#)
        #expect(json["responsible"] == nil)
    }

    // MARK: Zadarma

    @Test func `Zadarma's NOTIFY_START is answered with redirect, its time and the name`() throws {
        let bench = try Bench("zadarma", "inbound-answered")
        let question = try #require(bench.questions.compactMap(\.self).first)
        #expect(bench.questions.compactMap(\.self).count == 1)
        let decision = RoutingDecision(.asked, target: .user("101"), callerName: "Anna")
        #expect(try bench.answer(decision, to: question) == #"{"redirect":"101","return_timeout":20,"caller_name":"Anna"}"#)
        let menu = RoutingDecision(.asked, target: .group("0-main"))
        #expect(try bench.answer(menu, to: question) == #"{"redirect":"0-main","return_timeout":20}"#)
        #expect(try bench.answer(RoutingDecision(.asked, rejects: true), to: question) == #"{"hangup":1}"#)
        #expect(try bench.answer(RoutingDecision(.nobodyNamed, callerName: "Anna"), to: question) == #"{"caller_name":"Anna"}"#)
        #expect(try bench.answer(RoutingDecision(.unknownCaller), to: question) == "")
        #expect(try bench.answer(RoutingDecision(.asked, target: .group("blacklist")), to: question) == "")
    }

    @Test(arguments: [("0", 0), ("3", 3), ("300", 300)])
    func `the time that whom the CRM names may ring is a setting`(text: String, seconds: Int) throws {
        let bench = try Bench("zadarma", "inbound-answered", ["routing_timeout": text])
        let question = try #require(bench.questions.compactMap(\.self).first)
        let answer = try bench.answer(RoutingDecision(.asked, target: .user("101")), to: question)
        #expect(try JSONValue(parsing: answer)["return_timeout"]?.int == seconds)
    }

    @Test(arguments: ["1", "2", "301", "", "x", "-1"])
    func `a time that Zadarma would not take is refused`(text: String) {
        #expect(throws: (any Error).self) { try Bench("zadarma", "inbound-answered", ["routing_timeout": text]) }
    }

    // MARK: Telphin

    @Test func `Telphin's Call Interactive is answered with a jump to the employee's option`() throws {
        let bench = try Bench("telphin", "call-interactive", ["routing_context": "staff & co"])
        let question = try #require(bench.questions.compactMap(\.self).first)
        #expect(question.number == "79000000101")
        #expect(question.place == "500")
        let head = #"<?xml version="1.0" encoding="UTF-8"?><Response>"#
        let decision = RoutingDecision(.asked, target: .user("101"), callerName: "A \"<&> B")
        #expect(
            try bench.answer(decision, to: question) == head
                + #"<SetCaller name="A &quot;&lt;&amp;&gt; B" number="79000000101"/><Jump context="staff &amp; co" option="101"/></Response>"#
        )
        #expect(try bench.answer(RoutingDecision(.asked, rejects: true), to: question) == head + "<Hangup/></Response>")
        #expect(try bench.answer(RoutingDecision(.unknownCaller), to: question) == head + "</Response>")
        #expect(bench.adapter.descriptor.routing?.targets == [.user, .group])
    }

    @Test func `without a context Telphin can be told the name only`() throws {
        let bench = try Bench("telphin", "call-interactive")
        #expect(bench.adapter.descriptor.routing?.targets == [])
        #expect(throws: (any Error).self) { try Bench("telphin", "call-interactive", ["routing_context": "a\nb"]) }
    }

    // MARK: Mango and Beeline

    @Test func `Mango's first leg in a menu asks, with the leg to send on, and later ones do not`() throws {
        let bench = try Bench("mango", "dtmf-and-route", ["routing": "crm"])
        let asked = bench.questions.compactMap(\.self)
        #expect(asked.count == 1)
        #expect(asked.first?.call == ExternalKey(.session, "MTk5MDAwMDAwMTk="))
        #expect(asked.first?.leg == "MToxMDA5OTAwMTo1MDI6NzAwMTAwMDA4NTox")
        #expect(asked.first?.number == "79000001234")
        #expect(asked.first?.line == "74950000001")
    }

    @Test func `Beeline's ringing phone asks with the caller's number`() throws {
        let bench = try Bench("beeline", "inbound-answered", ["routing": "crm"])
        let asked = bench.questions.compactMap(\.self)
        #expect(asked.count == 1)
        #expect(asked.first?.number.hasPrefix("+79") == true)
    }

    // MARK: The setting

    @Test(arguments: [
        ("megafon-vats", true), ("zadarma", true), ("telphin", true), ("mango", false), ("beeline", false),
    ])
    func `who waits is answered by standard, who is acted upon only where it is wished`(name: String, isOn: Bool) throws {
        let folder = "inbound-answered"
        let standard = try Bench(name, folder).adapter.descriptor
        #expect((standard.routing != nil) == isOn)
        #expect(standard.capabilities.contains(.routing) == isOn)
        let on = try Bench(name, folder, ["routing": "crm"]).adapter.descriptor
        #expect(on.routing != nil)
        #expect(on.capabilities.contains(.routing))
        let off = try Bench(name, folder, ["routing": "off"]).adapter.descriptor
        #expect(off.routing == nil)
        #expect(!off.capabilities.contains(.routing))
    }
}
