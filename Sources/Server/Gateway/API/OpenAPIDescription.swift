import Connector
import HTTPServer

/// `/openapi.json`: OpenAPI 3.1, made of the same table as the router.
struct OpenAPIDescription {
    let routes: [APIRoute]
    let version: String

    /// The description's own route; the handler is put in by whoever has the description.
    static let route = APIRoute(
        method: .get, pattern: "/openapi.json", scope: nil, summary: "This description",
        answer: APIAnswer(description: "OpenAPI 3.1", schema: nil)
    ) { _ in HTTPResponse(.notFound) }

    var json: JSONValue {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "Kommutator", "version": .string(version),
                "description":
                    "Calls of all providers as one log. Take a value of an enumeration that is not listed for unknown.",
            ],
            "servers": [["url": "/"]],
            "paths": .object(paths),
            "webhooks": ["contact.lookup": LookupDescription.webhook],
            "components": [
                "securitySchemes": ["key": ["type": "http", "scheme": "bearer", "description": "`kommutator key create`"]],
                "schemas": .object(Schemas.all),
            ],
        ]
    }

    private var paths: [JSONValue.Member] {
        let all = routes + [Self.route]
        var patterns: [String] = []
        for route in all where !patterns.contains(route.pattern) { patterns.append(route.pattern) }
        return patterns.map { pattern in
            let operations = all.filter { $0.pattern == pattern }
            return .init(pattern, .object(operations.map { .init($0.method.name.lowercased(), Self.operation($0)) }))
        }
    }

    private static func operation(_ route: APIRoute) -> JSONValue {
        var members: [JSONValue.Member] = [.init("summary", .string(route.summary))]
        if let scope = route.scope {
            members.append(.init("security", [["key": []]]))
            members.append(.init("description", .string("Needs the scope `\(scope.rawValue)`.")))
        }
        if !route.parameters.isEmpty { members.append(.init("parameters", .array(route.parameters.map(parameter)))) }
        if let body = route.body {
            members.append(.init("requestBody", ["content": ["application/json": ["schema": Schemas.reference(body)]]]))
        }
        members.append(.init("responses", .object(responses(route))))
        return .object(members)
    }

    private static func parameter(_ parameter: APIParameter) -> JSONValue {
        [
            "name": .string(parameter.name), "in": .string(parameter.place.rawValue), "required": .bool(parameter.isRequired),
            "description": .string(parameter.description), "schema": parameter.schema,
        ]
    }

    private static func responses(_ route: APIRoute) -> [JSONValue.Member] {
        let answer = route.answer
        var media: [JSONValue.Member] = []
        if let schema = answer.schema {
            media.append(.init("schema", Schemas.reference(schema)))
        } else {
            media.append(.init("schema", ["type": answer.mediaType == "application/json" ? "object" : "string"]))
        }
        if let example = answer.example { media.append(.init("example", example)) }
        var content: [JSONValue.Member] = [.init(answer.mediaType, .object(media))]
        content += answer.otherMediaTypes.map { .init($0, ["schema": ["type": "string"]]) }
        var responses: [JSONValue.Member] = [
            .init(String(answer.status), ["description": .string(answer.description), "content": .object(content)])
        ]
        responses += route.otherStatuses.sorted { $0.key < $1.key }.map { status, meaning in
            .init(String(status), status == 304 ? ["description": .string(meaning)] : problem(meaning))
        }
        if route.scope != nil { responses.append(.init("default", problem("A refusal"))) }
        return responses
    }

    private static func problem(_ meaning: String) -> JSONValue {
        ["description": .string(meaning), "content": ["application/problem+json": ["schema": Schemas.reference("Problem")]]]
    }
}

extension JSONValue {
    static let text: JSONValue = ["type": "string"]
    static let flag: JSONValue = ["type": "boolean"]
    static let moment: JSONValue = ["type": "string", "format": "date-time"]

    static func integer(_ range: ClosedRange<Int>, standard: Int) -> JSONValue {
        [
            "type": "integer", "minimum": .number(String(range.lowerBound)), "maximum": .number(String(range.upperBound)),
            "default": .number(String(standard)),
        ]
    }

    static func oneOf<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> JSONValue where Choice.RawValue == String {
        ["type": "string", "enum": .array(Choice.allCases.map { .string($0.rawValue) })]
    }
}
