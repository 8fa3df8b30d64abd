import Connector
import TestSupport
import Testing

@testable import Gateway

@Suite struct RoutePreviewAPITests {
    /// Says what it was asked.
    private final class Oracle: RoutePreviewing {
        let asked = Guarded<[RoutePreviewQuestion]>([])
        let failure: RoutePreviewFailure?

        init(_ failure: RoutePreviewFailure? = nil) { self.failure = failure }

        func preview(
            _ question: RoutePreviewQuestion, of connection: ConnectionID?, tenant: TenantID
        ) throws(RoutePreviewFailure) -> RoutePreview {
            asked.withLock { $0.append(question) }
            if let failure { throw failure }
            guard tenant == .standard else { throw .noPlan }
            var preview = RoutePreview(connection ?? ConnectionID("pbx"), question, .outside)
            preview.trunks = [
                .init(
                    "multifon", line: "+79000000010", price: .init(amount: "1.20", currency: "RUB", billedBy: "minute"),
                    priority: 5,
                    fileLine: 3, destination: "RU")
            ]
            preview.steps = [
                .init(
                    "menu", ref: "main",
                    keys: [.init("1", [.init("ring", result: "all", rings: [.init("101", kind: "extension")], seconds: 25)])])
            ]
            preview.passedOver = [.init("spare", fileLine: 4, reason: .init("full", "all its channels are in use"))]
            preview.reason = .init("no_trunk", "no trunk is left to try")
            preview.by = "line"
            return preview
        }
    }

    private func ask(
        _ path: String, _ oracle: Oracle = Oracle(), key: String = GatewayWorkbench.secret
    ) async throws -> (answer: RawClient.Answer, bench: GatewayWorkbench) {
        let bench = try GatewayWorkbench()
        bench.previews.withLock { $0 = oracle }
        let answer = Guarded<RawClient.Answer?>(nil)
        try await bench.serve { address in
            let got = try RawClient.get(address, path, key: key)
            answer.withLock { $0 = got }
        }
        return (try #require(answer.withLock { $0 }), bench)
    }

    @Test func `a question is read and its answer fits the description`() async throws {
        let oracle = Oracle()
        let (answer, bench) = try await ask(
            "/api/v1/routes/preview?number=+79000001234&from=101&at=2026-12-01T10:00:00%2B03:00&connection=office", oracle)
        #expect(answer.status == 200)
        let question = try #require(oracle.asked.withLock { $0 }.first)
        #expect(
            question
                == RoutePreviewQuestion(
                    .outbound, "+79000001234", from: "101", at: try #require(Instant(rfc3339: "2026-12-01T07:00:00Z"))))
        let json = try answer.json()
        #expect(json["connection_id"]?.string == "office")
        #expect(json["trunks"]?[0]?["trunk"]?.string == "multifon")
        let description = OpenAPIDescription(routes: GatewayAPI(bench.services).routes, version: "0").json
        let check = SchemaCheck(schemas: description["components"]?["schemas"] ?? .null)
        #expect(check.problems(of: json, named: "RoutePreview") == [])
        #expect(check.problems(of: RoutePreviewDescription.example, named: "RoutePreview") == [])
    }

    @Test func `it is now and outbound where nothing else is said`() async throws {
        let oracle = Oracle()
        let (_, bench) = try await ask("/api/v1/routes/preview?number=101", oracle)
        #expect(oracle.asked.withLock { $0 } == [RoutePreviewQuestion(.outbound, "101", at: bench.clock.now())])
        _ = try await ask("/api/v1/routes/preview?number=101&direction=inbound&trunk=multifon", oracle)
        #expect(oracle.asked.withLock { $0 }.last?.trunk == "multifon")
    }

    static let refusals: [(query: String, failure: RoutePreviewFailure?, status: Int, code: String, field: String?)] = [
        ("", nil, 400, "bad-parameter", "number"), ("number=", nil, 400, "bad-parameter", "number"),
        ("number=1&nubmer=2", nil, 400, "bad-parameter", "nubmer"),
        ("number=1&direction=up", nil, 400, "bad-parameter", "direction"),
        ("number=1&at=noon", nil, 400, "bad-parameter", "at"), ("number=1&trunk=t", nil, 400, "bad-parameter", "trunk"),
        ("number=1&from=101&direction=inbound", nil, 400, "bad-parameter", "from"),
        ("number=" + String(repeating: "1", count: 65), nil, 400, "bad-parameter", "number"),
        ("number=1", .noPlan, 404, "not-found", nil), ("number=1", .faulty(ConnectionID("pbx")), 409, "plan-unreadable", nil),
        ("number=1", .several([ConnectionID("a"), ConnectionID("b")]), 400, "bad-parameter", "connection"),
        ("number=1&direction=inbound&trunk=t", .unknownTrunk, 400, "bad-parameter", "trunk"),
    ]

    @Test(arguments: refusals) func `what cannot be answered is a problem`(
        _ row: (query: String, failure: RoutePreviewFailure?, status: Int, code: String, field: String?)
    ) async throws {
        let (answer, _) = try await ask("/api/v1/routes/preview?\(row.query)", Oracle(row.failure))
        #expect(answer.status == row.status)
        #expect(answer.header("Content-Type") == "application/problem+json")
        let json = try answer.json()
        #expect(json["code"]?.string == row.code)
        if let field = row.field { #expect(json["errors"]?.elements.contains { $0["field"]?.string == field } == true) }
    }

    @Test func `another tenant's PBX is not told of`() async throws {
        let (answer, _) = try await ask("/api/v1/routes/preview?number=1", key: GatewayWorkbench.otherSecret)
        #expect(answer.status == 404)
    }

    @Test func `without a key nothing is told`() async throws {
        let (answer, _) = try await ask("/api/v1/routes/preview?number=1", key: "km_" + String(repeating: "x", count: 43))
        #expect(answer.status == 401)
    }
}
