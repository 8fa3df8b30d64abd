import AdapterKit
import Connector
import TestSupport
import Testing

@testable import BeelineAdapter
@testable import MangoAdapter

/// What leaves for the vendors that are told by a command or a table.
@Suite struct RouteOrderTests {
    private static func order(
        _ decision: RoutingDecision, number: String = "79000001234", leg: String? = "MToxMDA5OTAwMTo1MDI6NzAwMTAwMDA4NTox"
    ) -> RouteOrder {
        RouteOrder(
            id: CommandID(bits: 7), question: RoutingQuestion(call: ExternalKey(.session, "E"), number: number, leg: leg),
            decision: decision, deadline: .seconds(4))
    }

    // MARK: Mango

    private static func form(_ request: OutgoingRequest?) throws -> JSONValue {
        let body = try #require(request).body
        let text = try body.withUnsafeBytes { try FormBody($0).string("json") }
        return try JSONValue(parsing: try #require(text))
    }

    @Test func `Mango's route is the command that the reference shows`() async throws {
        let outgoing = ScriptedOutgoing(status: 200, #"{"result":1000}"#)
        let client = try MangoWorkbench().adapter.client(outgoing)
        let outcome = try await client.route(Self.order(RoutingDecision(.asked, target: .user("104"), callerName: "Ромашка")))
        guard case .sent = outcome else { Issue.record("\(outcome)"); return }
        let request = try #require(outgoing.requests.first)
        #expect(request.url == "https://app.mango-office.ru/vpbx/commands/route")
        #expect(request.deadline == .seconds(4))
        let json = try Self.form(request)
        #expect(json["command_id"]?.string == CommandID(bits: 7).description)
        #expect(json["call_id"]?.string == "MToxMDA5OTAwMTo1MDI6NzAwMTAwMDA4NTox")
        #expect(json["to_number"]?.string == "104")
        #expect(json["sip_headers"]?["From/display-name"]?.string == "Ромашка")
    }

    @Test(arguments: [
        (RoutingTarget.group("700"), "700"), (.number("+79000000101"), "79000000101"),
    ])
    func `a group or a number is sent to as Mango writes them`(target: RoutingTarget, text: String) async throws {
        let outgoing = ScriptedOutgoing(status: 200, #"{"result":1000}"#)
        _ = try await MangoWorkbench().adapter.client(outgoing).route(Self.order(RoutingDecision(.asked, target: target)))
        #expect(try Self.form(outgoing.requests.first)["to_number"]?.string == text)
    }

    @Test func `a call that is to be refused is hung up`() async throws {
        let outgoing = ScriptedOutgoing(status: 200, #"{"result":1000}"#)
        _ = try await MangoWorkbench().adapter.client(outgoing).route(Self.order(RoutingDecision(.asked, rejects: true)))
        #expect(outgoing.requests.first?.url == "https://app.mango-office.ru/vpbx/commands/call/hangup")
    }

    /// The second bad request within two minutes blocks the key.
    @Test(arguments: [
        order(RoutingDecision(.asked, target: .user("ivanov"))), order(RoutingDecision(.asked, target: .group("a-b"))),
        order(RoutingDecision(.asked, target: .number("+7900"))), order(RoutingDecision(.asked)),
        order(RoutingDecision(.asked, target: .user("104")), leg: nil),
        order(RoutingDecision(.asked, target: .user("104")), leg: String(repeating: "x", count: 129)),
    ])
    func `what cannot be right is not sent`(order: RouteOrder) async throws {
        let outgoing = ScriptedOutgoing()
        let client = try MangoWorkbench().adapter.client(outgoing)
        let failure = await #expect(throws: ProviderFailure.self) { try await client.route(order) }
        #expect(failure?.kind == .invalid)
        #expect(outgoing.requests.isEmpty)
    }

    @Test func `a call that is over is a refusal`() async throws {
        let client = try MangoWorkbench().adapter.client(ScriptedOutgoing(status: 200, #"{"result":4101}"#))
        let failure = await #expect(throws: ProviderFailure.self) {
            try await client.route(Self.order(RoutingDecision(.asked, target: .user("104"))))
        }
        #expect(failure?.kind == .rejected)
    }

    // MARK: Beeline

    private static let base = "https://cloudpbx.beeline.ru/apis/portal/"
    private static let success = #"[{"inboundNumber":"9000001234","extension":"101","status":"SUCCESS"}]"#
    private static let fault = #"[{"inboundNumber":"9000001234","extension":"101","status":"FAULT","error":"x"}]"#

    private func client(_ outgoing: CannedOutgoing) throws -> BeelineClient {
        BeelineClient(server: try #require(BeelineServer(Self.base)), token: BeelineClientTests.token, outgoing: outgoing)
    }

    private static func beeline(_ target: RoutingTarget?, _ number: String = "+79000001234") -> RouteOrder {
        order(RoutingDecision(.asked, target: target), number: number, leg: nil)
    }

    private static func lines(_ outgoing: CannedOutgoing) -> [String] {
        outgoing.requests.map { "\($0.method) \($0.url.dropFirst(base.count)) \($0.text)" }
    }

    private static let row = #"[{"inboundNumber":"9000001234","extension":"101"}]"#

    @Test func `a row is added, kept, changed and removed as the CRM's word changes`() async throws {
        let outgoing = CannedOutgoing("[]", Self.success, Self.success, Self.success)
        let client = try client(outgoing)
        guard case .written = try await client.route(Self.beeline(.user("101"))) else { Issue.record("not written"); return }
        guard case .unchanged = try await client.route(Self.beeline(.user("101"))) else { Issue.record("written"); return }
        _ = try await client.route(Self.beeline(.user("102")))
        _ = try await client.route(Self.beeline(nil))
        guard case .unchanged = try await client.route(Self.beeline(nil)) else { Issue.record("written"); return }
        #expect(
            Self.lines(outgoing) == [
                "GET icr/route ", "POST icr/route \(Self.row)",
                #"PUT icr/route [{"inboundNumber":"9000001234","extension":"102"}]"#,
                #"DELETE icr/route [{"inboundNumber":"9000001234","extension":"102"}]"#,
            ])
        #expect(outgoing.requests.allSatisfy { $0.header("x-mpbx-api-auth-token") == BeelineClientTests.token })
    }

    @Test func `rows that are there already are known, however their number is written`() async throws {
        let outgoing = CannedOutgoing(#"[{"inboundNumber":"+79000001234","extension":"101"},{"extension":"9"},7]"#)
        guard case .unchanged = try await client(outgoing).route(Self.beeline(.user("101"))) else {
            Issue.record("written")
            return
        }
        #expect(outgoing.requests.count == 1)
    }

    @Test func `the table is read anew after an hour, and what was written meanwhile counts more`() {
        let time = Guarded(ContinuousClock.now)
        let routes = BeelineRoutes(now: { time.withLock { $0 } })
        #expect(!routes.isFresh)
        routes.beginReading()
        routes.take(["9000001234": "101", "9000005678": "102"])
        #expect(routes.isFresh)
        time.withLock { $0 += .seconds(3600) }
        #expect(!routes.isFresh)
        routes.beginReading()
        routes.set("9000001234", to: nil)
        routes.set("9000009999", to: "103")
        routes.take(["9000001234": "101", "9000005678": "104"])
        #expect(routes.isFresh)
        #expect(routes.extension(for: "9000001234") == nil)
        #expect(routes.extension(for: "9000005678") == "104")
        #expect(routes.extension(for: "9000009999") == "103")
    }

    @Test func `where a row cannot be added it is updated, and else refused`() async throws {
        let updated = CannedOutgoing("[]", Self.fault, Self.success)
        guard case .written = try await client(updated).route(Self.beeline(.user("101"))) else {
            Issue.record("not written"); return
        }
        #expect(updated.requests.map(\.method) == ["GET", "POST", "PUT"])
        let refused = CannedOutgoing("[]", Self.fault, Self.fault)
        let failed = try client(refused)
        let failure = await #expect(throws: ProviderFailure.self) { try await failed.route(Self.beeline(.user("101"))) }
        #expect(failure?.kind == .rejected)
    }

    @Test func `an employee who is listed by his number is looked up once`() async throws {
        let outgoing = CannedOutgoing(
            "[]", #"{"userId":"9000000021@ip.beeline.ru","extension":"101"}"#, Self.success, Self.success)
        let client = try client(outgoing)
        _ = try await client.route(Self.beeline(.user("9000000021")))
        _ = try await client.route(Self.beeline(.user("9000000021"), "+79000005678"))
        #expect(
            outgoing.requests.map { "\($0.method) \($0.url.dropFirst(Self.base.count))" } == [
                "GET icr/route", "GET abonents/9000000021", "POST icr/route", "POST icr/route",
            ])
    }

    @Test(arguments: ["<html>", "{}", "7"])
    func `a table that cannot be read is not written`(text: String) async throws {
        let outgoing = CannedOutgoing(200, text)
        let client = try client(outgoing)
        await #expect(throws: ProviderFailure.self) { try await client.route(Self.beeline(.user("101"))) }
        #expect(outgoing.requests.count == 1)
    }
}
