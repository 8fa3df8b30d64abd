import Connector
import Network
import TestSupport
import Testing

@testable import Gateway

@Suite struct OpenAPITests {
    private func description(_ bench: GatewayWorkbench) -> JSONValue {
        OpenAPIDescription(routes: GatewayAPI(bench.services).routes, version: "0").json
    }

    @Test func `every route that the router has is described`() async throws {
        let bench = try GatewayWorkbench()
        let routes = GatewayAPI(bench.services).routes
        try await bench.serve { address in
            let served = try RawClient.get(address, "/openapi.json", key: nil).json()
            #expect(served["openapi"]?.string == "3.1.0")
            for route in routes {
                #expect(served["paths"]?[route.pattern]?[route.method.name.lowercased()] != nil, "\(route.pattern)")
            }
            #expect(served["paths"]?.members.count == Set(routes.map(\.pattern)).count + 1)
        }
    }

    @Test func `every schema that is named exists, and every example fits its schema`() throws {
        let bench = try GatewayWorkbench()
        defer { bench.close() }
        let description = description(bench)
        let check = SchemaCheck(schemas: description["components"]?["schemas"] ?? .null)
        for name in check.references(in: description) { #expect(description["components"]?["schemas"]?[name] != nil, "\(name)") }
        for route in GatewayAPI(bench.services).routes {
            guard let schema = route.answer.schema, let example = route.answer.example else { continue }
            #expect(check.problems(of: example, named: schema) == [], "\(route.pattern)")
        }
    }

    @Test func `the question to the CRM is described, its examples fit, and what is really sent does`() async throws {
        let bench = try GatewayWorkbench()
        defer { bench.close() }
        let description = description(bench)
        let check = SchemaCheck(schemas: description["components"]?["schemas"] ?? .null)
        let post = try #require(description["webhooks"]?["contact.lookup"]?["post"])
        let question = try #require(post["requestBody"]?["content"]?["application/json"]?["example"])
        #expect(check.problems(of: question, named: "ContactQuery") == [])
        let answer = try #require(post["responses"]?["200"]?["content"]?["application/json"]?["example"])
        #expect(check.problems(of: answer, named: "ContactAnswer") == [])
        #expect(try ContactAnswer(json: answer.encoded) != .unknown)
        let outgoing = TestSupport.ScriptedOutgoing(status: 204, "")
        let lookup = HTTPContactLookup(url: "https://crm.example", secret: "s", outgoing: outgoing, clock: bench.clock)
        let number = PhoneNumber(raw: "79000001234", e164: "+79000001234")
        _ = try await lookup.ask(
            ContactQuery(
                tenant: .standard, connection: ConnectionID("bell"), provider: "bell", number: number, line: number,
                call: ExternalKey(.call, "1"), patience: .seconds(1)), within: .seconds(1))
        let sent = try #require(outgoing.requests.first)
        #expect(check.problems(of: try JSONValue(parsing: sent.body), named: "ContactQuery") == [])
        let described = Set(post["parameters"]?.elements.compactMap { $0["name"]?.string } ?? [])
        #expect(described.isSubset(of: Set(sent.headers.map(\.name))))
    }

    @Test func `what the server answers fits the description`() async throws {
        let bench = try GatewayWorkbench([
            "bell": """
            adapter: bell
            settings: {key: env:BELL_KEY}
            lines: {"+74950000001": {label: site}}
            employees: {"101": {name: Ann}}
            """
        ])
        let id = bench.addCall(1)
        let open = bench.addCall(2, isOpen: true)
        let routes = GatewayAPI(bench.services).routes
        let check = SchemaCheck(schemas: description(bench)["components"]?["schemas"] ?? .null)
        try await bench.serve { address in
            _ = try RawClient.post(address, "/hooks/bell", body: "a", key: nil, headers: "X-Bell: hush\r\n")
            _ = try RawClient.post(address, "/hooks/bell", body: "a", key: nil, headers: "X-Bell: no\r\n")
            let raw = try #require(bench.journal.rawRecords.first).id
            var visit = Visit(address: address, ended: "\(id)", open: "\(open)", raw: "\(raw)")
            for route in routes {
                guard let schema = route.answer.schema else { continue }
                let answer = try visit.ask(route)
                #expect(answer.status == route.answer.status, "\(route.pattern)")
                #expect(check.problems(of: try answer.json(), named: schema) == [], "\(route.pattern)")
            }
            let problem = try RawClient.get(address, "/api/v1/calls?x=1").json()
            #expect(check.problems(of: problem, named: "Problem") == [])
        }
    }
}

/// Asks for one route after the other, each with what it needs.
private struct Visit {
    let address: SocketAddress
    let ended: String
    let open: String
    let raw: String
    /// The newest command.
    var command = ""

    private static let bodies = [
        "/calls": #"{"from":{"extension":"101"},"to":"102"}"#, "/transfer": #"{"to":"102"}"#,
        "/record": #"{"action":"start"}"#, "/dtmf": #"{"digits":"1"}"#,
    ]

    mutating func ask(_ route: APIRoute) throws -> RawClient.Answer {
        let path = route.pattern.replacing("{id}", with: name(in: route))
        guard route.method == .post else { return try RawClient.get(address, path) }
        let key = route.scope == .command ? GatewayWorkbench.commandSecret : GatewayWorkbench.adminSecret
        let answer = try RawClient.post(
            address, path, body: Self.bodies.first { path.hasSuffix($0.key) }?.value ?? "", key: key,
            headers: "Idempotency-Key: \(path)\r\n")
        if let place = answer.header("Location")?.split(separator: "/").last { command = String(place) }
        return answer
    }

    private func name(in route: APIRoute) -> String {
        switch route.pattern.split(separator: "/").dropFirst(2).first {
        case "connections": "bell"
        case "inbox": raw
        case "commands": command
        default: route.method == .post ? open : ended
        }
    }
}

/// As much of JSON Schema as the description uses.
struct SchemaCheck {
    let schemas: JSONValue

    /// What is wrong with `value`, by path.
    func problems(of value: JSONValue, named name: String) -> [String] {
        problems(of: value, schemas[name] ?? .null, at: name)
    }

    /// Names of all schemas that are referred to.
    func references(in value: JSONValue) -> Set<String> {
        var names: Set<String> = []
        if let reference = value["$ref"]?.string { names.insert(Self.name(reference)) }
        for member in value.members { names.formUnion(references(in: member.value)) }
        for element in value.elements { names.formUnion(references(in: element)) }
        return names
    }

    private static func name(_ reference: String) -> String { String(reference.split(separator: "/").last ?? "") }

    private func problems(of value: JSONValue, _ schema: JSONValue, at path: String) -> [String] {
        if let reference = schema["$ref"]?.string { return problems(of: value, named: Self.name(reference)) }
        if let allowed = schema["enum"]?.elements, !allowed.isEmpty {
            return allowed.contains(value) ? [] : ["\(path): \(value) is none of the values"]
        }
        let types = schema["type"]?.string.map { [$0] } ?? schema["type"]?.elements.compactMap(\.string) ?? []
        guard types.isEmpty || types.contains(where: { Self.isOf($0, value) }) else { return ["\(path): is no \(types)"] }
        var found: [String] = []
        for required in schema["required"]?.elements.compactMap(\.string) ?? [] where value[required] == nil && value != .null {
            found.append("\(path).\(required): is missing")
        }
        for member in value.members {
            if let schema = schema["properties"]?[member.name] {
                found += problems(of: member.value, schema, at: "\(path).\(member.name)")
            } else if schema["additionalProperties"]?.bool == false {
                found.append("\(path).\(member.name): is not described")
            }
        }
        if let items = schema["items"] {
            for element in value.elements { found += problems(of: element, items, at: "\(path)[]") }
        }
        return found
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch (type, value) {
        case ("null", .null), ("string", .string), ("boolean", .bool), ("array", .array), ("object", .object),
            ("number", .number):
            true
        case ("integer", .number): value.int != nil
        default: false
        }
    }
}
